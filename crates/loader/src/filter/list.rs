//! The literals of a condition `in (…)`, sorted for binary search.

use super::compare::{Comparable, CompareResult};
use super::literal::Literal;
use crate::time::Times;
use std::cmp::Ordering;

/// Literals sorted by kind (number, time, Boolean or text), and by value within each kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LiteralList(Vec<Literal>);

impl LiteralList {
    pub(crate) fn new(mut literals: Vec<Literal>) -> Self {
        literals.sort_by(Literal::order);
        Self(literals)
    }

    /// All literals, in sorted order.
    pub(crate) fn literals(&self) -> &[Literal] {
        &self.0
    }

    /// Reads the dates among the literals again, this time also in the formats that an option adds
    /// (`times`), and sorts the literals anew.
    pub(crate) fn apply_times(&mut self, times: &Times) {
        self.0
            .iter_mut()
            .for_each(|literal| literal.apply_times(times));
        self.0.sort_by(Literal::order);
    }

    /// Returns whether the list contains a value. `None` means unknown: the value is null, or it is
    /// not in the list and can't be compared with one of the literals.
    pub(crate) fn holds(&self, value: &impl Comparable, times: &Times) -> Option<bool> {
        if value.is_null() {
            return None;
        }
        let mut outcome = Some(false);
        for alike in self.0.chunk_by(|a, b| a.kind() == b.kind()) {
            // Texts in the list are sorted as texts. A value that is no text is compared with the
            // numbers or times that these texts stand for, which are in another order. Then binary
            // search is impossible, so each text is compared by itself.
            let in_order = value.is_text() || !matches!(alike, [Literal::Text(_), ..]);
            for part in alike.chunks(if in_order { alike.len() } else { 1 }) {
                match find(part, value, times) {
                    Some(true) => return Some(true),
                    Some(false) => (),
                    None => outcome = None,
                }
            }
        }
        outcome
    }
}

/// Returns whether a value is among literals of one kind, by binary search. `None` if the search
/// meets a literal that the value can't be compared with.
#[inline]
fn find(alike: &[Literal], value: &impl Comparable, times: &Times) -> Option<bool> {
    let mut is_known = true;
    let found = alike.binary_search_by(|literal| match value.compare_to(literal, times) {
        CompareResult::Is(ordering) => ordering.reverse(),
        CompareResult::Unknown | CompareResult::Mismatch(_) => {
            is_known = false;
            Ordering::Equal
        }
    });
    is_known.then_some(found.is_ok())
}
