//! Filters. A filter must select the same rows from every format.

use crate::{Folder, error, loaded, opened};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use dbase::{FieldName, FieldValue, Record, TableWriterBuilder};
use heatsplat_loader::{LoadError, LoadOptions, Report, SkipReason};
use heatsplat_points::{Point, mercator};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::sync::Arc;

/// Rows with a longitude, a kind and a date.
const ROWS: [(f64, Option<&str>, &str); 5] = [
    (1.0, Some("theft"), "2010-02-27"),
    (2.0, Some("theft"), "2010-03-01"),
    (3.0, Some("it's"), "2010-03-02"),
    (4.0, None, "2010-03-03"),
    (5.0, Some("theft"), "2011-01-01"),
];

/// Filters, and the longitudes of the rows that each of them selects.
const CASES: [(&str, &[f64]); 5] = [
    ("kind = 'theft' and time >= 2010-03-01", &[2.0, 5.0]),
    ("kind is null or kind = 'it''s'", &[3.0, 4.0]),
    ("kind <> 'theft'", &[3.0]),
    (
        "time between 2010-03-01 and 2010-03-02T23:59:59",
        &[2.0, 3.0],
    ),
    ("not (kind in ('theft') or time < 2010-01-01)", &[3.0]),
];

fn options(filter: &str) -> LoadOptions {
    LoadOptions {
        filter: Some(filter.parse().unwrap()),
        ..LoadOptions::default()
    }
}

fn check(load: impl Fn(&LoadOptions) -> Result<(Vec<Point>, Report), LoadError>) {
    for (filter, expected) in CASES {
        let (points, report) = load(&options(filter)).unwrap();
        let lons = points.iter().map(|p| mercator::unproject(p.at()).0.round());
        assert_eq!(lons.collect::<Vec<_>>(), expected, "{filter}");
        assert_eq!(report.filtered, 5 - expected.len() as u64, "{filter}");
        assert_eq!(report.rows, expected.len() as u64, "{filter}");
    }
    let message = load(&options("time < 1900-01-01")).unwrap_err().to_string();
    assert!(
        message.contains("leaves out all of the 5 rows"),
        "{message}"
    );
}

#[test]
fn csv() {
    let rows = ROWS.map(|(x, kind, time)| format!("{x},2,\"{}\",{time}\n", kind.unwrap_or("")));
    let text = format!("lon,lat,kind,time\n{}", rows.concat());
    check(|options| loaded("a.csv", text.as_bytes(), options));
    let message = error("a.csv", text.as_bytes(), &options("colour = 'red'"));
    assert!(
        message.contains("`filter`: there is no column \"colour\""),
        "{message}"
    );
}

#[test]
fn geojson() {
    let feature = |(x, kind, time): (f64, Option<&str>, &str)| {
        let kind = kind.map_or("null".to_owned(), |kind| format!("\"{kind}\""));
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"kind\":{kind},\"time\":\"{time}\"}},\
             \"geometry\":{{\"type\":\"Point\",\"coordinates\":[{x},2]}}}}\n"
        )
    };
    let text = ROWS.map(feature).concat();
    check(|options| loaded("a.geojsonl", text.as_bytes(), options));
    // Some feeds have times as milliseconds since 1970.
    let late = r#"{"type":"Feature","properties":{"time":1300000000000},"geometry":{"type":"Point","coordinates":[1,2]}}"#;
    let (points, _) = loaded("a.geojson", late.as_bytes(), &options("time > 2011-03-01")).unwrap();
    assert_eq!(points.len(), 1);
}

