//! Excel workbooks: the choice of a sheet, the row of names, and the values of cells.

use crate::archive::zipped;
use crate::formats::workbook;
use crate::{Folder, opened, weight};
use heatsplat_loader::{ColumnKind, LoadOptions, SkipReason, load_table, open};
use std::path::PathBuf;

const TEXTS: [&str; 6] = [
    "Longitude",
    "Latitude",
    "When",
    "Sold",
    "Caf&amp;eacute; &amp; Bar",
    "x",
];

/// A sheet with a title and notes above the names.
const SALES: &str = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Report 2024</t></is></c></row>\
    <row r=\"3\"><c r=\"B3\" t=\"inlineStr\"><is><r><t>Long</t></r><r><t>itude</t></r>\
    <rPh sb=\"0\" eb=\"1\"><t>hint</t></rPh></is></c>\
    <c r=\"C3\" t=\"s\"><v>1</v></c><c r=\"D3\" t=\"s\"><v>2</v></c><c t=\"s\"><v>3</v></c></row>\
    <row r=\"4\"><c r=\"B4\"><v>13.4</v></c><c r=\"C4\"><v>52.5</v></c>\
    <c r=\"D4\" s=\"2\"><v>45413.5</v></c><c r=\"E4\"><v>3</v></c></row>\
    <row r=\"5\"/><row r=\"6\"><c r=\"B6\" s=\"1\"/></row>\
    <row r=\"7\"><c r=\"B7\" t=\"str\"><f>A1</f><v>2.35</v></c><c r=\"C7\"><v>4.885E1</v></c>\
    <c r=\"D7\" t=\"d\"><v>2024-06-01T00:00:00</v></c><c r=\"E7\" t=\"e\"><v>#N/A</v></c></row>\
    <row r=\"8\"><c r=\"B8\" t=\"s\"><v>5</v></c><c r=\"C8\"><v>1</v></c></row>\
    <row r=\"9\"><c r=\"C9\"><v>1</v></c></row>";

const NOTES: &str = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>4</v></c></row>";

fn put(folder: &Folder, sheets: &[(&str, &str)]) -> PathBuf {
    let path = folder.file("a.xlsx");
    std::fs::write(&path, workbook(sheets, &TEXTS)).unwrap();
    path
}

fn table(name: &str) -> LoadOptions {
    LoadOptions {
        table: Some(name.to_owned()),
        ..LoadOptions::default()
    }
}

#[test]
fn a_sheet_is_a_table_below_its_names() {
    let folder = Folder::new("xlsx-table");
    let path = put(&folder, &[("Notes", NOTES), ("Sales", SALES)]);
    let options = LoadOptions {
        weight: Some("Sold".to_owned()),
        keep: ["when", "sold"].map(str::to_owned).to_vec(),
        ..LoadOptions::default()
    };
    let mut source = open(&path, &options).unwrap();
    let columns = source.columns();
    assert_eq!(columns.seen, ["", "Longitude", "Latitude", "When", "Sold"]);
    let says = "read as an Excel workbook: sheet \"Sales\", names in row 3, longitude from \
                \"Longitude\", latitude from \"Latitude\", weight from \"Sold\"";
    assert_eq!(columns.why, says);
    let (points, kept, report) = load_table(&mut *source, |_| ()).unwrap();
    assert_eq!(
        (report.rows, report.kept, report.weights_missing),
        (4, 2, 1)
    );
    let skips = [SkipReason::BadPosition, SkipReason::NoPosition];
    assert_eq!(skips.map(|skip| report.skipped(skip)), [1, 1]);
    let first = report.examples[0].to_string();
    assert_eq!(first, "record 8: bad position: longitude \"x\"");
    let kinds: Vec<ColumnKind> = kept.columns().iter().map(|column| column.kind()).collect();
    assert_eq!(kinds, [ColumnKind::Time, ColumnKind::Number]);
    for (filter, count) in [
        ("when = '2024-05-01T12:00:00Z'", 1),
        ("when >= 2024-06-01", 1),
        ("sold is null", 1),
    ] {
        let part = kept.select(&points, &filter.parse().unwrap()).unwrap();
        assert_eq!(part.summary().count, count, "{filter}");
    }
}

