//! Comparisons in filters: long numbers, texts, and dates in every format.

use crate::{Folder, error, loaded, opened};
use arrow_array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt64Array,
};
use flatgeobuf::{ColumnType, FgbWriter, FgbWriterOptions, GeometryType};
use geozero::geojson::GeoJson;
use geozero::{ColumnValue, PropertyProcessor};
use heatsplat_loader::{LoadError, LoadOptions, MismatchReason, Report, load_table, open, read};
use parquet::arrow::ArrowWriter;
use rusqlite::Connection;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn options(filter: &str, formats: &[&str]) -> LoadOptions {
    LoadOptions {
        filter: Some(filter.parse().unwrap()),
        time_formats: formats.iter().map(|f| f.parse().unwrap()).collect(),
        ..LoadOptions::default()
    }
}

/// The sum of the weights of the rows that a filter selects, and the report of the load. The sum
/// must be the same for a filter that is applied while loading and for one that is applied to kept
/// columns.
fn wanted(csv: &str, filter: &str, formats: &[&str]) -> (f64, Report) {
    let options = options(filter, formats);
    let at_load = loaded("a.csv", csv.as_bytes(), &options);
    let sum = match &at_load {
        Ok((points, _)) => points.iter().map(|p| f64::from(p.weight)).sum(),
        Err(LoadError::AllFiltered { .. }) => 0.0,
        Err(error) => panic!("{error}"),
    };
    let keep = options.filter.as_ref().unwrap().columns().to_vec();
    let kept = LoadOptions {
        keep,
        filter: None,
        ..options.clone()
    };
    let mut source = read(Cursor::new(csv.as_bytes().to_vec()), "a.csv", &kept).unwrap();
    let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
    match table.select(&points, options.filter.as_ref().unwrap()) {
        Ok(selected) => assert_eq!(selected.summary().weight_sum, sum, "kept: {filter}"),
        // A filter of kept columns is refused if rows could not be compared, since it has no report
        // in which they would be counted.
        Err(refused) => assert!(
            at_load
                .as_ref()
                .is_ok_and(|(_, report)| !report.mismatches.is_empty()),
            "{filter}: {refused}"
        ),
    }
    (sum, at_load.map(|(_, report)| report).unwrap_or_default())
}

const KEYS: &str = "device,lat,lon,weight\n867322040000000001,10,20,1\n\
    867322040000000002,10,20,2\n867322040000000003,10,20,4\n8.67322040e17,10,20,8\n";

#[test]
fn keys_of_64_bits_are_told_apart() {
    for (filter, expected) in [
        ("device = '867322040000000001'", 1.0),
        ("device = 867322040000000001", 1.0),
        ("device > 867322040000000001", 6.0),
        ("device >= 867322040000000001", 7.0),
        ("device <> 867322040000000001", 14.0),
        ("device in (867322040000000001, 867322040000000003)", 5.0),
        (
            "device between 867322040000000000 and 867322040000000002",
            11.0,
        ),
        ("device = 867322040000000000", 8.0),
        ("device = 8.6732204e17", 8.0),
        ("device = '8.67322040e17'", 8.0),
        ("not device < 867322040000000002", 6.0),
    ] {
        assert_eq!(wanted(KEYS, filter, &[]).0, expected, "{filter}");
    }
}

#[test]
fn texts_that_look_like_numbers_are_texts() {
    let csv = "zip,version,hash,lat,lon,weight\n01234,1.1,1e5,1,2,1\n1234,1.10,100000,1,2,2\n\
        1234.0,1.2,1e05,1,2,4\n";
    for (filter, expected) in [
        ("zip = '01234'", 1.0),
        ("zip = '1234'", 2.0),
        ("zip = 1234", 7.0),
        ("zip <> '1234'", 5.0),
        ("version = '1.1'", 1.0),
        ("version = '1.10'", 2.0),
        ("version = 1.1", 3.0),
        ("version > '1.1'", 6.0),
        ("hash = '1e5'", 1.0),
        ("hash = 1e5", 7.0),
        ("hash in ('100000', '1e05')", 6.0),
        ("zip in ('01234', 5)", 1.0),
    ] {
        assert_eq!(wanted(csv, filter, &[]).0, expected, "{filter}");
    }
}

