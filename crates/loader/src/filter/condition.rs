//! What a filter asks of one column.

use super::value::{Literal, Standing, Unlike, Value};
use crate::time::Times;
use std::cmp::Ordering;

/// A condition on the value of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Compare(Comparison, Literal),
    In(Vec<Literal>),
    IsNull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    #[inline]
    fn holds(self, standing: Standing) -> Option<bool> {
        let Standing::Is(ordering) = standing else {
            return None;
        };
        Some(match self {
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        })
    }
}

impl Condition {
    /// True, false, or `None`: unknown, since there is no value, or none that can be compared.
    /// `value` gives it as it is compared with a literal, or with nothing.
    #[inline]
    pub(crate) fn holds<'v>(
        &self,
        value: impl Fn(Option<&Literal>) -> Value<'v>,
        times: &Times,
    ) -> Option<bool> {
        let stands = |literal| value(Some(literal)).stands_to(literal, times);
        match self {
            Self::Compare(comparison, literal) => comparison.holds(stands(literal)),
            Self::In(literals) => {
                let mut outcome = Some(false);
                for literal in literals {
                    match stands(literal) {
                        Standing::Is(Ordering::Equal) => return Some(true),
                        Standing::Is(_) => (),
                        Standing::Unknown | Standing::Unlike(_) => outcome = None,
                    }
                }
                outcome
            }
            Self::IsNull => Some(value(None) == Value::Null),
        }
    }

    /// Why a value can't be compared, if that is so.
    pub(crate) fn unlike(&self, value: &Value<'_>, times: &Times) -> Option<Unlike> {
        let mut literals = self.literals().iter();
        literals.find_map(|literal| value.unlike(literal, times))
    }

    /// What it orders by, if that looks like a date that may be either of two.
    pub(crate) fn ambiguous(&self) -> Option<&Literal> {
        match self {
            Self::Compare(Comparison::Equal | Comparison::Unequal, _) => None,
            Self::Compare(_, literal @ Literal::Text(text)) => {
                text.is_day_or_month_first().then_some(literal)
            }
            _ => None,
        }
    }

    /// All that it compares with.
    pub(crate) fn literals(&self) -> &[Literal] {
        match self {
            Self::Compare(_, literal) => std::slice::from_ref(literal),
            Self::In(literals) => literals,
            Self::IsNull => &[],
        }
    }

    /// The same, to be changed.
    pub(crate) fn literals_mut(&mut self) -> &mut [Literal] {
        match self {
            Self::Compare(_, literal) => std::slice::from_mut(literal),
            Self::In(literals) => literals,
            Self::IsNull => &mut [],
        }
    }
}
