//! Weights that no option names. A column is chosen only if its values are numbers, and not because
//! of its name alone.

use crate::formats::{self, Row};
use crate::{Folder, error, loaded, weight};
use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use arrow_ipc::writer::FileWriter;
use heatsplat_loader::{LoadOptions, load, open};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes a file of a format with a column of texts that has the name `mag_`, a usual name for
/// weights.
fn write(folder: &Folder, format: &str, values: &[&str]) -> PathBuf {
    let row = |value: &&str| Row {
        lon: 1.0,
        lat: 2.0,
        kind: (!value.is_empty()).then(|| (*value).to_owned()),
        n: None,
        day: None,
        flag: None,
    };
    let rows: Vec<Row> = values.iter().map(row).collect();
    let path = formats::write(folder, format, &rows);
    rename(&path);
    if format == "shp" {
        rename(&path.with_extension("dbf"));
    }
    path
}

/// Returns whether a weight is chosen in a format by its name, and whether [`rename`] can give a
/// column such a name. The values of a workbook are compressed.
fn has_guess(format: &str) -> bool {
    !["gpx", "xlsx"].contains(&format)
}

/// Changes the name of the column `kind` to `mag_` in the bytes of a file of any format.
fn rename(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    while let Some(at) = bytes.windows(4).position(|four| four == b"kind") {
        bytes[at..at + 4].copy_from_slice(b"mag_");
    }
    std::fs::write(path, bytes).unwrap();
}

/// Loads a file. Returns the number of rows, the number of kept rows, the sum of their weights, the
/// number of missing weights, the column of weights, the reason for its choice, and the notes.
fn account(path: &Path) -> (u64, u64, f32, u64, Option<String>, String, Vec<String>) {
    let mut source = open(path, &LoadOptions::default()).unwrap();
    let (weight, why) = (
        source.columns().weight.clone(),
        source.columns().why.clone(),
    );
    let mut points = Vec::new();
    let report = load(&mut *source, &mut points, |_| ()).unwrap();
    let sum = points.iter().map(|p| p.weight).sum();
    let (rows, kept, missing) = (report.rows, report.kept, report.weights_missing);
    (rows, kept, sum, missing, weight, why, report.notes())
}

#[test]
fn texts_are_no_weights_in_any_format() {
    let folder = Folder::new("weights-text");
    for format in formats::ALL.into_iter().filter(|format| has_guess(format)) {
        let path = write(&folder, format, &["3A", "12", "7bis", ""]);
        let (rows, kept, sum, missing, weight, why, notes) = account(&path);
        assert_eq!(
            (rows, kept, sum, missing),
            (4, 4, 4.0, 0),
            "{format}: {why}"
        );
        assert_eq!((weight, notes.len()), (None, 0), "{format}");
        let says =
            "every row counts 1 (\"mag_\" is called like a weight and holds \"3A\"; `weight`";
        assert!(why.contains(says), "{format}: {why}");
    }
}

#[test]
fn a_column_without_any_value_is_none_in_any_format() {
    let folder = Folder::new("weights-empty");
    // GeoJSON is left out, since it has no property where all values are missing.
    for format in ["csv", "fgb", "shp", "gpkg", "parquet", "arrow"] {
        let (_, kept, sum, _, weight, why, _) = account(&write(&folder, format, &["", "", ""]));
        assert_eq!((kept, sum, weight), (3, 3.0, None), "{format}: {why}");
    }
}

#[test]
fn types_alone_are_no_weights() {
    let folder = Folder::new("weights-typed");
    let path = folder.file("a.arrow");
    let places: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]));
    for (counts, sum, chosen) in [
        ([None, None, None], 3.0, false),
        ([Some(2.0), None, Some(f64::NAN)], 2.0, true),
    ] {
        let counts: ArrayRef = Arc::new(Float64Array::from(counts.to_vec()));
        let columns = [("lon", places.clone()), ("lat", places.clone())];
        let columns = columns.into_iter().chain([("count", counts)]);
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let (_, kept, weights, _, weight, why, _) = account(&path);
        assert_eq!((kept, weights, weight.is_some()), (3, sum, chosen), "{why}");
    }
}

#[test]
fn a_few_texts_among_numbers_cost_no_row_in_any_format() {
    let folder = Folder::new("weights-few");
    let mut values = vec!["2"; 30];
    (values[7], values[9], values[20]) = ("n/a", "", "12 or so");
    for format in formats::ALL.into_iter().filter(|format| has_guess(format)) {
        let (rows, kept, sum, missing, weight, why, notes) =
            account(&write(&folder, format, &values));
        assert_eq!(
            (rows, kept, sum, missing),
            (30, 30, 54.0, 3),
            "{format}: {why}"
        );
        assert_eq!(weight.as_deref(), Some("mag_"), "{format}");
        let [note] = notes.as_slice() else {
            panic!("{format}: {notes:?}")
        };
        let says = "2 of them have a weight that is no number, like \"n/a\"";
        assert!(note.starts_with(says), "{format}: {note}");
    }
}

#[test]
fn what_is_asked_for_is_taken_at_its_word() {
    let text = b"lat,lon,value\n48.85,2.35,high\n52.5,13.4,low\n";
    let (points, _) = loaded("a.csv", text, &LoadOptions::default()).unwrap();
    assert_eq!(points.iter().map(|p| p.weight).sum::<f32>(), 2.0);
    let message = error("a.csv", text, &weight("value"));
    assert!(
        message.contains(
            "no row gives a point; positions are well, but column \"value\" holds no numbers"
        ) && message.contains("`weight` none"),
        "{message}"
    );
    let (points, report) = loaded(
        "a.csv",
        b"lat,lon,num\n48.85,2.35,3A\n52.5,13.4,12\n37,1,7bis\n",
        &weight("num"),
    )
    .unwrap();
    assert_eq!((points.len(), report.skipped_total()), (1, 2));
}

#[test]
fn a_text_far_behind_the_first_values_costs_no_row() {
    let mut text = String::from("lon,lat,count\n");
    for i in 0..50_000 {
        let count = if i % 10_000 == 9_999 { "many" } else { "1" };
        text.push_str(&format!("1,2,{count}\n"));
    }
    let (points, report) = loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.weights_missing), (50_000, 5));
    assert_eq!(points.iter().map(|p| p.weight).sum::<f32>(), 49_995.0);
    // In strict mode the row is no error either, since no option names the column.
    let strict = LoadOptions {
        strict: true,
        ..LoadOptions::default()
    };
    assert!(loaded("a.csv", text.as_bytes(), &strict).is_ok());
}

#[test]
fn the_reason_that_is_most_frequent_is_named() {
    for (text, says) in [
        (&b"lon,lat\n,\n"[..], "are empty"),
        (b"lon,lat\n1,89\n", "beyond the map"),
        (b"lon,lat\n5,6 km\n", "must be decimal degrees"),
        (b"lon,lat\n#\n", "must have a longitude and a latitude"),
    ] {
        let message = error("a.csv", text, &LoadOptions::default());
        assert!(message.contains(says), "{message}");
    }
}