/// Rows with a key, the row's text, and a time in microseconds. The last key is too large for a
/// signed integer of 64 bits.
const TYPED: [(u64, &str, i64); 4] = [
    (867_322_040_000_000_001, "01", 1_717_236_000_000_001),
    (867_322_040_000_000_002, "1", 1_717_236_000_000_002),
    (9_223_372_036_854_775_807, "1.0", 1_717_236_000_000_003),
    (18_446_744_073_709_551_615, "1e0", 1_717_236_000_000_004),
];

/// Filters, and the rows of [`TYPED`] that each of them selects: bit 0 stands for the first row.
const OF_TYPED: [(&str, u32); 9] = [
    ("key = 867322040000000001", 0b1),
    ("key = '867322040000000002'", 0b10),
    ("key > 867322040000000001", 0b1110),
    ("key in (9223372036854775807, 18446744073709551614)", 0b100),
    ("key < 9223372036854775807", 0b11),
    ("text = '1'", 0b10),
    ("text = 1", 0b1111),
    ("text > '01' and text < '1.1'", 0b110),
    ("text <> '1e0'", 0b111),
];

fn check_typed(path: &Path, all: u32, others: &[(&str, u32)]) {
    for (filter, expected) in OF_TYPED.iter().chain(others) {
        let options = LoadOptions {
            weight: Some("bit".to_owned()),
            ..options(filter, &[])
        };
        let at_load = match opened(path, &options) {
            Ok((points, report)) => {
                assert!(report.mismatches.is_empty(), "{path:?} {filter}: {report}");
                points.iter().map(|p| p.weight as u32).sum()
            }
            Err(LoadError::AllFiltered { .. }) => 0,
            Err(error) => panic!("{path:?} {filter}: {error}"),
        };
        assert_eq!(at_load, expected & all, "{path:?} {filter}");
        let kept = LoadOptions {
            keep: options.filter.as_ref().unwrap().columns().to_vec(),
            filter: None,
            ..options.clone()
        };
        let mut source = open(path, &kept).unwrap();
        let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
        let selected = table
            .select(&points, options.filter.as_ref().unwrap())
            .unwrap();
        let sum = selected.summary().weight_sum as u32;
        assert_eq!(sum, expected & all, "kept: {path:?} {filter}");
    }
}

fn bit(row: usize) -> f64 {
    f64::from(1u32 << row)
}

fn parquet(folder: &Folder, name: &str, keys: ArrayRef) -> PathBuf {
    let rows = keys.len();
    let floats = |value: fn(usize) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..rows).map(value)))
    };
    let texts = TYPED.iter().take(rows).map(|row| row.1);
    let times = TYPED.iter().take(rows).map(|row| row.2 * 1000 + 999);
    let batch = RecordBatch::try_from_iter([
        ("lon", floats(|row| row as f64)),
        ("lat", floats(|_| 1.0)),
        ("bit", floats(bit)),
        ("key", keys),
        (
            "text",
            Arc::new(StringArray::from_iter_values(texts)) as ArrayRef,
        ),
        (
            "at",
            Arc::new(TimestampNanosecondArray::from_iter_values(times)) as ArrayRef,
        ),
    ])
    .unwrap();
    let path = folder.file(name);
    let mut writer =
        ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn types_decide_in_parquet() {
    let folder = Folder::new("compared-parquet");
    let times = [
        ("at > '2024-06-01 10:00:00.000002'", 0b1100),
        ("at = 2024-06-01T10:00:00.000003Z", 0b100),
        ("at < '2024-06-01 12:00:00.000002+02'", 0b1),
    ];
    let keys = || TYPED.iter().map(|row| row.0);
    let signed = keys().take(3).map(|key| key as i64);
    let path = parquet(
        &folder,
        "i64.parquet",
        Arc::new(Int64Array::from_iter_values(signed)),
    );
    check_typed(&path, 0b111, &times);
    let path = parquet(
        &folder,
        "u64.parquet",
        Arc::new(UInt64Array::from_iter_values(keys())),
    );
    check_typed(&path, 0b1111, &times);
    for scale in [0, 2] {
        let digits = keys().map(|key| i128::from(key) * 10i128.pow(scale));
        let keys = Decimal128Array::from_iter_values(digits);
        let keys = keys.with_precision_and_scale(38, scale as i8).unwrap();
        let path = parquet(&folder, "decimal.parquet", Arc::new(keys));
        check_typed(&path, 0b1111, &times);
    }
}

