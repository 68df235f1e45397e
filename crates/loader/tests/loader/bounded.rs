//! The memory that readers take. If a file states a size that it does not have, or unpacks to
//! endless data, the reader must return an error and take little memory.

use crate::geopackage::{binary, insert, package, point};
use crate::{Folder, opened};
use heatsplat_loader::{InputFormat, LoadOptions, load, read};
use std::io::{Cursor, Read, Write};
use std::path::Path;

/// The memory in bytes that a reader may take in addition to its points: 64 MB. It is a choice.
const MOST: u64 = 64_000_000;

/// Runs `work` in a new process, and checks that it takes at most `bytes` of memory. `test` must be
/// the name of the calling test, since the process runs this test only.
fn within(test: &str, bytes: u64, work: impl FnOnce()) {
    let mut work = Some(work);
    each_within(test, bytes, 1, |_| work.take().unwrap()());
}

/// Runs `work` with each number below `cases`, each in a new process, and checks that each takes at
/// most `bytes` of memory. The processes are separate because an allocator may keep pages that an
/// earlier case freed. `test` must be the name of the calling test.
fn each_within(test: &str, bytes: u64, cases: usize, mut work: impl FnMut(usize)) {
    const CHILD: &str = "HEATSPLAT_TEST_CASE";
    if let Ok(case) = std::env::var(CHILD) {
        let case = case.parse().unwrap();
        let before = resident();
        work(case);
        if let (Some(before), Some(after)) = (before, resident()) {
            let taken = after - before;
            assert!(taken <= bytes, "{test}, case {case}: {taken} bytes");
        }
        return;
    }
    for case in 0..cases {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("bounded::{test}"), "--nocapture"])
            .env(CHILD, case.to_string())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{errors}");
        let output = String::from_utf8_lossy(&child.stdout);
        assert!(output.contains("1 passed"), "no test {test}");
    }
}

/// The most memory in bytes that this process has taken so far; `None` if the system doesn't state
/// it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

/// Reads from a reader until an error occurs, and returns the error's message.
fn failure(reader: impl Read + Send + 'static, name: &str, options: &LoadOptions) -> String {
    let loaded = read(reader, name, options)
        .and_then(|mut source| load(&mut *source, &mut Vec::new(), |_| ()));
    loaded.unwrap_err().to_string()
}

fn says(path: &Path, words: &str) {
    let message = opened(path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains(words) && message.contains("any."),
        "{message}"
    );
}

/// An Arrow stream of two columns of 4000 numbers that states a wrong size. Without `packed`, it
/// states `body` as the size of its data. With `packed`, its columns are compressed, and it states
/// this number as the size of a column after decompression.
fn arrow_stream(body: i64, packed: Option<i64>) -> Vec<u8> {
    use arrow_array::{ArrayRef, Float64Array, RecordBatch};
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
    use std::sync::Arc;
    let column = |value: f64| Arc::new(Float64Array::from(vec![value; 4000])) as ArrayRef;
    let columns = [("lon", column(13.4)), ("lat", column(52.5))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let packing = packed.map(|_| CompressionType::ZSTD);
    let how = IpcWriteOptions::default()
        .try_with_compression(packing)
        .unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), how).unwrap();
    writer.write(&batch).unwrap();
    let mut bytes = writer.into_inner().unwrap();
    let mut turn = |from: i64, to: i64| {
        let at = bytes
            .windows(8)
            .position(|eight| eight == from.to_le_bytes());
        bytes[at.unwrap()..][..8].copy_from_slice(&to.to_le_bytes());
    };
    match packed {
        // This is the size of a column of 4000 numbers.
        Some(packed) => turn(32_000, packed),
        // This is the size of two such columns.
        None => turn(64_000, body),
    }
    bytes
}

