//! Dates and times, in the columns of a source and in filters.
//!
//! A time is a number of microseconds since 1970 in UTC. A text without an offset is read as UTC.
//! Common formats are those whose meaning doesn't depend on a country: the year comes first, or the
//! month is a word. Whether `06/07/2024` is in June or in July can't be known, so such a text is a
//! date only if a [`TimeFormat`] describes it. `docs/filters.md` lists the common formats, and a
//! test reads that list.

mod ambiguous;
mod epoch;
mod format;
mod iso;
mod month_names;

pub(crate) use ambiguous::{AmbiguousDate, ambiguous_date};
pub use format::{TimeFormat, TimeFormatError};

use crate::number::exact::Number;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, date};
use std::sync::Arc;

/// The length in bytes of the longest text that may be a date. It is a choice.
const LONGEST: usize = 80;
/// The length in bytes of the shortest text that may be a date. A shorter text is read only as a
/// number.
const SHORTEST: usize = 6;

/// The number of microseconds in a second.
const SECOND: i64 = 1_000_000;
/// The number of microseconds in a day.
const DAY: i64 = 86_400 * SECOND;

/// The time of a text in one of the common formats, in microseconds since 1970, UTC. `None` if the
/// text is in none of them.
pub(crate) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() < SHORTEST {
        return epoch::time(Number::parse(text.as_bytes())?);
    }
    if text.len() > LONGEST {
        return None;
    }
    match text.as_bytes().first()? {
        b'0'..=b'9' => iso::read(text)
            .or_else(|| epoch::time(Number::parse(text.as_bytes())?))
            .or_else(|| month_names::read(text)),
        b'+' | b'-' => match Number::parse(text.as_bytes()) {
            Some(number) => epoch::time(number),
            None => expanded(text),
        },
        first if first.is_ascii_alphabetic() => month_names::read(text),
        _ => None,
    }
}

/// The formats of times in a source: custom formats, which are tried first, and the common formats,
/// which are always understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Option<Arc<[TimeFormat]>>);

impl Times {
    pub(crate) fn new(custom: &[TimeFormat]) -> Self {
        Self((!custom.is_empty()).then(|| custom.into()))
    }

    /// Returns true if there are no custom formats.
    pub(crate) fn are_common(&self) -> bool {
        self.0.is_none()
    }

    /// The time of a text in a custom or common format, in microseconds since 1970, UTC. `None` if
    /// the text is in none of them.
    #[inline]
    pub(crate) fn read(&self, text: &str) -> Option<i64> {
        match self.custom(text) {
            Some(CustomTime::Date(at) | CustomTime::Count(at)) => Some(at),
            None => time(text),
        }
    }

    /// The time that a number stands for, in microseconds since 1970, UTC. `None` if it stands for
    /// no time.
    pub(crate) fn of_number(&self, number: Number) -> Option<i64> {
        let mut text = None;
        let custom = self.0.as_deref().unwrap_or_default().iter();
        let mut custom = custom.map(|format| match format.unit() {
            Some(unit) => unit.time(number),
            None => format.read(text.get_or_insert_with(|| number.text())),
        });
        custom.find_map(|at| at).or_else(|| epoch::time(number))
    }

    /// The time of a text in a custom format. `None` if the text is in none of the custom formats.
    /// The common formats are not tried.
    pub(crate) fn custom(&self, text: &str) -> Option<CustomTime> {
        let custom = self.0.as_deref().unwrap_or_default();
        custom.iter().find_map(|format| {
            let at = format.read(text.trim())?;
            let is_count = format.unit().is_some();
            Some(if is_count {
                CustomTime::Count(at)
            } else {
                CustomTime::Date(at)
            })
        })
    }
}

/// A time that was read by a custom format: by a pattern or as a number with a unit. The two differ
/// for a text in quotes in a filter. Read by a pattern, it is a date everywhere. Read as a number,
/// it stays a text, and stands for a time only where it is compared with a column of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CustomTime {
    /// A time that was read by a pattern, in microseconds since 1970.
    Date(i64),
    /// A time that was read as a number with a unit, in microseconds since 1970.
    Count(i64),
}

/// A time in microseconds since 1970, UTC, as a text such as `2010-03-01T12:30:00Z`, from which the
/// same time is read again. A time outside of the years −9999 to 9999 is written as the number of
/// microseconds.
pub(crate) fn time_text(time: i64) -> String {
    match civil(time) {
        Some(at) => format!("{at}Z"),
        None => time.to_string(),
    }
}

/// The day and the time of day, in UTC, of a time in microseconds since 1970; `None` for a time
/// outside of the years −9999 to 9999.
pub(crate) fn civil(time: i64) -> Option<DateTime> {
    let since = SignedDuration::from_micros(time);
    date(1970, 1, 1).at(0, 0, 0, 0).checked_add(since).ok()
}

/// The time at which a day begins, in microseconds since 1970.
fn start_of_day(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 1)).as_secs() * SECOND
}

/// The time, in microseconds since 1970, of a date whose year has a sign. ISO 8601 writes years
/// before 0, and years of more than four digits, in this form: `-000043-03-15`. `None` for any
/// other text.
fn expanded(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_microsecond());
    }
    text.parse().ok().and_then(micros)
}

