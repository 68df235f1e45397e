//! Cells of a table. A cell is the value of one row in one column. A filter may compare it with its
//! literals (constants) as a number, as a time or as a text, so a cell can give all three.

use super::column::Column;
use super::spelling::Spelling;
use crate::filter::{Comparable, CompareResult, Literal, ParsedValue};
use crate::time::Times;
use crate::value::Value;
use std::cell::OnceCell;

/// The value of one row in one column, with its text. A number or a time may be stored in place of
/// a text. Then the text is made once, when a literal of the filter first needs it.
pub(super) struct Cell<'t> {
    column: &'t Column,
    row: usize,
    value: ParsedValue<'t>,
    text: OnceCell<ParsedValue<'t>>,
}

impl Column {
    /// The value of a row in this column, prepared for comparison with literals.
    #[inline]
    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        Cell {
            column: self,
            row,
            value: ParsedValue::new(self.value(row)),
            text: OnceCell::new(),
        }
    }

    /// Returns true if a literal has to be compared with the text of a value, and not with the
    /// number or time that is stored for the text.
    #[inline]
    fn compares_text(&self, value: &Value<'_>, literal: &Literal) -> bool {
        match literal {
            Literal::Text(_) => self.is_text(value),
            // A custom format of times may read the digits of the text as another time than the one
            // that the stored number stands for.
            Literal::Time(_) if !self.times.are_common() => {
                self.is_text(value) && matches!(value, Value::Number(_))
            }
            _ => false,
        }
    }

    /// Returns true if a value is a text in the source but is stored as a number or a time.
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
