//! Custom formats of times: patterns of `strptime`, and units of numbers that count from 1970.

use super::epoch::EpochUnit;
use super::iso::{self, Scanner};
use super::{SECOND, micros, start_of_day};
use crate::number::exact::Number;
use jiff::civil::date;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;

/// A format of the times in a source. It is understood in addition to the common formats.
///
/// It is either a pattern of `strptime`, like `%m/%d/%Y` or `%d.%m.%y %H:%M`, or the unit of
/// numbers that count from 1970: `seconds`, `milliseconds`, `microseconds` or `nanoseconds`. If a
/// pattern has no time of day, a text may still have one after the date (`03:00:00 PM`). If a
/// pattern has no offset from UTC, a text may still end with one.
///
/// ```
/// use heatsplat_loader::TimeFormat;
/// let format: TimeFormat = "%d.%m.%Y".parse()?;
/// assert_eq!(format.to_string(), "%d.%m.%Y");
/// assert!("%d.%m.".parse::<TimeFormat>().is_err());
/// # Ok::<(), heatsplat_loader::TimeFormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFormat {
    text: String,
    /// The unit of the numbers, if the format is a unit of time since 1970; `None` if it is a
    /// pattern.
    unit: Option<EpochUnit>,
}

/// The reason why a text is no time format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{message}; a time format is like %m/%d/%Y or %d.%m.%Y %H:%M, or one of seconds, milliseconds, \
     microseconds, nanoseconds"
)]
pub struct TimeFormatError {
    message: String,
}

impl FromStr for TimeFormat {
    type Err = TimeFormatError;

    fn from_str(text: &str) -> Result<Self, TimeFormatError> {
        let unit = match text.trim() {
            "seconds" | "s" | "%s" => Some(EpochUnit::Seconds),
            "milliseconds" | "ms" => Some(EpochUnit::Milliseconds),
            "microseconds" | "us" => Some(EpochUnit::Microseconds),
            "nanoseconds" | "ns" => Some(EpochUnit::Nanoseconds),
            _ => None,
        };
        let text = text.to_owned();
        let format = Self { text, unit };
        if unit.is_none() {
            format.check()?;
        }
        Ok(format)
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TimeFormat {
    /// Checks that the pattern can read a whole date again from text that was written by it.
    fn check(&self) -> Result<(), TimeFormatError> {
        let error = |message: String| Err(TimeFormatError { message });
        let day = date(2024, 6, 15);
        let sample = day.at(10, 20, 30, 0).to_zoned(TimeZone::UTC);
        let sample = sample.map_err(|e| TimeFormatError {
            message: e.to_string(),
        })?;
        let written = match BrokenDownTime::from(&sample).to_string(&self.text) {
            Ok(written) => written,
            Err(e) => return error(format!("`{}`: {e}", self.text)),
        };
        match self.read(&written) {
            Some(time) if time.div_euclid(super::DAY) == start_of_day(day) / super::DAY => Ok(()),
            _ => error(format!(
                "`{}` says no day, month and year that can be read again",
                self.text
            )),
        }
    }

    /// The unit of the numbers, if the format is a unit of time since 1970; `None` if it is a
    /// pattern.
    pub(super) fn unit(&self) -> Option<EpochUnit> {
        self.unit
    }

    /// The time of a text in this format, in microseconds since 1970. `None` if the text is not in
    /// this format.
    pub(super) fn read(&self, text: &str) -> Option<i64> {
        if let Some(unit) = self.unit {
            return unit.time(Number::parse(text.as_bytes())?);
        }
        let (parts, length) = BrokenDownTime::parse_prefix(&self.text, text).ok()?;
        let mut rest = Scanner(text.as_bytes().get(length..)?);
        if let Some(at) = parts.timestamp() {
            return rest.is_empty().then(|| at.as_microsecond());
        }
        let day = parts.to_date().ok()?;
        if parts.hour().is_none() {
            rest.0 = rest.0.strip_prefix(b",").unwrap_or(rest.0);
            let (clock, offset) = iso::after_day(rest)?;
            return Some(start_of_day(day) + clock - offset);
        }
        let offset = match parts.offset() {
            Some(offset) => rest
                .is_empty()
                .then(|| i64::from(offset.seconds()) * SECOND)?,
            None => iso::offset(rest)?,
        };
        Some(micros(day.to_datetime(parts.to_time().ok()?))? - offset)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Times, time};
    use super::*;

    #[test]
    fn what_is_told_is_read() {
        for (format, text, expected) in [
            ("%m/%d/%Y", "06/15/2024", "2024-06-15"),
            ("%m/%d/%Y", "6/5/2024", "2024-06-05"),
            ("%m/%d/%Y", "06/15/2024 03:00:00 PM", "2024-06-15T15:00"),
            ("%m/%d/%Y", "06/15/2024 12:00:00 AM", "2024-06-15"),
            ("%m/%d/%Y", "6/15/2024, 3:00 PM", "2024-06-15T15:00"),
            ("%d/%m/%Y", "06/07/2024", "2024-07-06"),
            ("%d.%m.%Y", "01.06.2024 10:00", "2024-06-01T10:00"),
            ("%d.%m.%y", "01.06.24", "2024-06-01"),
            ("%d.%m.%Y %H:%M", "01.06.2024 10:00", "2024-06-01T10:00"),
            ("%d.%m.%Y %H:%M", "01.06.2024 10:00+02", "2024-06-01T08:00"),
            (
                "%d.%m.%Y %H:%M %z",
                "01.06.2024 10:00 +0200",
                "2024-06-01T08:00",
            ),
            (
                "%m/%d/%Y %I:%M:%S %p",
                "06/15/2024 03:00:00 PM",
                "2024-06-15T15:00",
            ),
            ("%y%m%d", "240601", "2024-06-01"),
            ("%d-%b-%y", "01-Jun-24", "2024-06-01"),
            ("seconds", "86400", "1970-01-02"),
            ("%s", "-86400", "1969-12-31"),
            ("milliseconds", "86400000", "1970-01-02"),
            ("us", "86400000000", "1970-01-02"),
            ("ns", "86400000000000", "1970-01-02"),
        ] {
            let custom: TimeFormat = format.parse().unwrap();
            assert_eq!(custom.read(text), time(expected), "{format} {text}");
            // The common formats are still understood.
            let times = Times::new(&[custom]);
            assert_eq!(
                times.read("2024-06-03T01:02"),
                time("2024-06-03T01:02"),
                "{format}"
            );
        }
        let custom: TimeFormat = "%m/%d/%Y".parse().unwrap();
        for text in ["13/01/2024", "06/15/2024x", "06/15", "soon", ""] {
            assert_eq!(custom.read(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_have_the_unit_that_is_told() {
        let times = |format: &str| Times::new(&[format.parse().unwrap()]);
        let day = Some(86_400_000_000);
        assert_eq!(times("seconds").of_number(Number::Whole(86_400)), day);
        assert_eq!(times("ms").of_number(Number::Float(86_400_000.0)), day);
        assert_eq!(
            times("%y%m%d").of_number(Number::Whole(240_601)),
            time("2024-06-01")
        );
        assert_eq!(Times::default().of_number(Number::Whole(86_400)), None);
    }

    #[test]
    fn what_says_no_date_is_refused() {
        for format in [
            "", "x", "%d.%m", "%H:%M", "%Q", "%Y", "%", "hours", "%m/%d/%",
        ] {
            let message = format.parse::<TimeFormat>().unwrap_err().to_string();
            assert!(message.contains("%m/%d/%Y"), "{message}");
        }
    }
}
