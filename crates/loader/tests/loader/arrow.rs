//! Parquet, GeoParquet and Arrow. Files of the rows in `ROWS` must give the same points as these
//! rows in CSV. Other tests have geometries, weights and files that are unusual or damaged.

use crate::{Folder, ROWS, assert_like_csv, error, opened, weight};
use arrow_array::builder::{FixedSizeListBuilder, Float64Builder};
use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringArray, StructArray,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};
use heatsplat_loader::{LoadOptions, SkipReason, read_record_batches};
use heatsplat_points::mercator;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

fn f64s(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Float64Array>())
}

fn weights() -> ArrayRef {
    f64s(ROWS.map(|r| r.2))
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

fn lon_lat() -> RecordBatch {
    batch(vec![
        ("lon", f64s(ROWS.map(|r| Some(r.0)))),
        ("lat", f64s(ROWS.map(|r| Some(r.1)))),
        ("count", weights()),
    ])
}

pub(crate) fn wkb(x: f64, y: f64) -> Vec<u8> {
    let mut bytes = vec![1, 1, 0, 0, 0];
    bytes.extend(x.to_le_bytes());
    bytes.extend(y.to_le_bytes());
    bytes
}

fn wkb_column() -> ArrayRef {
    let all = ROWS.map(|r| wkb(r.0, r.1));
    Arc::new(BinaryArray::from_iter(all.iter().map(Some)))
}

fn struct_column() -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("x", DataType::Float64, false),
        Field::new("y", DataType::Float64, false),
    ]);
    let axes = vec![f64s(ROWS.map(|r| Some(r.0))), f64s(ROWS.map(|r| Some(r.1)))];
    Arc::new(StructArray::new(fields, axes, None))
}

