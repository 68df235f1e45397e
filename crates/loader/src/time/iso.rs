//! Dates in which the year comes first, as in ISO 8601, in SQL and in the output of most programs.

use super::{SECOND, start_of_day};
use jiff::civil::{Date, ISOWeekDate, Weekday};

/// A scanner of a text. The field is the text's bytes that were not read yet.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a>(pub(super) &'a [u8]);

impl Scanner<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads `byte` if it comes next. Returns true if it was read.
    fn take(&mut self, byte: u8) -> bool {
        match self.0 {
            [first, behind @ ..] if *first == byte => {
                self.0 = behind;
                true
            }
            _ => false,
        }
    }

    /// Reads `word`, in upper or lower case, if it comes next and no letter follows it. Returns
    /// true if it was read.
    fn take_word(&mut self, word: &str) -> bool {
        let Some((head, behind)) = self.0.split_at_checked(word.len()) else {
            return false;
        };
        let ends = !behind.first().is_some_and(u8::is_ascii_alphabetic);
        let found = ends && head.eq_ignore_ascii_case(word.as_bytes());
        if found {
            self.0 = behind;
        }
        found
    }

    pub(super) fn blanks(&mut self) -> bool {
        let before = self.0.len();
        self.0 = self.0.trim_ascii_start();
        self.0.len() < before
    }

    /// The number of digits that come next, before any other byte.
    pub(super) fn digits(&self) -> usize {
        self.0.iter().take_while(|b| b.is_ascii_digit()).count()
    }

    /// Reads the next `digits` bytes as a number. `None` unless all of them are digits.
    pub(super) fn number(&mut self, digits: usize) -> Option<i64> {
        let (head, behind) = self.0.split_at_checked(digits)?;
        let mut number = 0;
        for byte in head {
            if !byte.is_ascii_digit() {
                return None;
            }
            number = number * 10 + i64::from(byte - b'0');
        }
        self.0 = behind;
        Some(number)
    }

    /// Reads a number of one or two digits. `None` if no digit comes next, or if more than two do.
    fn one_or_two(&mut self) -> Option<i64> {
        match self.digits() {
            count @ 1..=2 => self.number(count),
            _ => None,
        }
    }
}

/// The day of the calendar with these numbers; `None` if there is no such day.
#[inline]
pub(super) fn day(year: i64, month: i64, day: i64) -> Option<Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(i16::try_from(year).ok()?, month, day).ok()
}

/// The time of a text in which the year comes first, in microseconds since 1970. `None` for any
/// other text.
pub(super) fn read(text: &str) -> Option<i64> {
    let mut rest = Scanner(text.as_bytes());
    let day = date(&mut rest)?;
    let (clock, offset) = after_day(rest)?;
    Some(start_of_day(day) + clock - offset)
}

/// Reads a date in one of these forms: `2024-06-01`, `2024/6/1`, `2024.06.01`, `20240601T`,
/// `2024-153`, `2024-W22-6` or `2024-06`. `None` for any other text.
fn date(rest: &mut Scanner<'_>) -> Option<Date> {
    match rest.digits() {
        4 => (),
        // Digits without other characters are a number, which the module `epoch` reads.
        8 if rest.0.len() > 8 => {
            let (year, month) = (rest.number(4)?, rest.number(2)?);
            return day(year, month, rest.number(2)?);
        }
        7 if rest.0.len() > 7 => {
            let year = rest.number(4)?;
            return of_year(year, rest.number(3)?);
        }
        _ => return None,
    }
    let year = rest.number(4)?;
    if rest.take(b'W') {
        let week = rest.number(2)?;
        return of_week(year, week, rest.number(1)?);
    }
    let separator = *rest.0.first().filter(|b| b"-/.".contains(b))?;
    rest.take(separator);
    if separator == b'-' && rest.take(b'W') {
        let week = rest.number(2)?;
        if !rest.take(b'-') {
            return None;
        }
        return of_week(year, week, rest.number(1)?);
    }
    if separator == b'-' && rest.digits() == 3 {
        return of_year(year, rest.number(3)?);
    }
    let written = rest.digits();
    let month = rest.one_or_two()?;
    if rest.take(separator) {
        return day(year, month, rest.one_or_two()?);
    }
    // A month without a day means its first day. `2024.5` and `2024-5` could mean anything.
    (separator != b'.' && written == 2 && rest.is_empty())
        .then(|| day(year, month, 1))
        .flatten()
}

/// The day with the number `number` in a year, counted from 1. `None` if the year has no such day.
fn of_year(year: i64, number: i64) -> Option<Date> {
    let first = day(year, 1, 1)?;
    let number = i16::try_from(number).ok().filter(|n| *n > 0)?;
    let found = first.with().day_of_year(number).build().ok()?;
    (found.year() == first.year()).then_some(found)
}

fn of_week(year: i64, week: i64, number: i64) -> Option<Date> {
    let number = Weekday::from_monday_one_offset(i8::try_from(number).ok()?).ok()?;
    let (year, week) = (i16::try_from(year).ok()?, i8::try_from(week).ok()?);
    Some(ISOWeekDate::new(year, week, number).ok()?.date())
}