#[test]
fn types_decide_in_flatgeobuf() {
    let folder = Folder::new("compared-fgb");
    let path = folder.file("a.fgb");
    let options = FgbWriterOptions {
        write_index: false,
        ..FgbWriterOptions::default()
    };
    let mut writer = FgbWriter::create_with_options("a", GeometryType::Point, options).unwrap();
    for (name, kind) in [
        ("key", ColumnType::ULong),
        ("text", ColumnType::String),
        ("bit", ColumnType::Double),
    ] {
        writer.add_column(name, kind, |_, _| ());
    }
    for (row, (key, text, _)) in TYPED.iter().enumerate() {
        let point = format!("{{\"type\":\"Point\",\"coordinates\":[{row},2]}}");
        let add = |to: &mut dyn PropertyProcessor| {
            to.property(0, "key", &ColumnValue::ULong(*key)).unwrap();
            to.property(1, "text", &ColumnValue::String(text)).unwrap();
            to.property(2, "bit", &ColumnValue::Double(bit(row)))
                .unwrap();
        };
        writer
            .add_feature_geom(GeoJson(&point), |feature| add(feature))
            .unwrap();
    }
    writer.write(File::create(&path).unwrap()).unwrap();
    check_typed(&path, 0b1111, &[]);
}

#[test]
fn types_decide_in_geopackage() {
    let folder = Folder::new("compared-gpkg");
    let path = crate::formats::write(&folder, "gpkg", &[]);
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch(
            "alter table rows add column key integer; alter table rows add column text text;
             alter table rows add column bit real; alter table rows add column at datetime;",
        )
        .unwrap();
    for (row, (key, text, _)) in TYPED.iter().enumerate().take(3) {
        let values = rusqlite::params![
            crate::formats::gpkg_point(row as f64, 2.0),
            *key as i64,
            text,
            bit(row),
            format!("2024-06-01T10:00:0{row}.500Z"),
        ];
        let sql = "insert into rows (geom, key, text, bit, at) values (?1, ?2, ?3, ?4, ?5)";
        database.execute(sql, values).unwrap();
    }
    drop(database);
    let times = [
        ("at >= '2024-06-01 10:00:01.5'", 0b110),
        // A column of dates is compared with a date in any format.
        ("at >= '20240601100001'", 0b110),
    ];
    check_typed(&path, 0b111, &times);
}

#[test]
fn types_decide_in_geojson() {
    let folder = Folder::new("compared-geojson");
    let path = folder.file("a.geojson");
    let feature = |(row, (key, text, at)): (usize, &(u64, &str, i64))| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"key\":{key},\"text\":\"{text}\",\
             \"bit\":{},\"at\":{at}}},\"geometry\":{{\"type\":\"Point\",\"coordinates\":[{row},2]}}}}",
            bit(row)
        )
    };
    let features: Vec<String> = TYPED.iter().enumerate().map(feature).collect();
    let text = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{}]}}",
        features.join(",")
    );
    std::fs::write(&path, text).unwrap();
    check_typed(
        &path,
        0b1111,
        &[("at > '2024-06-01 10:00:00.000002'", 0b1100)],
    );
    // One property has numbers in some features and texts in others.
    let mixed = "{\"type\":\"Feature\",\"properties\":{\"id\":5},\"geometry\":\
        {\"type\":\"Point\",\"coordinates\":[1,2]}}\n{\"type\":\"Feature\",\"properties\":\
        {\"id\":\"5a\"},\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2]}}\n";
    let count = |filter: &str| {
        let (points, report) =
            loaded("a.geojsonl", mixed.as_bytes(), &options(filter, &[])).unwrap();
        (points.len(), report.mismatches.len())
    };
    assert_eq!(count("id = '5a'"), (1, 1));
    assert_eq!(count("id = '5' or id = '5a'"), (2, 0));
    // An array, an object or a number too large for `f64` is compared as its text in the file.
    let others = ["[1, 2]", "{\"a\":null}", "1e400", "null"];
    let others: String = others
        .iter()
        .map(|value| {
            format!(
                "{{\"type\":\"Feature\",\"properties\":{{\"v\":{value}}},\"geometry\":\
                 {{\"type\":\"Point\",\"coordinates\":[1,2]}}}}\n"
            )
        })
        .collect();
    for (filter, expected) in [
        ("v is null", 1),
        ("v is not null", 3),
        ("v = '[1, 2]' or v = '1e400'", 2),
        ("v <> '[1, 2]'", 2),
    ] {
        let (points, _) = loaded("a.geojsonl", others.as_bytes(), &options(filter, &[])).unwrap();
        assert_eq!(points.len(), expected, "{filter}");
    }
}