fn list_column() -> ArrayRef {
    let mut lists = FixedSizeListBuilder::new(Float64Builder::new(), 2);
    for (x, y, _) in ROWS {
        lists.values().append_value(x);
        lists.values().append_value(y);
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// Writes a Parquet file with row groups of `group` rows. `geo` is the value of the metadata key
/// `geo`; with `None` the file has no such key.
pub(crate) fn write_parquet(path: &Path, batch: &RecordBatch, group: usize, geo: Option<&str>) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_key_value_metadata(geo.map(|geo| vec![KeyValue::new("geo".into(), geo.to_owned())]))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

pub(crate) fn geo(column: &str, crs: &str) -> String {
    format!(
        "{{\"version\":\"1.1.0\",\"primary_column\":\"{column}\",\
         \"columns\":{{\"{column}\":{{\"encoding\":\"WKB\",\"geometry_types\":[\"Point\"]{crs}}}}}}}"
    )
}

#[test]
fn parquet_of_longitudes_and_latitudes_is_like_csv() {
    let folder = Folder::new("parquet-lonlat");
    for group in [1, 2, 1000] {
        let path = folder.file("a b'c.parquet");
        write_parquet(&path, &lon_lat(), group, None);
        assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
    }
}

#[test]
fn geoparquet_in_every_encoding_is_like_csv() {
    let folder = Folder::new("geoparquet");
    for (name, column) in [
        ("wkb", wkb_column()),
        ("struct", struct_column()),
        ("list", list_column()),
    ] {
        let path = folder.file(name);
        let other = Arc::new(BinaryArray::from_iter(
            ROWS.iter().map(|_| Some(wkb(1.0, 1.0))),
        ));
        let columns = vec![
            ("geometry", other as ArrayRef),
            ("where", column),
            ("count", weights()),
        ];
        // The primary column is read, although another column is called `geometry`.
        write_parquet(&path, &batch(columns), 2, Some(&geo("where", "")));
        assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
    }
}

#[test]
fn a_geometry_column_is_known_by_its_name_and_lon_lat_can_be_asked_for() {
    let folder = Folder::new("parquet-geometry");
    let path = folder.file("a.parquet");
    let columns = vec![
        ("geometry", wkb_column()),
        ("lon", f64s(ROWS.map(|_| Some(7.0)))),
        ("lat", f64s(ROWS.map(|_| Some(8.0)))),
        ("count", weights()),
    ];
    write_parquet(&path, &batch(columns), 100, None);
    assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
    let asked = LoadOptions {
        lon: Some("lon".into()),
        lat: Some("lat".into()),
        ..LoadOptions::default()
    };
    let (points, _) = opened(&path, &asked).unwrap();
    let (lon, lat) = mercator::unproject(points[0].at());
    assert!((lon - 7.0).abs() < 1e-6 && (lat - 8.0).abs() < 1e-6);
}

#[test]
fn the_coordinate_system_of_geoparquet_is_respected() {
    let folder = Folder::new("geoparquet-crs");
    let path = folder.file("a.parquet");
    let one = |x: f64, y: f64| {
        let column: ArrayRef = Arc::new(BinaryArray::from_iter([Some(wkb(x, y))]));
        batch(vec![("geometry", column)])
    };
    let london =
        r#","crs":{"type":"ProjectedCRS","name":"OSGB36","id":{"authority":"EPSG","code":27700}}"#;
    write_parquet(
        &path,
        &one(530_268.0, 179_640.0),
        9,
        Some(&geo("geometry", london)),
    );
    let (points, _) = opened(&path, &LoadOptions::default()).unwrap();
    let (lon, lat) = mercator::unproject(points[0].at());
    assert!(
        (lon + 0.1246).abs() < 1e-3 && (lat - 51.5007).abs() < 1e-3,
        "{lon} {lat}"
    );

    let unknown = r#","crs":{"name":"Moon 2000"}"#;
    write_parquet(&path, &one(1.0, 2.0), 9, Some(&geo("geometry", unknown)));
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("Moon 2000"), "{message}");
    // The system is longitude and latitude, by its OGC name or because none is named.
    for crs in [
        r#","crs":{"id":{"authority":"OGC","code":"CRS84"}}"#,
        r#","crs":null"#,
        "",
    ] {
        write_parquet(&path, &one(1.0, 2.0), 9, Some(&geo("geometry", crs)));
        assert_eq!(
            opened(&path, &LoadOptions::default()).unwrap().0.len(),
            1,
            "{crs}"
        );
    }
}

#[test]
fn weights_of_every_type_are_numbers() {
    let folder = Folder::new("parquet-types");
    let path = folder.file("a.parquet");
    let words: DictionaryArray<arrow_array::types::Int32Type> =
        ["4", "5", "4"].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("lon", Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0]))),
        ("lat", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        (
            "text",
            Arc::new(StringArray::from(vec![Some("2.5"), None, Some("x")])),
        ),
        (
            "int",
            Arc::new(Int64Array::from(vec![Some(7), Some(-8), None])),
        ),
        ("words", Arc::new(words)),
    ];
    write_parquet(&path, &batch(columns), 100, None);
    let weights = |name: &str| -> Vec<f32> {
        let (points, _) = opened(&path, &weight(name)).unwrap();
        points.iter().map(|p| p.weight).collect()
    };
    assert_eq!(weights("int"), [7.0, -8.0, 0.0]);
    assert_eq!(weights("words"), [4.0, 5.0, 4.0]);
    let (points, report) = opened(&path, &weight("text")).unwrap();
    assert_eq!(
        (
            points.len(),
            report.skipped(SkipReason::BadWeight),
            report.weights_missing
        ),
        (2, 1, 1)
    );
    assert_eq!(
        report.examples[0].to_string(),
        "record 3: bad weight: weight \"x\""
    );
}

#[test]
fn null_and_odd_geometries_are_counted() {
    let folder = Folder::new("geoparquet-odd");
    let path = folder.file("a.parquet");
    let line = [vec![1, 2, 0, 0, 0], vec![0; 4]].concat();
    let multi = [
        vec![1, 4, 0, 0, 0, 2, 0, 0, 0],
        wkb(1.0, 2.0),
        wkb(3.0, 4.0),
    ]
    .concat();
    let all = [
        None,
        Some(line),
        Some(multi),
        Some(wkb(f64::NAN, f64::NAN)),
        Some(b"junk".to_vec()),
        Some(wkb(5.0, 6.0)),
    ];
    let column: ArrayRef = Arc::new(BinaryArray::from_iter(all));
    write_parquet(
        &path,
        &batch(vec![("geometry", column)]),
        4,
        Some(&geo("geometry", "")),
    );
    let (points, report) = opened(&path, &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.rows), (3, 7));
    let skipped = [
        SkipReason::NoPosition,
        SkipReason::NotAPoint,
        SkipReason::Malformed,
    ]
    .map(|s| report.skipped(s));
    assert_eq!(skipped, [2, 1, 1]);
    // Records are numbered through all row groups.
    let records: Vec<u64> = report.examples.iter().map(|e| e.line).collect();
    assert_eq!(records, [1, 2, 4, 5]);
}

