//! What `in (…)` lists: in order, so that a value is soon found among many.

use super::compare::{Comparable, CompareResult};
use super::literal::Literal;
use crate::time::Times;
use std::cmp::Ordering;

/// Literals, those of unary_expr kind side by side and in their order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LiteralList(Vec<Literal>);

impl LiteralList {
    pub(crate) fn new(mut literals: Vec<Literal>) -> Self {
        literals.sort_by(Literal::order);
        Self(literals)
    }

    /// All that is listed.
    pub(crate) fn literals(&self) -> &[Literal] {
        &self.0
    }

    /// Reads dates as was told.
    pub(crate) fn apply_times(&mut self, times: &Times) {
        self.0
            .iter_mut()
            .for_each(|literal| literal.apply_times(times));
        self.0.sort_by(Literal::order);
    }

    /// Whether a value is listed; `None` if it isn't, as far as can be told.
    pub(crate) fn holds(&self, value: &impl Comparable, times: &Times) -> Option<bool> {
        if value.is_null() {
            return None;
        }
        let mut outcome = Some(false);
        for alike in self.0.chunk_by(|a, b| a.kind() == b.kind()) {
            // numbers and times stand in no order to what texts read as
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

/// Whether a value is among literals of unary_expr kind, to which it stands in their order.
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
