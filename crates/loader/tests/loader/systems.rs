//! Coordinate systems of whole files: every format must give the same places in each system. Some
//! systems are refused.

use crate::arrow::{batch, geo, wkb, write_parquet};
use crate::geopackage::{binary, insert, package, point};
use crate::records::{self, epsg, write_shapes};
use crate::{Folder, error, loaded, opened};
use arrow_array::{ArrayRef, BinaryArray};
use flatgeobuf::FgbCrs;
use heatsplat_loader::{LoadError, LoadOptions, Report};
use heatsplat_points::{Point, mercator};
use serde_json::Value;
use shapefile::Point as ShapePoint;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// EPSG numbers of systems that are unusual: grads from Paris, two kinds of feet, old datums, or an
/// oblique cone.
const CODES: [u64; 9] = [4807, 4301, 27700, 31370, 27572, 21781, 5514, 2263, 29873];

/// The positions that PROJ gives in a system, with definitions of the system in several formats.
fn row(code: u64) -> Value {
    let packed = include_bytes!("../data/crs-oracle.jsonl.gz");
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(&packed[..]);
    unpacked.read_to_string(&mut text).unwrap();
    let mut rows = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.find(|row| row["code"] == code).unwrap()
}

/// Rows of x, y, longitude and latitude.
fn rows(row: &Value) -> Vec<[f64; 4]> {
    serde_json::from_value(row["places"].clone()).unwrap()
}

fn assert_there(what: &str, row: &Value, loaded: Result<(Vec<Point>, Report), LoadError>) {
    let (points, _) = loaded.unwrap_or_else(|error| panic!("{what}: {error}"));
    let rows = rows(row);
    assert_eq!(points.len(), rows.len(), "{what}");
    for (point, [_, _, lon, lat]) in points.iter().zip(rows) {
        let (a, b) = mercator::unproject(point.at());
        let off = ((a - lon) * lat.to_radians().cos()).hypot(b - lat) * 111_195.0;
        assert!(off < 12.0, "{what}: {a}, {b} is {off} m from {lon}, {lat}");
    }
}

fn flatgeobuf(rows: &[[f64; 4]], crs: FgbCrs<'_>) -> Vec<u8> {
    let feature = |row| {
        let place = place(row);
        format!("{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{place}}}")
    };
    let features: Vec<String> = rows.iter().map(feature).collect();
    records::flatgeobuf(false, crs, &features)
}

/// A GeoJSON point.
fn place([x, y, ..]: &[f64; 4]) -> String {
    format!("{{\"type\":\"Point\",\"coordinates\":[{x:?},{y:?}]}}")
}

fn parquet(path: &Path, rows: &[[f64; 4]], crs: &Value) {
    let wkb: Vec<_> = rows.iter().map(|row| Some(wkb(row[0], row[1]))).collect();
    let column: ArrayRef = Arc::new(BinaryArray::from_iter(wkb));
    let geo = geo("geometry", &format!(",\"crs\":{crs}"));
    write_parquet(path, &batch(vec![("geometry", column)]), 9, Some(&geo));
}

fn geojson(rows: &[[f64; 4]], name: &str) -> String {
    let feature = |row| {
        let place = place(row);
        format!("{{\"type\":\"Feature\",\"properties\":null,\"geometry\":{place}}}")
    };
    let features: Vec<String> = rows.iter().map(feature).collect();
    format!(
        "{{\"type\":\"FeatureCollection\",\"crs\":{{\"type\":\"name\",\"properties\":\
         {{\"name\":\"{name}\"}}}},\"features\":[{}]}}",
        features.join(",")
    )
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("id");
            object.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => (),
    }
}

