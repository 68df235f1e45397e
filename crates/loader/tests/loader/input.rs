//! Paths, compression, and inputs that are broken.

use crate::{error, loaded};
use flate2::{Compression, write::GzEncoder};
use heatsplat_loader::{InputFormat, LoadError, LoadOptions, load, open, read};
use std::io::{Read, Write};
use std::path::PathBuf;

const TEXT: &str = "lon,lat,count\n13.4,52.5,3\n13.5,52.6,4\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

/// A file for one test. It is removed when this is dropped.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("heatsplat-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn compression_is_told_by_content() {
    let (head, tail) = TEXT.split_at(20);
    let (points, plain) = loaded("a.csv", TEXT.as_bytes(), &LoadOptions::default()).unwrap();
    for packed in [
        gzip(TEXT),
        zstd(TEXT),
        [gzip(head), gzip(""), gzip(tail)].concat(),
        [zstd(head), zstd(tail)].concat(),
    ] {
        let (unpacked, report) = loaded("a.csv", &packed, &LoadOptions::default()).unwrap();
        assert_eq!(unpacked, points);
        assert_eq!(report.bytes, packed.len() as u64);
        assert_eq!((report.rows, report.kept), (plain.rows, plain.kept));
    }
    let lines = "{\"type\":\"Point\",\"coordinates\":[1,2]}\n".repeat(3);
    assert_eq!(
        loaded("x.ndjson.gz", &gzip(&lines), &LoadOptions::default())
            .unwrap()
            .0
            .len(),
        3
    );
}

/// Some loggers write a gzip member for each record.
#[test]
fn as_many_members_as_there_are() {
    let nothing = gzip("");
    let packed = [gzip(TEXT), nothing.repeat(200_000), gzip("13.6,52.7,5\n")].concat();
    let (points, report) = loaded("a.csv.gz", &packed, &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.bytes), (3, packed.len() as u64));
}

#[test]
fn data_that_are_cut_off_are_an_error_wherever_the_cut() {
    let text = TEXT.repeat(30);
    for (packed, name) in [(gzip(&text), "gzip"), (zstd(&text), "zstd")] {
        for length in 4..packed.len() {
            let message = error("a.csv.gz", &packed[..length], &LoadOptions::default());
            assert!(
                message.contains(&format!("the {name} data end early")),
                "{length} of {}: {message}",
                packed.len()
            );
        }
        for length in 0..4 {
            assert!(loaded("a.csv.gz", &packed[..length], &LoadOptions::default()).is_err());
        }
    }
}

#[test]
fn damaged_gzip_is_an_error() {
    let mut packed = gzip(&TEXT.repeat(30));
    for at in 10..packed.len() {
        packed[at] ^= 0x55;
        assert!(
            loaded("a.csv.gz", &packed, &LoadOptions::default()).is_err(),
            "byte {at}"
        );
        packed[at] ^= 0x55;
    }
}

#[test]
fn paths() {
    let file = TempFile::new("points.csv", TEXT.as_bytes());
    let mut source = open(&file.0, &LoadOptions::default()).unwrap();
    assert_eq!(source.name(), file.0.display().to_string());
    let mut points = Vec::new();
    let mut last = None;
    let report = load(&mut *source, &mut points, |p| last = Some(*p)).unwrap();
    let progress = last.unwrap();
    assert_eq!((report.kept, points.len(), progress.rows), (2, 2, 2));
    assert_eq!(progress.bytes_total, Some(TEXT.len() as u64));
    assert_eq!(progress.bytes_read, TEXT.len() as u64);
    // A source that has ended stays at its end.
    assert!(!source.next_batch(&mut points).unwrap());

    let missing = std::env::temp_dir().join("heatsplat-no-such-file.csv");
    let failed = |path: PathBuf| open(path, &LoadOptions::default()).err().unwrap();
    let message = failed(missing).to_string();
    assert!(
        message.contains("no-such-file.csv: cannot be opened"),
        "{message}"
    );
    let message = failed(std::env::temp_dir()).to_string();
    assert!(message.contains("is a directory"), "{message}");
}

#[test]
fn a_reader_that_fails() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::other("the cable is out"));
            }
            let n = buffer.len().min(self.0);
            self.0 -= n;
            buffer[..n].copy_from_slice(&b"lon,lat\n1,2\n".repeat(n / 12 + 1)[..n]);
            Ok(n)
        }
    }
    for good in [0, 5, 100_000, 2_000_000] {
        let outcome = read(Failing(good), "a.csv", &LoadOptions::default())
            .and_then(|mut source| load(&mut *source, &mut Vec::new(), |_| ()));
        let message = outcome.unwrap_err().to_string();
        assert_eq!(message, "a.csv: reading failed: the cable is out");
    }
}

#[test]
fn a_reader_that_panics_is_no_end_of_file() {
    struct Panicking(usize);
    impl Read for Panicking {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            assert!(self.0 > 0, "on purpose");
            self.0 -= 1;
            buffer.fill(b'\n');
            buffer[..8].copy_from_slice(b"lon,lat\n");
            Ok(buffer.len())
        }
    }
    let mut source = read(Panicking(20), "a.csv", &LoadOptions::default()).unwrap();
    let outcome = load(&mut *source, &mut Vec::new(), |_| ());
    assert!(matches!(outcome, Err(LoadError::Read { .. })));
    assert!(source.next_batch(&mut Vec::new()).is_err());
}

#[test]
fn endless_rows_do_not_fill_the_memory() {
    let endless = |text: &'static str, byte: u8| text.as_bytes().chain(std::io::repeat(byte));
    let failed = |text, byte, format| {
        let options = LoadOptions {
            format: Some(format),
            ..LoadOptions::default()
        };
        let mut source = match read(endless(text, byte), "a", &options) {
            Ok(source) => source,
            Err(error) => return error.to_string(),
        };
        load(&mut *source, &mut Vec::new(), |_| ())
            .unwrap_err()
            .to_string()
    };
    let csv = failed("lon,lat\n1,2\n3,\"4", b'\n', InputFormat::Csv);
    assert!(
        csv.contains("line 3: what begins here is over 16384 KiB long"),
        "{csv}"
    );
    let header = failed("lon,lat,", b'x', InputFormat::Csv);
    assert!(
        header.contains("line 1: what begins here is over 256 KiB long"),
        "{header}"
    );
    let json = failed("{\"features\":[\n{\"a\":\"", b'x', InputFormat::GeoJson);
    assert!(
        json.contains("line 2: what begins here is over 65536 KiB long"),
        "{json}"
    );
    let line = failed("{}\n", b'x', InputFormat::GeoJsonLines);
    assert!(
        line.contains("line 2: what begins here is over 65536 KiB long"),
        "{line}"
    );
}

#[test]
fn a_source_may_be_dropped_half_read() {
    let endless = "lon,lat\n".as_bytes().chain(Rows);
    struct Rows;
    impl Read for Rows {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = buffer.len().min(4000) / 4 * 4;
            buffer[..n].copy_from_slice(&b"1,2\n".repeat(n / 4));
            Ok(n)
        }
    }
    let mut source = read(endless, "endless.csv", &LoadOptions::default()).unwrap();
    let mut points = Vec::new();
    assert!(source.next_batch(&mut points).unwrap());
    assert!(!points.is_empty());
    assert_eq!(source.progress().bytes_total, None);
}
