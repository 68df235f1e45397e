//! Spellings. A spelling is the form in which a number or time is written: `5.0` and `5` are
//! spellings of one number.
//!
//! A text that reads as a number or a time is stored as a number or a time, in 8 bytes. In most
//! columns all texts have the same spelling. It is stored once, and from it each text can be
//! written again exactly as it is in the file. So a filter like `version = '1.10'` selects the same
//! rows of a kept column as of the file.

use crate::number::exact::number_text;
use crate::time::{civil, time_text};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

/// The spelling of all numbers of a column in the source. Several forms of numbers may fit a column
/// at once: `0.1` is both a shortest form and one with a digit after the point. Only numbers of at
/// most 15 digits have a spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumberSpelling {
    /// True if all texts are in their shortest form, for example `5` or `0.1`, but not `5.0` or
    /// `0.10`.
    shortest: bool,
    /// True if all texts are in the shortest form that has a point, for example `5.0` or `0.1`, but
    /// not `5` or `0.10`.
    with_point: bool,
    /// The number of digits after the point, if it is equal in all texts (0 without a point);
    /// otherwise `None`.
    digits: Option<u8>,
}

impl NumberSpelling {
    /// The forms that fit a single text, which was read as a number; `None` if no form fits it.
    pub(super) fn detect(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text).as_bytes();
        let (mut digits, mut point) = (0usize, None);
        for byte in unsigned {
            match byte {
                b'0'..=b'9' => digits += 1,
                b'.' if point.is_none() && digits > 0 => point = Some(digits),
                _ => return None,
            }
        }
        let is_name = matches!(unsigned, [b'0', b'0'..=b'9', ..]);
        let is_null =
            unsigned.len() < text.len() && !unsigned.iter().any(|b| b"123456789".contains(b));
        let behind = point.map_or(0, |before| digits - before);
        if digits == 0 || digits > 15 || is_name || is_null || (point.is_some() && behind == 0) {
            return None;
        }
        let trimmed = unsigned.last() != Some(&b'0');
        Some(Self {
            shortest: point.is_none() || trimmed,
            with_point: point.is_some() && (trimmed || behind == 1),
            digits: u8::try_from(behind).ok(),
        })
    }

    /// The forms that fit both the texts of `self` and the texts of `other`; `None` if no form fits
    /// both.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            shortest: self.shortest && other.shortest,
            with_point: self.with_point && other.with_point,
            digits: self.digits.filter(|_| self.digits == other.digits),
        };
        (both.shortest || both.with_point || both.digits.is_some()).then_some(both)
    }

    /// Returns true if all texts are whole numbers without a point.
    pub(super) fn is_whole(self) -> bool {
        self.digits == Some(0)
    }

    pub(super) fn to_json(self) -> Json {
        json!([self.shortest, self.with_point, self.digits])
    }

    pub(super) fn from_json(json: &Json) -> Option<Self> {
        let (shortest, with_point, digits) = serde_json::from_value(json.clone()).ok()?;
        Some(Self {
            shortest,
            with_point,
            digits,
        })
    }

    /// Writes a number as text, in a form that fits all texts of the column. So a number of the
    /// column gets the text that it has in the source.
    pub(super) fn write(self, number: f64) -> String {
        if let Some(digits) = self.digits {
            return format!("{number:.*}", usize::from(digits));
        }
        let mut text = number.to_string();
        if self.with_point && !self.shortest && !text.contains('.') {
            text.push_str(".0");
        }
        text
    }
}

/// The spelling of all dates or times of a column in the source, in which the year comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeSpelling {
    /// The separator between year, month and day.
    separator: char,
    /// The separator between the day and the time of day; `None` if there is no time of day.
    middle: Option<char>,
    has_seconds: bool,
    /// The number of digits after the point of the seconds, if it is equal in all texts (0 without
    /// a point); otherwise `None`.
    digits: Option<u8>,
    /// True if the digits after the point of the seconds never end with 0.
    trimmed: bool,
    zone: &'static str,
}

