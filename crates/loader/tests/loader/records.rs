//! Shapefiles, FlatGeobuf and GPX. Files of the rows in `ROWS` must give the same points as these
//! rows in CSV. Other tests have unusual or damaged files.

use crate::{Folder, ROWS, assert_like_csv, error, loaded, opened, weight};
use dbase::{FieldName, FieldValue, Record, TableWriterBuilder};
use flatgeobuf::{ColumnType, FgbCrs, FgbWriter, FgbWriterOptions, GeometryType};
use geozero::geojson::GeoJson;
use heatsplat_loader::{LoadOptions, SkipReason};
use heatsplat_points::mercator;
use shapefile::{Multipoint, Point, PointM, PointZ, Polyline, ShapeWriter};
use std::path::Path;

/// Writes a Shapefile. The only field of its table is the weight `count`; `prj` is the text of its
/// `.prj`.
pub(crate) fn write_shapes<S: shapefile::record::EsriShape>(
    path: &Path,
    shapes: &[(S, Option<f64>)],
    prj: Option<&str>,
) {
    let name = FieldName::try_from("count").unwrap();
    let table = TableWriterBuilder::new().add_numeric_field(name, 12, 3);
    let mut writer = shapefile::Writer::from_path(path, table).unwrap();
    for (shape, weight) in shapes {
        let mut record = Record::default();
        record.insert("count".to_owned(), FieldValue::Numeric(*weight));
        writer.write_shape_and_record(shape, &record).unwrap();
    }
    drop(writer);
    if let Some(prj) = prj {
        std::fs::write(path.with_extension("prj"), prj).unwrap();
    }
}

#[test]
fn shapefiles_of_every_kind_of_point_are_like_csv() {
    let folder = Folder::new("shapes");
    let plain = ROWS.map(|(x, y, w)| (Point::new(x, y), w));
    let with_m = ROWS.map(|(x, y, w)| (PointM::new(x, y, 7.0), w));
    let with_z = ROWS.map(|(x, y, w)| (PointZ::new(x, y, 9.0, 7.0), w));
    let multi = ROWS.map(|(x, y, w)| (Multipoint::new(vec![Point::new(x, y)]), w));
    write_shapes(&folder.file("plain.shp"), &plain, None);
    write_shapes(&folder.file("m.shp"), &with_m, None);
    write_shapes(&folder.file("z.SHP"), &with_z, None);
    write_shapes(&folder.file("multi with spaces.shp"), &multi, None);
    for name in ["plain.shp", "m.shp", "z.SHP", "multi with spaces.shp"] {
        assert_like_csv(opened(&folder.file(name), &LoadOptions::default()).unwrap());
    }
}

#[test]
fn a_multipoint_is_a_row_for_each_position() {
    let folder = Folder::new("multi");
    let path = folder.file("a.shp");
    let both = Multipoint::new(vec![Point::new(1.0, 2.0), Point::new(3.0, 4.0)]);
    write_shapes(&path, &[(both, Some(5.0))], None);
    let (points, report) = opened(&path, &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.rows), (2, 2));
    assert!(points.iter().all(|p| p.weight == 5.0));
}

#[test]
fn the_projection_beside_a_shapefile_is_respected() {
    let folder = Folder::new("prj");
    let path = folder.file("a.shp");
    // This is the Space Needle in Seattle, in the State Plane system of Washington North, in feet.
    let feet = r#"PROJCS["NAD83 / Washington North (ftUS)",GEOGCS["NAD83",DATUM["North_American_Datum_1983",SPHEROID["GRS 1980",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic_2SP"],PARAMETER["latitude_of_origin",47],PARAMETER["central_meridian",-120.833333333333],PARAMETER["standard_parallel_1",48.7333333333333],PARAMETER["standard_parallel_2",47.5],PARAMETER["false_easting",1640416.667],PARAMETER["false_northing",0],UNIT["US survey foot",0.304800609601219]]"#;
    write_shapes(
        &path,
        &[(Point::new(1_266_457.0, 229_905.0), Some(1.0))],
        Some(feet),
    );
    let (points, _) = opened(&path, &LoadOptions::default()).unwrap();
    let (lon, lat) = mercator::unproject(points[0].at());
    assert!(
        (lon + 122.3493).abs() < 2e-3 && (lat - 47.6205).abs() < 2e-3,
        "{lon} {lat}"
    );

    write_shapes(
        &path,
        &[(Point::new(1.0, 2.0), Some(1.0))],
        Some(r#"LOCAL_CS["Mine 4"]"#),
    );
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("Mine 4") && message.contains("EPSG:4326"),
        "{message}"
    );
}

