//! Writers of files in every format from one set of rows.

use crate::Folder;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_ipc::writer::FileWriter;
use dbase::{FieldName, FieldValue, Record, TableWriterBuilder};
use flatgeobuf::{ColumnType, FgbWriter, FgbWriterOptions, GeometryType};
use geozero::geojson::GeoJson;
use geozero::{ColumnValue, PropertyProcessor};
use parquet::arrow::ArrowWriter;
use rusqlite::Connection;
use std::fs::File;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A row. It has a value of each type, and each of these values may be missing.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) kind: Option<String>,
    pub(crate) n: Option<f64>,
    /// A day in the form `2010-03-01`.
    pub(crate) day: Option<String>,
    pub(crate) flag: Option<bool>,
}

/// Rows with each value missing at times.
pub(crate) fn rows() -> Vec<Row> {
    let row = |i: u32| Row {
        lon: f64::from(i) * 1.5 - 10.0,
        lat: f64::from(i % 7),
        kind: (i % 5 < 4).then(|| format!("kind {}", i % 3)),
        n: (!i.is_multiple_of(4)).then(|| f64::from(i) / 2.0),
        day: (!i.is_multiple_of(6)).then(|| format!("2010-03-{:02}", i % 20 + 1)),
        flag: (!i.is_multiple_of(3)).then_some(i.is_multiple_of(2)),
    };
    (0..24).map(row).collect()
}

/// All formats, named by the extensions of the files that [`write()`] makes.
pub(crate) const ALL: [&str; 12] = [
    "csv", "geojson", "geojsonl", "fgb", "gpx", "kml", "tcx", "shp", "gpkg", "parquet", "arrow",
    "xlsx",
];

/// Writes rows to a file of the format, and returns its path.
pub(crate) fn write(folder: &Folder, format: &str, rows: &[Row]) -> PathBuf {
    let path = folder.file(&format!("rows.{format}"));
    match format {
        "csv" => std::fs::write(&path, csv(rows)).unwrap(),
        "geojson" => {
            let all: Vec<String> = rows.iter().map(feature).collect();
            let text = format!(
                "{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}\n",
                all.join(",\n")
            );
            std::fs::write(&path, text).unwrap();
        }
        "geojsonl" => {
            let text: String = rows.iter().map(|row| feature(row) + "\n").collect();
            std::fs::write(&path, text).unwrap();
        }
        "fgb" => flatgeobuf(&path, rows),
        "gpx" => std::fs::write(&path, gpx(rows)).unwrap(),
        "kml" => std::fs::write(&path, kml(rows)).unwrap(),
        "tcx" => std::fs::write(&path, tcx(rows)).unwrap(),
        "shp" => shapefile(&path, rows),
        "xlsx" => std::fs::write(&path, workbook(&[("Rows", &sheet(rows))], &[])).unwrap(),
        "gpkg" => geopackage(&path, rows),
        "parquet" => {
            let batch = batch(rows);
            let file = File::create(&path).unwrap();
            let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
        }
        "arrow" => {
            let batch = batch(rows);
            let file = File::create(&path).unwrap();
            let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
        }
        other => panic!("no format {other}"),
    }
    path
}