#[test]
fn arrow_files_and_streams_are_like_csv() {
    let folder = Folder::new("arrow");
    let path = folder.file("a.feather");
    let batch = lon_lat();
    let mut writer = FileWriter::try_new(File::create(&path).unwrap(), &batch.schema()).unwrap();
    writer.write(&batch.slice(0, 2)).unwrap();
    writer.write(&batch.slice(2, 3)).unwrap();
    writer.finish().unwrap();
    assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());

    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    assert_like_csv(crate::loaded("standard input", &bytes, &LoadOptions::default()).unwrap());
}

#[test]
fn batches_in_memory_are_like_csv() {
    // A column that isn't read comes first, so that the others have other indexes.
    let note: ArrayRef = Arc::new(StringArray::from_iter_values(ROWS.map(|_| "?")));
    let mut columns = vec![("note", note)];
    let rows = lon_lat();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        columns.push((
            ["lon", "lat", "count"][columns.len() - 1],
            Arc::clone(column),
        ));
        assert_eq!(field.name(), columns.last().unwrap().0);
    }
    let rows = batch(columns);
    let parts = || [rows.slice(0, 1), rows.slice(1, 0), rows.slice(1, 4)].map(Ok);
    let options = LoadOptions::default();
    let mut source = read_record_batches(&rows.schema(), parts(), "a table", &options).unwrap();
    assert_like_csv(crate::drained(&mut *source).unwrap());

    let failed = Err(ArrowError::ComputeError(
        "the query was cancelled".to_owned(),
    ));
    let parts = parts().into_iter().chain([failed]);
    let mut source = read_record_batches(&rows.schema(), parts, "a table", &options).unwrap();
    let error = crate::drained(&mut *source).unwrap_err().to_string();
    assert!(
        error.contains("batch 4") && error.contains("the query was cancelled"),
        "{error}"
    );
}

