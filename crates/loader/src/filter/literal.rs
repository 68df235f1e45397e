//! Literals of a filter: the numbers, dates, texts and Booleans with which it compares values.

use crate::number::exact::{Number, is_too_long};
use crate::time::{AmbiguousDate, CustomTime, Times, ambiguous_date, time};
use std::cmp::Ordering;
use std::fmt;

/// A literal of a filter, by kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Number(Number),
    Text(TextLiteral),
    Bool(bool),
    /// A date or time. In the filter it may be in quotes or not.
    Time(TimeLiteral),
}

/// A date or time in a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeLiteral {
    /// The time in microseconds since 1970, UTC.
    pub(super) at: i64,
    /// The text of the date in the filter.
    text: String,
}

/// A text in quotes that is not a date, without the spaces at its ends. In a column of texts it is
/// compared as text; in a column of numbers, times or Booleans by the meaning in the field for that
/// kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextLiteral {
    pub(crate) text: String,
    /// The number that the text stands for in a comparison with numbers; `None` if it is no number.
    pub(crate) number: Option<Number>,
    /// The time that the text stands for in a comparison with times, in microseconds since 1970,
    /// UTC. Only a text of digits alone has one: `20240601` is a day. `None` for any other text.
    pub(crate) time: Option<i64>,
    /// The Boolean that the text stands for in a comparison with Booleans; `None` if it is no word
    /// for true or false.
    pub(crate) truth: Option<bool>,
}

impl Literal {
    /// The literal of a date or time without quotes; `None` if the text is no date or time.
    pub(crate) fn date(text: &str) -> Option<Self> {
        let (at, text) = (time(text)?, text.to_owned());
        Some(Self::Time(TimeLiteral { at, text }))
    }

    /// The literal of a text in quotes. It is a date if the text reads as one, else a text. Digits
    /// alone are a text, even if they could be a date.
    pub(crate) fn quoted(text: &str) -> Self {
        let text = text.trim().to_owned();
        let (number, time) = (Number::parse(text.as_bytes()), time(&text));
        match (number, time) {
            (None, Some(at)) => Self::Time(TimeLiteral { at, text }),
            (number, time) => Self::Text(TextLiteral {
                number: number.filter(|_| !is_too_long(text.as_bytes())),
                time,
                truth: truth(&text),
                text,
            }),
        }
    }

    /// The rank of the literal's kind in a sorted list: numbers, times, Booleans, then texts.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Time(_) => 1,
            Self::Bool(_) => 2,
            Self::Text(_) => 3,
        }
    }

    /// The order of literals in a sorted list: by kind, and by value within a kind.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            // A literal is never NaN, so two numbers always have an ordering.
            (Self::Number(a), Self::Number(b)) => a.compare(*b).unwrap_or(Ordering::Equal),
            (Self::Time(a), Self::Time(b)) => a.at.cmp(&b.at),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.text.cmp(&b.text),
            _ => self.kind().cmp(&other.kind()),
        }
    }

    /// Reads a date or a text in quotes again, this time also in the formats that an option adds
    /// (`times`). A text that reads as a date becomes one. Digits alone stay a text, whose field
    /// `time` is set.
    pub(crate) fn apply_times(&mut self, times: &Times) {
        match self {
            Self::Number(_) | Self::Bool(_) => (),
            Self::Time(moment) => {
                if let Some(CustomTime::Date(at) | CustomTime::Count(at)) =
                    times.custom(&moment.text)
                {
                    moment.at = at;
                }
            }
            Self::Text(text) => match times.custom(&text.text) {
                None => (),
                // Digits alone stay a text. Only in a column of times they stand for a time.
                Some(CustomTime::Count(at)) => text.time = Some(at),
                Some(CustomTime::Date(at)) => {
                    let text = std::mem::take(&mut text.text);
                    *self = Self::Time(TimeLiteral { at, text });
                }
            },
        }
    }
}

impl TextLiteral {
    /// The reason why the text can't be read as a date, if it looks like one; else `None`.
    pub(crate) fn ambiguous_date(&self) -> Option<AmbiguousDate> {
        ambiguous_date(&self.text)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.write_str(&number.text()),
            Self::Text(TextLiteral { text, .. }) | Self::Time(TimeLiteral { text, .. }) => {
                let shown = crate::messages::shown(text.as_bytes());
                write!(f, "'{}'", shown.trim_matches('"'))
            }
            Self::Bool(truth) => truth.fmt(f),
        }
    }
}

/// The Boolean that a text stands for; `None` if it is no word for true or false.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Some(true),
        "false" | "f" | "no" | "0" => Some(false),
        _ => None,
    }
}
