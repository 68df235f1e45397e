//! Python scripts with modules that know nothing of heatsplat. They read what heatsplat writes, or
//! draw the same points.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a script in the system's Python, which has GDAL and Mapnik. Returns the script's output, or
/// `None` if the module is missing.
pub fn system(module: &str, script: &str, arguments: &[&str]) -> Option<String> {
    run(Path::new("/usr/bin/python3"), module, script, arguments)
}

/// Runs a script in the Python environment that `scripts/test` fills from PyPI. Returns the
/// script's output, or `None` if the module is missing.
pub fn packaged(module: &str, script: &str, arguments: &[&str]) -> Option<String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python");
    let folder = std::env::var_os("HEATSPLAT_PYTHON").map_or(own, PathBuf::from);
    run(&folder.join("bin/python3"), module, script, arguments)
}

fn run(python: &Path, module: &str, script: &str, arguments: &[&str]) -> Option<String> {
    let has = Command::new(python)
        .args(["-c", &format!("import {module}")])
        .output();
    if !has.is_ok_and(|out| out.status.success()) {
        let python = python.display();
        crate::requirements::left_out(&format!(
            "{python} has no {module}; scripts/test installs it"
        ));
        return None;
    }
    let out = Command::new(python)
        .args(["-c", script])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    Some(String::from_utf8(out.stdout).unwrap().trim().to_owned())
}