/// The time of a date and a time of day in UTC, in microseconds since 1970. `None` if it doesn't
/// fit into 64 bits.
fn micros(at: DateTime) -> Option<i64> {
    let clock = at.duration_since(at.date().at(0, 0, 0, 0)).as_micros();
    Some(start_of_day(at.date()) + i64::try_from(clock).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tests that one time in many spellings is read as this time, for a few times.
    #[test]
    fn one_time_in_many_spellings() {
        for (texts, expected) in [
            (
                &[
                    "2024-06-01 10:00:00 UTC",
                    "2024-06-01 10:00:00 GMT",
                    "2024-06-01 10:00:00+00",
                    "2024-06-01 10:00:00+00:00",
                    "2024-06-01 10:00:00.000000+0000",
                    "2024-06-01 10:00:00 +0000",
                    "2024-06-01 15:30:00+05:30",
                    "2024-06-01 05:00:00 -0500",
                    "2024-06-01 05:00:00-05",
                    "2024-06-01T10:00:00Z",
                    "2024-06-01t10:00:00z",
                    "2024-06-01T10:00:00.000Z",
                    "2024-06-01T10:00:00,000Z",
                    "2024-06-01T12:00:00+02:00[Europe/Berlin]",
                    "2024-06-01T10:00",
                    "2024-06-01T10",
                    " 2024-06-01 10:00 ",
                    "2024-06-01 10:00:00 AM",
                    "2024-06-01 10:00 am",
                    "2024/06/01 10:00:00",
                    "2024/06/01 10:00:00+00",
                    "2024/6/1 10:00",
                    "2024.06.01 10:00",
                    "20240601T100000Z",
                    "20240601T1000",
                    "20240601 100000",
                    "20240601100000",
                    "2024-153T10:00:00Z",
                    "2024153T100000Z",
                    "2024-W22-6T10:00",
                    "2024W226T1000",
                    "Sat, 01 Jun 2024 10:00:00 GMT",
                    "Sat, 1 Jun 2024 05:00:00 -0500",
                    "Sat, 01 Jun 2024 06:00:00 EDT",
                    "1 Jun 2024 10:00:00 +0000",
                    "Sat Jun  1 10:00:00 2024",
                    "Sat Jun 01 10:00:00 +0000 2024",
                    "Sat Jun  1 10:00:00 UTC 2024",
                    "Sat Jun 01 2024 12:00:00 GMT+0200 (Central European Summer Time)",
                    "Jun 1, 2024 10:00 AM",
                    "June 1st, 2024, 10:00:00",
                    "01-Jun-2024 10:00:00",
                    "01/Jun/2024:12:00:00 +0200",
                    "1717236000",
                    "1717236000.0",
                    "1717236000000",
                    "1717236000000000",
                    "1717236000000000000",
                ][..],
                1_717_236_000_000_000,
            ),
            (
                &[
                    "2024-06-01",
                    "2024/06/01",
                    "2024.6.1",
                    "20240601",
                    "2024-153",
                    "2024-W22-6",
                    "2024-06",
                    "Jun 1, 2024",
                    "1 June 2024",
                    "01-JUN-2024",
                    "2024-05-31T24:00",
                    "2024-05-31 23:59:60",
                    "2024-06-01Z",
                    "2024-06-01+00:00",
                    "2024-06-01 12:00:00 AM",
                ],
                1_717_200_000_000_000,
            ),
            (
                &[
                    "2024-06-01 10:00:00.123456",
                    "2024-06-01T10:00:00.123456789Z",
                    "2024-06-01 10:00:00.1234569 UTC",
                    "1717236000.123456",
                ],
                1_717_236_000_123_456,
            ),
            (&["9999-12-31", "99991231"], 253_402_214_400_000_000),
            (
                &["-000043-03-15", "-000043-03-15T00:00Z"],
                -63_517_824_000_000_000,
            ),
            (&["0", "0.00", "1970-01-01"], 0),
        ] {
            for text in texts {
                assert_eq!(time(text), Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "",
            "x",
            "soon",
            "2024",
            "06/15/2024",
            "15/06/2024",
            "15.06.2024",
            "6-15-2024",
            "15-06-24",
            "01-Jun-24",
            "2024-13-01",
            "2024-06-31",
            "2023-02-29",
            "2024-00-10",
            "2024-06-01T25:00",
            "2024-06-01T24:01",
            "2024-06-01T10:60",
            "2024-06-01 13:00 PM",
            "2024-06-01 0:30 AM",
            "2024-06-01 10:00:00 CEST",
            "2024-06-01 10:00:00 MST7",
            "1 Jun 2024 10:00 CEST",
            "Sat, 01 Jun 2024 10:00:00 A",
            "2024-06-01T10:00:00+25:00",
            "2024-06-01 10:00:00 and more",
            "2024-06/01",
            "2024-06-01-02",
            "2023-366",
            "2024-000",
            "2024-W54-1",
            "20241301",
            "12345678",
            "45444",
            "2024.5",
            "Jun 2024",
            "Jun 1",
            "Jun Jun 1 2024",
            "Foo 1, 2024",
            "June 31, 2024",
            "1717236000 x",
            "1e30",
            "infinity",
            "now",
            "12:30:00",
            "二〇二四年",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_again() {
        for text in [
            "2010-03-01T00:00:00Z",
            "2010-03-01T12:30:00.123456Z",
            "9999-12-31T23:59:59Z",
            "1969-12-31T23:59:59.5Z",
        ] {
            assert_eq!(time_text(time(text).unwrap()), text);
        }
        assert_eq!(time_text(i64::MAX), i64::MAX.to_string());
    }

    proptest! {
        #[test]
        fn every_time_comes_back(at in -60_000_000_000_000_000i64..250_000_000_000_000_000) {
            prop_assert_eq!(time(&time_text(at)), Some(at));
        }

        #[test]
        fn no_text_does_harm(text: String, near in "[0-9JunaTZ:./ +-]{0,40}") {
            let _ = (time(&text), time(&near));
        }
    }
}
