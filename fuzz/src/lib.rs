//! The code that all targets share: the loader's tests check the outcome of any bytes.
#![forbid(unsafe_code)]

#[allow(dead_code)]
#[path = "../../crates/loader/tests/loader/robustness.rs"]
mod robustness;

use std::path::PathBuf;
use std::sync::LazyLock;

/// The folder for the bytes as files; in memory, if `TMPDIR` is.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("heatsplat-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for what is tried");
    folder
});

/// One try; panics where a reader does what it may not.
pub fn attempt(target: &str, bytes: &[u8]) {
    let _ = robustness::attempt(&FOLDER, target, bytes);
}

/// The target of a reader.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heatsplat_fuzz::attempt($name, bytes));
    };
}
