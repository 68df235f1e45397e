//! Cells of a table, as a filter compares them: as a number or a time, or as a text.

use super::column::Column;
use super::spelling::Spelling;
use crate::filter::{Comparable, CompareResult, Literal, ParsedValue};
use crate::time::Times;
use crate::value::Value;
use std::cell::OnceCell;

/// A row's value in a column. Its text is made once, when a literal first needs it.
pub(super) struct Cell<'t> {
    column: &'t Column,
    row: usize,
    value: ParsedValue<'t>,
    text: OnceCell<ParsedValue<'t>>,
}

impl Column {
    /// The value of a row, for comparison.
    #[inline]
    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        Cell {
            column: self,
            row,
            value: ParsedValue::new(self.value(row)),
            text: OnceCell::new(),
        }
    }

    /// Returns whether a literal is compared with the text of a value, and not with the number or
    /// time that is stored for it.
    #[inline]
    fn compares_text(&self, value: &Value<'_>, literal: &Literal) -> bool {
        match literal {
            Literal::Text(_) => self.is_text(value),
            // A custom format may give digits another meaning than that of the stored number.
            Literal::Time(_) if !self.times.are_common() => {
                self.is_text(value) && matches!(value, Value::Number(_))
            }
            _ => false,
        }
    }

    /// Returns whether a value that is stored as a number or a time is a text in the source.
    #[inline]
    fn is_text(&self, value: &Value<'_>) -> bool {
        self.written != Spelling::Typed && matches!(value, Value::Number(_) | Value::Time(_))
    }
}

impl Comparable for Cell<'_> {
    fn is_null(&self) -> bool {
        self.value.is_null()
    }

    #[inline]
    fn is_text(&self) -> bool {
        self.column.is_text(self.value.value()) || self.value.is_text()
    }

    #[inline]
    fn compare_to(&self, literal: &Literal, times: &Times) -> CompareResult {
        if !self.column.compares_text(self.value.value(), literal) {
            return self.value.compare_to(literal, times);
        }
        let text = || self.column.text(self.row).map_or(Value::Null, Value::Text);
        let text = self.text.get_or_init(|| ParsedValue::new(text()));
        text.compare_to(literal, times)
    }
}
