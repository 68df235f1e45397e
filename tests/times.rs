//! Windows of time at the command line: `--time`, `--time-step`, `--time-zone` and `render
//! --window`.

use crate::compare::decode_png;
use crate::program::{Server, folder, heatsplat};
use serde_json::Value;
use std::path::Path;

/// Writes rows with times of three years, some before 1970, to a file. Every tenth has none.
fn rows(path: &Path) {
    let row = |i: u32| {
        let (lon, lat) = (
            f64::from(i * 37 % 200) / 10.0,
            f64::from(i * 53 % 180) / 10.0,
        );
        let time = match i % 10 {
            3 => String::new(),
            _ => format!(
                "{}-{:02}-{:02} {:02}:15:00",
                1969 + i % 3,
                i % 12 + 1,
                i % 28 + 1,
                i % 24
            ),
        };
        format!("{lon},{lat},{time},{}\n", ["a", "b"][i as usize % 2])
    };
    let rows: String = (0..3000).map(row).collect();
    std::fs::write(path, format!("lon,lat,seen,kind\n{rows}")).unwrap();
}

#[test]
fn a_window_is_rendered_as_a_file_with_its_rows_alone() {
    let dir = folder("time-render");
    let file = dir.join("rows.csv");
    rows(&file);
    let file = file.to_str().unwrap();
    let render = |name: &str, more: &[&str]| {
        let out = dir.join(name);
        let out = out.to_str().unwrap();
        let args = [
            "render",
            file,
            "-o",
            out,
            "--bbox=0,0,20,18",
            "--radius=6",
            "--size=300",
        ];
        let (code, _, err) = heatsplat(&[&args, more].concat());
        (code, std::fs::read(out).unwrap_or_default(), err)
    };
    for (window, filter) in [
        ("1969", "seen < 1970-01-01"),
        (
            "1969-11/1970-02",
            "seen >= 1969-11-01 and seen < 1970-03-01",
        ),
        ("P1Y/latest", "seen >= 1971-01-01"),
    ] {
        let zone = ["--time=seen", "--time-step=1d", "--window", window];
        let (code, by_window, err) = render("a.png", &zone);
        assert_eq!(code, 0, "{err}");
        assert!(
            err.contains("times in \"seen\"") && err.contains("300 rows have no time"),
            "{err}"
        );
        let (_, by_filter, _) = render("b.png", &["--filter", filter]);
        assert!(by_window == by_filter, "{window}");
        assert!(
            decode_png(&by_window)
                .into_raw()
                .iter()
                .any(|byte| *byte != 0)
        );
    }
    // A column of times that is kept anyway need not be named.
    let (code, kept, _) = render("c.png", &["--keep=seen,kind", "--window=1970"]);
    let (_, named, _) = render("d.png", &["--time=seen", "--window=1970"]);
    assert!(code == 0 && kept == named);
    for (more, says) in [
        (
            &["--window=1970"][..],
            "--window needs a column of times: name it by --time",
        ),
        (
            &["--keep=seen", "--time=none", "--window=1970"],
            "name it by --time",
        ),
        (
            &["--time=kind", "--window=1970"],
            "no row has a time in the column \"kind\"",
        ),
        (&["--time=gone", "--window=1970"], "`time`"),
        (
            &["--time=seen", "--time-step=1s"],
            "a step of PT1S is too fine for times from 1969-01-01",
        ),
        (
            &["--time=seen", "--window=1971/1970"],
            "ends before it begins",
        ),
        (&["--time-step=1h"], "name it by --time"),
        (&["--time=seen", "--radius-column=lat"], "--radius-column"),
    ] {
        let (code, _, err) = render("e.png", more);
        assert!(code == 1 && err.contains(says), "{more:?}: {err}");
    }
    for (more, says) in [
        ("--time-zone=Mars/Olympus", "Europe/Berlin"),
        ("--time-step=7h", "1h, 15min"),
        ("--window=yesterday", "expected a date"),
    ] {
        let (code, _, err) = render("f.png", &[more]);
        assert!(code == 2 && err.contains(says), "{more}: {err}");
    }
}

/// Tiles of a window are those of a file with its rows alone; the points themselves are chosen by a
/// filter.
#[test]
fn a_window_is_exported() {
    let dir = folder("time-export");
    let file = dir.join("rows.csv");
    rows(&file);
    let file = file.to_str().unwrap();
    let export = |name: &str, more: &[&str]| {
        let out = dir.join(name);
        let args = [
            "export",
            file,
            "-o",
            out.to_str().unwrap(),
            "--zoom=0-3",
            "--radius=6",
        ];
        let (code, _, err) = heatsplat(&[&args, more].concat());
        (code, std::fs::read(out).unwrap_or_default(), err)
    };
    let window = ["--time=seen", "--window=1969", "--name=a"];
    let (code, by_window, err) = export("a.pmtiles", &window);
    assert!(code == 0 && err.contains("the window 1969-"), "{err}");
    let (_, by_filter, _) = export("b.pmtiles", &["--filter=seen < 1970-01-01", "--name=a"]);
    assert!(!by_window.is_empty() && by_window == by_filter);
    let (code, _, err) = export("c.pmtiles", &["--window=1969"]);
    assert!(code == 1 && err.contains("name it by --time"), "{err}");
    let out = dir.join("d.parquet");
    let args = [
        "export",
        file,
        "-o",
        out.to_str().unwrap(),
        "--time=seen",
        "--window=1969",
    ];
    let (code, _, err) = heatsplat(&args);
    assert!(code == 2 && err.contains("--window is for tiles"), "{err}");
}

#[test]
fn windows_are_served() {
    let dir = folder("time-serve");
    let file = dir.join("rows.csv");
    rows(&file);
    let file = file.to_str().unwrap();
    let server = Server::start(&[
        file,
        "--time=seen",
        "--time-zone=Europe/Berlin",
        "--time-step=1d",
    ]);
    let json = |path: &str| -> Value { serde_json::from_slice(&server.get(path, "").2).unwrap() };
    let times = json("/rows/time.json");
    assert_eq!(
        (&times["step"], &times["zone"]),
        (&"P1D".into(), &"Europe/Berlin".into())
    );
    assert_eq!(times["without"], 300);
    // The column of times is not kept, so it can't be filtered by.
    assert!(json("/catalog")["layers"][0].get("attributes").is_none());
    let value = json("/rows/value?lon=3.7&lat=5.3&z=6&time=1970-06");
    assert_eq!(value["time"], "1970-05-31T23:00:00Z/1970-06-30T23:00:00Z");
}
