//! Files of every format that are cut off or have flipped bits. Each must give an error, or a load
//! whose report matches its points. None may cause a panic in this crate or an endless loop.

use crate::archive::zipped;
use crate::fit::activity;
use crate::formats::{self, Row, rows};
use crate::nmea::log_of;
use crate::raster::{small_npy, small_tiff};
use crate::robustness::{pack, survives};
use crate::{Folder, opened};
use heatsplat_loader::LoadOptions;
use heatsplat_points::Point;
use std::sync::mpsc::channel;
use std::time::Duration;

/// The bytes of a valid file of a format.
fn whole(folder: &Folder, format: &str) -> Vec<u8> {
    if format == "nmea" {
        return log_of(&rows()).into_bytes();
    }
    if format == "json" {
        let row = |row: &Row| {
            let (n, kind) = (row.n, &row.kind);
            serde_json::json!({"lat": row.lat, "lon": row.lon, "n": n, "kind": kind}).to_string()
        };
        let all: Vec<String> = rows().iter().map(row).collect();
        return format!("{{\"rows\":[{}]}}", all.join(",\n")).into_bytes();
    }
    if format == "tif" {
        return small_tiff();
    }
    if format == "fit" {
        return activity(&rows());
    }
    if format == "npy" {
        return small_npy();
    }
    let stored = if format == "zip" { "csv" } else { format };
    let path = formats::write(folder, stored, &rows());
    let read = |extension| std::fs::read(path.with_extension(extension)).unwrap();
    match format {
        "shp" => pack(&read("shp"), &read("dbf"), b""),
        "zip" => zipped(&[("rows.csv", &read("csv"))]),
        _ => read(format),
    }
}

/// Runs `work` in a thread, and fails if it takes longer than five minutes. Only an endless loop
/// takes so long, even on a slow machine.
pub(crate) fn ends(name: String, work: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let thread = std::thread::Builder::new().name(name.clone());
    let thread = thread.spawn(move || {
        work();
        let _ = done.send(());
    });
    if let Err(std::sync::mpsc::RecvTimeoutError::Timeout) =
        ended.recv_timeout(Duration::from_secs(300))
    {
        panic!("{name} never ends");
    }
    if let Err(panic) = thread.unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

/// Flips bits at `places` places of a file, in one place at a time.
fn turn(format: &'static str, places: usize) {
    ends(format!("turned {format}"), move || {
        let folder = Folder::new(&format!("turned-{format}"));
        let whole = whole(&folder, format);
        assert_eq!(
            survives(&folder.0, format, &whole).unwrap().kept,
            24,
            "{format}"
        );
        let places = places.min(whole.len());
        for i in 0..places {
            let at = whole.len() * i / places;
            let mut bytes = whole.clone();
            // These bits change the sign and the greatest bits of sizes, or make small errors.
            bytes[at] ^= [0x80, 0xff, 0x01, 0x7f][i % 4];
            let _ = survives(&folder.0, format, &bytes);
        }
    });
}

/// Cuts a file off at `places` places, at most at each byte. Each cut must give an error.
fn cut(format: &'static str, places: usize) {
    ends(format!("cut {format}"), move || {
        let folder = Folder::new(&format!("cut-{format}"));
        let whole = whole(&folder, format);
        // Spaces and line ends at the end of a text are no loss.
        let length = whole.trim_ascii_end().len();
        let places = places.min(length);
        for length in (0..places).map(|i| length * i / places).chain([length - 1]) {
            let cut = survives(&folder.0, format, &whole[..length]);
            assert!(cut.is_err(), "{format} cut at {length}: {cut:?}");
        }
    });
}

/// Cuts a file of lines off at each byte. All whole rows must be loaded unchanged. An incomplete
/// last line must count as a row that is kept or skipped.
fn cut_lines(format: &'static str, header: bool) {
    ends(format!("cut {format}"), move || {
        let folder = Folder::new(&format!("cut-{format}"));
        let bytes = whole(&folder, format);
        let all = points(&folder, format, &bytes).unwrap();
        assert_eq!(all.len(), 24);
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            let lines = cut.iter().filter(|b| **b == b'\n').count();
            let whole_rows = lines.saturating_sub(usize::from(header));
            match (
                points(&folder, format, cut),
                survives(&folder.0, format, cut),
            ) {
                (Some(points), Ok(report)) => {
                    assert_eq!(
                        points[..whole_rows],
                        all[..whole_rows],
                        "{format} cut at {length}"
                    );
                    let partial = usize::from(cut.last() != Some(&b'\n'));
                    assert_eq!(report.rows as usize, whole_rows + partial, "at {length}");
                }
                (None, Err(_)) => assert!(whole_rows == 0, "{format} cut at {length}"),
                _ => panic!("{format} cut at {length}: once an error, once none"),
            }
        }
    });
}

