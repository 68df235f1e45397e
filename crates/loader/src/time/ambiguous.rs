//! Ambiguous dates: texts that look like dates but can't be read as dates. If a filter compared
//! such a text by `<` or `>`, it would compare texts instead of dates.

use super::month_names::{is_month, is_weekday};
use super::{LONGEST, iso::Scanner};

/// The reason why a text that looks like a date can't be read as a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AmbiguousDate {
    /// A date whose year comes last, so that it is unknown which number is the day and which is the
    /// month.
    DayOrMonthFirst,
    /// Any other reason: there is no such day, the year has two digits, or the zone is given by
    /// letters whose meaning is unknown.
    Unknown,
}

/// The reason why a text that looks like a date can't be read as a date. `None` if it doesn't look
/// like a date. The caller must have tried to read the text as a date before, without success.
pub(crate) fn ambiguous_date(text: &str) -> Option<AmbiguousDate> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    of_digits(text).or_else(|| of_words(text).then_some(AmbiguousDate::Unknown))
}

/// Recognises dates of three numbers with the same separator between them, for example
/// `15.06.2024`, `6/15/24 10:00`, `2024-06-31` or `2024-06-01 10:00 CEST`. `None` for any other
/// text.
fn of_digits(text: &str) -> Option<AmbiguousDate> {
    let mut rest = Scanner(text.as_bytes());
    let (first, a) = part(&mut rest)?;
    let sign = *rest.0.first().filter(|sign| b"/.-".contains(sign))?;
    rest.0 = rest.0.strip_prefix(&[sign])?;
    let (second, b) = part(&mut rest)?;
    rest.0 = rest.0.strip_prefix(&[sign])?;
    let (third, c) = part(&mut rest)?;
    let is_part = |digits, number| digits <= 2 && (1..=31).contains(&number);
    if second > 2 || !is_part(second, b) {
        return None;
    }
    let behind = rest.0.first();
    let ends = behind.is_none_or(|byte| b" Tt,".contains(byte));
    if ends && is_part(first, a) && matches!(third, 2 | 4) {
        return Some(AmbiguousDate::DayOrMonthFirst);
    }
    let clock = rest.0.get(1..).map(<[u8]>::trim_ascii_start);
    let clock = clock.and_then(|clock| clock.first());
    let ends = ends && clock.is_none_or(u8::is_ascii_digit);
    (ends && first == 4 && is_part(third, c)).then_some(AmbiguousDate::Unknown)
}

/// Reads the next number, which must have 1 to 4 digits. Returns the number of its digits, and its
/// value. `None` if there is no such number.
fn part(rest: &mut Scanner<'_>) -> Option<(usize, i64)> {
    let digits = rest.digits();
    if !(1..=4).contains(&digits) {
        return None;
    }
    Some((digits, rest.number(digits)?))
}

/// Returns true for a date with the name of a month, for example `Sat Jun 1 10:00:00 CEST 2024`,
/// `01-JUN-24` or `June 31, 2024`. All other words in the text must be numbers or other parts of
/// dates.
fn of_words(text: &str) -> bool {
    let (mut months, mut numbers, mut years) = (0, 0, 0);
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let is_zone = || word.len() <= 5 && word.bytes().all(|b| b.is_ascii_uppercase());
        if word.bytes().all(|b| b.is_ascii_digit()) {
            numbers += usize::from(matches!(word.len(), 1..=4));
            years += usize::from(word.len() == 4 && matches!(word.get(..2), Some("19" | "20")));
        } else if is_month(word) {
            months += 1;
        } else if !(is_weekday(word) || is_zone() || matches!(word, "am" | "pm")) {
            return false;
        }
    }
    months == 1 && (numbers > 1 || years == 1)
}

#[cfg(test)]
mod tests {
    use super::super::time;
    use super::*;

    #[test]
    fn what_looks_like_a_date_is_known() {
        let is = |text: &str, why: AmbiguousDate| {
            assert_eq!(time(text), None, "{text}");
            assert_eq!(ambiguous_date(text), Some(why), "{text}");
        };
        for text in [
            "06/15/2024",
            "06/15/24",
            "01.06.2024 10:00",
            "01.06.24",
            "15-06-24",
            "15-06-2024T10:00",
            "1.6.2024, 10 Uhr",
        ] {
            is(text, AmbiguousDate::DayOrMonthFirst);
        }
        for text in [
            "01-JUN-24",
            "1 Jun 24",
            "June 31, 2024",
            "Jun 2024",
            "2024-06-31",
            "2024/13/01 10:00",
            "2024-06-01 10:00:00 CEST",
            "2024-06-01T25:00",
            "1 Jun 2024 10:00 CEST",
            "Sat Jun 1 10:00:00 CEST 2024",
        ] {
            is(text, AmbiguousDate::Unknown);
        }
        for text in [
            "",
            "m",
            "May",
            "theft",
            "1.10.3",
            "10.0.0.1",
            "1.2",
            "40.12.24",
            "2024",
            "12345-67-8",
            "555-0123",
            "2024-06-15 to 2024-06-20",
            "Mar 5 rooms 2",
            "1. Stock",
            "June",
            "A 100 B 200",
        ] {
            assert_eq!(ambiguous_date(text), None, "{text}");
        }
    }
}
