//! Text in encodings other than UTF-8, and gzip files with other bytes after them.

use crate::{error, loaded};
use flate2::{Compression, write::GzEncoder};
use heatsplat_loader::{Encoding, LoadOptions, load_table, read};
use std::io::{Cursor, Write};

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn german(filter: &str) -> LoadOptions {
    LoadOptions {
        lon: Some("Länge".into()),
        lat: Some("Breite".into()),
        weight: Some("none".into()),
        filter: Some(filter.parse().unwrap()),
        ..LoadOptions::default()
    }
}

#[test]
fn headers_and_values_of_csv_in_any_encoding() {
    let text = "Straße;Länge;Breite\nMüllerstr;13.4;52.5\nÖlweg;11.5;48.1\n\"Öl; weg\";1;2\n";
    for bytes in [
        text.as_bytes().to_vec(),
        ["\u{feff}", text].concat().into_bytes(),
        latin1(text),
        utf16(text, u16::to_le_bytes),
        utf16(text, u16::to_be_bytes),
        utf16(&["\u{feff}", text].concat(), u16::to_le_bytes),
        utf16(&["\u{feff}", text].concat(), u16::to_be_bytes),
    ] {
        for (filter, kept) in [
            ("Straße = 'Müllerstr'", 1),
            ("Straße in ('Ölweg', 'Öl; weg')", 2),
        ] {
            let (points, report) = loaded("a.csv", &bytes, &german(filter)).unwrap();
            assert_eq!(points.len(), kept, "{bytes:?}");
            let notes = report.notes();
            let is_utf = bytes != latin1(text);
            assert_eq!(notes.is_empty(), is_utf, "{notes:?}");
            if let Some(note) = notes.first() {
                let says = "text that is no UTF-8 is read as windows-1252";
                assert!(note.starts_with(says), "{note}");
            }
        }
    }
}

#[test]
fn an_encoding_that_is_asked_for() {
    // The second byte of \u{8868} is a backslash, and the second byte of \u{5341} is a vertical
    // bar.
    let text = b"lon|lat|ort\n1|2|\x95\x5c\n3|4|\x8f\x5c\n5|6|\x8f\x7c\n";
    let options = |name: &str| LoadOptions {
        encoding: Some(name.parse::<Encoding>().unwrap()),
        filter: Some("ort = '\u{8868}'".parse().unwrap()),
        ..LoadOptions::default()
    };
    let (points, report) = loaded("a.csv", text, &options("shift_jis")).unwrap();
    assert_eq!((points.len(), report.notes().len()), (1, 0));
    assert_eq!(report.filtered, 2);
    let (_, report) = loaded(
        "a.csv",
        b"lon,lat,ort\n1,2,\x95\n",
        &LoadOptions {
            encoding: Some("utf-8".parse().unwrap()),
            ..LoadOptions::default()
        },
    )
    .unwrap();
    assert!(report.notes()[0].contains("no UTF-8 and reads"), "{report}");
}

#[test]
fn values_that_are_no_utf8_far_behind_the_beginning() {
    let mut bytes = "lon,lat,ort\n1,2,Köln\n".to_owned().into_bytes();
    bytes.extend("3,4,Bonn\n".repeat(60_000).into_bytes());
    bytes.extend(latin1("5,6,Köln\n"));
    let options = LoadOptions {
        filter: Some("ort = 'Köln'".parse().unwrap()),
        ..LoadOptions::default()
    };
    let (points, report) = loaded("a.csv", &bytes, &options).unwrap();
    assert_eq!(points.len(), 2);
    let notes = report.notes();
    assert!(
        notes[0].starts_with("text that is no UTF-8 in 1 row, on line 60003, read as windows-1252"),
        "{notes:?}"
    );
    // Another note about the file doesn't replace this one.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&bytes).unwrap();
    let packed = [encoder.finish().unwrap(), b"junk".to_vec()].concat();
    let (_, report) = loaded("a.csv.gz", &packed, &options).unwrap();
    assert_eq!(report.notes()[0], notes[0]);
    assert!(report.notes()[1].contains("gzip"), "{report}");
    let kept = LoadOptions {
        keep: vec!["ort".into()],
        ..LoadOptions::default()
    };
    let mut source = read(Cursor::new(bytes), "a.csv", &kept).unwrap();
    let (_, table, _) = load_table(&mut *source, |_| ()).unwrap();
    assert_eq!(table.columns()[0].frequent(2)[1], ("Köln".to_owned(), 2));
}