/// A row of texts and numbers, as XML.
fn row(number: u32, cells: &[&str]) -> String {
    let cell = |text: &&str| match text.parse::<f64>() {
        Ok(number) => format!("<c><v>{number}</v></c>"),
        Err(_) => format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>"),
    };
    let cells: String = cells.iter().map(cell).collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

#[test]
fn numbers_in_the_row_of_names_are_names() {
    let folder = Folder::new("xlsx-years");
    let sheet = row(1, &["lon", "lat", "2022", "2023"]) + &row(2, &["1", "2", "3", "4"]);
    let path = put(&folder, &[("Years", &sheet)]);
    let source = open(&path, &weight("2023")).unwrap();
    assert_eq!(source.columns().seen, ["lon", "lat", "2022", "2023"]);
    drop(source);
    assert_eq!(opened(&path, &weight("2023")).unwrap().0[0].weight, 4.0);
}

#[test]
fn a_row_without_position_counts_by_its_other_cells() {
    let folder = Folder::new("xlsx-others");
    let header = row(1, &["lon", "lat", "note"]);
    let noted = "<row r=\"3\"><c r=\"C3\" t=\"str\"><v>closed</v></c></row>";
    let styled = "<row r=\"4\"><c r=\"C4\" s=\"1\"/></row>";
    let error = "<row r=\"5\"><c r=\"C5\" t=\"e\"><v>#N/A</v></c></row>";
    let sheet = header + &row(2, &["1", "2", "open"]) + noted + styled + error;
    let path = put(&folder, &[("Notes", &sheet)]);
    let (points, report) = opened(&path, &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.rows), (1, 2));
    assert_eq!(report.skipped(SkipReason::NoPosition), 1);
}

#[test]
fn the_first_of_several_cells_in_a_place_is_taken() {
    let folder = Folder::new("xlsx-twice");
    let values = "<row r=\"2\"><c r=\"A2\"><v>1</v></c><c r=\"B2\"><v>2</v></c>\
                  <c r=\"A2\"><v>3</v></c></row>";
    let path = put(&folder, &[("Twice", &(row(1, &["lon", "lat"]) + values))]);
    let (points, _) = opened(&path, &LoadOptions::default()).unwrap();
    let (lon, _) = heatsplat_points::mercator::unproject(points[0].at());
    assert!((lon - 1.0).abs() < 1e-6, "{lon}");
}

#[test]
fn workbooks_beyond_the_limits_are_refused_and_a_part_is_one_sheet() {
    let folder = Folder::new("xlsx-limits");
    let opened_with = |relations: &str, sheets: &str, sheet: &str| {
        let files = [
            (
                "xl/_rels/workbook.xml.rels",
                format!("<Relationships>{relations}</Relationships>"),
            ),
            (
                "xl/workbook.xml",
                format!("<workbook><sheets>{sheets}</sheets></workbook>"),
            ),
            (
                "xl/a.xml",
                format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>"),
            ),
        ];
        let files: Vec<(&str, &[u8])> = files.iter().map(|f| (f.0, f.1.as_bytes())).collect();
        let path = folder.file("a.xlsx");
        std::fs::write(&path, zipped(&files)).unwrap();
        opened(&path, &LoadOptions::default()).map(|(points, _)| points.len())
    };
    let relation = "<Relationship Id=\"a\" Type=\"/worksheet\" Target=\"a.xml\"/>";
    let sheets = "<sheet name=\"A\" id=\"a\"/><sheet name=\"B\" id=\"a\"/>";
    let rows = row(1, &["lon", "lat"]) + &row(2, &["1", "2"]);
    assert_eq!(opened_with(relation, sheets, &rows).unwrap(), 1);
    let many = relation.repeat(4096);
    assert_eq!(opened_with(&many, sheets, &rows).unwrap(), 1);
    let message = opened_with(&relation.repeat(4097), sheets, &rows).unwrap_err();
    assert!(message.to_string().contains("it has over 4096 sheets"));
    let long = "x".repeat(4096);
    let message = opened_with(relation, sheets, &row(1, &vec![&*long; 1025])).unwrap_err();
    let says = "a.xlsx: row 1: damaged or cut off: its texts have over 4194304 bytes";
    assert!(message.to_string().ends_with(says), "{message}");
}

