//! Columns of geometries and of coordinates. The geometries are of Parquet's own types, with their
//! coordinate systems, or are lines, areas and points in every encoding. The coordinates are texts
//! or decimal numbers.

use crate::arrow::{batch, wkb, write_parquet};
use crate::{Folder, loaded, opened};
use arrow_array::builder::{FixedSizeListBuilder, Float64Builder, ListBuilder};
use arrow_array::{
    ArrayRef, BinaryArray, Decimal128Array, Decimal256Array, Float32Array, Float64Array,
    LargeListArray, ListArray, RecordBatch, StringArray, StructArray, UnionArray,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer, i256};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Fields, Schema, UnionFields, UnionMode};
use heatsplat_loader::{LoadOptions, Report, SkipReason};
use heatsplat_points::{Point, mercator};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Positions in well-known binary, as a geometry of the type `kind`: 2 is a LineString, 4 a
/// MultiPoint.
fn wkb_of(kind: u8, points: &[(f64, f64)]) -> Vec<u8> {
    let mut bytes = vec![1, kind, 0, 0, 0];
    bytes.extend((points.len() as u32).to_le_bytes());
    for (x, y) in points {
        let point = wkb(*x, *y);
        bytes.extend(if kind == 4 { &point[..] } else { &point[5..] });
    }
    bytes
}