/// Fifteen times in different formats. Most of them are the same moment, and the others are near
/// it.
const TIMES: &str = "time,lat,lon,weight\n\
    2010-02-28T23:30:00-02:00,10,20,1\n\
    2010-03-01T00:30:00+01:00,10,20,2\n\
    2010-03-01T00:00:00Z,10,20,4\n\
    2010-02-28T23:59:59.999Z,10,20,8\n\
    2010-03-01 00:00:00,10,20,16\n\
    2010-03-01 00:00:00+00,10,20,32\n\
    2010-03-01 00:00:00 UTC,10,20,64\n\
    2010-03-01T01:30:00+0530,10,20,128\n\
    2010-03-01T06:00:00+05:30,10,20,256\n\
    20100301T000000Z,10,20,512\n\
    2010-03-01T00:00,10,20,1024\n\
    2010-02-28 23:00:00.000 -0500,10,20,2048\n\
    2010-060T00:00:00Z,10,20,4096\n\
    2010-03-01T24:00:00Z,10,20,8192\n\
    2010-02-28T19:00:00-05,10,20,16384\n";

#[test]
fn dates_are_dates_however_they_are_written() {
    for (csv, filter, expected) in [
        (TIMES, "time >= 2010-03-01", 32629.0),
        (TIMES, "time >= '2010-03-01'", 32629.0),
        (TIMES, "time >= '2010-02-28 19:00:00 -0500'", 32629.0),
        (TIMES, "time < '2010/03/01 00:00:00+00'", 138.0),
        (
            TIMES,
            "time = 20100301T0000Z",
            4.0 + 16.0 + 32.0 + 64.0 + 512.0 + 1024.0 + 4096.0 + 16384.0,
        ),
        (
            "ts,lat,lon,weight\n2024-01-01 10:00:00 UTC,10,20,1\n2024-06-01 10:00:00 UTC,10,20,2\n\
             2024-06-02T10:00:00Z,10,20,4\n",
            "ts >= \"2024-05-01\"",
            6.0,
        ),
        (
            "ts,lat,lon,weight\n2024-06-01 10:00:00 -0500,10,20,1\n\
             2024-06-01 10:00:00 +0000,10,20,2\n2024-06-03,10,20,4\n",
            "ts > '2024-06-01 12:00:00'",
            5.0,
        ),
        (
            "ts,lat,lon,weight\n2024-06-01 10:00:00+00,10,20,1\n\
             2024-06-01 10:00:00.123456+05:30,10,20,2\n2024-06-03,10,20,4\n",
            "ts < '2024-06-01 04:30:00.123457'",
            2.0,
        ),
        (
            "ts,lat,lon,weight\n1717236000,10,20,1\n1672531200,10,20,2\n",
            "ts >= 2024-01-01",
            1.0,
        ),
        (
            "time,lat,lon,weight\n1267401600,10,20,1\n1267401599,10,20,2\n\
             1267401600000,10,20,4\n1262304000,10,20,8\n",
            "time >= 2010-03-01",
            5.0,
        ),
        (
            "ts,lat,lon,weight\n\"Sat, 01 Jun 2024 10:00:00 GMT\",10,20,1\n\
             \"Jun 2, 2024\",10,20,2\n2024-06-03,10,20,4\n",
            "ts > '2024-06-01 10:00'",
            6.0,
        ),
        (
            "ts,lat,lon,weight\n2024/06/01 10:00:00,10,20,1\n2024-06-03,10,20,4\n",
            "ts < 2024/06/02",
            1.0,
        ),
        (
            "ts,lat,lon,weight\n20240601,10,20,1\n2024-06-03,10,20,4\n",
            "ts < 2024-06-02",
            1.0,
        ),
    ] {
        let filter = filter.replace('"', "'");
        let (sum, report) = wanted(csv, &filter, &[]);
        assert_eq!(sum, expected, "{filter}: {report}");
        assert!(report.mismatches.is_empty(), "{filter}: {report}");
    }
}