#[test]
fn shapefiles_without_table_with_lines_and_cut_off() {
    let folder = Folder::new("odd");
    let path = folder.file("bare.shp");
    let mut writer = ShapeWriter::from_path(&path).unwrap();
    writer.write_shape(&Point::new(13.4, 52.5)).unwrap();
    drop(writer);
    std::fs::remove_file(path.with_extension("dbf")).ok();
    let (points, _) = opened(&path, &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), points[0].weight), (1, 1.0));

    let path = folder.file("lines.shp");
    let line = Polyline::new(vec![Point::new(1.0, 2.0), Point::new(3.0, 4.0)]);
    write_shapes(&path, &[(line, Some(1.0))], None);
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("not a point: geometry Polyline"),
        "{message}"
    );

    let path = folder.file("cut.shp");
    write_shapes(&path, &ROWS.map(|(x, y, w)| (Point::new(x, y), w)), None);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("record 5: damaged or cut off"),
        "{message}"
    );
    std::fs::write(&path, &whole[..50]).unwrap();
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.contains("header: damaged or cut off"), "{message}");

    let message = error("stream.shp", &whole, &LoadOptions::default());
    assert!(message.contains("name an unpacked file"), "{message}");
}

#[test]
fn a_name_in_the_encoding_of_the_cpg_file_is_found() {
    let folder = Folder::new("cpg");
    let path = folder.file("a.shp");
    let name = FieldName::try_from("gewicht").unwrap();
    let table = TableWriterBuilder::new().add_numeric_field(name, 9, 1);
    let mut writer = shapefile::Writer::from_path(&path, table).unwrap();
    let mut record = Record::default();
    record.insert("gewicht".to_owned(), FieldValue::Numeric(Some(2.0)));
    writer
        .write_shape_and_record(&Point::new(1.0, 2.0), &record)
        .unwrap();
    drop(writer);
    // The field's name in the table's header becomes "größe" in ISO 8859-1.
    let dbf = path.with_extension("dbf");
    let mut bytes = std::fs::read(&dbf).unwrap();
    bytes[32..43].copy_from_slice(b"gr\xf6\xdfe\0\0\0\0\0\0");
    std::fs::write(&dbf, bytes).unwrap();
    std::fs::write(path.with_extension("cpg"), "ISO-8859-1").unwrap();
    let (points, _) = opened(&path, &weight("größe")).unwrap();
    assert_eq!(points[0].weight, 2.0);
    let message = opened(&path, &weight("höhe")).unwrap_err().to_string();
    assert!(message.contains("there are: \"größe\""), "{message}");
}

/// A coordinate system that is given by its EPSG number.
pub(crate) fn epsg(code: i32) -> FgbCrs<'static> {
    FgbCrs {
        code,
        ..FgbCrs::default()
    }
}

