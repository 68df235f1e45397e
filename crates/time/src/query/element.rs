//! Dates and times in a query.

use crate::instant::SECOND;
use crate::zone::{Zone, offset_micros};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};

/// A date or a time of day, with the unit that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    at: DateTime,
    /// The microseconds of the text's fraction of a second, to be added to `at`.
    micros: i64,
    unit: Unit,
    /// The offset from UTC in microseconds, if the text states one like `+02:00`; otherwise `None`.
    offset: Option<i64>,
}

/// The smallest unit that the text of a date or a time states: `2019-06` states a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
}

impl Element {
    /// Parses a date or a time of day; `None` if the text is neither.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, clock) = match text.split_once(['T', 't', ' ']) {
            Some((date, clock)) => (date, Some(clock)),
            None => (text, None),
        };
        let (day, unit) = parse_date(date)?;
        let Some(clock) = clock else {
            return Some(Self {
                at: day.at(0, 0, 0, 0),
                micros: 0,
                unit,
                offset: None,
            });
        };
        if unit != Unit::Day {
            return None;
        }
        // In a query string a plus sign means a blank.
        let end = clock.find(['Z', 'z', '+', '-', ' ']).unwrap_or(clock.len());
        let (clock, zone) = clock.split_at_checked(end)?;
        let offset = match zone {
            "" => None,
            "Z" | "z" => Some(0),
            _ => Some(offset_micros(&zone.replacen(' ', "+", 1))?),
        };
        let (at, micros, unit) = parse_clock(day, clock)?;
        Some(Self {
            at,
            micros,
            unit,
            offset,
        })
    }

    /// Returns true for a date, and false for a time of day.
    pub(super) fn is_date(self) -> bool {
        matches!(self.unit, Unit::Year | Unit::Month | Unit::Week | Unit::Day)
    }

    /// The instant at which the element's unit begins, in microseconds since 1970. `zone` counts
    /// only if the text states no offset.
    pub(super) fn start(self, zone: &Zone) -> i64 {
        self.instant(self.at, zone).saturating_add(self.micros)
    }

    /// The instant at which the element's unit ends, in microseconds since 1970.
    pub(super) fn end(self, zone: &Zone) -> i64 {
        let later = |span: jiff::Span| self.at.checked_add(span).ok();
        let end = match self.unit {
            Unit::Year => later(1.year()),
            Unit::Month => later(1.month()),
            Unit::Week => later(1.week()),
            Unit::Day => later(1.day()),
            Unit::Hour => return self.start(zone).saturating_add(3600 * SECOND),
            Unit::Minute => return self.start(zone).saturating_add(60 * SECOND),
            Unit::Second => {
                let start = self.instant(self.at, zone);
                return start.saturating_add(SECOND);
            }
        };
        end.map_or(i64::MAX, |end| self.instant(end, zone))
    }

    fn instant(self, at: DateTime, zone: &Zone) -> i64 {
        match self.offset {
            Some(offset) => Zone::UTC.instant(at).saturating_sub(offset),
            None => zone.instant(at),
        }
    }
}

/// Parses a number with exactly `digits` digits; `None` for any other text.
fn number(text: &str, digits: usize) -> Option<i16> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Parses a number of two digits; `None` for any other text.
fn two(text: &str) -> Option<i8> {
    i8::try_from(number(text, 2)?).ok()
}

/// Parses a date: `2019`, `2019-06`, `2019-W23`, `2019-W23-1`, `2019-153` or `2019-06-01`. A year
/// may have a minus sign. Returns the day on which the date begins, and its unit; `None` for any
/// other text.
fn parse_date(text: &str) -> Option<(Date, Unit)> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut parts = text.split('-');
    let year = sign * number(parts.next()?, 4)?;
    let (second, third) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let Some(second) = second else {
        return Some((Date::new(year, 1, 1).ok()?, Unit::Year));
    };
    if let Some(week) = second.strip_prefix(['W', 'w']) {
        let (day, unit) = match third {
            None => (1, Unit::Week),
            Some(day) => (i8::try_from(number(day, 1)?).ok()?, Unit::Day),
        };
        let day = Weekday::from_monday_one_offset(day).ok()?;
        let date = ISOWeekDate::new(year, two(week)?, day).ok()?;
        return Some((date.date(), unit));
    }
    match third {
        None if second.len() == 3 => {
            let first = Date::new(year, 1, 1).ok()?;
            let day = first.with().day_of_year(number(second, 3)?).build().ok()?;
            Some((day, Unit::Day))
        }
        None => Some((Date::new(year, two(second)?, 1).ok()?, Unit::Month)),
        Some(day) => Some((Date::new(year, two(second)?, two(day)?).ok()?, Unit::Day)),
    }
}

/// Parses a time of the day `day`: `10`, `10:30`, `10:30:00` or `10:30:00.5`. `24:00` is the
/// beginning of the next day. Returns the time to the second, the microseconds after this second,
/// and the unit; `None` for any other text.
fn parse_clock(day: Date, text: &str) -> Option<(DateTime, i64, Unit)> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (two(parts.next()?)?, parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let (second, fraction) =
        match second.map(|second| second.split_once(['.', ',']).unwrap_or((second, "0"))) {
            Some((second, fraction)) => (Some(two(second)?), fraction),
            None => (None, "0"),
        };
    let unit = match (minute, second) {
        (None, _) => Unit::Hour,
        (Some(_), None) => Unit::Minute,
        (Some(_), Some(_)) => Unit::Second,
    };
    let minute = minute.map_or(Some(0), two)?;
    let micros = micros(fraction)?;
    if (hour, minute, second.unwrap_or(0), micros) == (24, 0, 0, 0) {
        let next = day.tomorrow().ok()?;
        return Some((next.at(0, 0, 0, 0), 0, unit));
    }
    let at = DateTime::new(
        day.year(),
        day.month(),
        day.day(),
        hour,
        minute,
        second.unwrap_or(0),
        0,
    );
    Some((at.ok()?, micros, unit))
}

/// The digits behind the point of a second, as microseconds; digits after the sixth are dropped.
fn micros(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let six = digits.bytes().chain(std::iter::repeat(b'0')).take(6);
    Some(six.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0')))
}
