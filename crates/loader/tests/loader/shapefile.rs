//! Shapefiles whose files disagree, with deleted rows, with every code page, or with every type of
//! field. They are made byte by byte, since libraries don't write such files.

use crate::{Folder, opened, weight};
use heatsplat_loader::{LoadOptions, Report, SkipReason, load_table, open};
use heatsplat_points::{Point, mercator};
use std::path::{Path, PathBuf};

/// The content of a record that is a point.
fn point(x: f64, y: f64) -> Vec<u8> {
    [&1i32.to_le_bytes()[..], &x.to_le_bytes(), &y.to_le_bytes()].concat()
}

fn null() -> Vec<u8> {
    0i32.to_le_bytes().to_vec()
}

fn header(bytes: usize) -> Vec<u8> {
    let mut header = vec![0; 100];
    header[..4].copy_from_slice(&9994i32.to_be_bytes());
    header[24..28].copy_from_slice(&(bytes as i32 / 2).to_be_bytes());
    header[28..36].copy_from_slice(&[1000i32.to_le_bytes(), 1i32.to_le_bytes()].concat());
    header
}

/// The bytes of a `.shp` with these records, and the offset of each record.
fn shp(records: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let mut body = Vec::new();
    let mut places = Vec::new();
    for (number, record) in (1i32..).zip(records) {
        places.push(100 + body.len());
        body.extend(number.to_be_bytes());
        body.extend((record.len() as i32 / 2).to_be_bytes());
        body.extend(record);
    }
    ([header(100 + body.len()), body].concat(), places)
}

/// The bytes of a `.shx` with the offset and the length of each record.
fn shx(places: &[(usize, usize)]) -> Vec<u8> {
    let words = |n: usize| (n as i32 / 2).to_be_bytes();
    let entries = places.iter().flat_map(|p| [words(p.0), words(p.1)]);
    [header(100 + 8 * places.len()), entries.flatten().collect()].concat()
}

/// A field of a table: its name, its type's letter, its width in bytes, and its number of decimals.
type Field = (&'static [u8], u8, u8, u8);

const W: Field = (b"W", b'N', 8, 2);

/// The bytes of a `.dbf`. Each row has a mark (`*` if it is deleted) and its text.
fn dbf(version: u8, language: u8, fields: &[Field], rows: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let start = 33 + 32 * fields.len();
    let length: usize = 1 + fields.iter().map(|f| usize::from(f.2)).sum::<usize>();
    let mut bytes = vec![version, 124, 1, 1];
    bytes.extend((rows.len() as u32).to_le_bytes());
    bytes.extend((start as u16).to_le_bytes());
    bytes.extend((length as u16).to_le_bytes());
    bytes.resize(32, 0);
    bytes[29] = language;
    for (name, letter, width, decimals) in fields {
        let mut field = name.to_vec();
        field.resize(11, 0);
        field.extend([*letter, 0, 0, 0, 0, *width, *decimals]);
        field.resize(32, 0);
        bytes.extend(field);
    }
    bytes.push(0x0d);
    for (mark, row) in rows {
        assert_eq!(row.len() + 1, length);
        bytes.push(*mark);
        bytes.extend(row);
    }
    bytes.push(0x1a);
    bytes
}

/// A table whose only field is the weight.
fn weights(all: &[f64]) -> Vec<u8> {
    let row = |w: &f64| (b' ', format!("{w:8.2}").into_bytes());
    dbf(3, 0, &[W], &all.iter().map(row).collect::<Vec<_>>())
}

/// The files of a Shapefile in a folder for one test.
struct Files(Folder);

impl Files {
    fn new(name: &str) -> Self {
        Self(Folder::new(&format!("shapefile-{name}")))
    }

    fn shp(&self) -> PathBuf {
        self.0.file("a.shp")
    }

    fn put(&self, extension: &str, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.0.file(&format!("a.{extension}")), bytes).unwrap();
        self
    }

    fn take(&self, extension: &str) {
        let _ = std::fs::remove_file(self.0.file(&format!("a.{extension}")));
    }

    fn load(&self) -> (Vec<(i32, i32, f32)>, Report) {
        let (points, report) = opened(&self.shp(), &LoadOptions::default()).unwrap();
        (points.iter().map(place).collect(), report)
    }
}

