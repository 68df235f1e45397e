//! Zip archives: the data set in them, the choice among several, and archives that lie.

use crate::formats::{self, rows};
use crate::{Folder, error, opened};
use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use arrow_ipc::writer::StreamWriter;
use heatsplat_loader::{InputFormat, LoadOptions, open};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const CSV: &[u8] = b"lon,lat,count\n13.4,52.5,3\n2.35,48.85,4\n";

/// An archive of files, given by their names and bytes.
pub(crate) fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    packed(files, CompressionMethod::Deflated)
}

fn packed(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Writes an archive into a folder, and returns its path.
fn put(folder: &Folder, bytes: &[u8]) -> PathBuf {
    let path = folder.file("a.zip");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn member(name: &str) -> LoadOptions {
    LoadOptions {
        member: Some(name.to_owned()),
        ..LoadOptions::default()
    }
}

/// The message of the error for an archive.
fn refusal(folder: &Folder, bytes: &[u8], options: &LoadOptions) -> String {
    let path = put(folder, bytes);
    match opened(&path, options) {
        Ok((_, report)) => panic!("{report:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_format_in_an_archive_gives_what_it_gives_outside() {
    let folder = Folder::new("archive-formats");
    let options = LoadOptions {
        weight: Some("n".to_owned()),
        ..LoadOptions::default()
    };
    for format in formats::ALL {
        let path = formats::write(&folder, format, &rows());
        let plain = opened(&path, &options).unwrap();
        let mut files = vec![(
            "data/Rows.x".replace('x', format),
            std::fs::read(&path).unwrap(),
        )];
        if format == "shp" {
            for extension in ["DBF", "shx"] {
                let beside = path.with_extension(extension.to_lowercase());
                files.push((
                    format!("data/rows.{extension}"),
                    std::fs::read(beside).unwrap(),
                ));
            }
        }
        files.push(("data/readme.txt".to_owned(), b"all about it".to_vec()));
        files.push(("__MACOSX/data/._Rows.csv".to_owned(), b"\0\x05".to_vec()));
        let files: Vec<(&str, &[u8])> = files.iter().map(|f| (f.0.as_str(), &*f.1)).collect();
        for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
            let archive = put(&folder, &packed(&files, method));
            let (points, mut report) = opened(&archive, &options).unwrap();
            report.bytes = plain.1.bytes;
            assert_eq!((points, report), plain, "{format}");
        }
        let source = open(folder.file("a.zip"), &options).unwrap();
        assert!(
            source
                .name()
                .ends_with(&format!("a.zip/data/Rows.{format}"))
        );
        let why = &source.columns().why;
        assert!(
            why.starts_with(&format!("the archive's data/Rows.{format}: ")),
            "{why}"
        );
    }
}

#[test]
fn a_copy_of_a_member_is_removed_with_its_source() {
    let folder = Folder::new("archive-copy");
    let path = formats::write(&folder, "gpkg", &rows());
    let bytes = std::fs::read(path).unwrap();
    let archive = put(&folder, &zipped(&[("../../../tmp/rows.gpkg", &bytes)]));
    let own = format!("heatsplat-download-{}-", std::process::id());
    let is_copy = |path: &Path| std::fs::read(path.join("points.shp")).is_ok_and(|b| b == bytes);
    let copies = || -> Vec<PathBuf> {
        let all = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        all.filter(|entry| entry.file_name().to_string_lossy().starts_with(&own))
            .map(|entry| entry.path())
            .filter(|path| is_copy(path))
            .collect()
    };
    let source = open(&archive, &LoadOptions::default()).unwrap();
    let copy = copies();
    assert_eq!(copy.len(), 1);
    // The name of a member is never a path on the disk.
    assert!(!std::env::temp_dir().join("rows.gpkg").exists());
    drop(source);
    assert!(!copy[0].exists());
    let small = LoadOptions {
        download_limit: Some(100),
        ..LoadOptions::default()
    };
    let message = opened(&archive, &small).err().unwrap().to_string();
    assert!(message.contains("`download_limit`: "), "{message}");
}

#[test]
fn one_data_set_is_chosen_and_several_are_listed() {
    let folder = Folder::new("archive-choice");
    let kml: &[u8] =
        b"<kml><Placemark><Point><coordinates>1,2</coordinates></Point></Placemark></kml>";
    let stops: &[u8] = b"stop_id,stop_lat,stop_lon\nA,40.7,-74\n";
    let kept = |files: &[(&str, &[u8])], options: &LoadOptions| {
        opened(&put(&folder, &zipped(files)), options)
            .unwrap()
            .1
            .kept
    };
    let any = LoadOptions::default();
    assert_eq!(
        kept(
            &[("a.pdf", b"%PDF"), ("x/b.csv", CSV), ("LICENSE.csv", b"")],
            &any
        ),
        2
    );
    let licenses: [(&str, &[u8]); 2] = [("licenses.csv", CSV), ("readme-1.csv", b"a")];
    assert_eq!(kept(&licenses, &any), 2);
    let stations: [(&str, &[u8]); 2] = [("metadata_stations.csv", CSV), ("metadata.csv", b"a")];
    assert_eq!(kept(&stations, &any), 2);
    assert_eq!(kept(&[("./a.csv", CSV), ("./.b.csv", b"a")], &any), 2);
    assert_eq!(kept(&[("x/a.csv", CSV), ("x/Thumbs.db", b"a")], &any), 2);
    assert_eq!(
        kept(&[("./a.csv", CSV), ("b.csv", b"a")], &member("./a.csv")),
        2
    );
    let zip = LoadOptions {
        format: Some(InputFormat::Zip),
        ..LoadOptions::default()
    };
    assert_eq!(kept(&[("a.csv", CSV)], &zip), 2);
    assert_eq!(kept(&[("./a.kml", b"a"), ("./doc.kml", kml)], &any), 1);
    let text = String::from_utf8_lossy(CSV);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&b"\xff\xfe"[..], &wide].concat();
    assert_eq!(kept(&[("a.csv", &marked)], &any), 2);
    assert_eq!(
        kept(
            &[("doc.kml", kml), ("a.kml", b""), ("files/a.png", b"")],
            &any
        ),
        1
    );
    assert_eq!(kept(&[("b.txt", CSV), ("a.pdf", b"%PDF")], &any), 2);
    assert_eq!(kept(&[("points", CSV)], &any), 2);
    let timetable: [(&str, &[u8]); 3] = [
        ("gtfs/stops.txt", stops),
        ("gtfs/routes.txt", b"route_id\n"),
        (
            "gtfs/shapes.txt",
            b"shape_id,shape_pt_lat,shape_pt_lon\nA,1,2\nA,2,3\nA,4,5\n",
        ),
    ];
    assert_eq!(kept(&timetable, &any), 1);
    assert_eq!(kept(&timetable, &member("shapes.txt")), 3);
    assert_eq!(kept(&timetable, &member("GTFS/Shapes.txt")), 3);

    let two = zipped(&[("a.csv", CSV), ("x/b.geojson", b"{}"), ("y/a.csv", CSV)]);
    let message = refusal(&folder, &two, &any);
    let says = "a.zip: `member`: there are several files in this archive; name one of them: \
                \"a.csv\", \"x/b.geojson\", \"y/a.csv\"";
    assert!(message.ends_with(says), "{message}");
    assert_eq!(
        opened(&put(&folder, &two), &member("y/a.csv"))
            .unwrap()
            .1
            .kept,
        2
    );
    let message = refusal(&folder, &two, &member("c.csv"));
    assert!(message.contains("there is no file \"c.csv\" in this archive; there are: \"a.csv\""));
    let alike = zipped(&[("x/a.csv", CSV), ("x/b.csv", CSV), ("y/a.csv", CSV)]);
    let message = refusal(&folder, &alike, &member("A.CSV"));
    let says = "name one with its folder: \"x/a.csv\", \"y/a.csv\"";
    assert!(message.ends_with(says), "{message}");
    let inner = zipped(&[("c.zip", &zipped(&[("b.csv", CSV)]))]);
    let word: [(&str, &[u8]); 2] = [("word/document.xml", b"<w/>"), ("x.csv", CSV)];
    let nested: [(&str, &[u8]); 1] = [("a.zip", &inner)];
    let disguised: [(&str, &[u8]); 1] = [("a.xlsx", &inner)];
    for (files, says) in [
        (&word[..0], "there is no file in this archive"),
        (&word[..], "this is a Word document"),
        (&nested[..], "an archive within an archive"),
        (&disguised[..], "an archive within an archive"),
    ] {
        let message = refusal(&folder, &zipped(files), &any);
        assert!(message.contains(says), "{message}");
    }
    // An archive may begin with other bytes. The option names the format of the member.
    let workbook = LoadOptions {
        format: Some(InputFormat::Xlsx),
        ..LoadOptions::default()
    };
    let behind = [&b"MZ"[..], &inner].concat();
    let message = refusal(&folder, &zipped(&[("a.xlsx", &behind)]), &workbook);
    assert!(
        message.contains("an archive within an archive"),
        "{message}"
    );
}

#[test]
fn an_archive_may_be_in_an_archive() {
    let folder = Folder::new("zip-nested");
    let kml = b"<kml><Placemark><Point><coordinates>2,48</coordinates></Point></Placemark></kml>";
    let kmz = zipped(&[("doc.kml", kml)]);
    let kept = |files: &[(&str, &[u8])], options: &LoadOptions| {
        opened(&put(&folder, &zipped(files)), options)
            .unwrap()
            .1
            .kept
    };
    let any = LoadOptions::default();
    assert_eq!(kept(&[("places.kmz", &kmz), ("readme.txt", b"x")], &any), 1);
    let tables: [(&str, &[u8]); 3] = [
        ("stops.txt", b"stop_id,stop_lat,stop_lon\na,1,2\n"),
        ("shapes.txt", b"shape_pt_lat,shape_pt_lon\n1,2\n2,3\n"),
        ("routes.txt", b"route_id\nx\n"),
    ];
    let gtfs = zipped(&tables);
    let files: [(&str, &[u8]); 2] = [("feeds/gtfs.zip", &gtfs), ("feeds/places.kmz", &kmz)];
    let message = refusal(&folder, &zipped(&files), &any);
    assert!(message.contains("name one of them"), "{message}");
    assert_eq!(kept(&files, &member("gtfs.zip")), 1);
    assert_eq!(kept(&files, &member("feeds/gtfs.zip/shapes.txt")), 2);
    let path = put(&folder, &zipped(&files));
    let why = open(&path, &member("gtfs.zip"))
        .unwrap()
        .columns()
        .why
        .clone();
    assert!(
        why.starts_with("the archive's feeds/gtfs.zip: the archive's stops.txt: longitude"),
        "{why}"
    );
}

#[test]
fn a_member_is_only_asked_for_in_archives() {
    let message = error("a.csv", CSV, &member("b.csv"));
    assert_eq!(message, "a.csv: `member`: this is no archive; leave it out");
    // A file with one table only has no use for a name of a table, in an archive too.
    let table = LoadOptions {
        table: Some("shops".to_owned()),
        ..LoadOptions::default()
    };
    let says = "`table`: csv has no tables to choose from; leave it out";
    let message = error("a.csv", CSV, &table);
    assert_eq!(message, format!("a.csv: {says}"));
    let folder = Folder::new("archive-table");
    let message = refusal(&folder, &zipped(&[("a.csv", CSV)]), &table);
    assert!(message.ends_with(&format!("a.csv: {says}")), "{message}");
    let folder = Folder::new("archive-none");
    let message = refusal(&folder, CSV, &member("b.csv"));
    assert!(
        message.ends_with("`member`: this is no archive; leave it out"),
        "{message}"
    );
    // A pipe can't be read from its end, where an archive's directory is.
    let message = error("a.zip", &zipped(&[("a.csv", CSV)]), &LoadOptions::default());
    assert!(
        message.contains("the format zip can't be read from a stream"),
        "{message}"
    );
}

#[test]
fn a_darwin_core_archive_is_its_core() {
    let folder = Folder::new("archive-darwin");
    let meta = |rest: &str, location: &str| {
        format!(
            "<archive xmlns=\"http://rs.tdwg.org/dwc/text/\"><core encoding=\"UTF-8\" {rest}>\
             <files><location>{location}</location></files><id index=\"0\"/>\
             <field index=\"1\" term=\"http://rs.tdwg.org/dwc/terms/decimalLatitude\"/>\
             <field index=\"2\" term=\"http://rs.tdwg.org/dwc/terms/decimalLongitude\"/></core>\
             <extension><files><location>images.txt</location></files></extension></archive>"
        )
    };
    let tabs = "fieldsTerminatedBy=\"\\t\" fieldsEnclosedBy=\"\" ignoreHeaderLines=\"1\"";
    let rows = "a\"1\t52.5\t13.4\na2\t48.85\t2.35\n";
    let with_header = format!("gbifID\tdecimalLatitude\tdecimalLongitude\n{rows}");
    for (meta, text) in [
        (meta(tabs, "occurrence.txt"), with_header),
        (
            meta(&tabs.replace("\"1\"", "\"0\""), "occurrence.txt"),
            rows.to_owned(),
        ),
    ] {
        let files = [
            ("x/verbatim.txt", &b"a"[..]),
            ("x/meta.xml", meta.as_bytes()),
            ("x/occurrence.txt", text.as_bytes()),
        ];
        let path = put(&folder, &zipped(&files));
        let source = open(&path, &LoadOptions::default()).unwrap();
        let why = &source.columns().why;
        let says = "the archive's x/occurrence.txt, the core of a Darwin Core archive: longitude";
        assert!(why.starts_with(says), "{why}");
        let (points, report) = opened(&path, &LoadOptions::default()).unwrap();
        assert_eq!((report.kept, report.rows), (2, 2), "{why}");
        let (lon, lat) = heatsplat_points::mercator::unproject(points[1].at());
        assert!((lon - 2.35).abs() < 1e-6 && (lat - 48.85).abs() < 1e-6);
    }
    let lost = meta(tabs, "lost.txt");
    let message = refusal(
        &folder,
        &zipped(&[("meta.xml", lost.as_bytes()), ("a.csv", CSV)]),
        &LoadOptions::default(),
    );
    assert!(
        message.contains("\"lost.txt\", which is not in the archive"),
        "{message}"
    );
}

#[test]
fn a_folder_of_a_timetable_is_its_stops() {
    let folder = Folder::new("gtfs");
    std::fs::write(
        folder.file("stops.txt"),
        "stop_id,stop_lat,stop_lon\nA,40.7,-74\n",
    )
    .unwrap();
    let message = opened(&folder.0, &LoadOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("is a directory"), "{message}");
    std::fs::write(folder.file("routes.txt"), "route_id\n").unwrap();
    assert_eq!(
        opened(&folder.0, &LoadOptions::default()).unwrap().1.kept,
        1
    );
}

/// The offset of the `at`-th occurrence of a header's signature.
fn header(bytes: &[u8], signature: &[u8; 4], at: usize) -> usize {
    let all = bytes.windows(4).enumerate();
    all.filter(|(_, window)| window == signature)
        .nth(at)
        .unwrap()
        .0
}

fn set(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

#[test]
fn archives_that_lie_are_refused() {
    const LOCAL: &[u8; 4] = b"PK\x03\x04";
    const CENTRAL: &[u8; 4] = b"PK\x01\x02";
    let folder = Folder::new("archive-lies");
    let any = LoadOptions::default();
    let whole = zipped(&[("a.csv", CSV)]);
    let (local, central) = (header(&whole, LOCAL, 0), header(&whole, CENTRAL, 0));
    let with = |changes: &[(usize, &[u8])]| {
        let mut bytes = whole.clone();
        changes
            .iter()
            .for_each(|(at, value)| set(&mut bytes, *at, value));
        bytes
    };
    let size = |n: i32| (CSV.len() as i32 + n).to_le_bytes();
    for (what, bytes, says) in [
        (
            "encrypted",
            with(&[(local + 6, &[1]), (central + 8, &[1])]),
            "it is encrypted; unpack it with its password",
        ),
        (
            "packed by LZMA",
            with(&[(local + 8, &[14]), (central + 10, &[14])]),
            "which is not read here",
        ),
        (
            "shorter than it says",
            with(&[(local + 22, &size(1)), (central + 24, &size(1))]),
            "it is shorter than the archive's directory states",
        ),
        (
            "longer than it says",
            with(&[(local + 22, &size(-1)), (central + 24, &size(-1))]),
            "it is longer than the archive's directory states",
        ),
        (
            "checksum",
            with(&[(central + 16, &[1, 2, 3, 4])]),
            "its checksum is wrong",
        ),
        (
            "another name",
            with(&[(local + 30, b"b")]),
            "is not that of this file",
        ),
        (
            "bytes beyond the end",
            with(&[(central + 20, &[0xff, 0xff, 0, 0])]),
            "it reaches beyond the end of the files",
        ),
    ] {
        let message = refusal(&folder, &bytes, &any);
        assert!(
            message.contains(says) && message.contains("a.zip"),
            "{what}: {message}"
        );
    }
    // The second file lies within the first.
    let inner = packed(&[("b.csv", CSV)], CompressionMethod::Stored);
    let files: [(&str, &[u8]); 2] = [("a.bin", &inner), ("b.csv", CSV)];
    let mut bytes = packed(&files, CompressionMethod::Stored);
    assert_eq!(opened(&put(&folder, &bytes), &any).unwrap().1.kept, 2);
    let inside = header(&bytes, LOCAL, 1) as u32;
    let last = header(&bytes, CENTRAL, 2);
    set(&mut bytes, last + 42, &inside.to_le_bytes());
    let message = refusal(&folder, &bytes, &any);
    assert!(
        message.contains("its bytes are those of another file, too"),
        "{message}"
    );
    let message = refusal(&folder, &zipped(&[("a.csv", CSV), ("./a.csv", CSV)]), &any);
    assert!(
        message.contains("two of its files have the same name"),
        "{message}"
    );
}

#[test]
fn a_checksum_is_checked_by_readers_that_know_where_their_rows_end() {
    let folder = Folder::new("archive-checksum");
    let axis = |degrees: f64| Arc::new(Float64Array::from(vec![degrees; 40_000])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("lon", axis(13.4)), ("lat", axis(52.5))]).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    // A mark ends the stream.
    let bytes = writer.into_inner().unwrap();
    let any = LoadOptions::default();
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let mut archive = packed(&[("a.arrows", &bytes)], method);
        let whole = opened(&put(&folder, &archive), &any).unwrap();
        assert_eq!(whole.1.kept, 40_000);
        let central = header(&archive, b"PK\x01\x02", 0);
        set(&mut archive, central + 16, &[1, 2, 3, 4]);
        let message = refusal(&folder, &archive, &any);
        assert!(message.contains("its checksum is wrong"), "{message}");
    }
}

#[test]
fn a_bomb_in_an_archive_ends_in_an_error() {
    let folder = Folder::new("archive-bomb");
    let long = [&b"lon,lat\n"[..], &vec![b'x'; 64 << 20]].concat();
    let bytes = zipped(&[("a.csv", &long)]);
    assert!(bytes.len() < 1 << 20);
    let message = refusal(&folder, &bytes, &LoadOptions::default());
    assert!(
        message.contains("line 2: what begins here is over 16384 KiB"),
        "{message}"
    );
}