fn csv(rows: &[Row]) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["lon", "lat", "kind", "n", "day", "flag"])
        .unwrap();
    for row in rows {
        let text = |value: Option<String>| value.unwrap_or_default();
        writer
            .write_record([
                row.lon.to_string(),
                row.lat.to_string(),
                text(row.kind.clone()),
                text(row.n.map(|n| n.to_string())),
                text(row.day.clone()),
                text(row.flag.map(|flag| flag.to_string())),
            ])
            .unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// A GeoJSON feature. If a value is missing, the feature doesn't have the property.
fn feature(row: &Row) -> String {
    let mut properties = serde_json::Map::new();
    let mut add = |name: &str, value: Option<serde_json::Value>| {
        properties.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("kind", row.kind.clone().map(Into::into));
    add("n", row.n.map(Into::into));
    add("day", row.day.clone().map(Into::into));
    add("flag", row.flag.map(Into::into));
    serde_json::json!({
        "type": "Feature",
        "properties": properties,
        "geometry": { "type": "Point", "coordinates": [row.lon, row.lat] },
    })
    .to_string()
}

fn flatgeobuf(path: &Path, rows: &[Row]) {
    let options = FgbWriterOptions {
        write_index: false,
        ..FgbWriterOptions::default()
    };
    let mut writer = FgbWriter::create_with_options("a", GeometryType::Point, options).unwrap();
    for (name, kind) in [
        ("kind", ColumnType::String),
        ("n", ColumnType::Double),
        ("day", ColumnType::DateTime),
        ("flag", ColumnType::Bool),
    ] {
        writer.add_column(name, kind, |_, column| column.nullable = true);
    }
    for row in rows {
        let point = serde_json::json!({ "type": "Point", "coordinates": [row.lon, row.lat] });
        let add = |to: &mut dyn PropertyProcessor| {
            let mut add = |at, name, value: Option<ColumnValue<'_>>| {
                if let Some(value) = value {
                    to.property(at, name, &value).unwrap();
                }
            };
            add(0, "kind", row.kind.as_deref().map(ColumnValue::String));
            add(1, "n", row.n.map(ColumnValue::Double));
            add(2, "day", row.day.as_deref().map(ColumnValue::DateTime));
            add(3, "flag", row.flag.map(ColumnValue::Bool));
        };
        writer
            .add_feature_geom(GeoJson(&point.to_string()), |feature| add(feature))
            .unwrap();
    }
    writer.write(File::create(path).unwrap()).unwrap();
}

/// The values of a row as elements of XML. `element` makes one of a name and an escaped value. A
/// value that is missing has no element.
fn elements(row: &Row, element: impl Fn(&str, String) -> String) -> String {
    let values = [
        ("kind", row.kind.clone()),
        ("n", row.n.map(|n| n.to_string())),
        ("day", row.day.clone()),
        ("flag", row.flag.map(|flag| flag.to_string())),
    ];
    let escaped = |value: String| value.replace('&', "&amp;").replace('<', "&lt;");
    let all = values
        .into_iter()
        .map(|(name, value)| value.map_or(String::new(), |value| element(name, escaped(value))));
    all.collect()
}

fn gpx(rows: &[Row]) -> String {
    let point = |row: &Row| {
        format!(
            "<wpt lat=\"{}\" lon=\"{}\"><extensions>{}</extensions></wpt>\n",
            row.lat,
            row.lon,
            elements(row, |name, value| format!("<{name}>{value}</{name}>")),
        )
    };
    let points: String = rows.iter().map(point).collect();
    format!("<?xml version=\"1.0\"?>\n<gpx version=\"1.1\">\n{points}</gpx>\n")
}

fn kml(rows: &[Row]) -> String {
    let placemark = |row: &Row| {
        let data = |name: &str, value| format!("<SimpleData name=\"{name}\">{value}</SimpleData>");
        format!(
            "<Placemark><ExtendedData><SchemaData>{}</SchemaData></ExtendedData>\
             <Point><coordinates>{},{},0</coordinates></Point></Placemark>\n",
            elements(row, data),
            row.lon,
            row.lat,
        )
    };
    let placemarks: String = rows.iter().map(placemark).collect();
    format!("<?xml version=\"1.0\"?>\n<kml><Document>\n{placemarks}</Document></kml>\n")
}

fn tcx(rows: &[Row]) -> String {
    let point = |row: &Row| {
        format!(
            "<Trackpoint><Position><LatitudeDegrees>{}</LatitudeDegrees>\
             <LongitudeDegrees>{}</LongitudeDegrees></Position>\
             <Extensions>{}</Extensions></Trackpoint>\n",
            row.lat,
            row.lon,
            elements(row, |name, value| format!("<{name}>{value}</{name}>")),
        )
    };
    let points: String = rows.iter().map(point).collect();
    format!("<TrainingCenterDatabase><Track>\n{points}</Track></TrainingCenterDatabase>\n")
}

/// The rows of a sheet. Dates have the style 1; names and texts are in the cells themselves.
fn sheet(rows: &[Row]) -> String {
    let text = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!("t=\"inlineStr\"><is><t>{text}</t></is></c>")
    };
    let cell = |column: &str, row: usize, rest: Option<String>| {
        rest.map_or(String::new(), |rest| {
            format!("<c r=\"{column}{row}\" {rest}")
        })
    };
    let names = ["lon", "lat", "kind", "n", "day", "flag"];
    let header: String = ["A", "B", "C", "D", "E", "F"]
        .into_iter()
        .zip(names)
        .map(|(column, name)| cell(column, 1, Some(text(name))))
        .collect();
    let mut all = format!("<row r=\"1\">{header}</row>");
    for (at, row) in (2..).zip(rows) {
        let number = |n: f64| format!("><v>{n}</v></c>");
        let days = |day: &String| {
            let day: jiff::civil::Date = day.parse().unwrap();
            let since = day.since(jiff::civil::date(1899, 12, 30)).unwrap();
            format!("s=\"1\"><v>{}</v></c>", since.get_days())
        };
        let cells = [
            cell("A", at, Some(number(row.lon))),
            cell("B", at, Some(number(row.lat))),
            cell("C", at, row.kind.as_deref().map(text)),
            cell("D", at, row.n.map(number)),
            cell("E", at, row.day.as_ref().map(days)),
            cell(
                "F",
                at,
                row.flag
                    .map(|flag| format!("t=\"b\"><v>{}</v></c>", u8::from(flag))),
            ),
        ];
        all.push_str(&format!("<row r=\"{at}\">{}</row>\n", cells.concat()));
    }
    all
}

