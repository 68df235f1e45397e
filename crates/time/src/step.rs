//! Steps of the calendar, which are the lengths of buckets.

use crate::instant::{DAY, SECOND};
use std::fmt;
use std::str::FromStr;

/// A step of the calendar: the length of a bucket.
///
/// Steps of less than a day are counted from the beginning of each day, so every day begins with a
/// bucket. Weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A number of seconds that divides a day without a remainder.
    Seconds(u32),
    /// Days.
    Day,
    /// Weeks from Monday on.
    Week,
    /// Months of the calendar.
    Month,
    /// Years of the calendar.
    Year,
}

/// The error for a text that is no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no step of time: expected 1h, 15min, 1d, 1w, 1mo or 1y, or PT1H, P1D, P1M … as \
     ISO 8601 has them; parts of a day must divide it without a remainder"
)]
pub struct StepError {
    text: String,
}

impl Step {
    /// The steps among which a layer's step is chosen, from the finest to the coarsest.
    pub const COMMON: [Self; 14] = [
        Self::Seconds(1),
        Self::Seconds(5),
        Self::Seconds(15),
        Self::Seconds(60),
        Self::Seconds(5 * 60),
        Self::Seconds(15 * 60),
        Self::Seconds(3600),
        Self::Seconds(3 * 3600),
        Self::Seconds(6 * 3600),
        Self::Seconds(12 * 3600),
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Year,
    ];

    /// The length of the step in microseconds; for months and years that of the longest one.
    pub(crate) fn longest(self) -> i64 {
        match self {
            Self::Seconds(seconds) => i64::from(seconds) * SECOND,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 31 * DAY,
            Self::Year => 366 * DAY,
        }
    }
}

impl FromStr for Step {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Self, StepError> {
        parse(text.trim()).ok_or_else(|| StepError {
            text: text.chars().take(60).collect(),
        })
    }
}

fn parse(text: &str) -> Option<Step> {
    let upper = text.to_ascii_uppercase();
    let (number, unit) = match upper.strip_prefix('P') {
        Some(iso) => {
            let (clock, iso) = match iso.strip_prefix('T') {
                Some(rest) => (true, rest),
                None => (false, iso),
            };
            let (number, unit) = split(iso)?;
            let unit = match (clock, unit) {
                (true, "S") => "S",
                (true, "M") => "MIN",
                (true, "H") => "H",
                (false, "D") => "D",
                (false, "W") => "W",
                (false, "M") => "MO",
                (false, "Y") => "Y",
                _ => return None,
            };
            (number, unit)
        }
        None => split(&upper)?,
    };
    let seconds = |each: u32| {
        let seconds = number.checked_mul(each)?;
        match seconds {
            86_400 => Some(Step::Day),
            1..86_400 if 86_400 % seconds == 0 => Some(Step::Seconds(seconds)),
            _ => None,
        }
    };
    match (unit, number) {
        ("S" | "SEC", _) => seconds(1),
        ("MIN", _) => seconds(60),
        ("H", _) => seconds(3600),
        ("D", 1) => Some(Step::Day),
        ("W", 1) | ("D", 7) => Some(Step::Week),
        ("MO", 1) => Some(Step::Month),
        ("Y", 1) => Some(Step::Year),
        _ => None,
    }
}

/// Splits a text into the number at its beginning (1 if it begins with none) and the rest.
fn split(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number = if digits == 0 { 1 } else { number.parse().ok()? };
    Some((number, unit.trim()))
}

/// Writes the step as a duration of ISO 8601, for example `PT1H`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Seconds(seconds) if seconds % 3600 == 0 => write!(f, "PT{}H", seconds / 3600),
            Self::Seconds(seconds) if seconds % 60 == 0 => write!(f, "PT{}M", seconds / 60),
            Self::Seconds(seconds) => write!(f, "PT{seconds}S"),
            Self::Day => f.write_str("P1D"),
            Self::Week => f.write_str("P1W"),
            Self::Month => f.write_str("P1M"),
            Self::Year => f.write_str("P1Y"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_two_spellings() {
        for (text, shown) in [
            ("1h", "PT1H"),
            ("PT1H", "PT1H"),
            ("h", "PT1H"),
            ("60 min", "PT1H"),
            ("24h", "P1D"),
            ("15s", "PT15S"),
            ("90s", "PT90S"),
            ("1d", "P1D"),
            ("7d", "P1W"),
            ("p1w", "P1W"),
            ("1mo", "P1M"),
            ("P1M", "P1M"),
            ("PT1M", "PT1M"),
            ("1y", "P1Y"),
        ] {
            assert_eq!(text.parse::<Step>().unwrap().to_string(), shown, "{text}");
        }
        for text in [
            "",
            "0s",
            "7h",
            "1m",
            "2d",
            "36h",
            "P",
            "PT",
            "-1h",
            "1.5h",
            "99999999999h",
            "é",
        ] {
            assert!(text.parse::<Step>().is_err(), "{text}");
        }
        for step in Step::COMMON {
            assert_eq!(step.to_string().parse(), Ok(step));
        }
    }
}
