//! How values compare with what a filter says.

use super::value::{Literal, Unlike, Value, truth};
use crate::number::exact::Number;
use crate::time::Times;
use std::cell::OnceCell;
use std::cmp::Ordering;

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

/// What a condition compares with its literals.
pub(crate) trait Compared {
    /// Whether there is nothing.
    fn is_nothing(&self) -> bool;

    /// Whether it is a text to texts.
    fn is_text(&self) -> bool;

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
            Literal::Text(b) => Standing::Is(a.trim().cmp(&b.text)),
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
    fn is_text(&self) -> bool {
        matches!(self.value, Value::Text(_))
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
