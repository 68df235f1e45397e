//! Columns of a table as arrays of Arrow, for writing them to files.

use super::column::{Column, NULL_BOOL, NULL_NUMBER, NULL_TIME, NULL_WHOLE, Values};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, TimeUnit};
use std::ops::Range;
use std::sync::Arc;

/// The time zone of written times.
const UTC: &str = "UTC";

impl Column {
    /// The type in which the column's values are written: numbers as `Int64` or `Float64`, times in
    /// microseconds in UTC, Booleans and texts. A column with a dictionary is written as texts: if
    /// numbers or times are in it, they have several spellings, such as `5` and `5.0`, which would
    /// be lost.
    pub(crate) fn arrow_type(&self) -> DataType {
        match &self.values {
            Values::Whole(_) => DataType::Int64,
            Values::Numbers(_) => DataType::Float64,
            Values::Times(_) => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Values::Bools(_) => DataType::Boolean,
            Values::Words(..) => DataType::Utf8,
        }
    }

    /// The values of some rows as an array of [`arrow_type`](Self::arrow_type). Rows that don't
    /// exist are left out.
    pub(crate) fn to_arrow(&self, rows: Range<usize>) -> ArrayRef {
        let rows = rows.start.min(self.len())..rows.end.min(self.len());
        match &self.values {
            Values::Whole(all) => {
                let some = all.get(rows).unwrap_or_default().iter();
                let values = some.map(|&n| (n != NULL_WHOLE).then_some(n));
                Arc::new(values.collect::<Int64Array>())
            }
            Values::Numbers(all) => {
                let some = all.get(rows).unwrap_or_default().iter();
                let null = NULL_NUMBER.to_bits();
                let values = some.map(|&n| (n.to_bits() != null).then_some(n));
                Arc::new(values.collect::<Float64Array>())
            }
            Values::Times(all) => {
                let some = all.get(rows).unwrap_or_default().iter();
                let values = some.map(|&t| (t != NULL_TIME).then_some(t));
                let times: TimestampMicrosecondArray = values.collect();
                Arc::new(times.with_timezone(UTC))
            }
            Values::Bools(all) => {
                let some = all.get(rows).unwrap_or_default().iter();
                let values = some.map(|&b| (b != NULL_BOOL).then_some(b == 1));
                Arc::new(values.collect::<BooleanArray>())
            }
            Values::Words(..) => {
                let values = rows.map(|row| self.text(row));
                Arc::new(values.collect::<StringArray>())
            }
        }
    }
}
