//! Tests the viewer, and the page in README.md, in a real Chromium. Scripts in `tests/browser`
//! control the browser.
//!
//! The tests need node, the packages of the scripts (`npm ci` in tests/browser) and Chromium;
//! `scripts/test` installs all of them. If one is missing, a test is left out with a message; with
//! `HEATSPLAT_REQUIRE_ALL=1` it fails instead.

use crate::program::Server;
use crate::requirements::{has_browser, left_out, runs};
use std::path::Path;
use std::process::Command;

#[test]
fn the_viewer_shows_heat() {
    run("viewer.mjs", &["examples/cities.csv.gz"]);
}

#[test]
fn the_page_in_the_readme_works() {
    run("readme.mjs", &["examples/incidents.csv", "--keep", "kind"]);
}

/// Runs a script with the address of a server for some arguments of `heatsplat serve`.
fn run(script: &str, arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let missing = [
        (!runs("node"), "node"),
        (!has_browser(), "chromium"),
        (
            !folder.join("node_modules/playwright-core").exists(),
            "tests/browser/node_modules (npm ci)",
        ),
    ];
    let missing: Vec<_> = missing
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, what)| *what)
        .collect();
    if !missing.is_empty() {
        left_out(&format!("the browser test needs {}", missing.join(", ")));
        return;
    }
    let server = Server::start(arguments);
    let run = Command::new("node")
        .arg(folder.join(script))
        .arg(format!("http://{}", server.address))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
}
