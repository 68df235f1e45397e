//! Numbers that are times: counts of a unit since 1970, and dates that are written in digits only.

use super::{DAY, iso, start_of_day};
use crate::number::exact::Number;

/// The smallest number that is read as seconds since 1970: it is in 1973. It is a choice, as are
/// the three constants after it.
const SECONDS: f64 = 1e8;
/// The smallest number that is read as milliseconds since 1970. Read as seconds, it would be in the
/// year 2286.
const MILLISECONDS: f64 = 1e10;
/// The smallest number that is read as microseconds since 1970. Read as milliseconds, it would be
/// in the year 2286.
const MICROSECONDS: f64 = 1e13;
/// The smallest number that is read as nanoseconds since 1970. Read as microseconds, it would be in
/// the year 2286.
const NANOSECONDS: f64 = 1e16;

/// The time that a number stands for, in microseconds since 1970, UTC:
///
/// - a day, such as `20240601`, or a second, such as `20240601101500`;
/// - otherwise a count since 1970 of seconds, milliseconds, microseconds or nanoseconds; the size
///   of the number decides which.
///
/// So the time is at most 317 years before or after 1970, except for very large counts, which are
/// always nanoseconds. `None` if the number stands for no time.
///
/// Other numbers between 0 and 10⁸ are no times. As seconds they would be before the year 1974, and
/// many years, days in spreadsheets and house numbers are of this size.
pub(super) fn time(number: Number) -> Option<i64> {
    if let Some(time) = number.whole().and_then(digits_as_date) {
        return Some(time);
    }
    let size = number.float().abs();
    let unit = if size == 0.0 {
        return Some(0);
    } else if size < SECONDS {
        return None;
    } else if size < MILLISECONDS {
        EpochUnit::Seconds
    } else if size < MICROSECONDS {
        EpochUnit::Milliseconds
    } else if size < NANOSECONDS {
        EpochUnit::Microseconds
    } else {
        EpochUnit::Nanoseconds
    };
    unit.time(number)
}

/// The unit of a number that counts the time since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EpochUnit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl EpochUnit {
    /// The time of a count in this unit, in whole microseconds since 1970. `None` if it is more
    /// than 3,000,000 days before or after 1970.
    pub(super) fn time(self, number: Number) -> Option<i64> {
        const END: i64 = 3_000_000 * DAY;
        let (times, part) = match self {
            Self::Seconds => (1_000_000, 1),
            Self::Milliseconds => (1000, 1),
            Self::Microseconds => (1, 1),
            Self::Nanoseconds => (1, 1000),
        };
        let time = match number {
            Number::Whole(count) => count.checked_mul(times)?.div_euclid(part),
            Number::Float(count) => (count * times as f64 / part as f64).round() as i128,
        };
        i64::try_from(time).ok().filter(|time| time.abs() <= END)
    }
}

/// The time, in microseconds since 1970, of a number that writes a day in eight digits (`20240601`)
/// or a second in fourteen (`20240601101500`). `None` for any other number.
fn digits_as_date(number: i64) -> Option<i64> {
    let (day, clock) = match number {
        10_000_101..=99_991_231 => (number, 0),
        10_000_101_000_000..=99_991_231_235_959 => (number / 1_000_000, number % 1_000_000),
        _ => return None,
    };
    let day = iso::day(day / 10_000, day / 100 % 100, day % 100)?;
    let clock = iso::Clock {
        hour: clock / 10_000,
        minute: clock / 100 % 100,
        second: clock % 100,
        micros: 0,
    };
    Some(start_of_day(day) + clock.time()?)
}
