//! Whole data sets in every format, written by these tests or by GDAL. Each file must give exactly
//! the points, weights and counts that the CSV file gives, and so exactly its tiles.
//!
//! Some sets are generated. The environment variable `HEATSPLAT_DATA` can name a folder with more
//! sets, in CSV.

use crate::formats::{self, Row};
use crate::{Folder, opened, weight};
use heatsplat_loader::{LoadOptions, Position, Report, open};
use heatsplat_points::{Points, Summary};
use std::path::Path;
use std::process::Command;

/// Positions with their weights; `None` means that a row has no weight.
type Set = Vec<(f64, f64, Option<f64>)>;

/// Two generated sets: a town, in which every position occurs many times, and points all over the
/// world up to its edges.
fn made_up() -> [(String, Set); 2] {
    let mut state = 1u64;
    let mut dice = move |sides: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % sides) as f64
    };
    let town = (0..3000).map(|_| {
        let (x, y) = (dice(500), dice(300));
        (-95.8 + x / 1e3, 29.5 + y / 1e3, Some(dice(9) - 1.0))
    });
    let town = town.collect();
    let world = (0..3000).map(|i| {
        let w = (i % 7 > 0).then(|| dice(1000) / 8.0);
        (
            dice(720_000_001) / 1e6 - 360.0,
            dice(180_000_001) / 1e6 - 90.0,
            w,
        )
    });
    [
        ("town".to_owned(), town),
        ("world".to_owned(), world.collect()),
    ]
}

/// The CSV files in a folder, read by another CSV library. A file with a `.expect.json` beside it
/// is left out: such files are full of errors that other formats can't contain.
fn given(folder: &Path) -> Vec<(String, Set)> {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|e| e == "csv"))
        .collect();
    let with = |file: &Path, more: &str| file.with_extension(format!("csv.{more}")).exists();
    files.retain(|file| !with(file, "expect.json"));
    files.sort();
    let set = |file: &std::path::PathBuf| {
        let columns = open(file, &LoadOptions::default())
            .unwrap()
            .columns()
            .clone();
        let Position::LonLat { lon, lat } = &columns.position else {
            panic!("{columns:?}");
        };
        let mut reader = ::csv::ReaderBuilder::new()
            .flexible(true)
            .from_path(file)
            .unwrap();
        let header = reader.byte_headers().unwrap().clone();
        let at = |name: &str| header.iter().position(|field| field == name.as_bytes());
        let places = [at(lon), at(lat), columns.weight.as_deref().and_then(at)];
        let rows = reader.byte_records().filter_map(|record| {
            let record = record.unwrap();
            let number = |at: Option<usize>| -> Option<f64> {
                let text = std::str::from_utf8(record.get(at?)?).ok()?;
                text.trim().parse().ok().filter(|n: &f64| n.is_finite())
            };
            let [x, y, w] = places.map(number);
            Some((x?, y?, w.or(columns.weight.is_none().then_some(1.0))))
        });
        (file.display().to_string(), rows.collect())
    };
    files.iter().map(set).collect()
}

fn sets() -> Vec<(String, Set)> {
    let mut sets: Vec<_> = made_up().into();
    if let Some(folder) = std::env::var_os("HEATSPLAT_DATA") {
        sets.extend(given(Path::new(&folder)));
    }
    sets
}

fn rows(set: &Set) -> Vec<Row> {
    let row = |&(lon, lat, n): &(f64, f64, Option<f64>)| Row {
        lon,
        lat,
        kind: None,
        n,
        day: None,
        flag: None,
    };
    set.iter().map(row).collect()
}

/// Loads a file. Returns the summary of its index, its points in a sorted order, and its report.
fn of(path: &Path) -> (Summary, Vec<(u32, u32, u32)>, Report) {
    let (points, report) = opened(path, &weight("n")).unwrap();
    let summary = *Points::from_slice(&points).summary();
    let mut points: Vec<_> = points
        .iter()
        .map(|p| (p.x, p.y, p.weight.to_bits()))
        .collect();
    points.sort_unstable();
    (summary, points, report)
}

