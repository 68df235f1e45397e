//! What a filter asks of one column.

use super::value::{Compared, Literal, Standing, Unlike, Value};
use crate::time::{Times, Unread};
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
    #[inline]
    pub(crate) fn holds(&self, value: &impl Compared, times: &Times) -> Option<bool> {
        match self {
            Self::Compare(comparison, literal) => comparison.holds(value.stands_to(literal, times)),
            Self::In(literals) => {
                let mut outcome = Some(false);
                for literal in literals {
                    match value.stands_to(literal, times) {
                        Standing::Is(Ordering::Equal) => return Some(true),
                        Standing::Is(_) => (),
                        Standing::Unknown | Standing::Unlike(_) => outcome = None,
                    }
                }
                outcome
            }
            Self::IsNull => Some(value.is_nothing()),
        }
    }

    /// Why a value can't be compared, if that is so.
    pub(crate) fn unlike(&self, value: &Value<'_>, times: &Times) -> Option<Unlike> {
        let mut literals = self.literals().iter();
        literals.find_map(|literal| value.unlike(literal, times))
    }

    /// What it orders by, if that looks like a date and is read as none, and why it isn't.
    pub(crate) fn unread(&self) -> Option<(&Literal, Unread)> {
        match self {
            Self::Compare(Comparison::Equal | Comparison::Unequal, _) => None,
            Self::Compare(_, literal @ Literal::Text(text)) => Some((literal, text.unread()?)),
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