const AMERICAN: &str = "date,lat,lon,weight\n01/15/2024,10,20,1\n\
    06/15/2024 03:00:00 PM,10,20,2\n2024-06-20,10,20,4\n";

#[test]
fn day_and_month_are_as_told() {
    let german = "ts,lat,lon,weight\n01.06.2024 10:00,10,20,1\n2024-06-03,10,20,4\n";
    let other = "date,lat,lon,weight\n03/01/2010 12:00:00 AM,10,20,1\n\
        02/28/2010 11:59:59 PM,10,20,2\n12/31/2009,10,20,4\n3/1/2011,10,20,8\n01/03/2010,10,20,16\n";
    for (csv, filter, formats, expected) in [
        (AMERICAN, "date >= 2024-06-01", &["%m/%d/%Y"][..], 6.0),
        (AMERICAN, "date >= '06/01/2024'", &["%m/%d/%Y"], 6.0),
        (
            AMERICAN,
            "date = '06/15/2024 3:00 PM'",
            &["%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p"],
            2.0,
        ),
        (german, "ts >= 2024-06-01", &["%d.%m.%Y"], 5.0),
        (german, "ts >= 2024-06-01", &["%d.%m.%Y %H:%M"], 5.0),
        (other, "date >= 2010-03-01", &["%m/%d/%Y"], 9.0),
        (other, "date >= 2010-03-01", &["%d/%m/%Y"], 24.0),
    ] {
        let (sum, _) = wanted(csv, filter, formats);
        assert_eq!(sum, expected, "{filter} {formats:?}");
    }
    // Without a format, such dates can be compared as texts by `=` only.
    assert_eq!(wanted(AMERICAN, "date = '01/15/2024'", &[]).0, 1.0);
    let message = error(
        "a.csv",
        AMERICAN.as_bytes(),
        &options("date > '01/15/2024'", &[]),
    );
    assert!(
        message.contains("may have the day or the month first"),
        "{message}"
    );
    let json = "{\"type\":\"Point\",\"coordinates\":[1,2]}";
    let message = error(
        "a.geojson",
        json.as_bytes(),
        &options("d < '1.6.2024'", &[]),
    );
    assert!(message.contains("`time_format`"), "{message}");
}

