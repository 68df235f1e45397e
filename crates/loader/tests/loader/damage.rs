//! FlatGeobuf, Shapefiles, Arrow and Parquet, cut off and with bits turned: whatever becomes of them, it is a load
//! or an error, soon, and never a panic that gets out.

use crate::Folder;
use crate::formats::{self, Row};
use heatsplat_loader::{LoadError, Options, load_table, open};
use std::path::Path;
use std::time::{Duration, Instant};

fn rows() -> Vec<Row> {
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

/// Loads a file; whether it could be.
fn survives(path: &Path, what: &str) -> Result<u64, LoadError> {
    let options = Options {
        keep: ["kind", "n", "day"].map(str::to_owned).to_vec(),
        within: Some("-100,-60,100,60".parse().unwrap()),
        ..Options::default()
    };
    let started = Instant::now();
    let loaded = open(path, &options).and_then(|mut source| {
        let (points, table, report) = load_table(&mut *source, |_| ())?;
        let counts = table.columns().iter().map(|column| column.len());
        assert!(
            counts.into_iter().all(|n| n == points.summary().count),
            "{what}"
        );
        Ok(report.kept)
    });
    // a loop that never ends, not a slow machine
    assert!(started.elapsed() < Duration::from_secs(30), "{what}");
    loaded
}

/// Damages of a file: cut off at some places, and bits turned at some places.
fn check(format: &str, cuts: usize, flips: usize) {
    let folder = Folder::new(&format!("damage-{format}"));
    let path = formats::write(&folder, format, &rows());
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(survives(&path, format).unwrap(), 24, "{format}");
    let mut failed = 0;
    for cut in (0..cuts).map(|i| whole.len() * i / cuts) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        failed += usize::from(survives(&path, &format!("{format} cut at {cut}")).is_err());
    }
    assert_eq!(failed, cuts, "{format}");
    for i in 0..flips {
        let at = whole.len() * i / flips;
        let mut bytes = whole.clone();
        // the sign and the greatest bit of sizes, and small errors
        bytes[at] ^= [0x80, 0xff, 0x01, 0x7f][i % 4];
        std::fs::write(&path, &bytes).unwrap();
        let _ = survives(&path, &format!("{format} byte {at}"));
    }
}

#[test]
fn flatgeobuf() {
    check("fgb", 80, 800);
}

#[test]
fn shapefile() {
    check("shp", 40, 300);
}

#[test]
fn arrow() {
    check("arrow", 40, 400);
}

#[test]
fn parquet() {
    check("parquet", 40, 400);
}

#[test]
fn ten_bytes_of_parquet_and_others() {
    let folder = Folder::new("damage-tiny");
    for format in ["parquet", "fgb", "shp"] {
        for bytes in [
            &b"PAR1\xff\xff\xff\xffPAR1"[..],
            b"PAR1PAR1",
            b"ARROW1\0\0\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"fgb\x03fgb\0\xff\xff\xff\x7f",
            b"SQLite format 3\0",
            b"\0\0\x27\x0a",
            b"",
        ] {
            let path = folder.file(&format!("tiny.{format}"));
            std::fs::write(&path, bytes).unwrap();
            assert!(survives(&path, format).is_err(), "{format} {bytes:?}");
        }
    }
}