#[test]
fn metres_have_the_system_that_the_option_names() {
    let folder = Folder::new("xlsx-metres");
    let sheet = row(1, &["easting", "northing"]) + &row(2, &["500000", "0"]);
    let path = put(&folder, &[("Metres", &sheet)]);
    let options = LoadOptions {
        srid: Some(25832),
        ..LoadOptions::default()
    };
    let (points, _) = opened(&path, &options).unwrap();
    let (lon, lat) = heatsplat_points::mercator::unproject(points[0].at());
    assert!((lon - 9.0).abs() < 1e-6 && lat.abs() < 1e-6, "{lon} {lat}");
}

#[test]
fn the_option_that_is_wrong_is_blamed_and_not_the_sheet() {
    let folder = Folder::new("xlsx-blame");
    let notes = row(1, &["This", "is", "all", "about", "it"]);
    let shops = notes.clone() + &row(2, &["lon", "lat", "sold"]) + &row(3, &["1", "2", "3"]);
    let trips =
        row(1, &["pick_lat", "pick_lon", "drop_lat", "drop_lon"]) + &row(2, &["1", "2", "3", "4"]);
    let path = put(&folder, &[("Notes", &notes), ("Shops", &shops)]);
    let message = opened(&path, &weight("solt")).err().unwrap().to_string();
    assert!(
        message.contains("a.xlsx: sheet \"Shops\": `weight`: there is no column \"solt\""),
        "{message}"
    );
    let path = put(&folder, &[("Shops", &shops), ("Trips", &trips)]);
    let pair = |name: &str| LoadOptions {
        pair: Some(name.to_owned()),
        ..LoadOptions::default()
    };
    assert_eq!(opened(&path, &pair("drop")).unwrap().1.kept, 1);
    let message = opened(&path, &pair("lift")).err().unwrap().to_string();
    assert!(
        message.contains("sheet \"Trips\": `pair`: there are no columns"),
        "{message}"
    );
}

#[test]
fn a_sheet_is_chosen_by_its_name_or_its_columns() {
    let folder = Folder::new("xlsx-sheets");
    let two = put(
        &folder,
        &[("Sales", SALES), ("Notes", NOTES), ("Old sales", SALES)],
    );
    let message = opened(&two, &LoadOptions::default())
        .err()
        .unwrap()
        .to_string();
    let says = "`table`: several sheets have positions; name one of them: \"Sales\", \"Old sales\"";
    assert!(message.ends_with(says), "{message}");
    assert_eq!(opened(&two, &table("old SALES")).unwrap().1.kept, 2);
    let message = opened(&two, &table("Solds")).err().unwrap().to_string();
    let says = "there is no sheet \"Solds\"; there are: \"Sales\", \"Notes\", \"Old sales\"";
    assert!(message.contains(says), "{message}");
    let none = put(&folder, &[("Notes", NOTES)]);
    let message = opened(&none, &LoadOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        message.contains("no longitude, latitude or geometry column was found"),
        "{message}"
    );
    let empty = put(&folder, &[("Notes", "")]);
    let message = opened(&empty, &LoadOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(message.ends_with("a.xlsx: no rows"), "{message}");
}
