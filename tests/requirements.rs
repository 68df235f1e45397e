//! Parts that tests need and that a machine may lack.

/// Reports that a test is left out because a part is missing. With `HEATSPLAT_REQUIRE_ALL=1` the
/// test fails instead.
pub fn left_out(missing: &str) {
    let required = std::env::var_os("HEATSPLAT_REQUIRE_ALL").is_some_and(|v| v == "1");
    assert!(!required, "{missing}");
    eprintln!("LEFT OUT: {missing}");
}