/// The texts for UTC that are recognised after a time.
const ZONES: [&str; 7] = ["Z", " UTC", "+00:00", "+0000", "+00", " +0000", " +00:00"];

impl TimeSpelling {
    /// The spelling of `text`, which was read as `time` (microseconds since 1970); `None` if no
    /// spelling of this type fits it.
    pub(super) fn detect(text: &str, time: i64) -> Option<Self> {
        let bytes = text.as_bytes();
        let separator = *bytes.get(4).filter(|b| b"-/".contains(b))?;
        let middle = bytes.get(10).copied();
        let clock = text.get(11..).unwrap_or_default();
        let zone = ZONES.into_iter().find(|zone| clock.ends_with(zone));
        let zone = zone.unwrap_or_default();
        let clock = clock.strip_suffix(zone).unwrap_or(clock);
        let fraction = clock.split_once('.').map(|(_, fraction)| fraction);
        let found = Self {
            separator: char::from(separator),
            middle: middle.map(char::from),
            has_seconds: clock.len() > 5,
            digits: u8::try_from(fraction.map_or(0, str::len)).ok(),
            trimmed: fraction.is_none_or(|digits| !digits.ends_with('0')),
            zone,
        };
        // The spelling is right only if it writes exactly the text that was read.
        (found.write(time) == text).then_some(found)
    }

    /// The spelling that fits both the texts of `self` and the texts of `other`; `None` if no
    /// spelling fits both.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let digits = self.digits.filter(|_| self.digits == other.digits);
        let trimmed = self.trimmed && other.trimmed;
        let both = Self {
            digits,
            trimmed,
            ..self
        };
        let same = both
            == Self {
                digits,
                trimmed,
                ..other
            };
        (same && (trimmed || digits.is_some())).then_some(both)
    }

    pub(super) fn to_json(self) -> Json {
        json!([
            self.separator,
            self.middle,
            self.has_seconds,
            self.digits,
            self.trimmed,
            self.zone
        ])
    }

    pub(super) fn from_json(json: &Json) -> Option<Self> {
        let parts: (char, Option<char>, bool, Option<u8>, bool, String) =
            serde_json::from_value(json.clone()).ok()?;
        let (separator, middle, has_seconds, digits, trimmed, zone) = parts;
        let zone = [""].into_iter().chain(ZONES).find(|known| *known == zone)?;
        Some(Self {
            separator,
            middle,
            has_seconds,
            digits,
            trimmed,
            zone,
        })
    }

    /// Writes a time, in microseconds since 1970, in this spelling.
    pub(super) fn write(self, time: i64) -> String {
        let Some(at) = civil(time) else {
            return time_text(time);
        };
        let (year, month, day) = (at.year(), at.month(), at.day());
        let part = self.separator;
        let mut text = format!("{year:04}{part}{month:02}{part}{day:02}");
        let Some(middle) = self.middle else {
            return text;
        };
        // Writing to a String never fails.
        let _ = write!(text, "{middle}{:02}:{:02}", at.hour(), at.minute());
        if self.has_seconds {
            let _ = write!(text, ":{:02}", at.second());
            let mut fraction = format!("{:06}", at.subsec_nanosecond() / 1000);
            match self.digits {
                Some(digits) => fraction.truncate(usize::from(digits)),
                None => fraction.truncate(fraction.trim_end_matches('0').len()),
            }
            if !fraction.is_empty() {
                let _ = write!(text, ".{fraction}");
            }
        }
        text + self.zone
    }
}

/// The spelling of a column's texts in the source. With it, texts that are stored as numbers or
/// times can be written again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Spelling {
    /// No spelling, since the source has typed values and no texts.
    #[default]
    Typed,
    Number(NumberSpelling),
    /// Texts of whole numbers, some of which `f64` can't represent.
    Whole,
    Time(TimeSpelling),
    /// Texts of numbers or times in several forms. How each single text was written is lost.
    Variously,
}

impl Spelling {
    /// Writes a number in this spelling. If this is no spelling of numbers, the number is written
    /// in its shortest form, such as `5` or `0.1`.
    pub(super) fn number(self, number: f64) -> String {
        match self {
            Self::Number(spelling) => spelling.write(number),
            _ => number_text(number),
        }
    }