/// Reads the text after a day. It may be empty, an offset from UTC, or a time of day with or
/// without an offset. Returns the microseconds since midnight and the microseconds of the offset.
/// `None` for any other text.
pub(super) fn after_day(mut rest: Scanner<'_>) -> Option<(i64, i64)> {
    if rest.is_empty() {
        return Some((0, 0));
    }
    let parted = rest.take(b'T') || rest.take(b't') || rest.blanks();
    if !parted {
        // `2024-06-01Z` and `2024-06-01+02:00` are dates, but `2024-06-01-02` is not.
        let is_zone = matches!(rest.0, [b'Z' | b'z'] | [b'+' | b'-', _, _, b':', _, _]);
        return Some((0, offset(rest).filter(|_| is_zone)?));
    }
    let clock = clock(&mut rest)?.time()?;
    Some((clock, offset(rest)?))
}

/// A time of day, whose numbers may be out of range until [`time`](Self::time) checks them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) micros: i64,
}

impl Clock {
    /// The microseconds since midnight; `None` if there is no such time of day. 24:00 is the
    /// beginning of the next day, and the second 60 is the beginning of the next minute.
    pub(super) fn time(self) -> Option<i64> {
        let Self {
            hour,
            minute,
            second,
            micros,
        } = self;
        let is_end = hour == 24 && (minute, second, micros) == (0, 0, 0);
        let is_clock = hour < 24 && minute < 60 && second <= 60;
        (is_end || is_clock).then(|| ((hour * 60 + minute) * 60 + second) * SECOND + micros)
    }
}

/// Reads a time of day in one of the forms `10:00`, `10:00:00.5`, `1000`, `100000` or `10`. `AM` or
/// `PM` may follow. `None` for any other text.
pub(super) fn clock(rest: &mut Scanner<'_>) -> Option<Clock> {
    let mut clock = Clock {
        hour: 0,
        minute: 0,
        second: 0,
        micros: 0,
    };
    match rest.digits() {
        digits @ 1..=2 => {
            clock.hour = rest.number(digits)?;
            if rest.take(b':') {
                clock.minute = rest.number(2)?;
                if rest.take(b':') {
                    clock.second = rest.number(2)?;
                    clock.micros = fraction(rest)?;
                }
            } else if digits == 1 {
                return None;
            }
        }
        4 => (clock.hour, clock.minute) = (rest.number(2)?, rest.number(2)?),
        6 => {
            (clock.hour, clock.minute) = (rest.number(2)?, rest.number(2)?);
            clock.second = rest.number(2)?;
            clock.micros = fraction(rest)?;
        }
        _ => return None,
    }
    let before = *rest;
    rest.blanks();
    let is_pm = rest.take_word("PM");
    if is_pm || rest.take_word("AM") {
        if !(1..=12).contains(&clock.hour) {
            return None;
        }
        clock.hour = clock.hour % 12 + if is_pm { 12 } else { 0 };
    } else {
        *rest = before;
    }
    Some(clock)
}

/// Reads a fraction of a second, which begins with a point or a comma. Returns it in microseconds;
/// any digits after the sixth are dropped. 0 if there is no fraction, and `None` if no digit
/// follows the point or comma.
fn fraction(rest: &mut Scanner<'_>) -> Option<i64> {
    if !(rest.take(b'.') || rest.take(b',')) {
        return Some(0);
    }
    let count = rest.digits();
    let (digits, behind) = rest.0.split_at_checked(count).filter(|_| count > 0)?;
    rest.0 = behind;
    let mut micros = 0;
    for place in 0..6 {
        let digit = digits.get(place).map_or(0, |b| i64::from(b - b'0'));
        micros = micros * 10 + digit;
    }
    Some(micros)
}

/// The offset from UTC at the end of a text, in microseconds, positive east of Greenwich; 0 if the
/// text is empty. The text may be empty, `Z`, `UTC`, `+02`, `+0200`, `+02:00` or `GMT+2`, and a
/// zone's name in brackets may follow. `None` for any other text.
pub(super) fn offset(mut rest: Scanner<'_>) -> Option<i64> {
    rest.blanks();
    let is_utc = ["Z", "UTC", "GMT", "UT"]
        .into_iter()
        .any(|name| rest.take_word(name));
    let signs = [(b'+', 1), (b'-', -1)];
    let sign = signs.into_iter().find(|(byte, _)| rest.take(*byte));
    let mut seconds = 0;
    if let Some((_, sign)) = sign {
        let (hours, minutes, more) = match rest.digits() {
            4 => (rest.number(2)?, rest.number(2)?, 0),
            digits @ 1..=2 if digits == 2 || is_utc => {
                let hours = rest.number(digits)?;
                let minutes = if rest.take(b':') { rest.number(2)? } else { 0 };
                (
                    hours,
                    minutes,
                    if rest.take(b':') { rest.number(2)? } else { 0 },
                )
            }
            _ => return None,
        };
        if hours > 23 || minutes > 59 || more > 59 {
            return None;
        }
        seconds = sign * ((hours * 60 + minutes) * 60 + more);
    }
    // The name of a zone is skipped, since the offset is stated before it.
    if is_utc || sign.is_some() {
        rest.blanks();
        if matches!(rest.0, [b'[', .., b']'] | [b'(', .., b')']) {
            rest.0 = &[];
        }
    }
    rest.is_empty().then_some(seconds * SECOND)
}
