//! Literals of a filter: numbers, dates, texts and truths that values are compared with.

use crate::number::exact::{Number, is_too_long};
use crate::time::{AmbiguousDate, CustomTime, Times, ambiguous_date, time};
use std::cmp::Ordering;
use std::fmt;

/// A literal of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Number(Number),
    Text(TextLiteral),
    Bool(bool),
    /// A date, in quotes or not.
    Time(TimeLiteral),
}

/// A date or time of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeLiteral {
    /// Microseconds since 1970, UTC.
    pub(super) at: i64,
    /// Its spelling.
    text: String,
}

/// A text in quotes that is no date, without blanks around it, and its readings for columns that
/// hold no texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextLiteral {
    pub(crate) text: String,
    /// Its reading as a number.
    pub(crate) number: Option<Number>,
    /// Its reading as a time, by its digits.
    pub(crate) time: Option<i64>,
    /// Its reading as a truth.
    pub(crate) truth: Option<bool>,
}

impl Literal {
    /// A date without quotes.
    pub(crate) fn date(text: &str) -> Option<Self> {
        let (at, text) = (time(text)?, text.to_owned());
        Some(Self::Time(TimeLiteral { at, text }))
    }

    /// A literal in quotes: a date, or a text. Digits alone are a text.
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

    /// The literal's kind, in the order of lists.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Time(_) => 1,
            Self::Bool(_) => 2,
            Self::Text(_) => 3,
        }
    }

    /// The order of lists: by kind, and by value within one kind.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            // No literal is NaN.
            (Self::Number(a), Self::Number(b)) => a.compare(*b).unwrap_or(Ordering::Equal),
            (Self::Time(a), Self::Time(b)) => a.at.cmp(&b.at),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.text.cmp(&b.text),
            _ => self.kind().cmp(&other.kind()),
        }
    }

    /// Reads its dates in the source's spellings, as the source's values are read.
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
                // Digits are a text, but a time for columns of times.
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
    /// The reason why the text is no date, if it looks like one.
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

/// The truth that a text stands for.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Some(true),
        "false" | "f" | "no" | "0" => Some(false),
        _ => None,
    }
}
