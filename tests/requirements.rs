//! Parts that tests need and a machine may not have.

/// Says aloud that a test is left out for lack of something; fails where none may be
/// (`HEATSPLAT_REQUIRE_ALL=1`).
pub fn left_out(missing: &str) {
    let required = std::env::var_os("HEATSPLAT_REQUIRE_ALL").is_some_and(|v| v == "1");
    assert!(!required, "{missing}");
    eprintln!("LEFT OUT: {missing}");
}
