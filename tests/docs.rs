//! The commands in README.md and docs/, which `scripts/docs-run` runs with the real program.

use crate::program::folder;
use crate::requirements::left_out;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the commands of some pages, or of all without any. `None`, with a message, if Python is
/// missing.
fn run(pages: &[&Path]) -> Option<Output> {
    let python = Command::new("python3").arg("--version").output();
    if python.is_err() {
        left_out("python3 is missing, which runs the commands of the docs");
        return None;
    }
    let out = Command::new("python3")
        .arg("scripts/docs-run")
        .args(pages)
        .env("BINARY", env!("CARGO_BIN_EXE_heatsplat"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    Some(out.unwrap())
}

#[test]
fn every_command_of_the_docs_runs() {
    let Some(out) = run(&[]) else { return };
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let said = String::from_utf8_lossy(&out.stdout);
    for page in ["README.md: ", "docs/http.md: ", "docs/postgis.md: "] {
        assert!(said.contains(page), "{page} is not run: {said}");
    }
}

#[test]
fn a_command_of_the_docs_that_is_wrong_is_found() {
    let dir = folder("docs-run");
    let page = dir.join("page.md");
    let wrong = [
        ("```sh\ntrue\n\nheatsplat info nofile.csv\n```\n", ":2: "),
        ("text\n```console\n$ echo one\ntwo\n```\n", ":3: "),
        ("<!-- fails -->\n```sh\nheatsplat ramps\n```\n", ":3: "),
        (
            "```sh\nheatsplat serve examples/quakes.csv --radius none\n```\n",
            ":2: ",
        ),
        ("```sh\ncargo install heatsplat\n```\n", ":2: "),
        ("```bash\nheatsplat ramps\n```\n", ":2: "),
    ];
    for (text, place) in wrong {
        std::fs::write(&page, text).unwrap();
        let Some(out) = run(&[&page]) else { return };
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success(), "{text}");
        assert!(said.contains(&format!("page.md{place}")), "{text}: {said}");
    }
    let right = "```console\n$ heatsplat ramps\nperceptual…polar…\n```\n";
    std::fs::write(&page, right).unwrap();
    let Some(out) = run(&[&page]) else { return };
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
}
