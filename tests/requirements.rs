//! Parts that tests need and that a machine may lack.

use std::io::Write as _;

/// Reports that a test is left out because a part is missing. With `HEATSPLAT_REQUIRE_ALL=1` the
/// test fails instead.
pub fn left_out(missing: &str) {
    let required = std::env::var_os("HEATSPLAT_REQUIRE_ALL").is_some_and(|v| v == "1");
    assert!(!required, "{missing}");
    eprintln!("LEFT OUT: {missing}");
    // What a test prints is only shown if it fails, so `scripts/test` has a file for this.
    if let Some(list) = std::env::var_os("HEATSPLAT_LEFT_OUT") {
        let list = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(list);
        list.unwrap()
            .write_all(format!("{missing}\n").as_bytes())
            .unwrap();
    }
}

/// Returns true if a program can be run with `--version`.
#[cfg(feature = "program")]
pub fn runs(program: &str) -> bool {
    let run = std::process::Command::new(program)
        .arg("--version")
        .output();
    run.is_ok_and(|run| run.status.success())
}

/// Returns true if there is a browser that the scripts in `tests/browser` find.
#[cfg(feature = "program")]
pub fn has_browser() -> bool {
    std::env::var_os("CHROMIUM").is_some()
        || ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .any(runs)
}
