//! Values of rows, and what a filter compares them with.
//!
//! What a value is says its column's type, where a file has types. Texts are compared as what
//! they are compared with is: with a number as the number they read as, with a date as the date,
//! with a text as texts. What can't be read so is neither equal nor unequal to anything, as SQL's
//! `TRY_CAST` has it, and is counted.

use super::compare::{Compared, Reading, Standing};
use crate::batch::Amount;
use crate::number::exact::{Number, is_too_long};
use crate::time::{Times, Told, Unread, time, unread};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// What a row has in a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Number(Number),
    Text(Cow<'a, str>),
    /// Microseconds since 1970, UTC.
    Time(i64),
    Bool(bool),
}

/// What a filter compares with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Number(Number),
    Text(Text),
    Bool(bool),
    /// A date, in quotes or not.
    Time(Moment),
}

/// A date or time of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    /// Microseconds since 1970, UTC.
    pub(super) at: i64,
    /// How it is written.
    text: String,
}

/// A text in quotes that is no date, without blanks around it, and what it means to columns that
/// hold no texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// The number that it reads as.
    pub(crate) number: Option<Number>,
    /// The time that its digits are.
    pub(crate) time: Option<i64>,
    /// Whether it says true or false.
    pub(crate) truth: Option<bool>,
}

impl Literal {
    /// A date as it stands in a filter.
    pub(crate) fn date(text: &str) -> Option<Self> {
        let (at, text) = (time(text)?, text.to_owned());
        Some(Self::Time(Moment { at, text }))
    }

    /// What stands in quotes: a date, or a text. Digits alone are a text.
    pub(crate) fn quoted(text: &str) -> Self {
        let text = text.trim().to_owned();
        let (number, time) = (Number::parse(text.as_bytes()), time(&text));
        match (number, time) {
            (None, Some(at)) => Self::Time(Moment { at, text }),
            (number, time) => Self::Text(Text {
                number: number.filter(|_| !is_too_long(text.as_bytes())),
                time,
                truth: truth(&text),
                text,
            }),
        }
    }

    /// The kinds in the order of lists.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Time(_) => 1,
            Self::Bool(_) => 2,
            Self::Text(_) => 3,
        }
    }

    /// The order of lists: kind by kind, and within one as values are ordered.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            // what is written is no NaN
            (Self::Number(a), Self::Number(b)) => a.compare(*b).unwrap_or(Ordering::Equal),
            (Self::Time(a), Self::Time(b)) => a.at.cmp(&b.at),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.text.cmp(&b.text),
            _ => self.kind().cmp(&other.kind()),
        }
    }

    /// Reads it as the values of a source are read, whose times are written as was told.
    pub(crate) fn tell(&mut self, times: &Times) {
        match self {
            Self::Number(_) | Self::Bool(_) => (),
            Self::Time(moment) => {
                if let Some(Told::Date(at) | Told::Count(at)) = times.told(&moment.text) {
                    moment.at = at;
                }
            }
            Self::Text(text) => match times.told(&text.text) {
                None => (),
                // digits are a text, but to columns of times
                Some(Told::Count(at)) => text.time = Some(at),
                Some(Told::Date(at)) => {
                    let text = std::mem::take(&mut text.text);
                    *self = Self::Time(Moment { at, text });
                }
            },
        }
    }
}

impl Text {
    /// Why it is no date, if it looks like one.
    pub(crate) fn unread(&self) -> Option<Unread> {
        unread(&self.text)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.write_str(&number.text()),
            Self::Text(Text { text, .. }) | Self::Time(Moment { text, .. }) => {
                let shown = crate::report::shown(text.as_bytes());
                write!(f, "'{}'", shown.trim_matches('"'))
            }
            Self::Bool(truth) => truth.fmt(f),
        }
    }
}

/// Why a value can't be compared with what a filter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unlike {
    /// A number is asked for, and the value is none.
    NoNumber,
    /// A date or time is asked for, and the value is none that is understood.
    NoDate,
    /// True or false is asked for, and the value is neither.
    NoTruth,
    /// The value is a number, and what it is compared with is none.
    Number,
    /// The value is a date or time, and what it is compared with is none.
    Date,
    /// The value is true or false, and what it is compared with is neither.
    Truth,
}

impl Unlike {
    /// The reason's name, as programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoNumber => "no number",
            Self::NoDate => "no date",
            Self::NoTruth => "no truth",
            Self::Number => "number",
            Self::Date => "date",
            Self::Truth => "truth",
        }
    }

    /// What one value, or several, are.
    pub(crate) fn says(self, several: bool) -> &'static str {
        match (self, several) {
            (Self::NoNumber, false) => "is no number",
            (Self::NoNumber, true) => "are no numbers",
            (Self::NoDate, false) => "is no date that is understood",
            (Self::NoDate, true) => "are no dates that are understood",
            (Self::NoTruth, false) => "is neither true nor false",
            (Self::NoTruth, true) => "are neither true nor false",
            (Self::Number, false) => "is a number, and what it is compared with is none",
            (Self::Number, true) => "are numbers, and what they are compared with is none",
            (Self::Date, false) => "is a date, and what it is compared with is none",
            (Self::Date, true) => "are dates, and what they are compared with is none",
            (Self::Truth, false) => "is true or false, and what it is compared with is neither",
            (Self::Truth, true) => "are true or false, and what they are compared with is neither",
        }
    }
}

impl Value<'_> {
    /// The same value without its own text.
    pub(crate) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Time(time) => Value::Time(*time),
            Self::Bool(truth) => Value::Bool(*truth),
        }
    }

    /// Why the value can't be compared with a literal, if it can't.
    pub(crate) fn unlike(&self, literal: &Literal, times: &Times) -> Option<Unlike> {
        match Reading::of(self.borrowed()).stands_to(literal, times) {
            Standing::Unlike(unlike) => Some(unlike),
            Standing::Unknown | Standing::Is(_) => None,
        }
    }

    /// The value as messages show it.
    pub(crate) fn shown(&self) -> String {
        let text = match self {
            Self::Null => return "nothing".to_owned(),
            Self::Number(number) => return number.text(),
            Self::Bool(truth) => return truth.to_string(),
            Self::Time(time) => return crate::time::time_text(*time),
            Self::Text(text) => text,
        };
        crate::report::shown(text.as_bytes())
    }
}

impl From<Amount> for Value<'static> {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Unused | Amount::Missing => Self::Null,
            Amount::Number(number) => Self::Number(Number::Float(number)),
            Amount::Whole(number) => Self::Number(Number::Whole(number)),
            Amount::Text(text) => Self::Text(text.into()),
            Amount::Time(time) => Self::Time(time),
            Amount::Bool(truth) => Self::Bool(truth),
        }
    }
}

/// Whether a text says true or false.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Some(true),
        "false" | "f" | "no" | "0" => Some(false),
        _ => None,
    }
}
