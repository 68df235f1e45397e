//! Rows made of a raster's pixels.

use super::super::failure::Stopped;
use super::super::{Geometry, RecordSink};
use super::grid::PixelGrid;
use crate::value::Value;

/// A sender of pixels to a sink. It leaves out pixels without a value, and counts them.
pub(super) struct PixelSender<'s> {
    pub(super) sink: &'s mut RecordSink,
    grid: PixelGrid,
    width: u64,
    /// The index of the band whose values are the weights; `None` if every pixel with a value
    /// counts 1.
    weight: Option<usize>,
    /// The number of pixels that were read, with or without a value.
    seen: u64,
    /// The number of pixels read that have no value.
    empty: u64,
}

impl<'s> PixelSender<'s> {
    pub(super) fn new(
        sink: &'s mut RecordSink,
        grid: PixelGrid,
        width: u64,
        weight: Option<usize>,
    ) -> Self {
        Self {
            sink,
            grid,
            width,
            weight,
            seen: 0,
            empty: 0,
        }
    }

    /// Sends the pixel at a column and row, counted from 0. `values` has its value in each band;
    /// NaN stands for no value.
    pub(super) fn send(&mut self, column: u64, row: u64, values: &[f64]) -> Result<(), Stopped> {
        let has_value = match self.weight {
            Some(band) => values.get(band).is_some_and(|value| !value.is_nan()),
            None => values.iter().any(|value| !value.is_nan()),
        };
        if !has_value {
            self.skip(1);
            return Ok(());
        }
        self.seen += 1;
        // Reports count pixels row by row.
        self.sink.at_record(row * self.width + column);
        let value = |band: usize| match values.get(band) {
            Some(value) if !value.is_nan() => Value::float(*value),
            _ => Value::Null,
        };
        if !self.sink.selects(value)? {
            return Ok(());
        }
        let (x, y) = self.grid.middle(column, row);
        let weight = self.weight.map(value);
        self.sink.record(Geometry::Point(x, y), weight.as_ref())
    }

    /// Counts `pixels` pixels that have no value, which are left out.
    pub(super) fn skip(&mut self, pixels: u64) {
        self.seen += pixels;
        self.empty += pixels;
    }

    /// Adds to the report the note of how many pixels without a value were left out.
    pub(super) fn finish(self) {
        if self.empty > 0 {
            let (empty, seen) = (self.empty, self.seen);
            let note = format!("{empty} of {seen} pixels have no value and are left out");
            self.sink.note(note);
        }
    }
}
