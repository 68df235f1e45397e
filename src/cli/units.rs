//! Parsers of quantities with units, for the command line and for configuration files.

use jiff::fmt::friendly::SpanParser;
use std::time::Duration;

/// The longest time in seconds that is accepted: about ten years, a choice. Sums of it and the
/// present time don't overflow.
const LONGEST: u64 = 10 * 366 * 24 * 3600;

/// Parses a time of a second or more: `90s`, `10m`, `2h` or `1h 30m`.
pub(super) fn period(text: &str) -> Result<Duration, &'static str> {
    static PARSER: SpanParser = SpanParser::new();
    match PARSER.parse_unsigned_duration(text) {
        Ok(period) if period.as_secs() > LONGEST => Err("expected a time of ten years at most"),
        Ok(period) if period.as_secs() > 0 => Ok(period),
        _ => Err("expected a time like 90s, 10m or 2h"),
    }
}

/// Parses a waiting time from nothing to an hour: `0s`, `500ms` or `15s`, for example.
pub(super) fn pause(text: &str) -> Result<Duration, &'static str> {
    static PARSER: SpanParser = SpanParser::new();
    match PARSER.parse_unsigned_duration(text) {
        Ok(pause) if pause.as_secs() <= 3600 => Ok(pause),
        _ => Err("expected a time like 0s, 500ms or 15s, an hour at most"),
    }
}

/// Parses a number of bytes: `4096`, `512M` or `4G`, for example. The units K, M and G are powers
/// of 1024.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "expected a size in bytes, like 512M or 4G";
    let (number, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (text.get(..at), 10),
        Some((at, 'm' | 'M')) => (text.get(..at), 20),
        Some((at, 'g' | 'G')) => (text.get(..at), 30),
        _ => (Some(text), 0),
    };
    let number: u64 = number.and_then(|n| n.parse().ok()).ok_or(EXPECTED)?;
    number.checked_mul(1 << shift).ok_or(EXPECTED)
}

/// Parses a number of points: `1000`, `250k` or `10M`, for example. The units k and M are powers of
/// 1000.
pub(super) fn count(text: &str) -> Result<usize, &'static str> {
    let (digits, times) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (text.trim_end_matches(['k', 'K']), 1_000),
        Some(b'm' | b'M') => (text.trim_end_matches(['m', 'M']), 1_000_000),
        _ => (text, 1),
    };
    let number = digits.replace('_', "").parse().ok();
    number
        .and_then(|n: usize| n.checked_mul(times))
        .ok_or("expected a number, like 1000, 250k or 10M")
}

/// Parses a length from 0 to 10,000 metres, with or without the unit `m`.
pub(super) fn metres(text: &str) -> Result<f64, &'static str> {
    let number = text.strip_suffix('m').unwrap_or(text).trim_end();
    match number.parse() {
        Ok(metres) if (0.0..=10_000.0).contains(&metres) => Ok(metres),
        _ => Err("expected metres from 0 to 10000, like 50m"),
    }
}

/// Formats a number of bytes with a binary unit, from B to TiB, like `900 B`, `1.5 GiB` or `12
/// GiB`. There is one decimal place in KiB, MiB and GiB below 10, and in all TiB.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 {
            let places = usize::from(value < 10.0 && unit != "B");
            return format!("{value:.places$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 999, 1024, 5_000_000, 3 << 40].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 KiB", "4.8 MiB", "3.0 TiB"]);
    }

    #[test]
    fn periods() {
        let seconds = |text| period(text).map(|p| p.as_secs());
        assert_eq!(
            ["90s", "10m", "2h", "1h 30m"].map(seconds),
            [Ok(90), Ok(600), Ok(7200), Ok(5400)]
        );
        for bad in [
            "",
            "s",
            "0s",
            "5",
            "5d",
            "-1s",
            "0.5s",
            "9999999999999999999h",
            "9999999999999999999s",
            "87841h",
            "5µ",
        ] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pauses() {
        let milliseconds = |text| pause(text).map(|p| p.as_millis());
        assert_eq!(
            ["0s", "500ms", "15s", "1h"].map(milliseconds),
            [Ok(0), Ok(500), Ok(15_000), Ok(3_600_000)]
        );
        for bad in ["", "s", "5", "-1s", "2h", "9999999999999999999h"] {
            assert!(pause(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        let sizes = ["0", "4096", "512M", "4G", "1k"].map(bytes);
        assert_eq!(
            sizes,
            [Ok(0), Ok(4096), Ok(512 << 20), Ok(4 << 30), Ok(1024)]
        );
        for bad in ["", "G", "-1", "4T", "1.5G", "99999999999G"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers() {
        for (text, n) in [
            ("0", 0),
            ("1_000", 1000),
            ("250k", 250_000),
            ("10M", 10_000_000),
        ] {
            assert_eq!(count(text), Ok(n));
        }
        for bad in ["", "k", "-1", "1.5", "99999999999999999999M", "ten"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