    /// Writes a time, in microseconds since 1970, in this spelling. If this is no spelling of
    /// times, the time is written like `2010-03-01T00:00:00Z`.
    pub(super) fn time(self, time: i64) -> String {
        match self {
            Self::Time(spelling) => spelling.write(time),
            _ => time_text(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number;
    use crate::time::time;
    use proptest::prelude::*;

    /// Returns true if all texts have one spelling. Then it also checks that each text is written
    /// again exactly as it is.
    fn numbers_alike(texts: &[&str]) -> bool {
        let all = texts.iter().map(|text| NumberSpelling::detect(text));
        let Some(spelling) = all.reduce(|a, b| a?.and(b?)).flatten() else {
            return false;
        };
        for text in texts {
            let number = number::parse(text.as_bytes()).unwrap();
            assert_eq!(spelling.write(number), *text, "{spelling:?}");
        }
        true
    }

    #[test]
    fn numbers_are_written_again() {
        for texts in [
            &["5", "-7", "0", "123456789012345"][..],
            &["5", "0.1", "-2.25", "0.00001"],
            &["5.0", "0.1", "-2.25", "0.0"],
            &["5.00", "0.10", "-2.25"],
            &["1.10", "1.20"],
            &["0.50", "0.25"],
        ] {
            assert!(numbers_alike(texts), "{texts:?}");
        }
        for texts in [
            &["007"][..],
            &["+5"],
            &["1e3"],
            &["5."],
            &[".5"],
            &["-0"],
            &["-0.00"],
            &["1234567890123456"],
            &["1.1", "1.10", "1"],
            &["5.0", "5"],
            &["5.00", "5.0"],
            &["x"],
            &[""],
            &["-"],
        ] {
            assert!(!numbers_alike(texts), "{texts:?}");
        }
    }

    fn times_alike(texts: &[&str]) -> bool {
        let spelling = |text: &&str| TimeSpelling::detect(text, time(text).unwrap());
        let all = texts.iter().map(spelling);
        let Some(spelling) = all.reduce(|a, b| a?.and(b?)).flatten() else {
            return false;
        };
        for text in texts {
            assert_eq!(spelling.write(time(text).unwrap()), *text, "{spelling:?}");
        }
        true
    }

    #[test]
    fn times_are_written_again() {
        for texts in [
            &["2010-03-01", "1969-12-31"][..],
            &["2010/03/01"],
            &["2010-03-01 12:30", "2010-03-01 00:00"],
            &["2010-03-01T12:30:00Z"],
            &["2010-03-01T12:30:00.000Z", "1969-03-01T12:30:00.120Z"],
            &["2010-03-01 12:30:00+00", "2010-03-01 12:30:00.12+00"],
            &["2010-03-01 12:30:00.123456 UTC"],
            &["2010-03-01T12:30:00", "2010-03-01T12:30:00.123456"],
        ] {
            assert!(times_alike(texts), "{texts:?}");
        }
        for texts in [
            &["2010-03"][..],
            &["20100301"],
            &["2010-3-1"],
            &["2010-03-01T24:00"],
            &["2010-03-01 12:30:00+01"],
            &["2010-03-01T12:30:00.1234567"],
            &["2010-03-01", "2010-03-01 12:30"],
            &["2010-03-01T12:30:00.10", "2010-03-01T12:30:00"],
            &["Jun 1, 2024"],
        ] {
            assert!(!times_alike(texts), "{texts:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_alike_comes_back(
            numbers in proptest::collection::vec("-?[0-9]{1,9}([.][0-9]{1,7})?", 1..4),
            times in proptest::collection::vec("20[0-9]{2}-0[1-9]-1[0-9]([T ]1[0-9]:[0-5][0-9](:[0-5][0-9]([.][0-9]{1,7})?)?(Z|[+]00)?)?", 1..4),
        ) {
            numbers_alike(&numbers.iter().map(String::as_str).collect::<Vec<_>>());
            times_alike(&times.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
