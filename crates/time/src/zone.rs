//! Time zones, given by name or by offset from UTC. They say when days begin.

use crate::instant::{SECOND, timestamp};
use jiff::Zoned;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use std::fmt;
use std::str::FromStr;

/// The time zone in which days, months and times of day are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

/// The error for a text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no time zone that is known here: expected UTC, an offset like +02:00, or a name \
     of the system's time zone database, like Europe/Berlin"
)]
pub struct ZoneError {
    text: String,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The instant, in microseconds since 1970, of a day and a time of day in this zone. If clocks
    /// skip this time, the instant is later by the length of the gap: 02:30 becomes 03:30. If
    /// clocks show this time twice, it is the first of the two instants. A time beyond the calendar
    /// is an instant before or after all others.
    pub(crate) fn instant(&self, at: DateTime) -> i64 {
        let zoned = self.0.to_ambiguous_zoned(at).compatible();
        let beyond = if at.year() < 0 { i64::MIN } else { i64::MAX };
        zoned.map_or(beyond, |zoned| zoned.timestamp().as_microsecond())
    }

    /// The first instant of a day, in microseconds since 1970.
    pub(crate) fn start_of(&self, day: Date) -> i64 {
        self.instant(day.at(0, 0, 0, 0))
    }

    /// The day and the time of day in this zone of an instant in microseconds since 1970.
    pub(crate) fn at(&self, micros: i64) -> Zoned {
        timestamp(micros).to_zoned(self.0.clone())
    }

    /// Returns true if the zone is UTC.
    pub fn is_utc(&self) -> bool {
        self.0 == TimeZone::UTC
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let name = text.trim();
        if ["utc", "z", "gmt"]
            .iter()
            .any(|utc| name.eq_ignore_ascii_case(utc))
        {
            return Ok(Self::UTC);
        }
        let zone = match offset(name) {
            Some(offset) => Some(TimeZone::fixed(offset)),
            // A name of the database begins with a letter and is no path.
            None if name.starts_with(|c: char| c.is_ascii_alphabetic()) => TimeZone::get(name).ok(),
            None => None,
        };
        zone.map(Self).ok_or_else(|| ZoneError {
            text: name.chars().take(60).collect(),
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_utc() {
            return f.write_str("UTC");
        }
        match self.0.iana_name() {
            Some(name) => f.write_str(name),
            None => match self.0.to_fixed_offset() {
                Ok(offset) => {
                    let minutes = offset.seconds() / 60;
                    let sign = if minutes < 0 { '-' } else { '+' };
                    let minutes = minutes.abs();
                    write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
                }
                Err(_) => f.write_str("a zone without a name"),
            },
        }
    }
}

/// Parses an offset from UTC: `+02:00`, `+0200` or `+02`. Returns `None` for any other text.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.as_bytes() {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let number = |tens: &u8, ones: &u8| -> Option<i64> {
        let both = tens.is_ascii_digit() && ones.is_ascii_digit();
        both.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    };
    let (hours, minutes) = match digits {
        [a, b] => (number(a, b)?, 0),
        [a, b, b':', c, d] | [a, b, c, d] => (number(a, b)?, number(c, d)?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(sign * (hours * 60 + minutes) * 60).ok()?;
    Offset::from_seconds(seconds).ok()
}

/// Parses an offset from UTC, as [`offset`] does, and returns it in microseconds.
pub(crate) fn offset_micros(text: &str) -> Option<i64> {
    offset(text).map(|offset| i64::from(offset.seconds()) * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn zones_have_names_and_offsets() {
        for (text, shown) in [
            ("UTC", "UTC"),
            ("z", "UTC"),
            ("+00:00", "UTC"),
            ("+02:00", "+02:00"),
            ("-0330", "-03:30"),
            ("+14", "+14:00"),
            (" Europe/Berlin ", "Europe/Berlin"),
        ] {
            assert_eq!(text.parse::<Zone>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "Mars/Olympus",
            "+25",
            "+1",
            "../../etc/passwd",
            "/etc/passwd",
            "+2:00",
        ] {
            let error = text.parse::<Zone>().unwrap_err().to_string();
            assert!(error.contains("Europe/Berlin"), "{error}");
        }
    }

    #[test]
    fn a_day_begins_when_its_clocks_do() {
        // Clocks of São Paulo skipped the first hour of this day.
        let zone: Zone = "America/Sao_Paulo".parse().unwrap();
        let start = crate::instant_text(zone.start_of(date(2018, 11, 4)));
        assert_eq!(start, "2018-11-04T03:00:00Z");
    }
}
