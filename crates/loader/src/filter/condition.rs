//! Conditions of a filter, each on the value of one column.

use super::compare::{Comparable, CompareResult, mismatch};
use super::list::LiteralList;
use super::literal::Literal;
use crate::report::MismatchReason;
use crate::time::{AmbiguousDate, Times};
use crate::value::Value;

/// A condition on the value of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Compare(CompareOp, Literal),
    In(LiteralList),
    IsNull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl CompareOp {
    #[inline]
    pub(crate) fn holds(self, standing: CompareResult) -> Option<bool> {
        let CompareResult::Is(ordering) = standing else {
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
    /// Evaluates the condition for a value. `None` means unknown: the value is null, or it can't be
    /// compared with the condition's literals.
    #[inline]
    pub(crate) fn holds(&self, value: &impl Comparable, times: &Times) -> Option<bool> {
        match self {
            Self::Compare(comparison, literal) => {
                comparison.holds(value.compare_to(literal, times))
            }
            Self::In(list) => list.holds(value, times),
            Self::IsNull => Some(value.is_null()),
        }
    }

    /// The reason why a value can't be compared with the condition's literals; `None` if it can be
    /// compared with all of them, or is null.
    pub(crate) fn mismatch(&self, value: &Value<'_>, times: &Times) -> Option<MismatchReason> {
        let mut literals = self.literals().iter();
        literals.find_map(|literal| mismatch(value, literal, times))
    }

    /// The literal of a comparison by `<`, `<=`, `>` or `>=`, if it looks like a date and can't be
    /// read as one; else `None`. The second value is the reason why it can't be read.
    pub(crate) fn ambiguous_date(&self) -> Option<(&Literal, AmbiguousDate)> {
        match self {
            Self::Compare(CompareOp::Equal | CompareOp::Unequal, _) => None,
            Self::Compare(_, literal @ Literal::Text(text)) => {
                Some((literal, text.ambiguous_date()?))
            }
            _ => None,
        }
    }

    /// All literals of the condition; none for `is null`.
    pub(crate) fn literals(&self) -> &[Literal] {
        match self {
            Self::Compare(_, literal) => std::slice::from_ref(literal),
            Self::In(list) => list.literals(),
            Self::IsNull => &[],
        }
    }

    /// Reads the dates among the literals again, this time also in the formats that an option adds
    /// (`times`).
    pub(crate) fn apply_times(&mut self, times: &Times) {
        match self {
            Self::Compare(_, literal) => literal.apply_times(times),
            Self::In(list) => list.apply_times(times),
            Self::IsNull => (),
        }
    }
}
