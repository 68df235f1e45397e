//! NMEA logs: one point for each fix, with the fields of its sentence as columns.

use crate::{error, loaded, weight};
use heatsplat_loader::{LoadOptions, SkipReason, read};
use heatsplat_points::mercator;

/// Adds the checksum to a sentence.
fn sentence(text: &str) -> String {
    let sum = text.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${text}*{sum:02X}\r\n")
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

#[test]
fn a_damaged_log_gives_the_fixes_that_are_whole() {
    let text = log();
    let any = LoadOptions::default();
    for length in 0..text.len() {
        if let Ok((points, report)) = loaded("a.nmea", &text.as_bytes()[..length], &any) {
            assert_eq!(report.rows, points.len() as u64 + report.skipped_total());
        }
        let mut bytes = text.clone().into_bytes();
        bytes[length] ^= 0xff;
        let _ = loaded("a.nmea", &bytes, &any);
    }
}