/// The longitude and latitude in whole degrees, and the weight.
fn place(point: &Point) -> (i32, i32, f32) {
    let (lon, lat) = mercator::unproject(point.at());
    (lon.round() as i32, lat.round() as i32, point.weight)
}

const THREE: [(i32, i32, f32); 3] = [(1, 1, 10.0), (2, 2, 20.0), (3, 3, 30.0)];

/// Writes a Shapefile of points at (1, 1), (2, 2), … with the weights 10, 20, …. Returns its `.shp`
/// and its `.shx`.
fn good(files: &Files, count: u32) -> (Vec<u8>, Vec<u8>) {
    let all = || (1..=count).map(f64::from);
    let (shp, places) = shp(&all().map(|i| point(i, i)).collect::<Vec<_>>());
    let places: Vec<_> = places.into_iter().map(|at| (at, 20)).collect();
    let shx = shx(&places);
    let dbf = weights(&all().map(|i| 10.0 * i).collect::<Vec<_>>());
    files.put("shp", &shp).put("shx", &shx).put("dbf", dbf);
    (shp, shx)
}

#[test]
fn the_index_says_which_record_belongs_to_which_row() {
    let files = Files::new("index");
    // A program replaced a null shape by a point later, and wrote the new record at the end.
    let moved = [point(1.0, 1.0), null(), point(3.0, 3.0), point(2.0, 2.0)];
    let (bytes, at) = shp(&moved);
    files.put("shp", &bytes);
    files.put("shx", shx(&[(at[0], 20), (at[3], 20), (at[2], 20)]));
    files.put("dbf", weights(&[10.0, 20.0, 30.0]));
    let (points, report) = files.load();
    assert_eq!((points, report.skipped_total()), (THREE.to_vec(), 0));
    assert!(report.notes()[0].starts_with("12 bytes of the .shp belong to none of"));

    // A record of the `.shp` is missing in the index.
    let gap = [
        point(1.0, 1.0),
        point(9.0, 9.0),
        point(2.0, 2.0),
        point(3.0, 3.0),
    ];
    let (bytes, at) = shp(&gap);
    files.put("shp", &bytes);
    files.put("shx", shx(&[(at[0], 20), (at[2], 20), (at[3], 20)]));
    assert_eq!(files.load().0, THREE);

    // The records are in another order, and one was never written.
    files.put("shx", shx(&[(at[2], 20), (0, 0), (at[0], 20)]));
    let (points, report) = files.load();
    assert_eq!(points, [(2, 2, 10.0), (1, 1, 30.0)]);
    assert_eq!(
        report.examples[0].to_string(),
        "record 2: no position: null shape"
    );

    // Without the index the records are read in their order in the `.shp`.
    files.take("shx");
    assert_eq!(files.load().0.len(), 4);
}

#[test]
fn records_whose_row_is_marked_as_deleted_are_left_out_and_counted() {
    let files = Files::new("deleted");
    good(&files, 3);
    let row = |mark, w: &str| (mark, format!("{w:>8}").into_bytes());
    let rows = [row(b' ', "10"), row(b'*', "20"), row(b' ', "30")];
    files.put("dbf", dbf(3, 0, &[W], &rows));
    for indexed in [true, false] {
        if !indexed {
            files.take("shx");
        }
        let (points, report) = files.load();
        assert_eq!(points, [THREE[0], THREE[2]]);
        assert_eq!((report.rows, report.kept, report.deleted), (2, 2, 1));
        assert!(
            report
                .to_string()
                .contains("1 more that are marked as deleted")
        );
        // They are left out even if no column is read.
        let (points, _) = opened(&files.shp(), &weight("none")).unwrap();
        assert_eq!(points.len(), 2);
    }
    files.put("dbf", dbf(3, 0, &[W], &[1, 2, 3].map(|_| row(b'*', "1"))));
    let message = opened(&files.shp(), &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.ends_with("all of its 3 records are marked as deleted"),
        "{message}"
    );
}

