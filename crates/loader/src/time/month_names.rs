//! Dates in which the month is a word. They occur in e-mails (RFC 2822), in logs, in databases, in
//! the output of the command `date`, and in text that people write.

use super::iso::{self, Scanner};
use super::{SECOND, start_of_day};
use jiff::fmt::rfc2822::DateTimeParser;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The names of time zones that have one fixed meaning in RFC 2822.
const ZONES: [&str; 11] = [
    "UT", "UTC", "GMT", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT",
];

/// The words for UTC that may come before the year, as in `Jun 1 10:00:00 UTC 2024`. They are
/// skipped.
const UTC: [&str; 4] = ["utc", "gmt", "ut", "z"];

/// The time, in microseconds since 1970, of a text in which the month is an English word and the
/// year has four digits. `None` for any other text.
pub(super) fn read(text: &str) -> Option<i64> {
    if !text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    if let Some(time) = parts(text) {
        return Some(time);
    }
    // RFC 2822 defines some zones in letters, all of them of the United States or UTC. The parser
    // below would take any other letters for UTC, so these are refused first.
    let zone = text
        .rsplit(' ')
        .next()
        .filter(|zone| zone.bytes().all(|b| b.is_ascii_alphabetic()));
    if zone.is_some_and(|zone| !ZONES.iter().any(|known| known.eq_ignore_ascii_case(zone))) {
        return None;
    }
    let at = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(at.as_second() * SECOND)
}

/// Parses a text that has a day, a month and a year, each once and in any order. It may also have a
/// time of day and an offset from UTC. `None` for any other text.
fn parts(text: &str) -> Option<i64> {
    let (mut year, mut month, mut day, mut clock) = (None, None, None, None);
    let mut rest = Scanner(text.as_bytes());
    let mut offset = 0;
    while let Some(first) = rest.0.first() {
        match first {
            b' ' | b'\t' | b',' | b'.' | b'/' => skip(&mut rest),
            b'0'..=b'9' => {
                let digits = rest.digits();
                let is_clock = rest.0.get(digits) == Some(&b':') && digits <= 2;
                if is_clock && clock.is_none() {
                    clock = Some(iso::clock(&mut rest)?.time()?);
                } else if digits == 4 && year.is_none() {
                    year = rest.number(4);
                    // Web servers write `01/Jun/2024:10:00:00` to their logs.
                    if rest.0.first() == Some(&b':') {
                        skip(&mut rest);
                    }
                } else if digits <= 2 && day.is_none() {
                    day = rest.number(digits);
                    ordinal(&mut rest);
                } else {
                    return None;
                }
            }
            b'-' if clock.is_none() => skip(&mut rest),
            b'+' | b'-' if clock.is_some() => {
                // The year may follow, as in `10:00:00 +0000 2024`.
                let end = rest.0.iter().position(|b| *b == b' ');
                let end = end.filter(|_| year.is_none()).unwrap_or(rest.0.len());
                let (head, behind) = rest.0.split_at_checked(end)?;
                offset = iso::offset(Scanner(head))?;
                rest.0 = behind;
            }
            _ => {
                let letters = rest
                    .0
                    .iter()
                    .take_while(|b| b.is_ascii_alphabetic())
                    .count();
                let (head, behind) = rest.0.split_at_checked(letters)?;
                let word = std::str::from_utf8(head).ok()?.to_ascii_lowercase();
                if let Some(at) = named(&MONTHS, &word).filter(|_| month.is_none()) {
                    month = Some(at + 1);
                    rest.0 = behind;
                } else if named(&WEEKDAYS, &word).is_some()
                    || (UTC.contains(&&*word) && year.is_none())
                {
                    rest.0 = behind;
                } else if clock.is_some() {
                    offset = iso::offset(rest)?;
                    rest.0 = &[];
                } else {
                    return None;
                }
            }
        }
    }
    let day = iso::day(year?, i64::try_from(month?).ok()?, day?)?;
    Some(start_of_day(day) + clock.unwrap_or(0) - offset)
}

fn skip(rest: &mut Scanner<'_>) {
    rest.0 = rest.0.get(1..).unwrap_or_default();
}

/// Skips the letters of an ordinal number, for example in `1st` and `22nd`.
fn ordinal(rest: &mut Scanner<'_>) {
    if let [a, b, behind @ ..] = rest.0
        && [b"st", b"nd", b"rd", b"th"].contains(&&[a.to_ascii_lowercase(), b.to_ascii_lowercase()])
        && !behind.first().is_some_and(u8::is_ascii_alphabetic)
    {
        rest.0 = behind;
    }
}

/// Returns true if a word is the name of a month, in full or in its first three letters, in upper
/// or lower case.
pub(super) fn is_month(word: &str) -> bool {
    named(&MONTHS, &word.to_ascii_lowercase()).is_some()
}

/// Returns true if a word is the name of a day of the week, in full or in its first three letters,
/// in upper or lower case.
pub(super) fn is_weekday(word: &str) -> bool {
    named(&WEEKDAYS, &word.to_ascii_lowercase()).is_some()
}

/// The index in `names` of the name that `word` is, in full or in its first three letters. `sept`
/// stands for September too. `None` for any other word.
fn named(names: &[&str], word: &str) -> Option<usize> {
    let is_it = |name: &&str| *name == word || name.get(..3) == Some(word);
    let found = names.iter().position(is_it);
    found.or_else(|| (word == "sept").then_some(8).filter(|_| names.len() == 12))
}