#[test]
fn arrow_that_states_more_than_it_has() {
    within("arrow_that_states_more_than_it_has", MOST, || {
        let stream = |bytes: Vec<u8>| {
            failure(
                std::io::Cursor::new(bytes),
                "any.arrow",
                &LoadOptions::default(),
            )
        };
        for body in [1 << 40, i64::MAX, -1] {
            let message = stream(arrow_stream(body, None));
            assert!(
                message.contains("batch 1: ") && message.contains("at most 1073741824 are read"),
                "{message}"
            );
        }
        let message = stream(arrow_stream(1 << 29, None));
        assert!(message.contains("batch 1: "), "{message}");
        for unpacked in [1 << 40, i64::MAX, -2] {
            let message = stream(arrow_stream(0, Some(unpacked)));
            assert!(
                message.contains("a batch, unpacked, is said to have"),
                "{message}"
            );
        }
        let message = stream(arrow_stream(0, Some(1 << 29)));
        assert!(message.contains("batch 1: "), "{message}");
        let message = stream(b"\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec());
        assert!(
            message.contains("the description of a message is said to have 2147483647"),
            "{message}"
        );
    });
}

#[test]
fn shapes_that_state_more_points_than_they_have() {
    within("shapes_that_state_more_points_than_they_have", MOST, || {
        let folder = Folder::new("bounded-shp");
        let path = folder.file("any.shp");
        for (words, points, error) in [
            // 2²⁸ points of 16 bytes are 2³² bytes.
            (
                20i32,
                1u32 << 28,
                "268435456 points are said to be in a record of 40 bytes",
            ),
            (i32::MAX, 1 << 27, "record 1: damaged or cut off"),
            (i32::MAX, u32::MAX, "4294967295 points are said to be"),
            (-1, 0, "a record can't be -1 words long"),
            (30, 1, "record 1: damaged or cut off"),
        ] {
            let mut bytes = vec![0; 100];
            bytes[..4].copy_from_slice(&9994i32.to_be_bytes());
            bytes[24..28].copy_from_slice(&1_000_000i32.to_be_bytes());
            bytes.extend(1i32.to_be_bytes());
            bytes.extend(words.to_be_bytes());
            bytes.extend(8i32.to_le_bytes());
            bytes.extend([0; 32]);
            bytes.extend(points.to_le_bytes());
            std::fs::write(&path, &bytes).unwrap();
            says(&path, error);
        }
    });
}

#[test]
fn a_multipoint_of_millions_is_read_piece_by_piece() {
    within(
        "a_multipoint_of_millions_is_read_piece_by_piece",
        MOST,
        || {
            let folder = Folder::new("bounded-multi");
            let path = folder.file("any.shp");
            let count = 6_000_000u32;
            let words = (40 + 16 * count) / 2;
            let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
            let mut header = [0; 100];
            header[..4].copy_from_slice(&9994i32.to_be_bytes());
            header[24..28].copy_from_slice(&(words + 54).to_be_bytes());
            file.write_all(&header).unwrap();
            file.write_all(&[1u32.to_be_bytes(), words.to_be_bytes(), 8u32.to_le_bytes()].concat())
                .unwrap();
            file.write_all(&[0; 32]).unwrap();
            file.write_all(&count.to_le_bytes()).unwrap();
            for i in 0..count {
                file.write_all(&f64::from(i % 90).to_le_bytes()).unwrap();
                file.write_all(&2f64.to_le_bytes()).unwrap();
            }
            file.flush().unwrap();
            struct Counted(usize);
            impl heatsplat_points::PointSink for Counted {
                fn push(&mut self, points: &[heatsplat_points::Point]) {
                    self.0 += points.len();
                }
            }
            let mut source = heatsplat_loader::open(&path, &LoadOptions::default()).unwrap();
            let mut counted = Counted(0);
            load(&mut *source, &mut counted, |_| ()).unwrap();
            assert_eq!(counted.0, count as usize);
        },
    );
}

#[test]
fn the_texts_beside_a_shapefile_are_lines() {
    let folder = Folder::new("bounded-prj");
    let path = folder.file("any.shp");
    let mut writer = shapefile::ShapeWriter::from_path(&path).unwrap();
    writer
        .write_shape(&shapefile::Point::new(13.4, 52.5))
        .unwrap();
    drop(writer);
    std::fs::write(path.with_extension("prj"), vec![b' '; 65_537]).unwrap();
    says(
        &path,
        "the .prj beside it: damaged or cut off: it is over 65536 bytes long",
    );
}

#[test]
fn columns_of_json_without_end() {
    const HELD: u64 = 256 << 20;
    within("columns_of_json_without_end", MOST + HELD, || {
        let again = Again::new(&b"48.5,".repeat(1000), usize::MAX);
        let bytes = (&b"{\"lat\":["[..]).chain(again);
        let message = failure(bytes, "any.json", &LoadOptions::default());
        assert!(
            message.contains("column-wise JSON of over 256 MiB"),
            "{message}"
        );
    });
}

#[test]
fn xml_without_end() {
    within("xml_without_end", MOST, || {
        let endless = |begin: &'static str, again: &'static [u8]| {
            let again = Again::new(&again.repeat(1000), usize::MAX);
            let bytes = begin.as_bytes().chain(again);
            failure(bytes, "any.gpx", &LoadOptions::default())
        };
        for begin in [
            "<gpx><wpt lat=\"",
            "<gpx><name>",
            "<gpx><!--",
            "<gpx><![CDATA[",
            "<kml><Placemark><Point><coordinates>",
            "<TrainingCenterDatabase><Trackpoint><Time>",
        ] {
            let message = endless(begin, b"x");
            assert!(
                message.contains("of over 16777216 bytes"),
                "{begin}: {message}"
            );
        }
        let named = Box::leak(format!("<{}>", "a".repeat(5000)).into_boxed_str());
        let message = endless("<gpx>", named.as_bytes());
        assert!(message.contains("name has over 4096 bytes"), "{message}");
        for begin in ["<gpx>", "<kml><Placemark>", "<TrainingCenterDatabase>"] {
            let message = endless(begin, b"<a>");
            assert!(
                message.contains("more than 1000 elements within each other"),
                "{begin}: {message}"
            );
        }
    });
}

#[test]
fn placemarks_of_many_lines_and_long_times() {
    let test = "placemarks_of_many_lines_and_long_times";
    each_within(test, MOST, 2, |case| {
        let time = format!("<when>{}</when>", "x".repeat(1000));
        let (begin, again, bytes) = match case {
            0 => ("<MultiGeometry>", "<Model/>".repeat(1000), 48_000_000),
            _ => ("<Track>", time, 200_000_000),
        };
        let options = LoadOptions {
            keep: vec!["when".to_owned()],
            ..LoadOptions::default()
        };
        let head = format!("<kml><Placemark>{begin}").into_bytes();
        let times = bytes / again.len();
        let all = Cursor::new(head).chain(Again::new(again.as_bytes(), times));
        let message = failure(all, "any.kml", &options);
        assert!(message.contains("cut off"), "{message}");
    });
}

#[test]
fn workbooks_of_cells_and_parts_without_end() {
    let test = "workbooks_of_cells_and_parts_without_end";
    each_within(test, MOST, 2, |case| {
        let folder = Folder::new("bounded-xlsx");
        let path = folder.file("any.xlsx");
        let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        let mut put = |name: &str, begin: &str, again: &str, times: usize, end: &str| {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(name, options).unwrap();
            writer.write_all(begin.as_bytes()).unwrap();
            for _ in 0..times {
                writer.write_all(again.as_bytes()).unwrap();
            }
            writer.write_all(end.as_bytes()).unwrap();
        };
        let long = "x".repeat(1 << 20);
        let relation = |id: &str| {
            format!("<Relationship Id=\"{id}\" Type=\"/worksheet\" Target=\"{id}.xml\"/>")
        };
        let (relations, cells) = match case {
            0 => (0, 100_000),
            _ => (200, 0),
        };
        let cell = format!("<c r=\"A1\" t=\"str\"><v>{}</v></c>", "x".repeat(2000));
        let first = format!("<Relationships>{}", relation("a"));
        let name = "xl/_rels/workbook.xml.rels";
        put(
            name,
            &first,
            &relation(&long),
            relations,
            "</Relationships>",
        );
        let sheets = "<workbook><sheets><sheet name=\"A\" id=\"a\"/></sheets></workbook>";
        put("xl/workbook.xml", sheets, "", 0, "");
        let begin = "<worksheet><row r=\"1\"><c r=\"B1\"><v>1</v></c>";
        put("xl/a.xml", begin, &cell, cells, "</row></worksheet>");
        writer.finish().unwrap();
        says(&path, "no");
    });
}

#[test]
fn geopackages_of_long_rows_and_endless_views() {
    within(
        "geopackages_of_long_rows_and_endless_views",
        150_000_000,
        || {
            let folder = Folder::new("bounded-gpkg");
            let path = folder.file("any.gpkg");
            let view = |name: &str, sql: &str| {
                let database = package(&path, &[name], 4326);
                insert(&database, name, Some(binary(&point(1.0, 2.0), 0)), None);
                let make = format!("alter table {name} rename to t; create view {name} as {sql}");
                database.execute_batch(&make).unwrap();
            };
            view("long", "select fid, zeroblob(100 << 20) geom, count from t");
            says(
                &path,
                "the table \"long\": damaged or cut off: a geometry or text of over 67108864",
            );
            // The database searches for rows forever, but there are none.
            let endless = "with recursive n(i) as (select 1 union all select i + 1 from n)";
            view(
                "never",
                &format!("{endless} select i fid, null geom, 0 count from n where i < 0"),
            );
            says(&path, "is it a view that never ends?");
        },
    );
}

#[test]
fn flatgeobuf_that_states_more_than_it_has() {
    let folder = Folder::new("bounded-fgb");
    let rows = [crate::formats::Row {
        lon: 1.0,
        lat: 2.0,
        kind: None,
        n: None,
        day: None,
        flag: None,
    }];
    let bytes = std::fs::read(crate::formats::write(&folder, "fgb", &rows)).unwrap();
    let path = folder.file("any.fgb");
    let header = u32::from_le_bytes(*bytes[8..].first_chunk().unwrap()) as usize;
    // The feature is at the end of the file, after its size.
    let is_size = |at: &usize| {
        let size = u32::from_le_bytes(*bytes[*at..].first_chunk().unwrap());
        at + 4 + size as usize == bytes.len()
    };
    let feature = (12 + header..bytes.len() - 3).rev().find(is_size).unwrap();
    for (at, words) in [
        (8, "header: "),
        (
            feature,
            "record 1: damaged or cut off: a feature of 4294967040 bytes; at most 16777216",
        ),
    ] {
        let mut turned = bytes.clone();
        turned[at..at + 4].copy_from_slice(&0xffff_ff00u32.to_le_bytes());
        std::fs::write(&path, turned).unwrap();
        says(&path, words);
    }
}

/// A reader that yields the same bytes many times.
struct Again {
    bytes: Vec<u8>,
    at: usize,
    left: usize,
}

impl Again {
    fn new(bytes: &[u8], times: usize) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            left: times,
        }
    }
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.bytes.len() {
            (self.at, self.left) = (0, self.left - 1);
        }
        if self.left == 0 {
            return Ok(0);
        }
        let got = (&self.bytes[self.at..]).read(buffer)?;
        self.at += got;
        Ok(got)
    }
}