fn points(folder: &Folder, format: &str, bytes: &[u8]) -> Option<Vec<Point>> {
    let path = folder.file(&format!("cut.{format}"));
    std::fs::write(&path, bytes).unwrap();
    opened(&path, &LoadOptions::default())
        .ok()
        .map(|loaded| loaded.0)
}

#[test]
fn csv() {
    cut_lines("csv", true);
    turn("csv", 1500);
}

#[test]
fn geojson() {
    cut("geojson", 300);
    turn("geojson", 1500);
}

#[test]
fn geojson_lines() {
    cut_lines("geojsonl", false);
    turn("geojsonl", 1500);
}

#[test]
fn json_rows() {
    cut("json", 300);
    turn("json", 1500);
}

#[test]
fn gpx() {
    cut("gpx", 300);
    turn("gpx", 1500);
}

#[test]
fn kml() {
    cut("kml", usize::MAX);
    turn("kml", 1500);
}

#[test]
fn tcx() {
    cut("tcx", usize::MAX);
    turn("tcx", 1500);
}

#[test]
fn nmea() {
    turn("nmea", 1500);
}

#[test]
fn zip() {
    cut("zip", usize::MAX);
    turn("zip", usize::MAX);
}

#[test]
fn xlsx() {
    cut("xlsx", 300);
    turn("xlsx", 1500);
}

#[test]
fn fit() {
    cut("fit", usize::MAX);
    turn("fit", usize::MAX);
}

#[test]
fn geotiff() {
    cut("tif", usize::MAX);
    turn("tif", usize::MAX);
}

#[test]
fn numpy() {
    cut("npy", usize::MAX);
    turn("npy", usize::MAX);
}

#[test]
fn flatgeobuf() {
    cut("fgb", 80);
    turn("fgb", 800);
}

#[test]
fn shapefile() {
    turn("shp", 600);
    let folder = Folder::new("cut-shp");
    let path = formats::write(&folder, "shp", &rows());
    let read = |extension| std::fs::read(path.with_extension(extension)).unwrap();
    let (shp, dbf) = (read("shp"), read("dbf"));
    for length in 0..shp.len() {
        let cut = survives(&folder.0, "shp", &pack(&shp[..length], &dbf, b""));
        assert!(cut.is_err(), "cut at {length}: {cut:?}");
    }
    for length in (1..dbf.len()).step_by(7) {
        let _ = survives(&folder.0, "shp", &pack(&shp, &dbf[..length], b""));
    }
}

#[test]
fn geopackage() {
    cut("gpkg", 40);
    turn("gpkg", 800);
}

#[test]
fn arrow() {
    cut("arrow", 40);
    turn("arrow", 400);
}

#[test]
fn parquet() {
    cut("parquet", 40);
    turn("parquet", 400);
}

#[test]
fn ten_bytes_of_every_format() {
    let folder = Folder::new("damage-tiny");
    for format in formats::ALL {
        for bytes in [
            &b"PAR1\xff\xff\xff\xffPAR1"[..],
            b"PAR1PAR1",
            b"ARROW1\0\0\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"fgb\x03fgb\0\xff\xff\xff\x7f",
            b"SQLite format 3\0",
            b"\0\0\x27\x0a",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            b"\x28\xb5\x2f\xfd\0\0",
            b"PK\x03\x04\0\0\0\0\0\0",
            b"PK\x05\x06",
            b"<gpx",
            b"<kml><Placemark>",
            b"",
        ] {
            assert!(
                survives(&folder.0, format, bytes).is_err(),
                "{format} {bytes:?}"
            );
        }
    }
}