/// The bytes of a FlatGeobuf file of GeoJSON features, with a column `count`. With `index` it has a
/// spatial index.
pub(crate) fn flatgeobuf(index: bool, crs: FgbCrs<'_>, features: &[String]) -> Vec<u8> {
    let options = FgbWriterOptions {
        write_index: index,
        detect_type: false,
        promote_to_multi: false,
        crs,
        ..FgbWriterOptions::default()
    };
    let mut writer = FgbWriter::create_with_options("a", GeometryType::Unknown, options).unwrap();
    writer.add_column("count", ColumnType::Double, |_, _| ());
    for feature in features {
        writer.add_feature(GeoJson(feature)).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    bytes
}

fn features() -> Vec<String> {
    let feature = |(x, y, w): (f64, f64, Option<f64>)| {
        let properties = w.map_or("{}".to_owned(), |w| format!("{{\"count\":{w:?}}}"));
        format!(
            "{{\"type\":\"Feature\",\"properties\":{properties},\
             \"geometry\":{{\"type\":\"Point\",\"coordinates\":[{x:?},{y:?}]}}}}"
        )
    };
    ROWS.map(feature).to_vec()
}

#[test]
fn flatgeobuf_is_like_csv() {
    let bytes = flatgeobuf(false, epsg(4326), &features());
    assert_like_csv(loaded("a.fgb", &bytes, &LoadOptions::default()).unwrap());
    // An index changes only the order of the features.
    let sorted = |bytes: &[u8]| {
        let (mut points, report) = loaded("a.fgb", bytes, &LoadOptions::default()).unwrap();
        points.sort_by_key(|p| (p.x, p.y));
        (points, report.kept)
    };
    assert_eq!(
        sorted(&flatgeobuf(true, epsg(4326), &features())),
        sorted(&bytes)
    );
    // The format is detected by the content, even if the name has no extension.
    assert_eq!(
        loaded("a", &bytes, &LoadOptions::default())
            .unwrap()
            .0
            .len(),
        4
    );
}

#[test]
fn flatgeobuf_in_metres_of_web_mercator_or_cut_off() {
    let there = |x: f64, y: f64| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{{\"type\":\"Point\",\"coordinates\":[{x:?},{y:?}]}}}}"
        )
    };
    let metres = flatgeobuf(true, epsg(3857), &[there(1_491_681.18, 6_894_699.80)]);
    let (points, _) = loaded("a.fgb", &metres, &LoadOptions::default()).unwrap();
    let (lon, lat) = mercator::unproject(points[0].at());
    assert!(
        (lon - 13.4).abs() < 1e-5 && (lat - 52.520_0).abs() < 2e-3,
        "{lon} {lat}"
    );
    let message = error(
        "a.fgb",
        &flatgeobuf(true, epsg(999_999), &[there(1.0, 2.0)]),
        &LoadOptions::default(),
    );
    assert!(message.contains("EPSG:999999"), "{message}");

    let bytes = flatgeobuf(false, epsg(4326), &features());
    for cut in [10, 60, bytes.len() - 5] {
        let message = error("a.fgb", &bytes[..cut], &LoadOptions::default());
        assert!(message.contains("damaged or cut off"), "{cut}: {message}");
    }
    // The file is cut off at the end of a feature, so it has fewer features than its header states.
    let last = flatgeobuf(false, epsg(4326), &features()[..4]).len();
    let shorter = &bytes[..last];
    let message = error("a.fgb", shorter, &LoadOptions::default());
    assert!(message.contains("5 features were promised"), "{message}");
}

#[test]
fn lines_in_flatgeobuf_are_counted_and_left_out() {
    let line = "{\"type\":\"Feature\",\"properties\":{},\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[1.0,2.0],[3.0,4.0]]}}";
    let mut all = features();
    all.push(line.to_owned());
    let (points, report) = loaded(
        "a.fgb",
        &flatgeobuf(false, epsg(4326), &all),
        &LoadOptions::default(),
    )
    .unwrap();
    assert_eq!(
        (points.len(), report.skipped(SkipReason::NotAPoint)),
        (4, 1)
    );
}

const GPX: &str = r#"<?xml version="1.0"?>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1" xmlns:g="http://example.com/ext">
 <metadata><name>A &amp; B</name></metadata>
 <wpt lat="52.5" lon="13.4"/>
 <rte><rtept lat="1" lon="2"><ele>7</ele></rtept></rte>
 <trk><trkseg>
  <trkpt lat="10.5" lon="20.25"><ele>31.5</ele><time>2026-01-01T00:00:00Z</time></trkpt>
  <trkpt lat="x" lon="20.25"><ele>8</ele></trkpt>
  <trkpt lon="20.25"></trkpt>
  <trkpt lat="11" lon="21"><extensions><g:hr>99</g:hr></extensions></trkpt>
 </trkseg></trk>
</gpx>"#;

#[test]
fn gpx_gives_tracks_routes_and_waypoints() {
    let (points, report) = loaded("a.gpx", GPX.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(
        (
            points.len(),
            report.rows,
            report.skipped(SkipReason::Malformed)
        ),
        (4, 6, 2)
    );
    assert!(points.iter().all(|p| p.weight == 1.0));
    assert_eq!(
        report.examples[0].to_string(),
        "record 4: malformed: lat \"x\""
    );
    let weights = |name: &str| -> Vec<f32> {
        let (points, _) = loaded("a.gpx", GPX.as_bytes(), &weight(name)).unwrap();
        points.iter().map(|p| p.weight).collect()
    };
    assert_eq!(weights("ele"), [0.0, 7.0, 31.5, 0.0]);
    assert_eq!(weights("hr"), [0.0, 0.0, 0.0, 99.0]);
}

#[test]
fn gpx_that_is_cut_off_or_empty_or_no_xml() {
    for (text, says) in [
        (&GPX[..420], "not closed"),
        ("<gpx></gpx>", "no trkpt, wpt or rtept"),
        ("<gpx><wpt lat=\"1\" lon=\"2\"/></gpx", "damaged or cut off"),
    ] {
        let message = error("a.gpx", text.as_bytes(), &LoadOptions::default());
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_strict_load_stops_at_the_first_bad_record() {
    let strict = LoadOptions {
        strict: true,
        ..LoadOptions::default()
    };
    let message = error("a.gpx", GPX.as_bytes(), &strict);
    assert!(
        message.contains("record 4: malformed") && message.contains("strict"),
        "{message}"
    );
}

#[test]
fn multipoints_with_m_and_z_are_like_csv() {
    use shapefile::{MultipointM, MultipointZ};
    let folder = Folder::new("multi-mz");
    let m = ROWS.map(|(x, y, w)| (MultipointM::new(vec![PointM::new(x, y, 7.0)]), w));
    let z = ROWS.map(|(x, y, w)| (MultipointZ::new(vec![PointZ::new(x, y, 9.0, 7.0)]), w));
    write_shapes(&folder.file("m.shp"), &m, None);
    write_shapes(&folder.file("z.shp"), &z, None);
    for name in ["m.shp", "z.shp"] {
        assert_like_csv(opened(&folder.file(name), &LoadOptions::default()).unwrap());
    }
}

#[test]
fn texts_are_in_the_encoding_of_the_cpg_file() {
    let folder = Folder::new("cpg-values");
    let path = folder.file("it's a \"name\".shp");
    let name = FieldName::try_from("kind").unwrap();
    let table = TableWriterBuilder::new().add_character_field(name, 12);
    let mut writer = shapefile::Writer::from_path(&path, table).unwrap();
    let mut record = Record::default();
    record.insert(
        "kind".to_owned(),
        FieldValue::Character(Some("@".repeat(12))),
    );
    writer
        .write_shape_and_record(&Point::new(1.0, 2.0), &record)
        .unwrap();
    drop(writer);
    let dbf = path.with_extension("dbf");
    let written = std::fs::read(&dbf).unwrap();
    let at = written
        .windows(12)
        .position(|text| text == b"@@@@@@@@@@@@")
        .unwrap();
    for (cpg, bytes, text) in [
        ("UTF-8", "Größe 日".as_bytes(), "Größe 日"),
        ("utf-8\r\n", "Größe".as_bytes(), "Größe"),
        ("ISO-8859-1", &b"Gr\xf6\xdfe"[..], "Größe"),
        ("1252", b"\x80 5", "€ 5"),
        ("1251", b"\xcc\xee\xf1\xea\xe2\xe0", "Москва"),
    ] {
        let mut turned = written.clone();
        let mut field = [b' '; 12];
        field[..bytes.len()].copy_from_slice(bytes);
        turned[at..at + 12].copy_from_slice(&field);
        std::fs::write(&dbf, turned).unwrap();
        std::fs::write(path.with_extension("cpg"), cpg).unwrap();
        let options = LoadOptions {
            filter: Some(format!("kind = '{text}'").parse().unwrap()),
            weight: Some("none".into()),
            ..LoadOptions::default()
        };
        let found = opened(&path, &options);
        assert!(found.is_ok(), "{cpg}: {}", found.unwrap_err());
    }
}
