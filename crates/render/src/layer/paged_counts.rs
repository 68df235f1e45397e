//! Points that are not in memory, but are read from a packed file, with other weights than the file
//! has. For counts each point has the weight 1; for weights that are too great or too small for
//! sums, each weight is divided by a number. The weights of points and cells are changed whenever
//! they are read. (For points in memory a new index is built instead.)

use crate::style::measure::Measure;
use heatsplat_points::paged::{PagedCells, PagedIndex};
use heatsplat_points::{Focus, Point, Points, Quad, ReadError, Summary, Window};
use std::ops::Range;
use std::sync::Arc;

/// The reason why a measure can't be drawn: it counts points, and the points are not in memory,
/// have different weights, and have no counting index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} counts points, but the points of this layer are in a file, have different weights, and \
     the file has no counts; use measure=sum or sum_per_km2, or pack the data with --counts",
    self.what()
)]
pub struct UncountedError {
    /// The measure that was to be drawn.
    pub(super) measure: Measure,
}

impl UncountedError {
    fn what(self) -> String {
        match self.measure.counts() {
            true => format!("measure={}", self.measure),
            false => "a quotient of two layers".to_owned(),
        }
    }
}

/// Returns true if points can be counted, each with the weight 1. It is so in four cases:
///
/// * They are in memory.
/// * They have a counting index.
/// * They all have the same weight, other than 0.
/// * There are no points.
pub(super) fn is_countable(points: &Points) -> bool {
    points.paged().is_none_or(|index| {
        let summary = points.summary();
        let alike = summary.weight_min == summary.weight_max && summary.weight_max != 0.0;
        alike || summary.count == 0 || index.counted().is_some()
    })
}

/// The points of an index that is not in memory, in which each point that has a weight gets the
/// weight 1. They come from the counting index or, if all weights are equal, from the index itself,
/// whose weights are divided by their common weight.
///
/// # Errors
/// The points can't be counted: see [`PointSet::check`].
pub(super) fn counted(index: &Arc<dyn PagedIndex>) -> Result<Points, ReadError> {
    let summary = *index.summary();
    match index.counted() {
        Some(counted) => Ok(Points::from_paged(counted)),
        None if summary.weight_min == summary.weight_max && summary.weight_max != 0.0 => {
            Ok(divided(index, summary.weight_max))
        }
        None if summary.count == 0 => Ok(Points::from_paged(Arc::clone(index))),
        None => Err(ReadError::new("the points of this layer have no counts")),
    }
}

/// The points of an index that is not in memory, with their weights divided by `divisor`.
pub(super) fn divided(index: &Arc<dyn PagedIndex>, divisor: f32) -> Points {
    let of = *index.summary();
    let by = f64::from(divisor);
    let mut summary = of;
    summary.weight_sum = of.weight_sum / by;
    summary.mass = of.mass / by.abs();
    summary.mass_min = of.mass_min / divisor.abs();
    let (a, b) = (of.weight_min / divisor, of.weight_max / divisor);
    (summary.weight_min, summary.weight_max) = (a.min(b), a.max(b));
    Points::from_paged(Arc::new(DividedIndex {
        index: Arc::clone(index),
        divisor,
        summary,
    }))
}

/// An index whose weights are those of another index, divided by a number.
#[derive(Debug)]
struct DividedIndex {
    index: Arc<dyn PagedIndex>,
    divisor: f32,
    summary: Summary,
}

impl DividedIndex {
    fn divide_weights(&self, points: &mut [Point]) {
        // A missing weight stays missing, whatever the sign of the divisor.
        let with_weight = points.iter_mut().filter(|p| p.has_weight());
        with_weight.for_each(|p| p.weight /= self.divisor);
    }
}

impl PagedIndex for DividedIndex {
    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn content_identity(&self) -> [u8; 32] {
        let mut identity = self.index.content_identity();
        let divisor = self.divisor.to_bits().to_le_bytes();
        identity
            .iter_mut()
            .zip(divisor)
            .for_each(|(byte, d)| *byte ^= d);
        identity
    }

    fn search(&self, level: u32, window: &Window) -> Result<PagedCells, ReadError> {
        let mut cells = self.index.search(level, window)?;
        self.divide_weights(&mut cells.entries);
        Ok(cells)
    }

    fn count(&self, level: u32, window: &Window) -> Result<usize, ReadError> {
        self.index.count(level, window)
    }

    fn divide(&self, origin: &Point, level: u32, finer: u32) -> Result<PagedCells, ReadError> {
        let mut cells = self.index.divide(origin, level, finer)?;
        self.divide_weights(&mut cells.entries);
        Ok(cells)
    }

    fn quad_range(&self, quad: Quad) -> Result<Range<u64>, ReadError> {
        self.index.quad_range(quad)
    }

    fn read(&self, numbers: Range<u64>) -> Result<Vec<Point>, ReadError> {
        let mut points = self.index.read(numbers)?;
        self.divide_weights(&mut points);
        Ok(points)
    }

    fn occupied(&self, level: u32) -> u64 {
        self.index.occupied(level)
    }

    fn remaining(&self, level: u32) -> f64 {
        self.index.remaining(level)
    }

    fn focus(&self) -> Option<Focus> {
        self.index.focus()
    }
}