#[test]
fn files_of_every_format_have_their_places_in_any_system() {
    let folder = Folder::new("systems");
    let none = LoadOptions::default();
    for code in CODES {
        let row = row(code);
        let rows = rows(&row);
        let text = |key: &str| row[key].as_str().unwrap().to_owned();

        let path = folder.file(&format!("{code}.shp"));
        let shapes: Vec<_> = rows
            .iter()
            .map(|r| (ShapePoint::new(r[0], r[1]), None))
            .collect();
        write_shapes(&path, &shapes, Some(&text("esri")));
        assert_there(&format!("{code} by .prj"), &row, opened(&path, &none));

        let path = folder.file(&format!("{code}.gpkg"));
        let database = package(&path, &["a"], 77);
        let sql = "insert into gpkg_spatial_ref_sys values ('a', 77, ?1, ?2, ?3)";
        for [x, y, ..] in &rows {
            insert(&database, "a", Some(binary(&point(*x, *y), 0)), None);
        }
        for (owner, definition) in [("EPSG", ""), ("NONE", &*text("gdal"))] {
            database
                .execute("delete from gpkg_spatial_ref_sys", [])
                .unwrap();
            database
                .execute(sql, rusqlite::params![owner, code as i64, definition])
                .unwrap();
            let what = format!("{code} by GeoPackage, {owner}");
            assert_there(&what, &row, opened(&path, &none));
        }

        let number = epsg(code as i32);
        let wkt = text("wkt2");
        let defined = FgbCrs {
            wkt: Some(&wkt),
            ..FgbCrs::default()
        };
        for crs in [number, defined] {
            let bytes = flatgeobuf(&rows, crs);
            let what = format!("{code} by FlatGeobuf");
            assert_there(&what, &row, loaded("a.fgb", &bytes, &none));
        }

        let path = folder.file("a.parquet");
        let mut crs = row["projjson"].clone();
        parquet(&path, &rows, &crs);
        assert_there(&format!("{code} by GeoParquet"), &row, opened(&path, &none));
        strip(&mut crs);
        parquet(&path, &rows, &crs);
        let what = format!("{code} by GeoParquet without numbers");
        assert_there(&what, &row, opened(&path, &none));

        let text = geojson(&rows, &format!("urn:ogc:def:crs:EPSG::{code}"));
        let what = format!("{code} by GeoJSON");
        assert_there(&what, &row, loaded("a.geojson", text.as_bytes(), &none));
    }
}

#[test]
fn a_datum_that_only_a_grid_knows_well_is_refused_or_accepted_by_its_error() {
    let row = row(4267);
    let kansas = [[-98.0, 39.0, 0.0, 0.0]];
    let accepting = |metres| LoadOptions {
        datum_error: Some(metres),
        ..LoadOptions::default()
    };
    let folder = Folder::new("nad27");
    let path = folder.file("a.shp");
    let shape = (ShapePoint::new(-98.0, 39.0), None);
    write_shapes(&path, &[shape], row["esri"].as_str());
    let shapes = |options: &LoadOptions| opened(&path, options);
    let json = geojson(&kansas, "EPSG:4267");
    let text = |options: &LoadOptions| loaded("a.geojson", json.as_bytes(), options);
    let bytes = flatgeobuf(&kansas, epsg(4267));
    let fgb = |options: &LoadOptions| loaded("a.fgb", &bytes, options);
    let all: [&dyn Fn(&LoadOptions) -> _; 3] = [&shapes, &text, &fgb];
    for open in all {
        for refusing in [LoadOptions::default(), accepting(6.0)] {
            let message = open(&refusing).unwrap_err().to_string();
            for word in ["us_noaa_conus.tif", "within 7 m", "`datum_error` 7m"] {
                assert!(message.contains(word), "{message}");
            }
        }
        let (points, report) = open(&accepting(50.0)).unwrap();
        assert_eq!((points.len(), report.datum_error), (1, 7));
        let account = report.to_string();
        assert!(account.contains("may be off by 7 m"), "{account}");
    }
    // In Cuba the shift of the same datum is known to within a metre.
    let cuba = geojson(&[[-80.0, 22.0, 0.0, 0.0]], "EPSG:4267");
    let (points, report) = loaded("a.geojson", cuba.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.datum_error), (1, 0));
}

#[test]
fn systems_that_are_none_of_the_earths_surface_are_refused_by_name() {
    for (name, says) in [
        ("EPSG:4978", "EPSG:4978"),
        ("urn:ogc:def:crs:EPSG::5773", "EPSG:5773"),
        ("EPSG:4174", "Sierra Leone 1924"),
    ] {
        let text = geojson(&[[1.0, 2.0, 0.0, 0.0]], name);
        let message = error("a.geojson", text.as_bytes(), &LoadOptions::default());
        assert!(message.contains(says), "{message}");
    }
}