/// A text that looks like a date but can't be read as one must not be compared by order as a text.
#[test]
fn texts_are_not_ordered_by_what_looks_like_a_date() {
    let csv = "d,lat,lon\n02-JUN-24,10,20\n2024-06-15,10,20\n";
    let mut source = read(
        csv.as_bytes(),
        "a.csv",
        &LoadOptions {
            keep: vec!["d".to_owned()],
            ..LoadOptions::default()
        },
    )
    .unwrap();
    let (_, table, _) = load_table(&mut *source, |_| ()).unwrap();
    for (date, says) in [
        ("01-JUN-24", "looks like a date"),
        ("01.06.24", "may have the day or the month first"),
        ("15-06-24", "may have the day or the month first"),
        ("2024-06-31", "looks like a date"),
        ("2024-06-01 10:00:00 CEST", "looks like a date"),
    ] {
        for filter in [
            format!("d < '{date}'"),
            format!("not d between 2024-01-01 and '{date}'"),
        ] {
            let at_load = error("a.csv", csv.as_bytes(), &options(&filter, &[]));
            let asked = table.check(&filter.parse().unwrap()).unwrap_err();
            for message in [at_load, asked.to_string()] {
                assert!(message.contains(says), "{filter}: {message}");
                assert!(message.contains("`time_format`"), "{filter}: {message}");
            }
        }
        // It may be compared by `=` as a text.
        assert_eq!(
            table.check(&format!("d = '{date}'").parse().unwrap()),
            Ok(())
        );
    }
    // Texts that don't look like dates can be compared by order.
    let plain = "d > '1.10.3' and d < 'May' and d > '10.0.0.1'";
    assert_eq!(table.check(&plain.parse().unwrap()), Ok(()));
    let told = options("d < '10-JUN-24'", &["%d-%b-%y"]);
    let (points, _) = loaded("a.csv", csv.as_bytes(), &told).unwrap();
    assert_eq!(points.len(), 1);
}

/// The formats of times that a source has do not change the meaning of its texts and numbers.
#[test]
fn counts_in_quotes_are_texts() {
    let csv = "zip,lat,lon,weight\n01234,10,20,1\n1234,10,20,2\n1234.0,10,20,4\n";
    for formats in [&[][..], &["seconds"], &["%d.%m.%Y", "ms"]] {
        assert_eq!(wanted(csv, "zip = '01234'", formats).0, 1.0, "{formats:?}");
        assert_eq!(
            wanted(csv, "zip in ('1234')", formats).0,
            2.0,
            "{formats:?}"
        );
        assert_eq!(wanted(csv, "zip = 1234", formats).0, 7.0, "{formats:?}");
    }
    let alike = "n,t,lat,lon,weight\n5,86400,10,20,1\n50,90000,10,20,2\n";
    assert_eq!(wanted(alike, "n < '6' and n > '4'", &["seconds"]).0, 3.0);
    assert_eq!(wanted(alike, "t > 1970-01-02", &["seconds"]).0, 2.0);
    assert_eq!(wanted(alike, "n = '5' and t > 5", &["seconds"]).0, 1.0);
    // Boolean values are no times either.
    let json = "{\"type\":\"Feature\",\"properties\":{\"flag\":true},\"geometry\":\
        {\"type\":\"Point\",\"coordinates\":[1,2]}}\n";
    let (points, _) = loaded(
        "a.geojsonl",
        json.as_bytes(),
        &options("flag = '1'", &["seconds"]),
    )
    .unwrap();
    assert_eq!(points.len(), 1);
}

/// A pattern is used both for the dates in a filter and for the dates in the source.
#[test]
fn dates_of_filters_are_read_as_the_sources_are() {
    let csv = "d,lat,lon,weight\n2024-01-06,10,20,1\n2024-02-06,10,20,2\n2024-13-06,10,20,4\n";
    for date in ["2024-02-06", "'2024-02-06'"] {
        for (filter, expected) in [("=", 2.0), (">", 4.0), ("<=", 3.0)] {
            let filter = format!("d {filter} {date}");
            assert_eq!(wanted(csv, &filter, &["%Y-%d-%m"]).0, expected, "{filter}");
        }
    }
    assert_eq!(wanted(csv, "d >= '2024-02-06'", &[]).0, 2.0);
}

#[test]
fn numbers_that_are_too_long_to_be_exact_are_texts_in_quotes() {
    let a = "170141183460469231731687303715884105728";
    let csv = format!("k,lat,lon,weight\n{a},10,20,1\n{a}0,10,20,2\nx,10,20,4\n");
    assert_eq!(wanted(&csv, &format!("k = '{a}'"), &[]).0, 1.0);
    assert!(
        format!("k = {a}")
            .parse::<heatsplat_loader::Filter>()
            .is_err()
    );
    assert_eq!(wanted(&csv, "k > 1e38", &[]).0, 3.0);
}

