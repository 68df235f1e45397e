//! Values of rows, and how they compare with what a filter says.
//!
//! Files without types have texts only, so texts are compared by what they read as: a number
//! with numbers, a date with dates, anything else with its like. A column that is kept as
//! numbers or times ([`Table`](crate::Table)) thus answers as its texts did.

use crate::batch::Amount;
use crate::number;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What a row has in a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Number(f64),
    Text(Cow<'a, str>),
    /// Milliseconds since 1970, UTC.
    Time(i64),
    Bool(bool),
}

/// What a filter compares with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Number(f64),
    Text(Text),
    Bool(bool),
    /// Milliseconds since 1970, UTC.
    Time(i64),
}

/// A text, and what it reads as.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) reads: Reads,
}

/// What a text reads as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reads {
    Number(f64),
    Time(i64),
    Text,
}

impl Reads {
    pub(crate) fn of(text: &str) -> Self {
        match (number::parse(text.as_bytes()), time(text)) {
            (Some(number), _) => Self::Number(number),
            (None, Some(time)) => Self::Time(time),
            (None, None) => Self::Text,
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        let reads = Reads::of(&text);
        Self { text, reads }
    }
}

/// How a value stands to a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is no value.
    Unknown,
    /// They are not of one kind: unequal, and neither is less.
    Different,
    Is(Ordering),
}

impl From<Option<Ordering>> for Standing {
    fn from(ordering: Option<Ordering>) -> Self {
        ordering.map_or(Self::Different, Self::Is)
    }
}

impl Value<'_> {
    /// How the value stands to a literal.
    ///
    /// A number compared with a time is milliseconds since 1970, as GeoJSON feeds have it.
    pub(super) fn stands_to(&self, literal: &Literal) -> Standing {
        match self {
            Self::Null => Standing::Unknown,
            Self::Number(a) => number_to(*a, literal),
            Self::Time(a) => time_to(*a, literal),
            Self::Bool(a) => bool_to(*a, literal).into(),
            Self::Text(a) => text_to(a, literal),
        }
    }
}

fn number_to(a: f64, literal: &Literal) -> Standing {
    match literal {
        Literal::Number(b) => a.partial_cmp(b).into(),
        Literal::Time(b) => a.partial_cmp(&(*b as f64)).into(),
        Literal::Bool(b) => Standing::Is((a != 0.0).cmp(b)),
        Literal::Text(b) => match b.reads {
            Reads::Number(b) => a.partial_cmp(&b).into(),
            _ => Standing::Different,
        },
    }
}

fn time_to(a: i64, literal: &Literal) -> Standing {
    match literal {
        Literal::Time(b) => Standing::Is(a.cmp(b)),
        Literal::Text(b) => match b.reads {
            Reads::Time(b) => Standing::Is(a.cmp(&b)),
            _ => Standing::Different,
        },
        Literal::Number(_) | Literal::Bool(_) => Standing::Different,
    }
}

fn bool_to(a: bool, literal: &Literal) -> Option<Ordering> {
    match literal {
        Literal::Bool(b) => Some(a.cmp(b)),
        Literal::Number(b) => f64::from(u8::from(a)).partial_cmp(b),
        Literal::Text(b) => Some(a.cmp(&truth(&b.text)?)),
        Literal::Time(_) => None,
    }
}

fn text_to(a: &str, literal: &Literal) -> Standing {
    if let Some(number) = number::parse(a.as_bytes()) {
        return number_to(number, literal);
    }
    match literal {
        Literal::Bool(b) => truth(a).map(|a| a.cmp(b)).into(),
        Literal::Number(_) => Standing::Different,
        Literal::Time(b) => time(a).map(|a| a.cmp(b)).into(),
        Literal::Text(b) => match (b.reads, time(a)) {
            (Reads::Time(b), Some(a)) => Standing::Is(a.cmp(&b)),
            (Reads::Text, None) => Standing::Is(a.trim().cmp(b.text.trim())),
            _ => Standing::Different,
        },
    }
}

impl From<Amount> for Value<'static> {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Unused | Amount::Missing => Self::Null,
            Amount::Number(number) => Self::Number(number),
            Amount::Text(text) => Self::Text(text.into()),
            Amount::Time(time) => Self::Time(time),
            Amount::Bool(truth) => Self::Bool(truth),
        }
    }
}

/// A date or time in the manner of ISO 8601, in milliseconds since 1970; without an offset it
/// is UTC, a month alone is its first day.
pub(crate) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    // most texts are no dates: that is seen at once
    if !matches!(text.as_bytes(), [b'0'..=b'9' | b'+' | b'-', _, _, _, ..]) {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let at: DateTime = match text.parse() {
        Ok(at) => at,
        Err(_) => month(text)?.to_datetime(jiff::civil::Time::midnight()),
    };
    Some(
        at.to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

/// `2010-03`.
fn month(text: &str) -> Option<Date> {
    let (year, month) = text.split_once('-')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
}

pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Some(true),
        "false" | "f" | "no" | "0" => Some(false),
        _ => None,
    }
}
