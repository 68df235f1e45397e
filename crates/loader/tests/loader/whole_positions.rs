//! The matrix of docs/inputs.md: each kind of position in each format with named columns gives the
//! same points, or an error that states the reason.

use crate::arrow::{batch, write_parquet};
use crate::formats::workbook;
use crate::{Folder, loaded, opened};
use arrow_array::{ArrayRef, Int64Array, StringArray, UInt64Array};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use heatsplat_loader::{LoadOptions, SkipReason, open, read_record_batches};
use heatsplat_points::{Point, mercator};
use rusqlite::Connection;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// San Francisco and Paris.
const PLACES: [(f64, f64); 2] = [(-122.418459, 37.776702), (2.3522, 48.8566)];

/// A kind of position: the columns that hold it, and their texts for [`PLACES`]. Points may be as
/// many degrees off as `within` states, since codes stand for areas.
struct Kind {
    columns: &'static [(&'static str, [&'static str; 2])],
    within: f64,
}

const fn kind(columns: &'static [(&'static str, [&'static str; 2])], within: f64) -> Kind {
    Kind { columns, within }
}

const KINDS: [Kind; 18] = [
    kind(
        &[
            ("lat", ["37.776702", "48.8566"]),
            ("lon", ["-122.418459", "2.3522"]),
        ],
        1e-7,
    ),
    kind(
        &[
            ("lat", ["37°46'36.1272\"N", "48 51 23.76 N"]),
            ("lon", ["W122°25'06.4524\"", "002 21.132E"]),
        ],
        1e-6,
    ),
    kind(
        &[("location", ["37.776702, -122.418459", "(48.8566, 2.3522)"])],
        1e-7,
    ),
    kind(
        &[("lonlat", ["-122.418459 37.776702", "2.3522 48.8566"])],
        1e-7,
    ),
    kind(
        &[(
            "coordinates",
            [
                "37°46'36.1272\"N 122°25'06.4524\"W",
                "48°51'23.76\"N, 2°21'07.92\"E",
            ],
        )],
        1e-6,
    ),
    kind(
        &[(
            "position",
            ["geo:37.776702,-122.418459", "geo:48.8566,2.3522;u=35"],
        )],
        1e-7,
    ),
    kind(
        &[(
            "geom",
            [
                "POINT (-122.418459 37.776702)",
                "point z (2.3522 48.8566 7)",
            ],
        )],
        1e-7,
    ),
    kind(
        &[(
            "wkt",
            [
                "SRID=4326;POINT(-122.418459 37.776702)",
                "SRID=4326;POINT(2.3522 48.8566)",
            ],
        )],
        1e-7,
    ),
    kind(
        &[(
            "geometry",
            [
                "0101000000e1ed4108c89a5ec0705e9cf86ae34240",
                "\\x0101000000A835CD3B4ED1024076E09C11A56D4840",
            ],
        )],
        1e-7,
    ),
    kind(
        &[(
            "the_geom",
            [
                "{\"type\":\"Point\",\"coordinates\":[-122.418459,37.776702]}",
                "{\"type\": \"Point\", \"coordinates\": [2.3522, 48.8566, 0]}",
            ],
        )],
        1e-7,
    ),
    // Objects, in JSON and as Python prints them.
    kind(
        &[(
            "location",
            [
                "{\"lat\": 37.776702, \"lon\": -122.418459}",
                "{'latitude': '48.8566', 'longitude': '2.3522', 'human_address': '{\"city\": \"\"}'}",
            ],
        )],
        1e-7,
    ),
    kind(&[("geohash", ["9q8yym195", "U09TVW0F6"])], 3e-5),
    kind(
        &[("quad_key", ["02301020333300302112", "12022001101211200033"])],
        4e-4,
    ),
    kind(&[("plus_code", ["849VQHGJ+MJ", "8FW4V942+JV"])], 1e-4),
    kind(&[("mgrs", ["10SEG5121281199", "31U DQ 52482 11717"])], 2e-5),
    kind(
        &[("utm_ref", ["10S 551212 4181199", "31U 452483mE 5411717mN"])],
        2e-5,
    ),
    // A column of another name is named by an option.
    kind(&[("cell", ["849VQHGJ+MJ", "8FW4V942+JV"])], 1e-4),
    // Both texts are the same cell in San Francisco.
    kind(
        &[("h3_09", ["8928308280fffff", "617700169958293503"])],
        1e-5,
    ),
];

/// The formats, and forms of JSON, by names for messages.
const FORMATS: [&str; 12] = [
    "csv",
    "tsv",
    "json",
    "nested json",
    "ndjson",
    "columns",
    "pandas",
    "parquet",
    "arrow",
    "arrow stream",
    "xlsx",
    "sqlite",
];

/// Columns of texts, each with a name.
type Table = Vec<(String, Vec<String>)>;

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn arrow_batch(table: &Table) -> arrow_array::RecordBatch {
    let column = |values: &Vec<String>| Arc::new(StringArray::from(values.clone())) as ArrayRef;
    let columns = table
        .iter()
        .map(|(name, values)| (name.as_str(), column(values)));
    batch(columns.collect())
}

/// An object of JSON for each row. If `is_nested`, all columns but the first are in objects.
fn objects(table: &Table, is_nested: bool) -> Vec<String> {
    let rows = table[0].1.len();
    let object = |row: usize| {
        let member = |(name, values): &(String, Vec<String>)| {
            format!("{}:{}", json(name), json(&values[row]))
        };
        let (first, rest) = table.split_first().unwrap();
        let rest: Vec<String> = rest.iter().map(member).collect();
        match is_nested {
            true => format!("{{{},\"at\":{{{}}}}}", member(first), rest.join(",")),
            false => format!("{{{},{}}}", member(first), rest.join(",")),
        }
    };
    (0..rows).map(object).collect()
}

fn sheet(table: &Table) -> String {
    let rows = table[0].1.len();
    let cell = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
    };
    let names: String = table.iter().map(|(name, _)| cell(name)).collect();
    let title = "<row r=\"1\"><c t=\"inlineStr\"><is><t>Report 2024</t></is></c></row>";
    let mut text = format!("{title}<row r=\"3\">{names}</row>");
    for row in 0..rows {
        let cells: String = table.iter().map(|(_, values)| cell(&values[row])).collect();
        text.push_str(&format!("<row r=\"{}\">{cells}</row>", row + 4));
    }
    text
}

fn database(path: &PathBuf, table: &Table, before: &str) {
    let _ = std::fs::remove_file(path);
    let names: Vec<String> = table
        .iter()
        .map(|(name, _)| format!("\"{name}\""))
        .collect();
    let mut sql = format!("{before} create table places ({});", names.join(", "));
    for row in 0..table[0].1.len() {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let values: Vec<String> = table.iter().map(|column| quoted(&column.1[row])).collect();
        sql.push_str(&format!(
            "insert into places values ({});",
            values.join(", ")
        ));
    }
    Connection::open(path).unwrap().execute_batch(&sql).unwrap();
}

/// Writes a table in a format, and returns the path of the file.
fn write(folder: &Folder, format: &str, table: &Table) -> PathBuf {
    let rows = table[0].1.len();
    let extension = match format {
        "nested json" | "columns" | "pandas" => "json",
        "arrow stream" => "arrows",
        other => other,
    };
    let path = folder.file(&format!("a.{extension}"));
    let text = match format {
        "csv" | "tsv" => {
            let delimiter = if format == "csv" { b',' } else { b'\t' };
            let mut writer = ::csv::WriterBuilder::new()
                .delimiter(delimiter)
                .from_writer(Vec::new());
            writer
                .write_record(table.iter().map(|column| &column.0))
                .unwrap();
            for row in 0..rows {
                writer
                    .write_record(table.iter().map(|column| &column.1[row]))
                    .unwrap();
            }
            writer.into_inner().unwrap()
        }
        "json" => format!("[{}]", objects(table, false).join(",\n")).into_bytes(),
        "nested json" => format!(
            "{{\"ok\":true,\"rows\":[{}]}}",
            objects(table, true).join(",")
        )
        .into_bytes(),
        "ndjson" => (objects(table, false).join("\n") + "\n").into_bytes(),
        "columns" | "pandas" => {
            let column = |(name, values): &(String, Vec<String>)| {
                let values = values.iter().enumerate().map(|(at, value)| match format {
                    "columns" => json(value),
                    _ => format!("\"{at}\":{}", json(value)),
                });
                let values: Vec<String> = values.collect();
                let [open, close] = if format == "columns" {
                    ["[", "]"]
                } else {
                    ["{", "}"]
                };
                format!("{}:{open}{}{close}", json(name), values.join(","))
            };
            let all: Vec<String> = table.iter().map(column).collect();
            format!("{{{}}}", all.join(",")).into_bytes()
        }
        "parquet" => {
            // Row groups of fewer rows than are examined.
            write_parquet(&path, &arrow_batch(table), 3, None);
            return path;
        }
        "arrow" => {
            let batch = arrow_batch(table);
            let file = File::create(&path).unwrap();
            let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
            writer.write(&batch.slice(0, 5)).unwrap();
            writer.write(&batch.slice(5, rows - 5)).unwrap();
            writer.finish().unwrap();
            return path;
        }
        "arrow stream" => {
            let batch = arrow_batch(table);
            let mut bytes = Vec::new();
            let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
            drop(writer);
            bytes
        }
        "xlsx" => workbook(&[("Notes", ""), ("Places", &sheet(table))], &[]),
        "sqlite" => {
            database(&path, table, "create table notes (id, note);");
            return path;
        }
        other => panic!("no format {other}"),
    };
    std::fs::write(&path, text).unwrap();
    path
}

/// Seven rows of each place, in turn, with a name, the columns of a kind, and a weight.
fn table(kind: &Kind) -> Table {
    let rows = 0..14;
    let all = |value: &dyn Fn(usize) -> String| rows.clone().map(value).collect::<Vec<_>>();
    let mut table = vec![("name".to_owned(), all(&|row| format!("place {row}")))];
    for (name, texts) in kind.columns {
        table.push(((*name).to_owned(), all(&|row| texts[row % 2].to_owned())));
    }
    table.push(("n".to_owned(), all(&|row| (row + 1).to_string())));
    table
}

fn options(kind: &Kind) -> LoadOptions {
    let is_unknown = kind.columns[0].0 == "cell";
    LoadOptions {
        weight: Some("n".to_owned()),
        keep: vec!["name".to_owned()],
        geom: is_unknown.then(|| "cell".to_owned()),
        ..LoadOptions::default()
    }
}

fn degrees(point: &Point) -> (f64, f64) {
    mercator::unproject(point.at())
}

#[test]
fn every_kind_of_position_in_every_format() {
    let folder = Folder::new("whole-positions");
    for kind in &KINDS {
        let name = kind.columns[0].0;
        if name.starts_with("h3") && !cfg!(feature = "readers") {
            continue;
        }
        let table = table(kind);
        let options = options(kind);
        let mut first: Option<Vec<Point>> = None;
        for format in FORMATS {
            // In nested rows the option has the whole path.
            let mut options = options.clone();
            if format == "nested json" {
                options.weight = Some("at.n".to_owned());
                options.geom = options.geom.map(|geom| format!("at.{geom}"));
            }
            let path = write(&folder, format, &table);
            let found = opened(&path, &options);
            let (points, report) = found.unwrap_or_else(|e| panic!("{name} in {format}: {e}"));
            assert_eq!((report.rows, report.kept), (14, 14), "{name} in {format}");
            for (at, point) in points.iter().enumerate() {
                let place = if name == "h3_09" { 0 } else { at % 2 };
                let ((lon, lat), (x, y)) = (degrees(point), PLACES[place]);
                let off = (lon - x).abs().max((lat - y).abs());
                assert!(off <= kind.within, "{name} in {format}: {lon}, {lat}");
                assert_eq!(point.weight, (at + 1) as f32, "{name} in {format}");
            }
            match &first {
                None => first = Some(points),
                Some(first) => assert_eq!(&points, first, "{name} in {format}"),
            }
        }
        let batch = arrow_batch(&table);
        let parts = [batch.slice(0, 3), batch.slice(3, 11)].map(Ok);
        let source = read_record_batches(&batch.schema(), parts, "a table", &options);
        let (points, _) = crate::drained(&mut *source.unwrap()).unwrap();
        assert_eq!(Some(points), first, "{name} in memory");
    }
}

#[test]
fn a_table_without_geometries_in_a_geopackage() {
    let folder = Folder::new("whole-attributes");
    let path = folder.file("a.gpkg");
    let before = "create table gpkg_contents (table_name text);
        create table gpkg_geometry_columns (table_name text, column_name text, \
          geometry_type_name text, srs_id integer);
        create table roads (fid integer primary key, geom blob);
        insert into gpkg_contents values ('roads'), ('places');
        insert into gpkg_geometry_columns values ('roads', 'geom', 'LINESTRING', null);";
    for kind in [&KINDS[0], &KINDS[1], &KINDS[11]] {
        database(&path, &table(kind), before);
        let (points, report) = opened(&path, &options(kind)).unwrap();
        assert_eq!((points.len(), report.kept), (14, 14));
        let why = open(&path, &options(kind)).unwrap().columns().why.clone();
        assert!(
            why.starts_with("read as GeoPackage: table \"places\""),
            "{why}"
        );
    }
}

/// Indexes of H3 that are whole numbers, as databases and analysts' programs write them.
#[test]
#[cfg(feature = "readers")]
fn numbers_of_h3() {
    let folder = Folder::new("whole-h3");
    let number = 617_700_169_958_293_503_u64;
    let signed: ArrayRef = Arc::new(Int64Array::from(vec![number as i64; 3]));
    let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![number; 3]));
    let path = folder.file("a.parquet");
    let check = |points: Vec<Point>, what: &str| {
        assert_eq!(points.len(), 3, "{what}");
        let (lon, lat) = degrees(&points[0]);
        let (x, y) = PLACES[0];
        assert!((lon - x).abs().max((lat - y).abs()) < 1e-5, "{what}");
    };
    let plain = LoadOptions::default();
    for column in [signed, unsigned] {
        write_parquet(&path, &batch(vec![("h3", column)]), 2, None);
        check(opened(&path, &plain).unwrap().0, "parquet");
    }
    let path = folder.file("a.sqlite");
    let sql = format!(
        "create table cells (h3_index integer, n); \
         insert into cells values ({number}, 1), ({number}, 2), ({number}, 3);"
    );
    Connection::open(&path)
        .unwrap()
        .execute_batch(&sql)
        .unwrap();
    check(opened(&path, &plain).unwrap().0, "sqlite");
    for text in [
        format!("[{{\"h3\":{number}}},{{\"h3\":{number}}},{{\"h3\":{number}}}]"),
        format!("{{\"h3\":[{number},{number},{number}],\"n\":[1,2,3]}}"),
    ] {
        let (points, _) = loaded("a.json", text.as_bytes(), &plain).unwrap();
        check(points, &text);
    }
}

