//! Values of rows, and how they compare with what a filter says.
//!
//! What a value is says its column's type, where a file has types. Texts are compared as what
//! they are compared with is: with a number as the number they read as, with a date as the date,
//! with a text as texts. What can't be read so is neither equal nor unequal to anything, as SQL's
//! `TRY_CAST` has it, and is counted.

use crate::batch::Amount;
use crate::exact::{Number, is_too_long};
use crate::time::{Times, Told, Unread, time, unread};
use std::borrow::Cow;
use std::cell::OnceCell;
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
    at: i64,
    /// How it is written.
    text: String,
}

/// A text in quotes that is no date, and what it means to columns that hold no texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    number: Option<Number>,
    time: Option<i64>,
    truth: Option<bool>,
}

impl Literal {
    /// A date as it stands in a filter.
    pub(crate) fn date(text: &str) -> Option<Self> {
        let (at, text) = (time(text)?, text.to_owned());
        Some(Self::Time(Moment { at, text }))
    }

    /// What stands in quotes: a date, or a text. Digits alone are a text.
    pub(crate) fn quoted(text: String) -> Self {
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
        self.truth
    }

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

/// What a condition compares with its literals.
pub(crate) trait Compared {
    /// Whether there is nothing.
    fn is_nothing(&self) -> bool;

    /// How it stands to a literal.
    fn stands_to(&self, literal: &Literal, times: &Times) -> Standing;
}

/// A value, and what it reads as: found out once, however many literals it is compared with.
pub(crate) struct Reading<'v> {
    value: Value<'v>,
    number: OnceCell<Option<Number>>,
    time: OnceCell<Option<i64>>,
    truth: OnceCell<Option<bool>>,
}

impl<'v> Reading<'v> {
    #[inline]
    pub(crate) fn of(value: Value<'v>) -> Self {
        Self {
            value,
            number: OnceCell::new(),
            time: OnceCell::new(),
            truth: OnceCell::new(),
        }
    }

    pub(crate) fn value(&self) -> &Value<'v> {
        &self.value
    }

    #[inline]
    fn text_to(&self, a: &str, literal: &Literal, times: &Times) -> Standing {
        match literal {
            Literal::Text(b) => Standing::Is(a.trim().cmp(b.text.trim())),
            Literal::Number(b) => {
                let number = self.number.get_or_init(|| Number::parse(a.as_bytes()));
                order(number.and_then(|a| a.compare(*b)), Unlike::NoNumber)
            }
            Literal::Time(b) => {
                let time = self.time.get_or_init(|| times.read(a));
                order(time.map(|a| a.cmp(&b.at)), Unlike::NoDate)
            }
            Literal::Bool(b) => {
                let number = || Number::parse(a.as_bytes()).map(|a| a.float() != 0.0);
                let truth = self.truth.get_or_init(|| truth(a).or_else(number));
                order(truth.map(|a| a.cmp(b)), Unlike::NoTruth)
            }
        }
    }

    #[inline]
    fn number_to(&self, a: Number, literal: &Literal, times: &Times) -> Standing {
        match literal {
            Literal::Number(b) => order(a.compare(*b), Unlike::NoNumber),
            Literal::Time(b) => {
                let time = self.time.get_or_init(|| times.of_number(a));
                order(time.map(|a| a.cmp(&b.at)), Unlike::NoDate)
            }
            Literal::Bool(b) => Standing::Is((a.float() != 0.0).cmp(b)),
            Literal::Text(b) => order(b.number.and_then(|b| a.compare(b)), Unlike::Number),
        }
    }
}

impl Compared for Reading<'_> {
    #[inline]
    fn is_nothing(&self) -> bool {
        self.value == Value::Null
    }

    #[inline]
    fn stands_to(&self, literal: &Literal, times: &Times) -> Standing {
        match &self.value {
            Value::Null => Standing::Unknown,
            Value::Number(a) => self.number_to(*a, literal, times),
            Value::Time(a) => time_to(*a, literal),
            Value::Bool(a) => bool_to(*a, literal),
            Value::Text(a) => self.text_to(a, literal, times),
        }
    }
}

fn time_to(a: i64, literal: &Literal) -> Standing {
    let b = match literal {
        Literal::Time(b) => Some(b.at),
        Literal::Text(b) => b.time,
        Literal::Number(_) | Literal::Bool(_) => None,
    };
    order(b.map(|b| a.cmp(&b)), Unlike::Date)
}

fn bool_to(a: bool, literal: &Literal) -> Standing {
    let ordering = match literal {
        Literal::Bool(b) => Some(a.cmp(b)),
        Literal::Number(b) => f64::from(u8::from(a)).partial_cmp(&b.float()),
        Literal::Text(b) => b.truth.map(|b| a.cmp(&b)),
        Literal::Time(_) => None,
    };
    order(ordering, Unlike::Truth)
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