/// A compressed file of about ten megabytes that unpacks to about ten gigabytes: the text `begin`,
/// and then always the same byte.
fn bomb(packing: &str, begin: &str, byte: u8) -> impl Read + Send + 'static {
    let member = |bytes: &[u8]| match packing {
        "gz" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => zstd::bulk::compress(bytes, 1).unwrap(),
    };
    let again = member(&vec![byte; 4 << 20]);
    std::io::Cursor::new(member(begin.as_bytes())).chain(Again::new(&again, 2560))
}

#[test]
fn bombs_end_in_an_error() {
    let bombs = [
        (
            InputFormat::Csv,
            "lon,lat\n1,2\n3,",
            b'4',
            "line 3: what begins here is over 16384 KiB",
        ),
        (
            InputFormat::Csv,
            "lon,lat\n1,2\n3,\"",
            b'\n',
            "line 3: what begins here is over 16384 KiB",
        ),
        (
            InputFormat::Csv,
            "lon,lat",
            b'x',
            "line 1: what begins here is over 256 KiB",
        ),
        (
            InputFormat::GeoJson,
            "{\"features\":[\n{\"a\":\"",
            b'x',
            "line 2: what begins here is over 65536 KiB",
        ),
        (InputFormat::GeoJson, "", b'[', "line 1"),
        (
            InputFormat::GeoJsonLines,
            "{}\n{\"a\":\"",
            b'x',
            "line 2: what begins here is over 65536 KiB",
        ),
        (
            InputFormat::Gpx,
            "<gpx><wpt lat=\"",
            b'1',
            "of over 16777216 bytes",
        ),
        (
            InputFormat::Arrow,
            "",
            0x10,
            "the description of a message is said to have",
        ),
        (InputFormat::FlatGeobuf, "fgb\u{3}fgb\0", 0x7f, "header"),
    ];
    let packings = ["gz", "zst"];
    let cases = bombs.len() * packings.len();
    each_within("bombs_end_in_an_error", MOST + (64 << 20), cases, |case| {
        let (format, begin, byte, words) = bombs[case / packings.len()];
        let packing = packings[case % packings.len()];
        let options = LoadOptions {
            format: Some(format),
            ..LoadOptions::default()
        };
        let message = failure(bomb(packing, begin, byte), "any", &options);
        assert!(message.contains(words), "{packing} {format}: {message}");
    });
}
