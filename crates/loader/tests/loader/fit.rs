//! FIT activities: the positions of record messages.

use crate::formats::{Row, rows};
use crate::{error, loaded};
use heatsplat_loader::{LoadOptions, Report, SkipReason, load_table, read};
use heatsplat_points::{Point, mercator};
use std::io::Cursor;

/// CRC-16 with the polynomial 0x8005, reflected, by the table of four bits in Garmin's
/// documentation.
fn checksum(bytes: &[u8]) -> u16 {
    const TABLE: [u16; 16] = [
        0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401, 0xa001, 0x6c00, 0x7800,
        0xb401, 0x5000, 0x9c01, 0x8801, 0x4400,
    ];
    let half = |sum: u16, bits: u8| {
        (sum >> 4) ^ TABLE[usize::from(sum & 15)] ^ TABLE[usize::from(bits & 15)]
    };
    let next = |sum, byte: &u8| half(half(sum, *byte), byte >> 4);
    bytes.iter().fold(0, next)
}

/// A file with these messages.
fn file(messages: &[u8]) -> Vec<u8> {
    let size = (messages.len() as u32).to_le_bytes();
    let mut file = [&[14, 0x20, 0x08, 0x08], &size[..], b".FIT"].concat();
    file.extend(checksum(&file).to_le_bytes());
    file.extend(messages);
    file.extend(checksum(&file).to_le_bytes());
    file
}

fn semicircles(degrees: f64) -> i32 {
    (degrees / 180.0 * 2_f64.powi(31)).round() as i32
}

/// The definition of records under the local number 0: time, position and heart rate.
const RECORDS: [u8; 18] = [
    0x40, 0, 0, 20, 0, 4, 253, 4, 0x86, 0, 4, 0x85, 1, 4, 0x85, 3, 1, 2,
];

fn record(time: u32, lat: i32, lon: i32, rate: u8) -> Vec<u8> {
    let (time, lat, lon) = (time.to_le_bytes(), lat.to_le_bytes(), lon.to_le_bytes());
    [&[0][..], &time, &lat, &lon, &[rate]].concat()
}

/// An activity with the positions of rows.
pub(crate) fn activity(rows: &[Row]) -> Vec<u8> {
    let mut messages = RECORDS.to_vec();
    for (at, row) in rows.iter().enumerate() {
        let (lat, lon) = (semicircles(row.lat), semicircles(row.lon));
        messages.extend(record(1_000_000_000 + at as u32, lat, lon, 100 + at as u8));
    }
    file(&messages)
}

fn places(points: &[Point]) -> Vec<(f64, f64, f32)> {
    let round = |v: f64| (v * 1e6).round() / 1e6;
    let place = |p: &Point| {
        let (lon, lat) = mercator::unproject(p.at());
        (round(lon), round(lat), p.weight)
    };
    points.iter().map(place).collect()
}

fn by_rate(bytes: &[u8]) -> Result<(Vec<Point>, Report), heatsplat_loader::LoadError> {
    let options = LoadOptions {
        weight: Some("heart_rate".to_owned()),
        ..LoadOptions::default()
    };
    loaded("ride.fit", bytes, &options)
}

#[test]
fn records_are_points_with_their_fields_as_columns() {
    let rows = rows();
    let (points, report) = by_rate(&activity(&rows)).unwrap();
    assert_eq!((report.rows, report.kept), (24, 24));
    for (at, (place, row)) in places(&points).iter().zip(&rows).enumerate() {
        assert!((place.0 - row.lon).abs() < 1e-5 && (place.1 - row.lat).abs() < 1e-5);
        assert_eq!(place.2, 100.0 + at as f32);
    }
    // All columns, once with the fields that have more digits, in both orders of bytes.
    let mut messages = vec![
        0x45, 0, 1, 0, 20, 11, 253, 4, 0x86, 0, 4, 0x85, 1, 4, 0x85, 2, 2, 0x84, 3, 1, 2, 4, 1, 2,
        5, 4, 0x86, 6, 2, 0x84, 73, 4, 0x86, 7, 2, 0x84, 13, 1, 1, 5,
    ];
    messages.extend(1_000_000_000_u32.to_be_bytes());
    messages.extend(semicircles(48.5).to_be_bytes());
    messages.extend(semicircles(2.25).to_be_bytes());
    messages.extend(2600_u16.to_be_bytes());
    messages.extend([120, 85]);
    messages.extend(12_345_u32.to_be_bytes());
    messages.extend(5000_u16.to_be_bytes());
    messages.extend(5250_u32.to_be_bytes());
    messages.extend(210_u16.to_be_bytes());
    messages.push(-4_i8 as u8);
    let keep = [
        "timestamp",
        "altitude",
        "heart_rate",
        "cadence",
        "distance",
        "speed",
        "power",
        "temperature",
    ];
    let options = LoadOptions {
        keep: keep.map(str::to_owned).to_vec(),
        filter: Some("timestamp = '2021-09-08T01:46:40Z'".parse().unwrap()),
        ..LoadOptions::default()
    };
    let mut source = read(Cursor::new(file(&messages)), "a", &options).unwrap();
    assert_eq!(
        source.columns().why,
        "read as FIT: positions from records, every row counts 1 (no column looks like a weight)"
    );
    let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
    assert_eq!(points.summary().count, 1);
    let expected = [20.0, 120.0, 85.0, 123.45, 5.25, 210.0, -4.0];
    for (name, value) in keep[1..].iter().zip(expected) {
        let condition = format!("{name} > {} and {name} < {}", value - 0.001, value + 0.001);
        let found = table.select(&points, &condition.parse().unwrap()).unwrap();
        assert_eq!(found.summary().count, 1, "{condition}");
    }
}