/// Writes a Parquet file of columns that have a name, a logical type and the bytes of each value.
/// `keys` are its metadata.
fn typed(path: &Path, columns: &[(&str, LogicalType, Vec<Vec<u8>>)], keys: &[(&str, &str)]) {
    let field = |(name, logical, _): &(&str, LogicalType, _)| {
        let column = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(logical.clone()));
        Arc::new(column.build().unwrap())
    };
    let fields = columns.iter().map(field).collect();
    let schema = Type::group_type_builder("schema").with_fields(fields);
    let keys = keys
        .iter()
        .map(|(k, v)| KeyValue::new((*k).to_owned(), (*v).to_owned()));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(keys.collect()));
    let mut writer = SerializedFileWriter::new(
        File::create(path).unwrap(),
        Arc::new(schema.build().unwrap()),
        Arc::new(properties.build()),
    )
    .unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (_, _, values) in columns {
        let values: Vec<ByteArray> = values.iter().cloned().map(ByteArray::from).collect();
        let mut column = group.next_column().unwrap().unwrap();
        let levels = vec![1; values.len()];
        let column_writer = column.typed::<ByteArrayType>();
        column_writer
            .write_batch(&values, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

fn geometry(crs: Option<&str>) -> LogicalType {
    LogicalType::geometry(crs.map(str::to_owned))
}

fn geom(name: &str) -> LoadOptions {
    LoadOptions {
        geom: Some(name.to_owned()),
        ..LoadOptions::default()
    }
}

fn place((points, _): (Vec<Point>, Report)) -> (f64, f64) {
    let (lon, lat) = mercator::unproject(points[0].at());
    ((lon * 1e3).round() / 1e3, (lat * 1e3).round() / 1e3)
}

const MERCATOR: &str = r#"{"type":"ProjectedCRS","name":"WGS 84 / Pseudo-Mercator","id":{"authority":"EPSG","code":3857}}"#;

#[test]
fn parquets_own_geometries_are_found_by_their_type() {
    let folder = Folder::new("own-types");
    let path = folder.file("a.parquet");
    let geography = LogicalType::geography(None, None);
    for logical in [geometry(None), geography] {
        let columns = [
            ("name", LogicalType::String, vec![b"a".to_vec()]),
            ("shape", logical, vec![wkb(13.4, 52.5)]),
        ];
        typed(&path, &columns, &[]);
        assert_eq!(
            place(opened(&path, &LoadOptions::default()).unwrap()),
            (13.4, 52.5)
        );
        assert_eq!(place(opened(&path, &geom("SHAPE")).unwrap()), (13.4, 52.5));
    }
    // Of several columns of geometries the one with a usual name is read, unless an option names
    // another one.
    let columns = [
        ("there", geometry(None), vec![wkb(1.0, 2.0)]),
        ("geom", geometry(None), vec![wkb(3.0, 4.0)]),
    ];
    typed(&path, &columns, &[]);
    let source = heatsplat_loader::open(&path, &LoadOptions::default()).unwrap();
    let why = source.columns().why.clone();
    assert!(
        why.starts_with("positions from \"geom\" (`geom` takes \"there\")"),
        "{why}"
    );
    assert_eq!(
        place(opened(&path, &LoadOptions::default()).unwrap()),
        (3.0, 4.0)
    );
    assert_eq!(place(opened(&path, &geom("there")).unwrap()), (1.0, 2.0));
    let message = opened(&path, &geom("where")).unwrap_err().to_string();
    assert!(
        message.contains("`geom`: there is no column \"where\""),
        "{message}"
    );
}

#[test]
fn the_coordinate_system_of_parquets_own_types_is_respected_however_it_is_written() {
    let folder = Folder::new("own-crs");
    let path = folder.file("a.parquet");
    let metres = wkb(1_491_681.18, 6_894_699.80);
    let put = |crs: Option<&str>, bytes: &[u8], keys: &[(&str, &str)]| {
        typed(&path, &[("g", geometry(crs), vec![bytes.to_vec()])], keys);
        opened(&path, &LoadOptions::default())
    };
    for crs in [
        "EPSG:3857",
        "epsg:3857",
        "srid:3857",
        "srid:EPSG:3857",
        "urn:ogc:def:crs:EPSG::3857",
        "https://www.opengis.net/def/crs/EPSG/0/3857",
        MERCATOR,
    ] {
        assert_eq!(
            place(put(Some(crs), &metres, &[]).unwrap()),
            (13.4, 52.52),
            "{crs}"
        );
    }
    let keyed = put(Some("projjson:mine"), &metres, &[("mine", MERCATOR)]);
    assert_eq!(place(keyed.unwrap()), (13.4, 52.52));
    for crs in [
        None,
        Some("OGC:CRS84"),
        Some("urn:ogc:def:crs:OGC:1.3:CRS84"),
        Some("srid:0"),
        Some(""),
        Some("EPSG:4326"),
    ] {
        assert_eq!(
            place(put(crs, &wkb(1.0, 2.0), &[]).unwrap()),
            (1.0, 2.0),
            "{crs:?}"
        );
    }
    for (crs, says) in [
        ("EPSG:99999", "EPSG:99999"),
        ("srid:77777", "EPSG:77777"),
        (
            "projjson:yours",
            "under the metadata key \"yours\", which is not there",
        ),
        ("{\"name\": ", "{\"name\":"),
        (
            r#"{"type":"GeographicCRS","name":"Moon 2000"}"#,
            "Moon 2000",
        ),
    ] {
        let message = put(Some(crs), &metres, &[("mine", MERCATOR)])
            .unwrap_err()
            .to_string();
        assert!(message.contains(says), "{message}");
    }
    // The system in GeoParquet's metadata is used. If they state none, the system in the column's
    // type is.
    let geo = |crs: &str| {
        format!(r#"{{"primary_column":"g","columns":{{"g":{{"encoding":"WKB"{crs}}}}}}}"#)
    };
    let both = put(Some("EPSG:3857"), &metres, &[("geo", &geo(""))]);
    assert_eq!(place(both.unwrap()), (13.4, 52.52));
    let said = geo(&format!(r#","crs":{MERCATOR}"#));
    assert_eq!(
        place(put(None, &metres, &[("geo", &said)]).unwrap()),
        (13.4, 52.52)
    );
}

#[test]
fn columns_of_degrees_that_are_asked_for_are_in_no_geometrys_system() {
    let folder = Folder::new("degrees");
    let path = folder.file("a.parquet");
    let columns = [
        (
            "g",
            geometry(Some("EPSG:3857")),
            vec![wkb(1_491_681.18, 6_894_699.80)],
        ),
        ("x", LogicalType::String, vec![b"5.5".to_vec()]),
        ("y", LogicalType::String, vec![b" 6.25 ".to_vec()]),
    ];
    typed(&path, &columns, &[]);
    let options = LoadOptions {
        lon: Some("x".into()),
        lat: Some("y".into()),
        ..LoadOptions::default()
    };
    assert_eq!(place(opened(&path, &options).unwrap()), (5.5, 6.25));
}

/// Points as two arrays, one of x and one of y.
fn separate(points: &[(f64, f64)]) -> ArrayRef {
    let field = |name| Field::new(name, DataType::Float64, true);
    let axis = |axis: fn(&(f64, f64)) -> f64| -> ArrayRef {
        Arc::new(points.iter().map(axis).collect::<Float64Array>())
    };
    let fields = Fields::from(vec![field("x"), field("y")]);
    Arc::new(StructArray::new(
        fields,
        vec![axis(|p| p.0), axis(|p| p.1)],
        None,
    ))
}

/// Points as pairs of x and y.
fn interleaved(points: &[(f64, f64)]) -> ArrayRef {
    let mut lists = FixedSizeListBuilder::new(Float64Builder::new(), 2);
    for (x, y) in points {
        lists.values().append_slice(&[*x, *y]);
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// A column of one row, which is a list of all values.
fn in_one(values: ArrayRef, is_large: bool) -> ArrayRef {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    let length = values.len();
    if is_large {
        let offsets = OffsetBuffer::from_lengths([length]);
        return Arc::new(LargeListArray::new(field, offsets, values, None));
    }
    Arc::new(ListArray::new(
        field,
        OffsetBuffer::from_lengths([length]),
        values,
        None,
    ))
}

pub(crate) fn arrow(path: &Path, extension: &str, column: &ArrayRef) {
    let about = [("ARROW:extension:name".to_owned(), extension.to_owned())];
    let field = Field::new("where", column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(vec![field.with_metadata(about.into())]));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::clone(column)]).unwrap();
    let mut writer = FileWriter::try_new(File::create(path).unwrap(), &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
}

/// Writes a Parquet file with a column of an extension type. The type is stated in the metadata key
/// `geo` if `geo` is true, and in the Arrow schema otherwise.
pub(crate) fn parquet(path: &Path, extension: &str, column: &ArrayRef, geo: bool) {
    let about = [("ARROW:extension:name".to_owned(), extension.to_owned())];
    let about = if geo { [].into() } else { about.into() };
    let field = Field::new("where", column.data_type().clone(), true).with_metadata(about);
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::clone(column)]).unwrap();
    let encoding = extension.trim_start_matches("geoarrow.");
    let said = format!(
        r#"{{"primary_column":"where","columns":{{"where":{{"encoding":"{encoding}"}}}}}}"#
    );
    write_parquet(path, &batch, 100, geo.then_some(&*said));
}

const TWO: [(f64, f64); 2] = [(1.0, 2.0), (3.0, 4.0)];

/// The number of points in a file, or the reason why it gives none.
fn outcome(path: &Path) -> String {
    match opened(path, &LoadOptions::default()) {
        Ok((points, _)) => format!("{} points", points.len()),
        Err(error) => {
            let message = error.to_string();
            message.lines().nth(2).unwrap_or(&message).trim().to_owned()
        }
    }
}

#[test]
fn what_a_geometry_is_decides_in_every_encoding_alike() {
    let folder = Folder::new("kinds");
    let line = "record 1: not a point: geometry LineString";
    let list = |values: ArrayRef| in_one(values, false);
    for points in [separate(&TWO), interleaved(&TWO)] {
        for (extension, column, expected) in [
            ("geoarrow.point", points.clone(), "2 points"),
            ("geoarrow.multipoint", list(points.clone()), "2 points"),
            (
                "geoarrow.multipoint",
                in_one(points.clone(), true),
                "2 points",
            ),
            ("geoarrow.linestring", list(points.clone()), line),
            ("geoarrow.linestring", in_one(points.clone(), true), line),
            (
                "geoarrow.polygon",
                list(list(points.clone())),
                "record 1: not a point: geometry Polygon",
            ),
            (
                "geoarrow.multilinestring",
                list(list(points.clone())),
                "record 1: not a point: geometry MultiLineString",
            ),
            (
                "geoarrow.multipolygon",
                list(list(list(points.clone()))),
                "record 1: not a point: geometry MultiPolygon",
            ),
        ] {
            let path = folder.file("a.arrow");
            arrow(&path, extension, &column);
            assert_eq!(outcome(&path), expected, "{extension} in Arrow");
            for geo in [true, false] {
                let path = folder.file("a.parquet");
                parquet(&path, extension, &column, geo);
                assert_eq!(
                    outcome(&path),
                    expected,
                    "{extension} in Parquet, geo: {geo}"
                );
            }
        }
    }
    for (bytes, expected) in [
        (wkb_of(4, &TWO), "2 points"),
        (wkb_of(2, &TWO), line),
        (
            [&[1, 7, 0, 0, 0, 1, 0, 0, 0][..], &wkb(1.0, 2.0)].concat(),
            "record 1: not a point: geometry GeometryCollection",
        ),
    ] {
        let column: ArrayRef = Arc::new(BinaryArray::from_iter_values([&bytes]));
        arrow(&folder.file("a.arrow"), "geoarrow.wkb", &column);
        parquet(&folder.file("a.parquet"), "WKB", &column, true);
        typed(
            &folder.file("b.parquet"),
            &[("g", geometry(None), vec![bytes])],
            &[],
        );
        for file in ["a.arrow", "a.parquet", "b.parquet"] {
            assert_eq!(outcome(&folder.file(file)), expected, "{file}");
        }
    }
    // GeoJSON gives the same reason.
    let text = r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#;
    let message = loaded("a.geojson", text.as_bytes(), &LoadOptions::default()).unwrap_err();
    assert!(
        message
            .to_string()
            .contains("not a point: geometry LineString"),
        "{message}"
    );
}

#[test]
fn lists_that_nobody_says_are_points_are_not_drawn() {
    let folder = Folder::new("unsaid");
    let path = folder.file("a.parquet");
    let column = in_one(separate(&TWO), false);
    let batch = batch(vec![("geometry", column)]);
    write_parquet(&path, &batch, 100, None);
    assert_eq!(
        outcome(&path),
        "record 1: not a point: geometry LineString or MultiPoint, which isn't said"
    );
}

#[test]
fn points_without_coordinates_and_columns_of_several_kinds() {
    let folder = Folder::new("several-kinds");
    let path = folder.file("a.arrow");
    let nan = f64::NAN;
    arrow(
        &path,
        "geoarrow.point",
        &separate(&[(1.0, 2.0), (nan, nan), (3.0, 4.0)]),
    );
    let (points, report) = opened(&path, &LoadOptions::default()).unwrap();
    assert_eq!(
        (points.len(), report.skipped(SkipReason::NoPosition)),
        (2, 1)
    );

    let mut lists = ListBuilder::new(FixedSizeListBuilder::new(Float64Builder::new(), 2));
    lists.append(true);
    arrow(
        &path,
        "geoarrow.multipoint",
        &(Arc::new(lists.finish()) as ArrayRef),
    );
    assert_eq!(outcome(&path), "record 1: no position: empty MultiPoint");

    // The column has a point, a line and a MultiPoint.
    let children = [
        (1i8, separate(&TWO[..1])),
        (2, in_one(separate(&TWO), false)),
        (4, in_one(separate(&TWO), false)),
    ];
    let fields = children.iter().map(|(number, child)| {
        let field = Field::new(format!("kind {number}"), child.data_type().clone(), true);
        (*number, Arc::new(field))
    });
    let fields: UnionFields = fields.collect();
    let union = UnionArray::try_new(
        fields.clone(),
        ScalarBuffer::from(vec![1i8, 2, 4]),
        Some(ScalarBuffer::from(vec![0, 0, 0])),
        children.map(|child| child.1).to_vec(),
    )
    .unwrap();
    let union: ArrayRef = Arc::new(union);
    assert!(matches!(
        union.data_type(),
        DataType::Union(_, UnionMode::Dense)
    ));
    arrow(&path, "geoarrow.geometry", &union);
    let (points, report) = opened(&path, &LoadOptions::default()).unwrap();
    assert_eq!(
        (points.len(), report.skipped(SkipReason::NotAPoint)),
        (3, 1)
    );
    assert_eq!(
        report.examples[0].to_string(),
        "record 2: not a point: geometry LineString"
    );
}

/// Writes columns as Parquet and as Arrow, checks that both files give the same, and returns their
/// points and report.
fn of_columns(folder: &Folder, columns: Vec<(&str, ArrayRef)>) -> (Vec<Point>, Report) {
    let batch = batch(columns);
    let (parquet, arrow) = (folder.file("c.parquet"), folder.file("c.arrow"));
    write_parquet(&parquet, &batch, 100, None);
    let file = File::create(&arrow).unwrap();
    let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let by = opened(&parquet, &LoadOptions::default()).unwrap();
    let (points, mut report) = opened(&arrow, &LoadOptions::default()).unwrap();
    report.bytes = by.1.bytes;
    assert_eq!((&points, &report), (&by.0, &by.1));
    by
}

#[test]
fn coordinates_and_weights_are_texts_or_decimal_numbers_too() {
    let folder = Folder::new("decimals");
    let csv = |text: &str| loaded("a.csv", text.as_bytes(), &LoadOptions::default()).unwrap();
    let texts = |all: &[&str]| -> ArrayRef { Arc::new(StringArray::from(all.to_vec())) };
    let (points, report) = of_columns(
        &folder,
        vec![
            ("lon", texts(&["13.4", " -7e1 ", "east", "", "5"])),
            ("lat", texts(&["52.5", "+8", "1", "2", "n/a"])),
            ("weight", texts(&["2", "3.5", "1", "1", "1"])),
        ],
    );
    let (by, by_report) =
        csv("lon,lat,weight\n13.4,52.5,2\n -7e1 ,+8,3.5\neast,1,1\n,2,1\n5,n/a,1\n");
    assert_eq!(points, by);
    let found = |report: &Report| -> Vec<String> {
        report
            .examples
            .iter()
            .map(|e| format!("{}: {}", e.skip, e.found))
            .collect()
    };
    assert_eq!(found(&report), found(&by_report));

    let small = |all: Vec<i128>, scale| -> ArrayRef {
        let all = Decimal128Array::from(all);
        Arc::new(all.with_precision_and_scale(38, scale).unwrap())
    };
    let great = |all: Vec<i128>, scale| -> ArrayRef {
        let all = Decimal256Array::from_iter_values(all.into_iter().map(i256::from_i128));
        Arc::new(all.with_precision_and_scale(76, scale).unwrap())
    };
    let (expected, _) = csv("lon,lat,weight\n13.4051234,52.5,0.1\n-0.0000001,-1,12345678.9\n");
    let lons = vec![134_051_234, -1];
    let long = |all: &[i128]| all.iter().map(|n| n * 10i128.pow(20)).collect::<Vec<_>>();
    for columns in [
        [
            small(lons.clone(), 7),
            small(vec![525, -10], 1),
            small(vec![1, 123_456_789], 1),
        ],
        [
            small(long(&lons), 27),
            small(vec![525, -10], 1),
            small(long(&[1, 123_456_789]), 21),
        ],
        [
            great(lons.clone(), 7),
            great(vec![525, -10], 1),
            great(vec![1, 123_456_789], 1),
        ],
        [
            great(long(&lons), 27),
            great(vec![525, -10], 1),
            great(long(&[1, 123_456_789]), 21),
        ],
    ] {
        let named = ["lon", "lat", "weight"].into_iter().zip(columns).collect();
        assert_eq!(of_columns(&folder, named).0, expected);
    }
}

#[test]
fn a_number_that_is_none_is_blamed_on_its_own_column() {
    let folder = Folder::new("blame");
    let axis = |all: Vec<f32>| -> ArrayRef { Arc::new(Float32Array::from(all)) };
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let (_, report) = of_columns(
        &folder,
        vec![
            ("lon", axis(vec![1.0, nan, 1.0, inf])),
            ("lat", axis(vec![1.0, 2.0, nan, 2.0])),
        ],
    );
    let found: Vec<String> = report.examples.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "record 2: bad position: longitude NaN",
            "record 3: bad position: latitude NaN",
            "record 4: bad position: longitude inf",
        ]
    );
}

#[test]
fn columns_that_hold_no_single_values_are_refused_by_name() {
    let folder = Folder::new("no-values");
    let path = folder.file("a.parquet");
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "geometry",
            Arc::new(BinaryArray::from_iter_values([wkb(1.0, 2.0)])),
        ),
        ("box", separate(&TWO[..1])),
    ];
    let batch = batch(columns);
    write_parquet(&path, &batch, 100, None);
    let keep = LoadOptions {
        keep: vec!["box".into()],
        ..LoadOptions::default()
    };
    let filter = LoadOptions {
        filter: Some("box = 1".parse().unwrap()),
        ..LoadOptions::default()
    };
    for (options, parameter) in [(keep, "`keep`"), (filter, "`filter`")] {
        let message = opened(&path, &options).unwrap_err().to_string();
        let says = format!("{parameter}: the values of \"box\" can't be read: they are of type");
        assert!(message.contains(&says), "{message}");
    }
    assert_eq!(opened(&path, &LoadOptions::default()).unwrap().0.len(), 1);
}

#[test]
fn a_packing_that_is_not_read_is_named_with_its_column() {
    let folder = Folder::new("packing");
    let path = folder.file("a.parquet");
    let axis = |n: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![n])) };
    let columns = vec![("lon", axis(1.0)), ("lat", axis(2.0)), ("other", axis(3.0))];
    let batch = batch(columns);
    write_parquet(&path, &batch, 100, None);
    let whole = std::fs::read(&path).unwrap();
    // LZO is the compression number 3. In the file the number is stored after the column's name,
    // multiplied by 2.
    let packed = |name: &str| {
        let mut bytes = whole.clone();
        let plain = [name.as_bytes(), &[0x15, 0]].concat();
        let at = bytes.windows(plain.len()).rposition(|part| part == plain);
        bytes[at.unwrap() + name.len() + 1] = 3 << 1;
        bytes
    };
    std::fs::write(&path, packed("lat")).unwrap();
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("column \"lat\" is packed with LZO, which is not read here; write it"),
        "{message}"
    );
    // The compression of a column that isn't read does not matter.
    std::fs::write(&path, packed("other")).unwrap();
    assert_eq!(opened(&path, &LoadOptions::default()).unwrap().0.len(), 1);
}