#[test]
fn what_can_not_be_compared_is_told() {
    let (sum, report) = wanted(AMERICAN, "date >= 2024-06-01", &[]);
    assert_eq!((sum, report.filtered), (4.0, 2));
    let [dates] = &*report.mismatches else {
        panic!("{report}");
    };
    assert_eq!((dates.reason, dates.count), (MismatchReason::NoDate, 2));
    let says = "2 values of date are no dates that are understood, e.g. \"01/15/2024\" \
        (`time_format` tells how dates are written)";
    assert_eq!(dates.to_string(), says);
    assert!(report.to_string().contains(says), "{report}");
    // If no row is selected, the error states this reason.
    let message = error(
        "a.csv",
        AMERICAN.as_bytes(),
        &options("date < 2024-06-01", &[]),
    );
    assert!(
        message.contains("leaves out all of the 3 rows; 2 values of date are no dates"),
        "{message}"
    );
    let message = error("a.csv", AMERICAN.as_bytes(), &options("date > 5", &[]));
    assert!(
        message.contains("3 values of date are no numbers, e.g."),
        "{message}"
    );
    // The report depends on the data only, and not on the blocks in which they are read.
    let rows: String = (0..60_000)
        .map(|i| format!("{},2,n/a {i}\n", i % 90))
        .collect();
    let text = format!("lon,lat,day\n{rows}1,2,2024-06-01\n");
    let (points, report) =
        loaded("a.csv", text.as_bytes(), &options("day > 2024-01-01", &[])).unwrap();
    assert_eq!((points.len(), report.mismatches[0].count), (1, 60_000));
    assert_eq!(report.mismatches[0].example, "\"n/a 0\"");
}

#[test]
fn a_request_is_never_answered_by_a_blank() {
    let table = |csv: &str, formats: &[&str]| {
        let options = LoadOptions {
            keep: vec!["ts".to_owned()],
            time_formats: formats.iter().map(|f| f.parse().unwrap()).collect(),
            ..LoadOptions::default()
        };
        let mut source = read(Cursor::new(csv.as_bytes().to_vec()), "a.csv", &options).unwrap();
        let (_, table, _) = load_table(&mut *source, |_| ()).unwrap();
        table
    };
    let rows = |values: &[&str]| {
        let rows: String = values
            .iter()
            .map(|value| format!("1,2,{value}\n"))
            .collect();
        format!("lon,lat,ts\n{rows}")
    };
    let check = |csv: &str, formats: &[&str], filter: &str| {
        let filter = filter.parse().unwrap();
        let table = table(csv, formats);
        let first = table.check(&filter).map_err(|e| e.to_string());
        // The second check takes its result from the cache.
        assert_eq!(table.check(&filter).map_err(|e| e.to_string()), first);
        first
    };
    let refused = |csv: &str, filter: &str, says: &str| {
        let message = check(csv, &[], filter).unwrap_err();
        assert!(message.contains(says), "{message}");
    };
    let american = rows(&["06/15/2024", "06/16/2024"]);
    refused(
        &american,
        "ts > 2024-01-01",
        "2 values of ts are no dates that are understood, e.g. \"06/15/2024\"",
    );
    refused(&american, "ts > '2024-01-01'", "`time_format`");
    assert_eq!(check(&american, &["%m/%d/%Y"], "ts > 2024-01-01"), Ok(()));
    assert_eq!(check(&american, &["%m/%d/%Y"], "ts > '06/15/2024'"), Ok(()));
    assert_eq!(check(&american, &[], "ts = '06/15/2024'"), Ok(()));
    // A text with digits may be a date, so it is refused among dates. A text without digits is not.
    refused(
        &rows(&["2024-06-15", "06/16/2024"]),
        "ts > 2024-01-01",
        "1 value of ts is no date",
    );
    assert_eq!(
        check(&rows(&["2024-06-15", "unknown"]), &[], "ts > 2024-01-01"),
        Ok(())
    );
    refused(&rows(&["soon", "unknown"]), "ts > 2024-01-01", "no dates");
    refused(
        &rows(&["1999", "2010"]),
        "ts > 2024-01-01",
        "2 values of ts are no dates",
    );
    refused(
        &rows(&["1717236000", "2010"]),
        "ts > 2024-01-01",
        "1 value of ts is no date that is understood, e.g. 2010",
    );
    refused(&rows(&["a", "b"]), "ts > 5", "no numbers");
    refused(
        &rows(&["5", "6 km"]),
        "ts > 5",
        "1 value of ts is no number, e.g. \"6 km\"",
    );
    assert_eq!(check(&rows(&["5", "n/a"]), &[], "ts > 5"), Ok(()));
    assert_eq!(check(&rows(&["5", "6"]), &[], "ts > '5'"), Ok(()));
    refused(
        &rows(&["5", "6"]),
        "ts > 'x'",
        "holds numbers; 'x' can't be compared",
    );
    refused(&rows(&["2024-06-15"]), "ts > 'x'", "holds times");
}

