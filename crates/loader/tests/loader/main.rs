//! Tests of loading through the public interface of the crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod archive;
mod areas;
mod arrow;
mod axes;
mod bounded;
mod cells;
mod columns;
mod compared;
mod corpus;
mod csv;
mod damage;
mod decimals;
mod filters;
mod fit;
mod formats;
mod geojson;
mod geometries;
mod geopackage;
mod geoparquet;
mod input;
mod json_rows;
mod json_rows_compared;
mod keep;
mod kml;
mod large;
mod malformed;
mod nmea;
mod quotes;
mod random;
mod raster;
mod records;
#[cfg(feature = "remote")]
mod remote;
mod robustness;
mod sets;
mod shapefile;
mod shapes;
mod sqlite;
mod systems;
mod text;
mod weights;
mod whole_positions;
mod within;
mod xlsx;

use heatsplat_loader::{LoadError, LoadOptions, Report, SkipReason, Source, load, open, read};
use heatsplat_points::{Point, mercator};
use std::path::{Path, PathBuf};

/// Rows that many formats are tested with: longitude, latitude and weight.
const ROWS: [(f64, f64, Option<f64>); 5] = [
    (13.4, 52.5, Some(3.0)),
    (-179.99, -84.9, Some(-2.5)),
    (0.0, 0.0, None),
    (200.0, 10.0, Some(1.0)),
    (5.0, 88.0, Some(1.0)),
];

/// Asserts that a file of [`ROWS`] gave the points and counts that these rows give in CSV.
fn assert_like_csv((points, report): (Vec<Point>, Report)) {
    let weight = |w: Option<f64>| w.map_or(String::new(), |w| w.to_string());
    let rows = ROWS.map(|(x, y, w)| format!("{x},{y},{}\n", weight(w)));
    let text = format!("lon,lat,count\n{}", rows.concat());
    let (expected, by) = loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(points, expected);
    assert_eq!((report.rows, report.kept), (by.rows, by.kept));
    assert_eq!(report.weights_missing, by.weights_missing);
    assert_eq!(report.at_null_island, by.at_null_island);
    for reason in SkipReason::ALL {
        assert_eq!(report.skipped(reason), by.skipped(reason), "{reason}");
    }
    let first = report.examples[0].to_string();
    assert_eq!(first, "record 5: outside: latitude 88");
}

/// A folder for one test. It is removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heatsplat-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Loads a file. Returns its points and report, or the error.
fn opened(path: &Path, options: &LoadOptions) -> Result<(Vec<Point>, Report), LoadError> {
    drained(&mut *open(path, options)?)
}

/// Reads a source to its end. Returns its points in the order of the rows, and the report.
fn drained(source: &mut dyn Source) -> Result<(Vec<Point>, Report), LoadError> {
    let mut points = Vec::new();
    let report = load(source, &mut points, |_| ())?;
    Ok((points, report))
}

/// Loads `text` as if it were a file called `name`. Returns its points and report, or the error.
fn loaded(
    name: &str,
    text: &[u8],
    options: &LoadOptions,
) -> Result<(Vec<Point>, Report), LoadError> {
    drained(&mut *read(
        std::io::Cursor::new(text.to_vec()),
        name,
        options,
    )?)
}

/// The longitude, latitude and weight of every point. Degrees are rounded to six digits after the
/// point.
fn places(name: &str, text: &str) -> Vec<(f64, f64, f32)> {
    let (points, _) = loaded(name, text.as_bytes(), &LoadOptions::default()).unwrap();
    let round = |v: f64| (v * 1e6).round() / 1e6;
    let place = |p: &Point| {
        let (lon, lat) = mercator::unproject(p.at());
        (round(lon), round(lat), p.weight)
    };
    points.iter().map(place).collect()
}

/// Loads `text` as if it were a file called `name`, which must fail. Returns the error's message.
fn error(name: &str, text: &[u8], options: &LoadOptions) -> String {
    loaded(name, text, options)
        .map(|(_, r)| r)
        .unwrap_err()
        .to_string()
}

fn weight(name: &str) -> LoadOptions {
    LoadOptions {
        weight: Some(name.into()),
        ..LoadOptions::default()
    }
}
