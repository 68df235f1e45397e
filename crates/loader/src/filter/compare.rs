//! Comparison of values with a filter's literals.

use super::literal::{Literal, truth};
use crate::number::exact::Number;
use crate::report::MismatchReason;
use crate::time::Times;
use crate::value::Value;
use std::cell::OnceCell;
use std::cmp::Ordering;

/// The result of comparing a value with a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareResult {
    /// The value is null, so the comparison is neither true nor false.
    Unknown,
    /// No result, since the value can't be compared with the literal, for the given reason.
    Mismatch(MismatchReason),
    /// The order of the value relative to the literal: less, equal or greater.
    Is(Ordering),
}

/// Makes a result from an ordering. Without an ordering, the result is a mismatch for `reason`.
fn order(ordering: Option<Ordering>, reason: MismatchReason) -> CompareResult {
    ordering.map_or(CompareResult::Mismatch(reason), CompareResult::Is)
}

/// A value that a condition compares with its literals.
pub(crate) trait Comparable {
    /// Returns whether the value is null.
    fn is_null(&self) -> bool;

    /// Returns whether the value is a text. A text is compared with the text of a literal by
    /// alphabetical order. Any other value is compared with the number, time or Boolean that the
    /// literal's text stands for.
    fn is_text(&self) -> bool;

    /// Compares the value with a literal. `times` are the formats of times in the source.
    fn compare_to(&self, literal: &Literal, times: &Times) -> CompareResult;
}

/// A value, and its meaning as a number, as a time and as a Boolean. Each meaning is determined
/// once, when a literal of that kind first needs it.
pub(crate) struct ParsedValue<'v> {
    value: Value<'v>,
    number: OnceCell<Option<Number>>,
    time: OnceCell<Option<i64>>,
    truth: OnceCell<Option<bool>>,
}

impl<'v> ParsedValue<'v> {
    #[inline]
    pub(crate) fn new(value: Value<'v>) -> Self {
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
    fn text_to(&self, a: &str, literal: &Literal, times: &Times) -> CompareResult {
        match literal {
            Literal::Text(b) => CompareResult::Is(a.trim().cmp(&b.text)),
            Literal::Number(b) => {
                let number = self.number.get_or_init(|| Number::parse(a.as_bytes()));
                order(number.and_then(|a| a.compare(*b)), MismatchReason::NoNumber)
            }
            Literal::Time(b) => {
                let time = self.time.get_or_init(|| times.read(a));
                order(time.map(|a| a.cmp(&b.at)), MismatchReason::NoDate)
            }
            Literal::Bool(b) => {
                let number = || Number::parse(a.as_bytes()).map(|a| a.float() != 0.0);
                let truth = self.truth.get_or_init(|| truth(a).or_else(number));
                order(truth.map(|a| a.cmp(b)), MismatchReason::NoTruth)
            }
        }
    }

    #[inline]
    fn number_to(&self, a: Number, literal: &Literal, times: &Times) -> CompareResult {
        match literal {
            Literal::Number(b) => order(a.compare(*b), MismatchReason::NoNumber),
            Literal::Time(b) => {
                let time = self.time.get_or_init(|| times.of_number(a));
                order(time.map(|a| a.cmp(&b.at)), MismatchReason::NoDate)
            }
            Literal::Bool(b) => CompareResult::Is((a.float() != 0.0).cmp(b)),
            Literal::Text(b) => order(b.number.and_then(|b| a.compare(b)), MismatchReason::Number),
        }
    }
}

/// The reason why a value can't be compared with a literal; `None` if the two can be compared or
/// the value is null.
pub(crate) fn mismatch(
    value: &Value<'_>,
    literal: &Literal,
    times: &Times,
) -> Option<MismatchReason> {
    match ParsedValue::new(value.borrowed()).compare_to(literal, times) {
        CompareResult::Mismatch(reason) => Some(reason),
        CompareResult::Unknown | CompareResult::Is(_) => None,
    }
}

impl Comparable for ParsedValue<'_> {
    #[inline]
    fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    #[inline]
    fn is_text(&self) -> bool {
        matches!(self.value, Value::Text(_))
    }

    #[inline]
    fn compare_to(&self, literal: &Literal, times: &Times) -> CompareResult {
        match &self.value {
            Value::Null => CompareResult::Unknown,
            Value::Number(a) => self.number_to(*a, literal, times),
            Value::Time(a) => time_to(*a, literal),
            Value::Bool(a) => bool_to(*a, literal),
            Value::Text(a) => self.text_to(a, literal, times),
        }
    }
}

fn time_to(a: i64, literal: &Literal) -> CompareResult {
    let b = match literal {
        Literal::Time(b) => Some(b.at),
        Literal::Text(b) => b.time,
        Literal::Number(_) | Literal::Bool(_) => None,
    };
    order(b.map(|b| a.cmp(&b)), MismatchReason::Date)
}

fn bool_to(a: bool, literal: &Literal) -> CompareResult {
    let ordering = match literal {
        Literal::Bool(b) => Some(a.cmp(b)),
        Literal::Number(b) => f64::from(u8::from(a)).partial_cmp(&b.float()),
        Literal::Text(b) => b.truth.map(|b| a.cmp(&b)),
        Literal::Time(_) => None,
    };
    order(ordering, MismatchReason::Truth)
}
