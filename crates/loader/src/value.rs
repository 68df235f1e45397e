//! Values of rows, with their types.

use crate::messages::shown;
use crate::number::exact::Number;
use crate::time::time_text;
use std::borrow::Cow;

/// The value of one row in one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Number(Number),
    Text(Cow<'a, str>),
    /// A time in microseconds since 1970, in UTC.
    Time(i64),
    Bool(bool),
}

impl Value<'_> {
    /// A floating-point number.
    pub(crate) fn float(number: f64) -> Self {
        Self::Number(Number::Float(number))
    }

    /// A whole number as a value: an `f64` if its absolute value is at most 2⁵³, and otherwise an
    /// integer.
    pub(crate) fn whole(number: impl Into<i128>) -> Self {
        let number = number.into();
        if number.unsigned_abs() <= 1 << 53 {
            Self::float(number as f64)
        } else {
            Self::Number(Number::Whole(number))
        }
    }

    /// Creates a text value that owns its text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    /// A copy of the value that borrows the text of this value instead of copying it.
    pub(crate) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Time(time) => Value::Time(*time),
            Self::Bool(truth) => Value::Bool(*truth),
        }
    }

    /// The value with a text of its own.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Time(time) => Value::Time(time),
            Self::Bool(truth) => Value::Bool(truth),
        }
    }

    /// The value as text for messages: a text in quotes and cut off after 60 characters, a number
    /// or time in its usual form (`5`, `2010-03-01T12:30:00Z`), and null as `nothing`.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Number(number) => number.text(),
            Self::Bool(truth) => truth.to_string(),
            Self::Time(time) => time_text(*time),
            Self::Text(text) => shown(text.as_bytes()),
        }
    }
}