fn assert_same(path: &Path, csv: &(Summary, Vec<(u32, u32, u32)>, Report)) {
    let (summary, points, report) = of(path);
    let name = path.display();
    let differ = points.iter().zip(&csv.1).find(|(a, b)| a != b);
    assert!(
        points == csv.1,
        "{name}: other points than in CSV: {differ:?}"
    );
    assert_eq!(
        (summary.count, summary.bounds),
        (csv.0.count, csv.0.bounds),
        "{name}"
    );
    let (sum, by_csv) = (summary.weight_sum, csv.0.weight_sum);
    assert!(
        (sum - by_csv).abs() <= 1e-9 * by_csv.abs(),
        "{name}: {sum} {by_csv}"
    );
    let account = |report: &Report| {
        let skipped = heatsplat_loader::SkipReason::ALL.map(|skip| report.skipped(skip));
        (report.rows, report.kept, report.weights_missing, skipped)
    };
    assert_eq!(account(&report), account(&csv.2), "{name}");
}

#[test]
fn sets_are_the_same_in_every_format() {
    let folder = Folder::new("sets");
    for (name, set) in sets() {
        let rows = rows(&set);
        let csv = of(&formats::write(&folder, "csv", &rows));
        assert!(csv.0.count * 10 > rows.len() * 9, "{name}");
        for format in formats::ALL {
            eprintln!("{name} as {format}");
            assert_same(&formats::write(&folder, format, &rows), &csv);
        }
    }
}

#[test]
fn sets_are_the_same_as_gdal_writes_them() {
    let gdal = Command::new("ogr2ogr").arg("--version").output();
    if !gdal.is_ok_and(|done| done.status.success()) {
        let required = std::env::var_os("HEATSPLAT_REQUIRE_ALL").is_some_and(|v| v == "1");
        assert!(!required, "there is no ogr2ogr (GDAL)");
        if let Some(list) = std::env::var_os("HEATSPLAT_LEFT_OUT") {
            let mut list = std::fs::OpenOptions::new().append(true).open(list).unwrap();
            std::io::Write::write_all(&mut list, b"there is no ogr2ogr (GDAL)\n").unwrap();
        }
        return eprintln!("LEFT OUT: there is no ogr2ogr (GDAL)");
    }
    // GDAL may be built without it.
    let described = Command::new("ogr2ogr")
        .args(["--format", "SQLite"])
        .output();
    let described = String::from_utf8_lossy(&described.unwrap().stdout).into_owned();
    let has_spatialite = described.contains("name=\"SPATIALITE\"");
    let folder = Folder::new("sets-gdal");
    for (name, set) in sets() {
        let path = formats::write(&folder, "csv", &rows(&set));
        let csv = of(&path);
        for (format, driver) in [
            ("fgb", "FlatGeobuf"),
            ("gpkg", "GPKG"),
            ("shp", "ESRI Shapefile"),
            ("geojson", "GeoJSON"),
            ("geojsonl", "GeoJSONSeq"),
            ("sqlite", "SQLite"),
            ("spatialite", "SQLite"),
        ] {
            if format == "spatialite" && !has_spatialite {
                continue;
            }
            let out = folder.file(&format!("gdal.{format}"));
            let done = Command::new("ogr2ogr")
                .args(["-f", driver, "-a_srs", "EPSG:4326", "-overwrite"])
                .args(["-oo", "X_POSSIBLE_NAMES=lon", "-oo", "Y_POSSIBLE_NAMES=lat"])
                .args(["-oo", "AUTODETECT_TYPE=YES"])
                .args(match format {
                    "geojson" | "geojsonl" => &["-lco", "COORDINATE_PRECISION=15"][..],
                    "spatialite" => &["-dsco", "SPATIALITE=YES"],
                    _ => &[],
                })
                .args([&out, &path])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{name} as {format}: {said}");
            eprintln!("{name} as {format} by GDAL");
            assert_same(&out, &csv);
            let _ = std::fs::remove_file(&out);
        }
    }
}

/// A missing weight must not become a weight of 0, and a weight of 0 or −0 must not become a
/// missing one.
#[test]
fn missing_weights_are_told_from_zeros_in_every_format() {
    let folder = Folder::new("missing-weights");
    let weights = [Some(10.0), None, Some(0.0), Some(-0.0), Some(20.0)];
    let set: Set = (1..)
        .zip(weights)
        .map(|(i, w)| (f64::from(i), 2.0, w))
        .collect();
    for format in formats::ALL {
        let path = formats::write(&folder, format, &rows(&set));
        let (points, report) = opened(&path, &weight("n")).unwrap();
        let with: Vec<bool> = points.iter().map(|p| p.has_weight()).collect();
        assert_eq!(with, weights.map(|w| w.is_some()), "{format}");
        let summary = *Points::from_slice(&points).summary();
        assert_eq!(
            (summary.without_weight, summary.weight_sum),
            (1, 30.0),
            "{format}"
        );
        assert_eq!(report.weights_missing, 1, "{format}");
    }
}