/// A kept column of texts with several spellings is compared exactly. It takes little memory even
/// if it has many different texts.
#[test]
fn kept_columns_of_many_spellings() {
    let rows: String = (0..70_000)
        .map(|i| match i % 2 {
            0 => format!(
                "{},2,{}.50,2024-06-01 {:02}:{:02}:{:02}\n",
                i % 90,
                i,
                i / 3600 % 24,
                i / 60 % 60,
                i % 60
            ),
            _ => format!(
                "{},2,{i},2024-06-02T{:02}:{:02}:{:02}.{i:06}Z\n",
                i % 90,
                i / 3600 % 24,
                i / 60 % 60,
                i % 60
            ),
        })
        .collect();
    let options = LoadOptions {
        keep: ["n", "at"].map(str::to_owned).to_vec(),
        ..LoadOptions::default()
    };
    let text = format!("lon,lat,n,at\n{rows}");
    let mut source = read(Cursor::new(text.into_bytes()), "a.csv", &options).unwrap();
    let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
    let kinds = table
        .columns()
        .iter()
        .map(|c| (c.kind().name(), c.bytes() / 70_000));
    assert_eq!(kinds.collect::<Vec<_>>(), [("number", 8), ("time", 8)]);
    let count = |filter: &str| {
        let part = table.select(&points, &filter.parse().unwrap());
        part.map(|part| part.summary().count)
            .map_err(|e| e.to_string())
    };
    assert_eq!(count("n < 100"), Ok(100));
    assert_eq!(count("at >= 2024-06-02"), Ok(35_000));
    let refused = count("n = '6.50'").unwrap_err();
    assert!(
        refused.contains("compare with '6.50' without quotes"),
        "{refused}"
    );
    assert!(count("at > '2024'").unwrap_err().contains("holds times"));
}

/// The documentation lists formats of dates in tables. Each of their rows is tried.
#[test]
fn documented_spellings_are_read() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/filters.md");
    let page = std::fs::read_to_string(page).unwrap();
    let cells = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line
            .strip_prefix("| `")?
            .split('|')
            .map(str::trim)
            .collect();
        Some((
            cells[0].trim_end_matches('`').to_owned(),
            cells.get(2).unwrap_or(&"").to_string(),
        ))
    });
    let (mut read, mut refused) = (0, 0);
    for (written, is) in cells {
        let csv = format!("t,lat,lon,weight\n\"{written}\",1,2,1\n2024-06-01,1,2,2\n");
        let (filter, expected) = match &*is {
            "" => ("t >= 1900-01-01".to_owned(), 2.0),
            is => (
                format!("t = {is}"),
                if is == "2024-06-01T00:00:00Z" {
                    3.0
                } else {
                    1.0
                },
            ),
        };
        let (sum, report) = wanted(&csv, &filter, &[]);
        assert_eq!(sum, expected, "{written}: {report}");
        assert_eq!(
            report.mismatches.len(),
            usize::from(is.is_empty()),
            "{written}"
        );
        *if is.is_empty() {
            &mut refused
        } else {
            &mut read
        } += 1;
    }
    assert!(read >= 40 && refused >= 8, "{read} {refused}");
}
