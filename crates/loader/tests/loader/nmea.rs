//! NMEA logs: one point for each fix, with the fields of its sentence as columns.

use crate::formats::Row;
use crate::{error, loaded, weight};
use heatsplat_loader::{LoadOptions, SkipReason, read};
use heatsplat_points::mercator;

/// Adds the checksum to a sentence.
fn sentence(text: &str) -> String {
    let sum = text.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${text}*{sum:02X}\r\n")
}

/// A log with a fix for each row, of which only the position is written.
pub(crate) fn log_of(rows: &[Row]) -> String {
    let angle = |degrees: f64, letters: [char; 2], width: usize| {
        let letter = letters[usize::from(degrees < 0.0)];
        let (whole, minutes) = (degrees.abs().floor(), degrees.abs().fract() * 60.0);
        format!("{whole:0width$}{minutes:07.4},{letter}")
    };
    let fix = |row: &Row| {
        let (lat, lon) = (angle(row.lat, ['N', 'S'], 2), angle(row.lon, ['E', 'W'], 3));
        sentence(&format!(
            "GPGGA,123519,{lat},{lon},1,08,0.9,545.4,M,46.9,M,,"
        ))
    };
    rows.iter().map(fix).collect()
}

fn log() -> String {
    [
        sentence("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,010520,003.1,W"),
        sentence("GPGSV,1,1,00"),
        sentence("GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"),
        "10:15 received ".to_owned()
            + &sentence("GNGGA,123520.50,3344.0,S,07040.0,W,1,05,1.5,500,M,,M,,"),
        sentence("GPGGA,123521,,,,,0,00,,,M,,M,,"),
        sentence("GPGGA,123522,4807.038,N,01131.000,X,1,08,0.9,1,M,,M,,"),
        "$GPGGA,123523,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*00\r\n".to_owned(),
        "$GPGGA,123524,4807.038,N,01131.000,E,1,04,,,M,,M,,\n".to_owned(),
        "noise\n\n".to_owned(),
    ]
    .concat()
}

