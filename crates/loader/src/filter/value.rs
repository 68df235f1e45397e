//! Values of rows, and how they compare with what a filter says.

use crate::batch::Amount;
use crate::number;
use jiff::Timestamp;
use jiff::civil::DateTime;
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
}

/// What a filter compares with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Number(f64),
    Text(String),
    Bool(bool),
    /// Milliseconds since 1970, UTC.
    Time(i64),
}

impl Value<'_> {
    /// How the value stands to a literal; the literal's kind decides what is compared.
    /// `None` where it can't be: the value is null, or no such kind.
    ///
    /// A number compared with a time is milliseconds since 1970, as GeoJSON feeds have it.
    pub(super) fn compare(&self, literal: &Literal) -> Option<Ordering> {
        match (self, literal) {
            (Self::Null, _) => None,
            (Self::Number(a), Literal::Number(b)) => a.partial_cmp(b),
            (Self::Text(a), Literal::Number(b)) => number::parse(a.as_bytes())?.partial_cmp(b),
            (Self::Number(a), Literal::Text(b)) => a.partial_cmp(&number::parse(b.as_bytes())?),
            (Self::Text(a), Literal::Text(b)) => Some(a.trim().cmp(b)),
            (Self::Time(a), Literal::Text(b)) => Some(a.cmp(&time(b)?)),
            (Self::Time(a), Literal::Time(b)) => Some(a.cmp(b)),
            (Self::Number(a), Literal::Time(b)) => a.partial_cmp(&(*b as f64)),
            (Self::Text(a), Literal::Time(b)) => Some(time(a)?.cmp(b)),
            (Self::Number(a), Literal::Bool(b)) => Some((*a != 0.0).cmp(b)),
            (Self::Text(a), Literal::Bool(b)) => Some(truth(a)?.cmp(b)),
            (Self::Time(_), Literal::Number(_) | Literal::Bool(_)) => None,
        }
    }
}

impl From<Amount> for Value<'static> {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Unused | Amount::Missing => Self::Null,
            Amount::Number(number) => Self::Number(number),
            Amount::Text(text) => Self::Text(text.into()),
            Amount::Time(time) => Self::Time(time),
        }
    }
}

/// A date or time in the manner of ISO 8601; without an offset it is UTC.
pub(super) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let at: DateTime = text.parse().ok()?;
    Some(
        at.to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Some(true),
        "false" | "f" | "no" | "0" => Some(false),
        _ => None,
    }
}
