//! What a filter asks of one column.

use super::compare::{Compared, Standing};
use super::list::List;
use super::value::{Literal, Unlike, Value};
use crate::time::{Times, Unread};

/// A condition on the value of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Compare(Comparison, Literal),
    In(List),
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
            Self::In(list) => list.holds(value, times),
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
            Self::In(list) => list.literals(),
            Self::IsNull => &[],
        }
    }

    /// Reads dates as was told.
    pub(crate) fn tell(&mut self, times: &Times) {
        match self {
            Self::Compare(_, literal) => literal.tell(times),
            Self::In(list) => list.tell(times),
            Self::IsNull => (),
        }
    }
}