#[test]
fn shapefile() {
    let folder = Folder::new("filter-shp");
    let path = folder.file("a.shp");
    let name = |name| FieldName::try_from(name).unwrap();
    let table = TableWriterBuilder::new()
        .add_character_field(name("kind"), 20)
        .add_date_field(name("time"));
    let mut writer = shapefile::Writer::from_path(&path, table).unwrap();
    for (x, kind, time) in ROWS {
        let part = |range: std::ops::Range<usize>| time[range].parse::<u32>().unwrap();
        let mut record = Record::default();
        record.insert(
            "kind".into(),
            FieldValue::Character(kind.map(str::to_owned)),
        );
        let date = dbase::Date::new(part(8..10), part(5..7), part(0..4));
        record.insert("time".into(), FieldValue::Date(Some(date.unwrap())));
        writer
            .write_shape_and_record(&shapefile::Point::new(x, 2.0), &record)
            .unwrap();
    }
    drop(writer);
    check(|options| opened(&path, options));
}

#[test]
fn parquet() {
    let folder = Folder::new("filter-parquet");
    let path = folder.file("a.parquet");
    let time = |text: &str| -> i64 {
        let at: jiff::civil::DateTime = text.parse().unwrap();
        at.to_zoned(jiff::tz::TimeZone::UTC)
            .unwrap()
            .timestamp()
            .as_millisecond()
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("other", Arc::new(Float64Array::from(vec![0.0; 5]))),
        (
            "time",
            Arc::new(TimestampMillisecondArray::from_iter_values(
                ROWS.map(|r| time(r.2)),
            )),
        ),
        ("lat", Arc::new(Float64Array::from(vec![2.0; 5]))),
        ("kind", Arc::new(StringArray::from_iter(ROWS.map(|r| r.1)))),
        (
            "lon",
            Arc::new(Float64Array::from_iter_values(ROWS.map(|r| r.0))),
        ),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    check(|options| opened(&path, options));
}

#[test]
fn rows_that_are_not_wanted_are_not_judged() {
    let text = "lon,lat,n\nx,y,1\n1,2,2\n";
    let (_, report) = loaded("a.csv", text.as_bytes(), &options("n = 2")).unwrap();
    assert_eq!((report.filtered, report.skipped_total()), (1, 0));
    let (_, report) = loaded("a.csv", text.as_bytes(), &options("n < 9")).unwrap();
    assert_eq!(
        (report.filtered, report.skipped(SkipReason::BadPosition)),
        (0, 1)
    );
    let gpx = "<gpx><wpt lat=\"1\" lon=\"2\"/></gpx>";
    assert!(error("a.gpx", gpx.as_bytes(), &options("n = 2")).contains("`filter`"));
}

#[test]
fn rows_that_are_all_left_out_show_progress() {
    let folder = crate::Folder::new("filter-progress");
    let rows: Vec<crate::formats::Row> = (0..200_000)
        .map(|i| crate::formats::Row {
            lon: f64::from(i % 100),
            lat: 1.0,
            kind: None,
            n: Some(1.0),
            day: None,
            flag: None,
        })
        .collect();
    for format in ["csv", "parquet", "shp"] {
        let path = crate::formats::write(&folder, format, &rows);
        let nothing = LoadOptions {
            filter: Some("n > 1".parse().unwrap()),
            ..LoadOptions::default()
        };
        let elsewhere = LoadOptions {
            within: Some("-20,-20,-10,-10".parse().unwrap()),
            ..LoadOptions::default()
        };
        for options in [nothing, elsewhere] {
            let mut source = heatsplat_loader::open(&path, &options).unwrap();
            let mut seen = Vec::new();
            let outcome = heatsplat_loader::load(&mut *source, &mut Vec::new(), |progress| {
                seen.push((progress.rows, progress.bytes_read));
            });
            assert!(outcome.is_err());
            // The statistics in the Parquet file show that no row lies in the box, so none was
            // read.
            if seen.last() == Some(&(0, seen.last().unwrap().1)) && format == "parquet" {
                continue;
            }
            let halfway = seen
                .iter()
                .any(|(rows, bytes)| (1..200_000).contains(rows) && *bytes > 0);
            assert!(
                halfway && seen.last().unwrap().0 == 200_000,
                "{format}: {seen:?}"
            );
        }
    }
}
