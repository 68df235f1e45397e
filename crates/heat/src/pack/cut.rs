//! The division of the world into plots: quads with so few points that all points of a plot fit
//! into memory.

use super::run::SortedPoints;
use heatsplat_points::{DeepPart, Quad};
use std::io;
use std::ops::Range;

/// A quad with few enough points that its pyramid is built at once; and, for each run, the range of
/// numbers, counted from 0, that the quad's points have in the run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plot {
    pub(super) quad: Quad,
    pub(super) ranges: Vec<Range<u64>>,
}

impl Plot {
    /// Returns the number of points in the quad.
    pub(super) fn points(&self) -> u64 {
        number(&self.ranges)
    }
}

/// Divides the world into quads of at most `most` points each; only quads of the greatest depth may
/// have more. Quads without points are left out. The result is in Z-order.
///
/// # Errors
/// The number, counted from 0, of the run that can't be read, and the error.
pub(super) fn cut(runs: &[&dyn SortedPoints], most: u64) -> Result<Vec<Plot>, (usize, io::Error)> {
    let mut plots = Vec::new();
    let ranges = runs.iter().map(|run| 0..run.points()).collect();
    let world = Plot {
        quad: Quad::WORLD,
        ranges,
    };
    divide(runs, world, most, &mut plots)?;
    Ok(plots)
}

fn divide(
    runs: &[&dyn SortedPoints],
    plot: Plot,
    most: u64,
    plots: &mut Vec<Plot>,
) -> Result<(), (usize, io::Error)> {
    let points = plot.points();
    if points <= most || plot.quad.depth >= DeepPart::DEPTH {
        if points > 0 {
            plots.push(plot);
        }
        return Ok(());
    }
    let mut rest = plot.ranges;
    for quarter in 0..4 {
        let quad = plot.quad.child(quarter);
        let mut ranges = Vec::with_capacity(runs.len());
        for (at, (run, range)) in runs.iter().zip(&mut rest).enumerate() {
            // The border behind the last quarter is the one behind the quad.
            let end = match quarter < 3 && !range.is_empty() {
                true => run.end_of(quad).map_err(|error| (at, error))?,
                false => range.end,
            };
            ranges.push(range.start..end);
            range.start = end;
        }
        divide(runs, Plot { quad, ranges }, most, plots)?;
    }
    Ok(())
}

fn number(ranges: &[Range<u64>]) -> u64 {
    ranges
        .iter()
        .map(|range| range.end.saturating_sub(range.start))
        .sum()
}