#[test]
fn each_fix_is_a_point_once() {
    let text = log();
    let (points, report) = loaded("a.nmea", text.as_bytes(), &weight("satellites")).unwrap();
    let places: Vec<(f64, f64, f32)> = points
        .iter()
        .map(|point| {
            let (lon, lat) = mercator::unproject(point.at());
            (
                (lon * 1e5).round() / 1e5,
                (lat * 1e5).round() / 1e5,
                point.weight,
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            (11.51667, 48.1173, 8.0),
            (-70.66667, -33.73333, 5.0),
            (11.51667, 48.1173, 4.0)
        ]
    );
    let skips = [SkipReason::NoPosition, SkipReason::Malformed];
    assert_eq!(skips.map(|skip| report.skipped(skip)), [1, 2]);
    let examples: Vec<String> = report.examples.iter().map(ToString::to_string).collect();
    assert_eq!(examples[0], "record 5: no position: receiver without fix");
    assert!(examples[2].starts_with("record 7: malformed: wrong checksum \"$GPGGA,123523"));
}

#[test]
fn fields_are_columns_and_times_have_a_date() {
    let text = log();
    let source = read(
        text.clone().as_bytes().to_vec().leak() as &[u8],
        "a",
        &LoadOptions::default(),
    );
    let source = source.unwrap();
    let seen = ["time", "quality", "satellites", "hdop", "altitude"];
    assert_eq!(source.columns().seen, seen);
    let says = "read as NMEA: positions from GGA sentences, every row counts 1";
    assert!(
        source.columns().why.starts_with(says),
        "{}",
        source.columns().why
    );
    for (filter, kept) in [
        ("time >= '2020-05-01T12:35:20Z'", 2),
        ("altitude > 520", 1),
        ("hdop is null", 1),
    ] {
        let options = LoadOptions {
            filter: Some(filter.parse().unwrap()),
            ..LoadOptions::default()
        };
        let (points, _) = loaded("a.log", text.as_bytes(), &options).unwrap();
        assert_eq!(points.len(), kept, "{filter}");
    }
}

#[test]
fn other_sentences_take_their_place() {
    let rmc = sentence("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,010520,003.1,W")
        + &sentence("GPRMC,123520,V,,,,,,,010520,,")
        + &sentence("GPGLL,4807.038,N,01131.000,E,123519,A");
    let (points, report) = loaded("a", rmc.as_bytes(), &weight("speed")).unwrap();
    assert_eq!((points.len(), points[0].weight, report.rows), (1, 22.4, 2));
    let gll = sentence("GPGLL,4807.038,N,01131.000,E,123519,A");
    assert_eq!(
        loaded("a", gll.as_bytes(), &LoadOptions::default())
            .unwrap()
            .0
            .len(),
        1
    );
    let message = error(
        "a",
        sentence("GPGSV,1,1,00").as_bytes(),
        &LoadOptions::default(),
    );
    assert!(
        message.contains("this is NMEA without positions"),
        "{message}"
    );
}

/// The log without its lines that are no sentences with a checksum.
fn sound_log() -> String {
    let sound = |second: u32| {
        let lat = 4807.038 + f64::from(second);
        sentence(&format!(
            "GPGGA,1235{second:02},{lat},N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"
        ))
    };
    (10..16).map(sound).collect()
}

#[test]
fn lines_end_in_any_way() {
    let any = LoadOptions::default();
    let text = log();
    let whole = loaded("a.nmea", text.as_bytes(), &any).unwrap();
    for end in ["\n", "\r"] {
        let other = text.replace("\r\n", "\n").replace('\n', end);
        let (points, mut report) = loaded("a.nmea", other.as_bytes(), &any).unwrap();
        report.bytes = whole.1.bytes;
        assert_eq!((points, report), whole, "{end:?}");
    }
    let joined = sound_log().replace("\r\n", "");
    assert_eq!(
        loaded("a.nmea", joined.as_bytes(), &any).unwrap().0.len(),
        6
    );
}

#[test]
fn a_damaged_log_gives_the_fixes_that_are_whole() {
    let any = LoadOptions::default();
    for text in [log(), sound_log()] {
        let (whole, _) = loaded("a.nmea", text.as_bytes(), &any).unwrap();
        for length in 0..text.len() {
            let cut = loaded("a.nmea", &text.as_bytes()[..length], &any);
            if let Ok((points, report)) = cut {
                assert_eq!(report.rows, points.len() as u64 + report.skipped_total());
                assert!(whole.starts_with(&points), "cut at {length}");
            }
        }
    }
}

#[test]
fn a_flipped_byte_costs_its_sentence_and_is_counted() {
    let any = LoadOptions::default();
    let text = sound_log();
    let (whole, _) = loaded("a.nmea", text.as_bytes(), &any).unwrap();
    assert_eq!(whole.len(), 6);
    for at in 0..text.len() {
        for flip in [0x01, 0x10, 0x80, 0xff] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= flip;
            let (points, report) = loaded("a.nmea", &bytes, &any).unwrap();
            // No position is one that was not in the log.
            assert!(points.iter().all(|point| whole.contains(point)), "{at}");
            let byte = text.as_bytes()[at];
            let line = text[..at].matches('\n').count();
            let column = at - text[..at].rfind('\n').map_or(0, |end| end + 1);
            let length = text.lines().nth(line).unwrap().len();
            if matches!(byte, b'*' | b'\r' | b'\n') {
                assert_eq!(points.len(), 6, "{at}: {flip:x}");
            } else if bytes[at] == b'$' {
                // Another sentence seems to begin, so this one has no checksum.
                assert_eq!(report.rows, 6, "{at}: {flip:x}");
            } else if (7..length).contains(&column) {
                assert_eq!((points.len(), report.rows), (5, 6), "{at}: {flip:x}");
                assert_eq!(report.skipped(SkipReason::Malformed), 1);
                let example = report.examples[0].to_string();
                let says = format!("record {}: malformed: wrong checksum", line + 1);
                assert!(example.starts_with(&says), "{example}");
            }
        }
    }
}