#[test]
fn wrong_lengths_cost_no_records_and_are_said() {
    let files = Files::new("lengths");
    let (shp, shx) = good(&files, 3);
    let stating = |bytes: &[u8], words: i32| {
        let mut bytes = bytes.to_vec();
        bytes[24..28].copy_from_slice(&words.to_be_bytes());
        bytes
    };
    // The stated length is one record too short, the header only, zero, too large, or negative.
    for words in [78, 50, 0, 400, -1] {
        files.put("shp", stating(&shp, words)).put("shx", &shx);
        for indexed in [true, false] {
            if !indexed {
                files.take("shx");
            }
            let (points, report) = files.load();
            assert_eq!(points, THREE, "{words} {indexed}");
            let note = report.notes().join("|");
            assert!(
                note.contains("bytes by its header and 184 in truth"),
                "{note}"
            );
        }
    }
    // The bytes after the last record are no record.
    files.put("shp", [&shp[..], &[0; 40]].concat());
    let (points, report) = files.load();
    assert_eq!((&points[..], report.notes().len()), (&THREE[..], 1));
    // The length is ignored without a table too.
    files.take("dbf");
    files.put("shp", stating(&shp, 400));
    assert_eq!(files.load().0.len(), 3);
    // The table has more rows than the `.shp` has records. This shows that the `.shp` is cut off,
    // which is an error.
    good(&files, 3);
    files.take("shx");
    files.put("shp", &shp[..shp.len() - 28]);
    let message = opened(&files.shp(), &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("record 3: damaged or cut off"),
        "{message}"
    );
}

#[test]
fn an_index_that_does_not_fit_is_not_used_and_that_is_said() {
    let files = Files::new("misfit");
    let (_, whole) = good(&files, 3);
    let shifted = shx(&[(100, 20), (130, 20), (156, 20)]);
    let behind = shx(&[(100, 20), (128, 20), (5000, 20)]);
    for (name, bytes) in [
        ("cut", &whole[..whole.len() - 8]),
        ("header alone", &whole[..100]),
        ("half a header", &whole[..50]),
        ("nothing", b""),
        ("text", &[b'x'; 200]),
        ("shifted", &shifted),
        ("behind", &behind),
    ] {
        files.put("shx", bytes);
        let (points, report) = files.load();
        assert_eq!(points, THREE, "{name}");
        let note = report.notes().join("|");
        assert!(note.contains("the .shx is not used: "), "{name}: {note}");
    }
    // The length in the index's header leaves out the last record.
    let mut short = whole.clone();
    short[24..28].copy_from_slice(&58i32.to_be_bytes());
    files.put("shx", short);
    let (points, report) = files.load();
    assert_eq!(points, THREE);
    assert_eq!(
        report.notes(),
        ["the .shx has 2 records by its header and 3 in truth: all were read"]
    );
}

#[test]
fn a_record_that_an_index_finds_broken_costs_no_other() {
    let files = Files::new("broken");
    let (mut shp, _) = good(&files, 100);
    // The type of record 50 becomes invalid.
    let at = 100 + 49 * 28 + 8;
    shp[at..at + 4].copy_from_slice(&77i32.to_le_bytes());
    files.put("shp", shp);
    let (points, report) = files.load();
    assert_eq!(
        (points.len(), report.skipped(SkipReason::Malformed)),
        (84, 1)
    );
    assert_eq!(
        report
            .examples
            .iter()
            .map(|e| e.to_string())
            .find(|e| e.contains("malformed"))
            .unwrap(),
        "record 50: malformed: there is no shape of type 77"
    );
}

#[test]
fn tables_whose_count_is_wrong_have_the_rows_that_they_have() {
    let files = Files::new("count");
    good(&files, 3);
    let table = weights(&[10.0, 20.0, 30.0]);
    for (stated, note) in [
        (
            0u32,
            "the .dbf has 0 rows by its header and 3 in truth, for 3 records: 3 were read",
        ),
        (
            2,
            "the .dbf has 2 rows by its header and 3 in truth, for 3 records: 3 were read",
        ),
        (
            9,
            "the .dbf has 9 rows by its header and 3 in truth, for 3 records: 3 were read",
        ),
    ] {
        let mut bytes = table.clone();
        bytes[4..8].copy_from_slice(&stated.to_le_bytes());
        files.put("dbf", bytes);
        let (points, report) = files.load();
        assert_eq!(points, THREE, "{stated}");
        assert_eq!(report.notes(), [note]);
    }
    files.put("dbf", weights(&[10.0, 20.0]));
    let (points, report) = files.load();
    assert_eq!((points[2].2, report.weights_missing), (0.0, 1));
    assert_eq!(
        report.notes(),
        ["the .dbf has 2 rows for 3 records: the others have no values"]
    );
    files.put("dbf", weights(&[10.0, 20.0, 30.0, 40.0]));
    let (points, report) = files.load();
    assert_eq!(points, THREE);
    assert_eq!(
        report.notes(),
        ["the .dbf has 4 rows for 3 records: the others have no shape"]
    );
    // The table's header states a wrong length of a row, which the size of the file shows.
    let mut bytes = table.clone();
    bytes[10] = 5;
    files.put("dbf", &bytes);
    assert_eq!(files.load().0, THREE);
    bytes.extend([0; 7]);
    files.put("dbf", &bytes);
    let message = opened(&files.shp(), &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("a row can't have 5 bytes: its fields have 9"),
        "{message}"
    );
}