#[test]
fn geojson_in_utf16_and_in_latin1() {
    let feature = |ort: &str| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"ort\":\"{ort}\"}},\
             \"geometry\":{{\"type\":\"Point\",\"coordinates\":[1,2]}}}}"
        )
    };
    let text = format!("{}\n{}\n", feature("Köln"), feature("\\\"Köln"));
    let all = format!("[{},{}]", feature("Köln"), feature("\\\"Köln"));
    for text in [text, all] {
        for bytes in [
            text.as_bytes().to_vec(),
            latin1(&text),
            utf16(&text, u16::to_le_bytes),
            utf16(&["\u{feff}", &text].concat(), u16::to_be_bytes),
        ] {
            for filter in ["ort = 'Köln'", "ort = '\"Köln'"] {
                let options = LoadOptions {
                    filter: Some(filter.parse().unwrap()),
                    ..LoadOptions::default()
                };
                let (points, _) = loaded("a.json", &bytes, &options).unwrap();
                assert_eq!(points.len(), 1, "{filter} {bytes:?}");
            }
        }
    }
}

#[test]
fn gpx_in_the_encoding_that_it_declares() {
    let text = |encoding: &str| {
        format!(
            "<?xml version=\"1.0\"{encoding}?>\n<gpx version=\"1.1\">\
             <wpt lat=\"48.85\" lon=\"2.35\"><name>Straße</name></wpt></gpx>"
        )
    };
    let declared = |name: &str| text(&format!(" encoding=\"{name}\""));
    let filter = LoadOptions {
        filter: Some("name = 'Straße'".parse().unwrap()),
        ..LoadOptions::default()
    };
    for (bytes, notes) in [
        (declared("UTF-8").into_bytes(), 0),
        (latin1(&declared("ISO-8859-1")), 0),
        (latin1(&declared("windows-1252")), 0),
        (latin1(&text(" encoding='latin1'")), 0),
        // The text is not in the encoding that is stated, or none is stated.
        (latin1(&declared("UTF-8")), 1),
        (latin1(&text("")), 1),
        (utf16(&declared("UTF-16"), u16::to_le_bytes), 0),
        (
            utf16(
                &["\u{feff}", &declared("UTF-16")].concat(),
                u16::to_be_bytes,
            ),
            0,
        ),
    ] {
        for options in [&filter, &LoadOptions::default()] {
            let (points, report) = loaded("a.gpx", &bytes, options).unwrap();
            assert_eq!(
                (points.len(), report.notes().len()),
                (1, notes),
                "{bytes:?}"
            );
        }
    }
    let message = error(
        "a.gpx",
        declared("klingon").as_bytes(),
        &LoadOptions::default(),
    );
    assert!(
        message.contains("`encoding`: its first line says that it is in \"klingon\""),
        "{message}"
    );
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_with_more_behind_it() {
    let packed = gzip("lon,lat\n1,2\n3,4\n");
    let more = gzip("5,6\n");
    let zeros = vec![0; 300_000];
    for (behind, kept, notes) in [
        (vec![0], 2, 0),
        (zeros.clone(), 2, 0),
        ([&zeros[..], &more[..], &zeros[..]].concat(), 3, 0),
        ([&more[..], &b"\0\0junk"[..]].concat(), 3, 1),
        (b"junk".to_vec(), 2, 1),
        (b"\x1fjunk".to_vec(), 2, 1),
        (vec![b'x'; 300_000], 2, 1),
    ] {
        let all = [&packed[..], &behind[..]].concat();
        let (points, report) = loaded("a.csv.gz", &all, &LoadOptions::default()).unwrap();
        assert_eq!(
            (points.len(), report.notes().len()),
            (kept, notes),
            "{report}"
        );
        if let Some(note) = report.notes().first() {
            assert!(note.contains("what follows the gzip data"), "{note}");
        }
    }
    // A gzip member that is cut off is an error, and is not ignored.
    for length in 1..more.len() {
        let all = [&packed[..], &more[..length]].concat();
        let message = error("a.csv.gz", &all, &LoadOptions::default());
        assert!(message.contains("end early"), "{length}: {message}");
    }
}
