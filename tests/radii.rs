//! Points with different radii: the radius of each point is in a column of its row.

use crate::program::{command, folder, heatsplat};
use crate::scenes;
use heatsplat::render::PointSet;
use heatsplat::{CpuBackend, Layer, Point, Window};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

/// Longitude, latitude, weight and radius of each row, as texts. Several rows have the same
/// position, some rows are bad, and some radii are missing or illegal.
const ROWS: [[&str; 4]; 11] = [
    ["10", "20", "1", "8"],
    ["10", "20", "2", "30"],
    ["bad", "20", "1", "50"],
    ["11", "20", "x", "60"],
    ["12", "21", "1", ""],
    ["12", "21", "1", "5"],
    ["13", "22", "1", "abc"],
    ["14", "22", "1", "0"],
    ["10", "20", "4", "16"],
    ["10", "95", "1", "70"],
    ["10", "20", "1", "-3"],
];

const VIEW: [&str; 6] = [
    "--weight",
    "weight",
    "--bbox=8,18,16,24",
    "--size",
    "200x150",
    "--normalize=mass",
];

/// The densities in a `.npy` file.
fn densities(file: &Path) -> Vec<f32> {
    let bytes = std::fs::read(file).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10;
    let values = bytes[header..].chunks_exact(4);
    values
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

/// The densities that the rows must give.
fn truth() -> Vec<f32> {
    let number = |text: &str| text.parse::<f64>().ok();
    let row = |[lon, lat, weight, radius]: &[&str; 4]| {
        let point = Point::from_lon_lat(number(lon)?, number(lat)?, number(weight)? as f32);
        Some((point.ok()?, number(radius).unwrap_or(0.0) as f32))
    };
    let (points, radii): (Vec<_>, Vec<_>) = ROWS.iter().filter_map(row).unzip();
    assert_eq!(points.len(), 8);
    let set = Arc::new(PointSet::with_radii(&points, &radii));
    let style = scenes::style(&[("normalize", "mass")]);
    let layer = Layer::new("rows", set, style.clone(), Arc::new(CpuBackend::new()));
    let window = Window::around([8.0, 18.0, 16.0, 24.0].try_into().unwrap(), 200, 150).unwrap();
    layer.map(window).style(&style).density().values
}

fn assert_drawn(drawn: &Path, source: &str) {
    let (drawn, truth) = (densities(drawn), truth());
    let peak = truth.iter().fold(0.0f32, |peak, v| peak.max(*v));
    assert_eq!(drawn.len(), truth.len(), "{source}");
    let off = drawn.iter().zip(&truth).map(|(a, b)| (a - b).abs());
    let off = off.fold(0.0f32, f32::max);
    assert!(off <= peak * 1e-5, "{source}: {off} of {peak}");
}

fn csv() -> String {
    let rows = ROWS.iter().map(|row| row.join(",") + "\n");
    std::iter::once("lon,lat,weight,reach\n".to_owned())
        .chain(rows)
        .collect()
}

fn geojson() -> String {
    let feature = |[lon, lat, weight, reach]: &[&str; 4]| {
        format!(
            "{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"Point\",\"coordinates\":[{},{lat}]}},\
             \"properties\":{{\"weight\":\"{weight}\",\"reach\":{}}}}}",
            if *lon == "bad" { "999" } else { lon },
            if reach.is_empty() {
                "null".to_owned()
            } else {
                format!("\"{reach}\"")
            },
        )
    };
    let features: Vec<_> = ROWS.iter().map(feature).collect();
    format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{}]}}",
        features.join(",")
    )
}

#[test]
fn each_row_has_its_own_radius_and_the_file_is_read_once() {
    let folder = folder("radii");
    for (name, text) in [("rows.csv", csv()), ("rows.geojson", geojson())] {
        let (file, out) = (folder.join(name), folder.join("out.npy"));
        std::fs::write(&file, &text).unwrap();
        let (file, out_name) = (file.to_str().unwrap(), out.to_str().unwrap());
        let radii = ["--radius-column", "reach"];
        let from_file = [&["render", file, "-o", out_name], &VIEW[..], &radii].concat();
        let (code, _, err) = heatsplat(&from_file);
        assert_eq!(code, 0, "{err}");
        assert_drawn(&out, name);
        std::fs::remove_file(&out).unwrap();
        // A pipe can't be read a second time, so each source is read only once.
        let piped = [&["render", "-", "-o", out_name], &VIEW[..], &radii].concat();
        let mut child = command(&piped).stdin(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
        assert_drawn(&out, "a pipe");
    }
}

#[test]
fn what_becomes_of_radii_is_said() {
    let folder = folder("radii-said");
    let file = folder.join("rows.csv");
    std::fs::write(&file, csv()).unwrap();
    let file = file.to_str().unwrap();
    let out = folder.join("out.png");
    let out = out.to_str().unwrap();
    let (_, _, err) = heatsplat(&[
        "render",
        file,
        "-o",
        out,
        "--weight",
        "weight",
        "--radius-column",
        "reach",
    ]);
    assert!(
        err.contains("4 radii from \"reach\" (2 are none and have the style's: \"abc\", \"-3\")"),
        "{err}"
    );
    let (code, _, err) = heatsplat(&["render", file, "-o", out, "--radius-column", "rech"]);
    assert!(
        code == 1 && err.contains("--radius-column") && err.contains("reach"),
        "{err}"
    );
}
