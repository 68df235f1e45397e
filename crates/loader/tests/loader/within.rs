//! The option `within`: every format gives the same rows, and no more bytes are read than needed.

use crate::{Folder, loaded, opened};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StructArray};
use arrow_schema::{DataType, Field, Fields};
use flatgeobuf::{FgbWriter, FgbWriterOptions, GeometryType};
use geozero::geojson::GeoJson;
use heatsplat_loader::{LoadOptions, Report};
use heatsplat_points::Point;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A grid of 100 × 100 positions, from west to east.
fn places() -> Vec<(f64, f64)> {
    (0..10_000)
        .map(|i| {
            (
                f64::from(i / 100) * 3.0 - 150.0,
                f64::from(i % 100) * 1.5 - 75.0,
            )
        })
        .collect()
}

fn within(bounds: &str) -> LoadOptions {
    LoadOptions {
        within: Some(bounds.parse().unwrap()),
        ..LoadOptions::default()
    }
}

/// The points that CSV gives, sorted by position, and the report.
fn by_csv(options: &LoadOptions) -> (Vec<Point>, Report) {
    let rows: String = places().iter().map(|(x, y)| format!("{x},{y}\n")).collect();
    let text = format!("lon,lat\n{rows}");
    let (points, report) = loaded("a.csv", text.as_bytes(), options).unwrap();
    (sorted(points), report)
}

fn sorted(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by_key(|p| (p.x, p.y));
    points
}

/// Checks that a file gives the same points as CSV in a box, and that at most `most` percent of its
/// bytes are read.
fn check(path: &Path, bounds: &str, most: u64) {
    let options = within(bounds);
    let (points, report) = opened(path, &options).unwrap();
    assert_eq!(sorted(points), by_csv(&options).0, "{bounds}");
    let size = std::fs::metadata(path).unwrap().len();
    assert!(
        report.bytes <= size * most / 100,
        "{} of {size} bytes",
        report.bytes
    );
    let (all, _) = opened(path, &LoadOptions::default()).unwrap();
    assert_eq!(all.len(), 10_000);
}

#[test]
fn rows_elsewhere_are_left_out_and_counted() {
    let (points, report) = by_csv(&within("0,0,29,14"));
    assert_eq!(
        (points.len(), report.kept, report.filtered),
        (100, 100, 9900)
    );
    // A box across ±180° has points on both sides of it.
    let (points, _) = by_csv(&within("140,-90,220,90"));
    assert_eq!(points.len(), 700);
}

#[test]
fn flatgeobuf_is_read_by_its_index() {
    let folder = Folder::new("within-fgb");
    for (name, index, most) in [("indexed.fgb", true, 30), ("plain.fgb", false, 100)] {
        let options = FgbWriterOptions {
            write_index: index,
            ..FgbWriterOptions::default()
        };
        let mut writer = FgbWriter::create_with_options("a", GeometryType::Point, options).unwrap();
        for (x, y) in places() {
            let point = format!("{{\"type\":\"Point\",\"coordinates\":[{x:?},{y:?}]}}");
            writer.add_feature_geom(GeoJson(&point), |_| ()).unwrap();
        }
        let path = folder.file(name);
        writer.write(File::create(&path).unwrap()).unwrap();
        check(&path, "10,10,30,30", most);
        check(&path, "140,-10,220,10", 110);
    }
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>, geo: Option<&str>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(500))
        .set_key_value_metadata(geo.map(|geo| vec![KeyValue::new("geo".into(), geo.to_owned())]))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn axis(of: fn(&(f64, f64)) -> f64) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(places().iter().map(of)))
}

#[test]
fn parquet_is_read_by_the_row_groups_statistics() {
    let folder = Folder::new("within-parquet");
    let path = folder.file("lonlat.parquet");
    write(
        &path,
        vec![("lon", axis(|p| p.0)), ("lat", axis(|p| p.1))],
        None,
    );
    check(&path, "10,10,30,30", 50);
    check(&path, "140,-10,220,10", 110);

    let fields = |names: [&str; 2]| -> Fields {
        names
            .map(|name| Field::new(name, DataType::Float64, false))
            .to_vec()
            .into()
    };
    let axes = || vec![axis(|p| p.0), axis(|p| p.1)];
    let path = folder.file("native.parquet");
    let point: ArrayRef = Arc::new(StructArray::new(fields(["x", "y"]), axes(), None));
    let geo = r#"{"primary_column":"geometry","columns":{"geometry":{"encoding":"point"}}}"#;
    write(&path, vec![("geometry", point)], Some(geo));
    check(&path, "10,10,30,30", 50);

    let path = folder.file("covering.parquet");
    let wkb = places().into_iter().map(|(x, y)| {
        let mut bytes = vec![1, 1, 0, 0, 0];
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
        Some(bytes)
    });
    let wkb: ArrayRef = Arc::new(arrow_array::BinaryArray::from_iter(wkb));
    let edges: ArrayRef = Arc::new(StructArray::new(fields(["x", "y"]), axes(), None));
    let geo = r#"{"primary_column":"geometry","columns":{"geometry":{"encoding":"WKB","covering":{"bbox":
        {"xmin":["edges","x"],"xmax":["edges","x"],"ymin":["edges","y"],"ymax":["edges","y"]}}}}}"#;
    write(&path, vec![("geometry", wkb), ("edges", edges)], Some(geo));
    check(&path, "10,10,30,30", 50);
}

#[test]
fn flatgeobuf_that_does_not_say_how_much_it_holds() {
    let folder = Folder::new("within-fgb-unknown");
    let mut writer = FgbWriter::create("a", GeometryType::Point).unwrap();
    for (x, y) in places() {
        let point = format!("{{\"type\":\"Point\",\"coordinates\":[{x:?},{y:?}]}}");
        writer.add_feature_geom(GeoJson(&point), |_| ()).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    let length = u32::from_le_bytes(*bytes[8..].first_chunk().unwrap()) as usize;
    let header = 12 + length;
    // Only one number in the header equals the number of features. It becomes 0, which means
    // unknown.
    let is_count = |at: &usize| bytes[*at..*at + 8] == 10_000u64.to_le_bytes();
    let at: Vec<usize> = (8..header - 8).filter(is_count).collect();
    let [at] = at[..] else { panic!("{at:?}") };
    let features = bytes.len() - {
        let leaves = 10_000 + 625 + 40 + 3 + 1;
        bytes.len() - header - 40 * leaves
    };
    let mut unknown = [&bytes[..header], &bytes[features..]].concat();
    unknown[at..at + 8].fill(0);
    let path = folder.file("unknown.fgb");
    std::fs::write(&path, &unknown).unwrap();
    check(&path, "10,10,30,30", 100);
    check(&path, "140,-10,220,10", 110);
    // The same bytes are read as a stream, and cut off within a feature.
    let (points, _) = loaded("a.fgb", &unknown, &within("10,10,30,30")).unwrap();
    assert_eq!(sorted(points), by_csv(&within("10,10,30,30")).0);
    let cut = crate::error(
        "a.fgb",
        &unknown[..unknown.len() - 5],
        &LoadOptions::default(),
    );
    assert!(cut.contains("record 10000: damaged or cut off"), "{cut}");
}