/// The bytes of an Excel workbook. `sheets` are names of sheets and the XML of their rows, and
/// `texts` are shared texts.
pub(crate) fn workbook(sheets: &[(&str, &str)], texts: &[&str]) -> Vec<u8> {
    let mut list = String::new();
    let mut relations = String::new();
    let mut parts = Vec::new();
    for (at, (name, rows)) in (1..).zip(sheets) {
        list.push_str(&format!(
            "<sheet name=\"{name}\" sheetId=\"{at}\" r:id=\"rId{at}\"/>"
        ));
        relations.push_str(&format!(
            "<Relationship Id=\"rId{at}\" Type=\"http://x/relationships/worksheet\" \
             Target=\"worksheets/sheet{at}.xml\"/>"
        ));
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
        parts.push((format!("xl/worksheets/sheet{at}.xml"), sheet));
    }
    let text = |text: &&str| format!("<si><t>{text}</t></si>");
    let texts: String = texts.iter().map(text).collect();
    let of = |name: &str, text: String| (name.to_owned(), text);
    parts.extend([
        of("[Content_Types].xml", "<Types/>".to_owned()),
        of(
            "xl/workbook.xml",
            format!("<workbook xmlns:r=\"r\"><sheets>{list}</sheets></workbook>"),
        ),
        of(
            "xl/_rels/workbook.xml.rels",
            format!("<Relationships>{relations}</Relationships>"),
        ),
        of("xl/sharedStrings.xml", format!("<sst>{texts}</sst>")),
        of(
            "xl/styles.xml",
            "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"yyyy-mm-dd\"/></numFmts>\
             <cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>\
             <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"170\"/></cellXfs>\
             </styleSheet>"
                .to_owned(),
        ),
    ]);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn shapefile(path: &Path, rows: &[Row]) {
    let name = |name| FieldName::try_from(name).unwrap();
    let table = TableWriterBuilder::new()
        .add_character_field(name("kind"), 40)
        .add_numeric_field(name("n"), 20, 6)
        .add_date_field(name("day"))
        .add_logical_field(name("flag"));
    let mut writer = ::shapefile::Writer::from_path(path, table).unwrap();
    for row in rows {
        let date = |day: &String| {
            let part = |range: std::ops::Range<usize>| day[range].parse::<u32>().unwrap();
            dbase::Date::new(part(8..10), part(5..7), part(0..4)).unwrap()
        };
        let mut record = Record::default();
        record.insert("kind".into(), FieldValue::Character(row.kind.clone()));
        record.insert("n".into(), FieldValue::Numeric(row.n));
        record.insert("day".into(), FieldValue::Date(row.day.as_ref().map(date)));
        record.insert("flag".into(), FieldValue::Logical(row.flag));
        writer
            .write_shape_and_record(&::shapefile::Point::new(row.lon, row.lat), &record)
            .unwrap();
    }
}

/// A point in the binary form of GeoPackage, without an envelope.
pub(crate) fn gpkg_point(x: f64, y: f64) -> Vec<u8> {
    let mut bytes = vec![b'G', b'P', 0, 1, 0xe6, 0x10, 0, 0, 1, 1, 0, 0, 0];
    bytes.extend(x.to_le_bytes());
    bytes.extend(y.to_le_bytes());
    bytes
}

fn geopackage(path: &Path, rows: &[Row]) {
    let _ = std::fs::remove_file(path);
    let database = Connection::open(path).unwrap();
    database
        .execute_batch(
            "create table gpkg_spatial_ref_sys (srs_name text, srs_id integer, organization text, \
               organization_coordsys_id integer, definition text);
             insert into gpkg_spatial_ref_sys values ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS');
             create table gpkg_contents (table_name text);
             create table gpkg_geometry_columns (table_name text, column_name text, \
               geometry_type_name text, srs_id integer);
             create table rows (fid integer primary key, geom blob, kind text, n real, day date, flag boolean);
             insert into gpkg_contents values ('rows');
             insert into gpkg_geometry_columns values ('rows', 'geom', 'POINT', 4326);",
        )
        .unwrap();
    // All rows are in one transaction. Otherwise each row would wait for the disk.
    database.execute_batch("begin").unwrap();
    for row in rows {
        let values = rusqlite::params![
            gpkg_point(row.lon, row.lat),
            row.kind,
            row.n,
            row.day,
            row.flag
        ];
        let sql = "insert into rows (geom, kind, n, day, flag) values (?1, ?2, ?3, ?4, ?5)";
        database.execute(sql, values).unwrap();
    }
    database.execute_batch("commit").unwrap();
}

/// The rows as columns of Arrow.
pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let time = |day: &String| {
        let at: jiff::civil::DateTime = day.parse().unwrap();
        let zoned = at.to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        zoned.timestamp().as_millisecond()
    };
    let kinds: StringArray = rows.iter().map(|row| row.kind.as_deref()).collect();
    let numbers: Float64Array = rows.iter().map(|row| row.n).collect();
    let days: TimestampMillisecondArray = rows.iter().map(|r| r.day.as_ref().map(time)).collect();
    let flags: BooleanArray = rows.iter().map(|row| row.flag).collect();
    let axis = |of: fn(&Row) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(of)))
    };
    RecordBatch::try_from_iter_with_nullable([
        ("lon", axis(|row| row.lon), false),
        ("lat", axis(|row| row.lat), false),
        ("kind", Arc::new(kinds) as ArrayRef, true),
        ("n", Arc::new(numbers) as ArrayRef, true),
        ("day", Arc::new(days) as ArrayRef, true),
        ("flag", Arc::new(flags) as ArrayRef, true),
    ])
    .unwrap()
}
