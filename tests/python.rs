//! The system's Python, which has GDAL and Mapnik where they are installed.

use std::process::Command;

/// What a script prints; `None` where its module is missing, which is said aloud.
pub fn python(module: &str, script: &str, arguments: &[&str]) -> Option<String> {
    // Python modules of the system are the system Python's.
    let has = Command::new("/usr/bin/python3")
        .args(["-c", &format!("import {module}")])
        .output();
    if !has.is_ok_and(|out| out.status.success()) {
        let required = std::env::var_os("HEATSPLAT_REQUIRE_ALL").is_some_and(|v| v == "1");
        assert!(!required, "python3's {module} is missing");
        eprintln!("LEFT OUT: python3 has no {module}; install python3-gdal and python3-mapnik");
        return None;
    }
    let out = Command::new("/usr/bin/python3")
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