#[test]
fn other_messages_developer_fields_and_compressed_times() {
    // A definition of another message under the number 1, and one of records with a field of an
    // application under the number 2.
    let mut messages = vec![0x41, 0, 0, 18, 0, 1, 253, 4, 0x86];
    messages.push(1);
    messages.extend(1_000_000_030_u32.to_le_bytes());
    messages.extend([0x62, 0, 0, 20, 0, 2, 0, 4, 0x85, 1, 4, 0x85, 1, 0, 3, 0]);
    // 1,000,000,030 ends in the bits 11110, so that 3 is five seconds later.
    for (header, lat) in [(0xc0 | 31, 1.0), (0xc0 | 3, 2.0)] {
        messages.push(header);
        messages.extend(semicircles(lat).to_le_bytes());
        messages.extend(semicircles(lat).to_le_bytes());
        messages.extend([9, 9, 9]);
    }
    let bytes = file(&messages);
    let selected = |condition: &str| {
        let options = LoadOptions {
            filter: Some(condition.parse().unwrap()),
            ..LoadOptions::default()
        };
        loaded("a.fit", &bytes, &options).map(|(points, _)| places(&points))
    };
    let all = selected("timestamp >= '2021-09-08'").unwrap();
    assert_eq!(all, [(1.0, 1.0, 1.0), (2.0, 2.0, 1.0)]);
    let last = selected("timestamp = '2021-09-08T01:47:15Z'").unwrap();
    assert_eq!(last, [(2.0, 2.0, 1.0)]);
}

#[test]
fn records_without_position_and_files_in_a_row() {
    let first = [
        RECORDS.to_vec(),
        record(1_000_000_000, i32::MAX, i32::MAX, 90),
        record(1_000_000_001, semicircles(10.0), semicircles(20.0), 255),
    ];
    let second = [
        RECORDS.to_vec(),
        record(1_000_000_002, semicircles(-10.0), 0, 91),
    ];
    let both = [file(&first.concat()), file(&second.concat())].concat();
    let (points, report) = by_rate(&both).unwrap();
    assert_eq!((report.rows, report.kept), (3, 2));
    assert_eq!(report.skipped(SkipReason::NoPosition), 1);
    assert_eq!(report.weights_missing, 1);
    assert_eq!(places(&points)[1], (0.0, -10.0, 91.0));
    // A header of twelve bytes, which has no checksum of its own.
    let mut short = file(&second.concat());
    short.drain(12..14);
    short[0] = 12;
    let end = short.len() - 2;
    let sum = checksum(&short[..end]).to_le_bytes();
    short[end..].copy_from_slice(&sum);
    assert_eq!(by_rate(&short).unwrap().1.kept, 1);
}

#[test]
fn damaged_activities_are_errors() {
    let whole = file(&[RECORDS.to_vec(), record(1, 0, 0, 90)].concat());
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    let end = whole.len();
    for (bytes, says) in [
        (
            changed(end - 1, whole[end - 1] ^ 1),
            "the checksum is wrong",
        ),
        (changed(end - 4, 91), "the checksum is wrong"),
        (changed(4, 200), "the header's checksum is wrong"),
        (
            file(&[0x00, 1, 2, 3]),
            "a message comes before its definition",
        ),
        (
            file(&RECORDS[..17]),
            "reaches beyond the end of the messages",
        ),
        (file(&[]), "its device has not ended it"),
        (
            [&whole[..], b"more than twelve bytes"].concat(),
            "bytes that are no FIT follow",
        ),
        (whole[..end - 5].to_vec(), "damaged or cut off"),
    ] {
        let message = error("a.fit", &bytes, &LoadOptions::default());
        assert!(message.contains(says), "{says}: {message}");
    }
}
