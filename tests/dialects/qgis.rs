//! The real QGIS, compared with what heatsplat draws after importing its style. QGIS is large, so
//! the test runs only if `HEATSPLAT_QGIS` is set. /usr/bin/python3 must then have the module of
//! QGIS (python3-qgis).

use super::{SIDE, compare, csv, half, pixels};
use crate::compare::decode_png;
use heatsplat_import as import;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn maps_of_qgis_are_found_again() {
    if std::env::var_os("HEATSPLAT_QGIS").is_none() {
        return;
    }
    let folder = crate::program::folder("qgis");
    let [points, style, picture] = ["points.csv", "heat.qml", "heat.png"].map(|n| folder.join(n));
    fs::write(&points, csv()).unwrap();
    let run = Command::new("/usr/bin/python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects/draw_by_qgis.py"))
        .args([&points, &style, &picture])
        .args([SIDE.to_string(), half().to_string()])
        .env("QT_QPA_PLATFORM", "offscreen")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{said}");
    let theirs = decode_png(&fs::read(&picture).unwrap());
    let imported = import::style(&fs::read_to_string(&style).unwrap()).unwrap();
    assert_eq!(imported.columns.weight.as_deref(), Some("weight"));
    compare("qgis", &pixels(&theirs), &imported);
}
