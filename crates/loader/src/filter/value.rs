//! Values of rows, and how they compare with what a filter says.
//!
//! What a value is says its column's type, where a file has types. Texts are compared as what
//! they are compared with is: with a number as the number they read as, with a date as the date,
//! with a text as texts. What can't be read so is neither equal nor unequal to anything, as SQL's
//! `TRY_CAST` has it, and is counted.

use crate::batch::Amount;
use crate::exact::Number;
use crate::time::{Times, time};
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
    /// Microseconds since 1970, UTC: a date, in quotes or not.
    Time(i64),
}

/// A text in quotes that is no date, and what it means to columns that hold no texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    number: Option<Number>,
    time: Option<i64>,
}

impl Literal {
    /// What stands in quotes: a date, or a text. Digits alone are a text.
    pub(crate) fn quoted(text: String) -> Self {
        let (number, time) = (Number::parse(text.as_bytes()), time(&text));
        match (number, time) {
            (None, Some(at)) => Self::Time(at),
            (number, time) => Self::Text(Text { text, number, time }),
        }
    }

    /// The same where times are told to be written in other ways too.
    pub(crate) fn told(&self, times: &Times) -> Option<Self> {
        match self {
            Self::Text(text) => times.told(&text.text).map(Self::Time),
            _ => None,
        }
    }
}

impl Text {
    /// The number that it reads as.
    pub(crate) fn number(&self) -> Option<Number> {
        self.number
    }

    /// The time that its digits are.
    pub(crate) fn time(&self) -> Option<i64> {
        self.time
    }

    /// Whether it says true or false.
    pub(crate) fn truth(&self) -> Option<bool> {
        truth(&self.text)
    }

    /// Whether it looks like a date of which no one knows what is the day and what the month.
    pub(crate) fn is_day_or_month_first(&self) -> bool {
        let text = self.text.trim();
        let date = text.split([' ', 'T', ',']).next().unwrap_or(text);
        let part = |c: char| matches!(c, '/' | '.' | '-');
        let mut parts = date.split(part);
        let small = |part: &str| {
            matches!(part.len(), 1 | 2) && part.parse::<u8>().is_ok_and(|n| (1..=31).contains(&n))
        };
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(a), Some(b), Some(year), None) if small(a) && small(b) && is_digits(year) => {
                year.len() == 4 || (year.len() == 2 && date.contains('/'))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.write_str(&number.text()),
            Self::Text(text) => {
                let shown = crate::report::shown(text.text.as_bytes());
                write!(f, "'{}'", shown.trim_matches('"'))
            }
            Self::Bool(truth) => truth.fmt(f),
            Self::Time(_) => f.write_str("a date"),
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

/// How a value stands to a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is no value.
    Unknown,
    /// They can't be compared.
    Unlike(Unlike),
    Is(Ordering),
}

/// An order, or why there is none.
fn order(ordering: Option<Ordering>, unlike: Unlike) -> Standing {
    ordering.map_or(Standing::Unlike(unlike), Standing::Is)
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

    /// How the value stands to a literal.
    #[inline]
    pub(crate) fn stands_to(&self, literal: &Literal, times: &Times) -> Standing {
        match self {
            Self::Null => Standing::Unknown,
            Self::Number(a) => number_to(*a, literal, times),
            Self::Time(a) => time_to(*a, literal),
            Self::Bool(a) => bool_to(*a, literal),
            Self::Text(a) => text_to(a, literal, times),
        }
    }

    /// Why the value can't be compared with a literal, if it can't.
    pub(crate) fn unlike(&self, literal: &Literal, times: &Times) -> Option<Unlike> {
        match self.stands_to(literal, times) {
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

fn number_to(a: Number, literal: &Literal, times: &Times) -> Standing {
    match literal {
        Literal::Number(b) => order(a.compare(*b), Unlike::NoNumber),
        Literal::Time(b) => order(times.of_number(a).map(|a| a.cmp(b)), Unlike::NoDate),
        Literal::Bool(b) => Standing::Is((a.float() != 0.0).cmp(b)),
        Literal::Text(b) => order(b.number.and_then(|b| a.compare(b)), Unlike::Number),
    }
}

fn time_to(a: i64, literal: &Literal) -> Standing {
    let b = match literal {
        Literal::Time(b) => Some(*b),
        Literal::Text(b) => b.time,
        Literal::Number(_) | Literal::Bool(_) => None,
    };
    order(b.map(|b| a.cmp(&b)), Unlike::Date)
}

fn bool_to(a: bool, literal: &Literal) -> Standing {
    let ordering = match literal {
        Literal::Bool(b) => Some(a.cmp(b)),
        Literal::Number(b) => f64::from(u8::from(a)).partial_cmp(&b.float()),
        Literal::Text(b) => truth(&b.text).map(|b| a.cmp(&b)),
        Literal::Time(_) => None,
    };
    order(ordering, Unlike::Truth)
}

#[inline]
fn text_to(a: &str, literal: &Literal, times: &Times) -> Standing {
    match literal {
        Literal::Text(b) => Standing::Is(a.trim().cmp(b.text.trim())),
        Literal::Number(b) => {
            let number = Number::parse(a.as_bytes());
            order(number.and_then(|a| a.compare(*b)), Unlike::NoNumber)
        }
        Literal::Time(b) => order(times.read(a).map(|a| a.cmp(b)), Unlike::NoDate),
        Literal::Bool(b) => {
            let number = || Number::parse(a.as_bytes()).map(|a| a.float() != 0.0);
            let truth = truth(a).or_else(number);
            order(truth.map(|a| a.cmp(b)), Unlike::NoTruth)
        }
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