/// Texts that are no codes are counted, and positions in two columns are an error.
#[test]
fn refusals() {
    let folder = Folder::new("whole-refused");
    let column = |name: &str, values: &[&str]| {
        (
            name.to_owned(),
            values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>(),
        )
    };
    let codes = ["u4pruyd"; 20];
    let two: Table = vec![
        column("n", &["1"; 20]),
        column("start_geohash", &codes),
        column("end_geohash", &codes),
    ];
    let mut mixed = codes.to_vec();
    mixed[7] = "nowhere!";
    let bad: Table = vec![column("n", &["1"; 20]), column("geohash", &mixed)];
    let short: Table = vec![
        column("n", &["1"; 20]),
        column("plus_code", &["9G8F+6X Zürich"; 20]),
    ];
    // Numbers have lost the zeros at the beginning of quadkeys, and angles may be exchanged.
    let swapped: Table = vec![
        column("lat", &["2°10'E"; 20]),
        column("lon", &["41°25'N"; 20]),
    ];
    for format in FORMATS {
        if format == "nested json" {
            continue;
        }
        let plain = LoadOptions::default();
        let path = write(&folder, format, &two);
        let error = opened(&path, &plain).unwrap_err().to_string();
        assert!(
            error.contains("several columns hold positions")
                && error.contains("\"start_geohash\", \"end_geohash\""),
            "{format}: {error}"
        );
        let path = write(&folder, format, &bad);
        let (points, report) = opened(&path, &plain).unwrap();
        assert_eq!(
            (points.len(), report.skipped(SkipReason::BadPosition)),
            (19, 1)
        );
        let path = write(&folder, format, &short);
        let error = opened(&path, &plain).unwrap_err().to_string();
        assert!(error.contains("short plus codes"), "{format}: {error}");
        let path = write(&folder, format, &swapped);
        let error = opened(&path, &plain).unwrap_err().to_string();
        assert!(error.contains("swapped"), "{format}: {error}");
    }
    let text = b"[{\"quadkey\":213},{\"quadkey\":123}]";
    let error = crate::error("a.json", text, &LoadOptions::default());
    assert!(error.contains("longitude"), "{error}");
}
