//! Division of rows by their values in a column, before they are in a table.

use super::builder::{ColumnBuilder, TableBuilder};
use super::column::{NULL_BOOL, NULL_NUMBER, NULL_TIME, NULL_WHOLE};
use super::dictionary::Dictionary;
use crate::number::exact::Number;
use crate::time::time_text;
use crate::value::Value;
use std::collections::{BTreeMap, HashMap};

impl TableBuilder {
    /// Divides the rows by their values in a column: for each value, as text, the rows that have
    /// it. The rows are counted from 0, in the order of the source; those of `None` have no value.
    /// `column` is the number of the column, counted from 0.
    pub fn rows_by_value(&self, column: usize) -> BTreeMap<Option<String>, Vec<usize>> {
        let mut rows: HashMap<u64, Vec<usize>> = HashMap::new();
        let column = self.columns.get(column);
        for row in 0..self.points {
            let bits = column.map_or(0, |column| column.bits(row));
            rows.entry(bits).or_default().push(row);
        }
        let mut by_value: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for rows in rows.into_values() {
            let row = rows.first().copied().unwrap_or_default();
            let value = column.map_or(Value::Null, |column| column.value(row));
            by_value.entry(text_of(value)).or_default().extend(rows);
        }
        by_value
    }

    /// The values of some rows only, with the types that their columns have without the others.
    /// Rows are counted from 0, in the order of the source.
    #[must_use]
    pub fn of_rows(&self, rows: &[usize]) -> Self {
        let mut some = Self::new(self.columns.len(), &self.times);
        for (number, row) in (1..).zip(rows) {
            some.fill(number, |at| {
                let column = self.columns.get(at);
                column.map_or(Value::Null, |column| column.value(*row))
            });
        }
        some
    }
}

impl ColumnBuilder {
    /// Bits that are equal in two rows only if their values are equal.
    fn bits(&self, row: usize) -> u64 {
        let bits = match self {
            Self::Nulls(_) => None,
            Self::Whole(all, _) | Self::Times(all, _) => all.get(row).map(|n| *n as u64),
            Self::Numbers(all, _) => all.get(row).map(|n| n.to_bits()),
            Self::Bools(all) => all.get(row).map(|truth| u64::from(*truth)),
            Self::Words(words) => words.codes.get(row).map(|code| u64::from(*code)),
        };
        bits.unwrap_or_default()
    }

    /// The value of a row, as the source has it.
    fn value(&self, row: usize) -> Value<'_> {
        let value = match self {
            Self::Nulls(_) => None,
            Self::Whole(all, is_text) => {
                let number = all.get(row).copied().filter(|n| *n != NULL_WHOLE);
                number.map(|number| match is_text {
                    true => Value::text(number.to_string()),
                    false => Value::Number(Number::Whole(number.into())),
                })
            }
            Self::Numbers(all, spelling) => {
                let is_null = |n: &f64| n.to_bits() == NULL_NUMBER.to_bits();
                let number = all.get(row).copied().filter(|n| !is_null(n));
                number.map(|number| match spelling {
                    Some(spelling) => Value::text(spelling.write(number)),
                    None => Value::float(number),
                })
            }
            Self::Times(all, spelling) => {
                let time = all.get(row).copied().filter(|t| *t != NULL_TIME);
                time.map(|time| match spelling {
                    Some(spelling) => Value::text(spelling.write(time)),
                    None => Value::Time(time),
                })
            }
            Self::Bools(all) => {
                let truth = all.get(row).filter(|truth| **truth != NULL_BOOL);
                truth.map(|truth| Value::Bool(*truth == 1))
            }
            Self::Words(words) => {
                let code = words
                    .codes
                    .get(row)
                    .filter(|code| **code != Dictionary::NULL);
                let word = code.and_then(|code| words.words.get(*code as usize));
                word.map(|word| word.value())
            }
        };
        value.unwrap_or(Value::Null)
    }
}

/// A value as text; `None` for null.
fn text_of(value: Value<'_>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text.into_owned()),
        Value::Number(number) => Some(number.text()),
        Value::Time(time) => Some(time_text(time)),
        Value::Bool(truth) => Some(truth.to_string()),
    }
}