#[test]
fn a_geoarrow_column_is_found_by_its_extension() {
    let folder = Folder::new("geoarrow");
    let path = folder.file("a.arrow");
    let extension = [
        ("ARROW:extension:name", "geoarrow.point"),
        ("ARROW:extension:metadata", r#"{"crs":"EPSG:4326"}"#),
    ];
    write_extended(&path, extension);
    assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
}

/// Writes an Arrow file with a column of points whose field has the metadata of an extension type.
fn write_extended(path: &Path, extension: [(&str, &str); 2]) {
    let field = Field::new("position", struct_column().data_type().clone(), true)
        .with_metadata(extension.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let schema = Arc::new(Schema::new(vec![
        field,
        Field::new("count", DataType::Float64, true),
    ]));
    let batch = RecordBatch::try_new(schema, vec![struct_column(), weights()]).unwrap();
    let mut writer = FileWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

#[test]
fn what_an_extension_says_in_broken_words_is_not_taken_for_longitude_and_latitude() {
    let folder = Folder::new("geoarrow-broken");
    let path = folder.file("a.arrow");
    let says = |metadata| {
        let name = ("ARROW:extension:name", "geoarrow.point");
        write_extended(&path, [name, ("ARROW:extension:metadata", metadata)]);
        opened(&path, &LoadOptions::default())
    };
    for broken in [
        r#"{"crs":"EPSG:2056""#,
        r#""EPSG:2056""#,
        "EPSG:2056",
        "[1]",
    ] {
        let message = says(broken).unwrap_err().to_string();
        assert!(message.contains("the column \"position\""), "{message}");
    }
    for nothing in ["", " ", "{}", r#"{"edges":"spherical"}"#, r#"{"crs":null}"#] {
        assert_like_csv(says(nothing).unwrap());
    }
}

#[test]
fn files_that_are_cut_off_or_lack_columns() {
    let folder = Folder::new("parquet-cut");
    let path = folder.file("a.parquet");
    write_parquet(&path, &lon_lat(), 100, None);
    let whole = std::fs::read(&path).unwrap();
    for cut in [10, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let message = opened(&path, &LoadOptions::default())
            .unwrap_err()
            .to_string();
        assert!(message.contains("damaged or cut off"), "{cut}: {message}");
    }
    // Flipped bits in the data must give an error and no wrong point.
    let mut turned = whole.clone();
    turned[10..60].iter_mut().for_each(|b| *b ^= 0xa5);
    std::fs::write(&path, &turned).unwrap();
    assert!(opened(&path, &LoadOptions::default()).is_err());

    let columns = vec![("a", weights()), ("b", weights())];
    write_parquet(&path, &batch(columns), 100, None);
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("there are: \"a\", \"b\""), "{message}");
    let message = error("a.parquet", &whole, &LoadOptions::default());
    assert!(message.contains("name an unpacked file"), "{message}");
}

#[test]
fn one_of_several_geometry_columns_can_be_asked_for() {
    let folder = Folder::new("several-geometries");
    let other: ArrayRef = Arc::new(BinaryArray::from_iter(
        ROWS.iter().map(|_| Some(wkb(1_491_681.18, 6_894_699.80))),
    ));
    let columns = batch(vec![
        ("there", other),
        ("here", wkb_column()),
        ("count", weights()),
    ]);
    let parquet = folder.file("a.parquet");
    let geo = r#"{"version":"1.1.0","primary_column":"here","columns":{
        "there":{"encoding":"WKB","crs":{"id":{"authority":"EPSG","code":3857}}},
        "here":{"encoding":"WKB"}}}"#;
    write_parquet(&parquet, &columns, 2, Some(geo));
    let field = |name: &str, crs: &str| {
        let about = [
            ("ARROW:extension:name", "geoarrow.wkb"),
            ("ARROW:extension:metadata", crs),
        ];
        let about = about.map(|(k, v)| (k.to_owned(), v.to_owned()));
        Field::new(name, DataType::Binary, true).with_metadata(about.into())
    };
    let schema = Arc::new(Schema::new(vec![
        field("here", "{}"),
        field("there", r#"{"crs":"EPSG:3857"}"#),
        Field::new("count", DataType::Float64, true),
    ]));
    let arrow = folder.file("a.arrow");
    let mut writer = FileWriter::try_new(File::create(&arrow).unwrap(), &schema).unwrap();
    let columns = [1, 0, 2].map(|at| columns.column(at).clone()).to_vec();
    writer
        .write(&RecordBatch::try_new(schema, columns).unwrap())
        .unwrap();
    writer.finish().unwrap();
    for path in [parquet, arrow] {
        // The primary column is read, and the reason for the choice names the other column.
        assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
        let why = heatsplat_loader::open(&path, &LoadOptions::default())
            .unwrap()
            .columns()
            .why
            .clone();
        assert!(
            why.starts_with("positions from \"here\" (`geom` takes \"there\"), "),
            "{why}"
        );
        let geom = |name: &str| LoadOptions {
            geom: Some(name.to_owned()),
            ..LoadOptions::default()
        };
        let (points, _) = opened(&path, &geom("THERE")).unwrap();
        let (lon, lat) = mercator::unproject(points[0].at());
        assert!(
            (lon - 13.4).abs() < 1e-3 && (lat - 52.52).abs() < 2e-3,
            "{lon} {lat}"
        );
        let message = opened(&path, &geom("count")).unwrap_err().to_string();
        assert!(
            message.contains("`geom`: there is no column \"count\"; there are: "),
            "{message}"
        );
    }
}

#[test]
fn nested_columns_are_passed_by() {
    let folder = Folder::new("nested");
    let fields = Fields::from(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("inner", struct_column().data_type().clone(), false),
    ]);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a"; ROWS.len()]));
    let nested: ArrayRef = Arc::new(StructArray::new(fields, vec![names, struct_column()], None));
    let columns = || {
        vec![
            ("about", nested.clone()),
            ("tags", list_column()),
            ("lon", f64s(ROWS.map(|r| Some(r.0)))),
            ("where", nested.clone()),
            ("lat", f64s(ROWS.map(|r| Some(r.1)))),
            ("count", weights()),
        ]
    };
    let batch = batch(columns());
    let parquet = folder.file("a.parquet");
    write_parquet(&parquet, &batch, 2, None);
    let arrow = folder.file("a.arrow");
    let mut writer = FileWriter::try_new(File::create(&arrow).unwrap(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    for path in [parquet, arrow] {
        assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
        // An option may name such a column, but its values are no weights, and the error says so.
        let message = opened(&path, &weight("about")).unwrap_err().to_string();
        assert!(
            message.contains("bad weight: weight \"a value of type Struct"),
            "{message}"
        );
    }
}

/// A column of structures with a text and two coordinates, the latitude before the longitude.
fn named_struct(lat: &str, lon: &str) -> ArrayRef {
    let fields = Fields::from(vec![
        Field::new("label", DataType::Utf8, true),
        Field::new(lat, DataType::Float64, true),
        Field::new(lon, DataType::Float64, true),
    ]);
    let labels: ArrayRef = Arc::new(StringArray::from_iter(ROWS.map(|_| Some("a"))));
    let axes = [f64s(ROWS.map(|r| Some(r.1))), f64s(ROWS.map(|r| Some(r.0)))];
    let columns = vec![labels, Arc::clone(&axes[0]), Arc::clone(&axes[1])];
    Arc::new(StructArray::new(fields, columns, None))
}

#[test]
fn structures_of_two_coordinates_are_positions() {
    let folder = Folder::new("structures");
    for (lat, lon) in [("lat", "lon"), ("Latitude", "Longitude"), ("y", "x")] {
        let batch = batch(vec![
            ("place", named_struct(lat, lon)),
            ("count", weights()),
        ]);
        let path = folder.file("a.parquet");
        write_parquet(&path, &batch, 3, None);
        assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
        let path = folder.file("a.arrow");
        let mut writer = FileWriter::try_new(File::create(&path).unwrap(), &batch.schema());
        let writer = writer.as_mut().unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
    }
    // Of several one is named, columns of numbers come first, and metres have a system.
    let two = batch(vec![
        ("from", named_struct("lat", "lon")),
        ("to", named_struct("lat", "lon")),
        ("count", weights()),
    ]);
    let path = folder.file("two.parquet");
    write_parquet(&path, &two, 3, None);
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message
            .contains("`geom`: several columns hold positions; name one of them: \"from\", \"to\""),
        "{message}"
    );
    let named = LoadOptions {
        geom: Some("to".to_owned()),
        ..LoadOptions::default()
    };
    assert_like_csv(opened(&path, &named).unwrap());
    let both = batch(vec![
        ("lon", f64s(ROWS.map(|r| Some(r.0)))),
        ("lat", f64s(ROWS.map(|r| Some(r.1)))),
        ("other", named_struct("lon", "lat")),
        ("count", weights()),
    ]);
    let path = folder.file("both.parquet");
    write_parquet(&path, &both, 3, None);
    assert_like_csv(opened(&path, &LoadOptions::default()).unwrap());
    let metres = batch(vec![(
        "place",
        Arc::new(StructArray::new(
            Fields::from(vec![
                Field::new("x", DataType::Float64, false),
                Field::new("y", DataType::Float64, false),
            ]),
            vec![f64s([Some(500_000.0)]), f64s([Some(5_000_000.0)])],
            None,
        )),
    )]);
    let path = folder.file("metres.parquet");
    write_parquet(&path, &metres, 3, None);
    let zone = LoadOptions {
        srid: Some(32631),
        ..LoadOptions::default()
    };
    let (points, _) = opened(&path, &zone).unwrap();
    let (lon, _) = mercator::unproject(points[0].at());
    assert!((lon - 3.0).abs() < 1e-6, "{lon}");
}