#[test]
fn files_beside_are_found_by_endings_in_mixed_letters() {
    let files = Files::new("endings");
    for (dbf, prj, shx) in [
        ("Dbf", "Prj", "Shx"),
        ("DBF", "PRJ", "SHX"),
        ("dBF", "prJ", "sHx"),
    ] {
        good(&files, 3);
        let rename = |from: &str, to: &str| {
            let name = |ending: &str| files.0.file(&format!("a.{ending}"));
            std::fs::rename(name(from), name(to)).unwrap();
        };
        rename("dbf", dbf);
        rename("shx", shx);
        files.put(prj, r#"LOCAL_CS["Mine 4"]"#);
        let message = opened(&files.shp(), &LoadOptions::default())
            .unwrap_err()
            .to_string();
        assert!(message.contains("Mine 4"), "{message}");
        files.take(prj);
        assert_eq!(files.load().0, THREE);
        files.take(dbf);
        // The index is found, since the record that it leaves out is not read.
        files.put(shx, crate::shapefile::shx(&[(100, 20), (156, 20)]));
        assert_eq!(files.load().0.len(), 2);
        files.take(shx);
    }
}

/// Loads a Shapefile of one point and keeps a column. Returns the column in its debug form, or the
/// error's message.
fn kept(path: &Path, column: &str) -> Result<String, String> {
    let options = LoadOptions {
        keep: vec![column.to_owned()],
        weight: Some("none".into()),
        ..LoadOptions::default()
    };
    let mut source = open(path, &options).map_err(|e| e.to_string())?;
    let loaded = load_table(&mut *source, |_| ()).map_err(|e| e.to_string())?;
    Ok(format!("{:?}", loaded.1.columns()))
}

fn wants(path: &Path, filter: &str) -> bool {
    let options = LoadOptions {
        filter: Some(filter.parse().unwrap()),
        weight: Some("none".into()),
        ..LoadOptions::default()
    };
    opened(path, &options).is_ok()
}

#[test]
fn texts_are_in_the_code_page_that_the_table_or_the_file_beside_it_names() {
    let files = Files::new("code-page");
    good(&files, 1);
    let town: Field = (b"ORT", b'C', 12, 0);
    let put = |language: u8, text: &[u8], cpg: Option<&str>| {
        let mut row = text.to_vec();
        row.resize(12, b' ');
        files.put("dbf", dbf(3, language, &[town], &[(b' ', row)]));
        files.take("cpg");
        if let Some(cpg) = cpg {
            files.put("cpg", cpg);
        }
    };
    for (language, text, cpg, expected) in [
        (0x01, &b"K\x94ln"[..], None, "Köln"),
        (0x02, b"K\x94ln", None, "Köln"),
        (0x57, b"K\xf6ln", None, "Köln"),
        (0x00, b"K\xf6ln", None, "Köln"),
        (0x00, "Köln".as_bytes(), None, "Köln"),
        (0x57, b"K\xf6ln", Some("ISO 88591"), "Köln"),
        (0x57, b"K\xf6ln", Some("ANSI 1252"), "Köln"),
        (
            0x00,
            b"\xcc\xee\xf1\xea\xe2\xe0",
            Some("ANSI 1251"),
            "Москва",
        ),
        (0x57, "Köln".as_bytes(), Some("UTF8"), "Köln"),
        (0x4f, b"\xa5\x78\xa5\x5f", None, "台北"),
        (0x4e, b"\xbc\xad\xbf\xef", None, "서울"),
        (0x4d, b"\xb1\xb1\xbe\xa9", None, "北京"),
        (0x13, b"\x93\x8c\x8b\x9e", None, "東京"),
        // The code page in the `.cpg` is unknown, and the language driver in the `.dbf` is known.
        (0x02, b"K\x94ln", Some("Klingon"), "Köln"),
    ] {
        put(language, text, cpg);
        assert!(
            wants(&files.shp(), &format!("ORT = '{expected}'")),
            "{language:#x} {expected}"
        );
        assert!(
            kept(&files.shp(), "ORT").unwrap().contains(expected),
            "{expected}"
        );
    }
    // The option `encoding` is used, although the table and the `.cpg` name other encodings.
    put(0x02, b"\xcc\xee\xf1\xea\xe2\xe0", Some("UTF-8"));
    let options = LoadOptions {
        encoding: "windows-1251".parse().ok(),
        filter: "ORT = 'Москва'".parse().ok(),
        ..weight("none")
    };
    assert_eq!(opened(&files.shp(), &options).unwrap().0.len(), 1);
    // An unknown code page is no error. If texts are read, it is noted.
    for (language, cpg, says) in [
        (
            0x05,
            None,
            "the .dbf has the language driver 0x05, which is not known",
        ),
        (
            0x00,
            Some("Klingon"),
            "the .cpg names the code page \"Klingon\", which is not known",
        ),
    ] {
        put(language, b"K\xf6ln", cpg);
        let (_, report) = opened(&files.shp(), &weight("none")).unwrap();
        assert_eq!(report.notes(), [""; 0]);
        let options = LoadOptions {
            filter: Some("ORT = 'Köln'".parse().unwrap()),
            ..weight("none")
        };
        let (_, report) = opened(&files.shp(), &options).unwrap();
        let note = format!("{says}: texts are read as UTF-8 where they can be, else windows-1252");
        assert_eq!(report.notes(), [note]);
    }
}

#[test]
fn fields_of_every_type_have_their_values_or_are_refused_by_name() {
    let files = Files::new("types");
    good(&files, 1);
    let put = |version: u8, letter: u8, decimals: u8, bytes: &[u8]| {
        let field: Field = (b"V", letter, bytes.len() as u8, decimals);
        files.put("dbf", dbf(version, 3, &[field], &[(b' ', bytes.to_vec())]));
    };
    let moment = [2_460_341i32.to_le_bytes(), 1000i32.to_le_bytes()].concat();
    for (version, letter, bytes, filter) in [
        (3, b'F', &b" 1.00000000000e-001"[..], "V = 0.1"),
        (3, b'F', b"   123456789", "V = 123456789"),
        (3, b'N', b"   123456789", "V = 123456789"),
        (3, b'N', b"867322040000000001", "V = 867322040000000001"),
        (3, b'N', b" 1.50", "V > 1.4 and V < 1.6"),
        (3, b'N', b"    1,50", "V = 1.5"),
        (3, b'D', b"20240131", "V = 2024-01-31"),
        (3, b'D', b"        ", "V is null"),
        (3, b'L', b"Y", "V = true"),
        (3, b'L', b"?", "V is null"),
        (0x30, b'I', &(-7i32).to_le_bytes(), "V = -7"),
        (0x30, b'B', &2.5f64.to_le_bytes(), "V = 2.5"),
        (0x30, b'Y', &12_345i64.to_le_bytes(), "V = 1.2345"),
        (
            0x30,
            b'T',
            &moment,
            "V > 2024-01-31T00:00:00 and V < 2024-01-31T00:00:02",
        ),
    ] {
        put(version, letter, 2, bytes);
        assert!(
            wants(&files.shp(), filter),
            "{} {filter}",
            char::from(letter)
        );
        assert!(kept(&files.shp(), "V").is_ok());
    }
    for letter in [b'M', b'G', b'@', b'V', b'Q', b'X'] {
        put(3, letter, 0, &[b' '; 10]);
        for (message, parameter) in [
            (kept(&files.shp(), "V").unwrap_err(), "`keep`"),
            (
                opened(&files.shp(), &weight("V")).unwrap_err().to_string(),
                "`weight`",
            ),
        ] {
            let says = format!("{parameter}: the values of \"V\" can't be read: ");
            assert!(
                message.contains(&says) && !message.contains('\n'),
                "{message}"
            );
        }
        // The type of a column that isn't read does not matter.
        assert_eq!(files.load().0, [(1, 1, 1.0)]);
    }
    // A column that can't be read is not chosen as the weight because of its name. That is no
    // error.
    let memo: Field = (b"WEIGHT", b'M', 10, 0);
    files.put("dbf", dbf(3, 3, &[memo], &[(b' ', vec![b' '; 10])]));
    assert_eq!(files.load().0, [(1, 1, 1.0)]);
}

#[test]
fn tables_of_dbase_7_have_longer_names_and_numbers_that_sort() {
    let files = Files::new("seven");
    good(&files, 2);
    let mut bytes = vec![4u8, 124, 1, 1, 2, 0, 0, 0];
    let start = 68 + 48 + 1u16;
    bytes.extend([start.to_le_bytes(), 5u16.to_le_bytes()].concat());
    bytes.resize(32, 0);
    bytes.extend(b"DB437US0");
    bytes.resize(68, 0);
    let mut field = b"a name of more than ten".to_vec();
    field.resize(32, 0);
    field.extend([b'I', 4, 0]);
    field.resize(48, 0);
    bytes.extend(field);
    bytes.push(0x0d);
    bytes.extend(b" \x80\0\0\x07 \x7f\xff\xff\xf9\x1a");
    files.put("dbf", bytes);
    let (points, _) = opened(&files.shp(), &weight("a name of more than ten")).unwrap();
    assert_eq!(
        points.iter().map(|p| p.weight).collect::<Vec<_>>(),
        [7.0, -7.0]
    );
}

#[test]
fn null_numbers_of_foxpro_are_missing() {
    let files = Files::new("fox-null");
    good(&files, 2);
    let fields: [Field; 2] = [(b"W", b'I', 4, 0), (b"_NullFlags", b'0', 1, 0)];
    let rows = [(b' ', vec![7, 0, 0, 0, 0]), (b' ', vec![0, 0, 0, 0, 1])];
    let mut bytes = dbf(0x30, 3, &fields, &rows);
    bytes[32 + 18] = 2;
    files.put("dbf", bytes);
    let (_, report) = opened(&files.shp(), &weight("W")).unwrap();
    assert_eq!(report.weights_missing, 1);
}

#[test]
fn texts_of_over_255_bytes_have_their_length_in_two() {
    let files = Files::new("long");
    good(&files, 1);
    let fields: [Field; 2] = [(b"T", b'C', 44, 0), (b"W", b'N', 3, 0)];
    let mut row = vec![b'x'; 300];
    row.extend(b"  5");
    let mut bytes = dbf(3, 3, &fields, &[]);
    bytes.pop();
    bytes[4] = 1;
    bytes[10..12].copy_from_slice(&304u16.to_le_bytes());
    bytes[32 + 17] = 1;
    bytes.extend([&b" "[..], &row].concat());
    files.put("dbf", bytes);
    assert_eq!(files.load().0, [(1, 1, 5.0)]);
}

#[test]
fn no_bytes_in_an_index_do_harm() {
    let files = Files::new("index-damage");
    let (shp, whole) = good(&files, 24);
    let path = files.shp();
    for at in 0..whole.len() {
        for by in [0x80, 0xff, 0x01, 0x7f] {
            let mut turned = whole.clone();
            turned[at] ^= by;
            files.put("shx", turned);
            let (points, report) = opened(&path, &LoadOptions::default()).unwrap();
            assert_eq!(points.len() as u64, report.kept);
            assert_eq!(report.rows, report.kept + report.skipped_total());
        }
    }
    // The index has one large record ten thousand times.
    let mut many = vec![8u8, 0, 0, 0];
    many.resize(36, 0);
    many.extend(5000u32.to_le_bytes());
    many.resize(40 + 16 * 5000, 0);
    let (bytes, at) = crate::shapefile::shp(&[many.clone()]);
    files
        .put("shp", bytes)
        .put("shx", shx(&vec![(at[0], many.len()); 10_000]));
    let (points, report) = opened(&path, &LoadOptions::default()).unwrap();
    assert!(points.len() < 6 * 5000, "{}", points.len());
    assert!(
        report.examples[0]
            .to_string()
            .contains("the same records over and over")
    );
    // A file that is cut off is an error with an index too.
    files.put("shp", &shp[..shp.len() - 9]).put("shx", &whole);
    assert!(opened(&path, &LoadOptions::default()).is_err());
}
