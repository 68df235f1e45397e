//! The summary of a set of points: counts, weights and bounds.

use crate::extent::LongitudeColumns;
use crate::lon_lat_box::LonLatBox;
use crate::mercator;
use crate::point::Point;

/// The number of points in a set, their weights and their bounds. The default is the summary of an
/// empty set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// The number of points in the set.
    pub count: usize,
    /// The number of points whose weight is missing: [`Point::has_weight`] is false.
    pub without_weight: usize,
    /// The sum of all weights, computed in f64.
    pub weight_sum: f64,
    /// The least weight; 0 if no point has a weight.
    pub weight_min: f32,
    /// The greatest weight; 0 if no point has a weight.
    pub weight_max: f32,
    /// The sum of |weight| over all points, computed in f64.
    pub mass: f64,
    /// The least |weight| other than 0; 0 if all weights are 0 or missing.
    pub mass_min: f32,
    /// The smallest box that holds all points; its east is greater than 180 if it crosses ±180°.
    /// `None` for an empty set.
    pub bounds: Option<LonLatBox>,
}

impl Summary {
    pub(crate) fn from_points(points: &[Point]) -> Self {
        let mut builder = SummaryBuilder::default();
        builder.add(points);
        builder.finish()
    }

    /// Returns the sum of |weight| over the points of negative weight, as a fraction of the sum
    /// over all points: 0 to 1.
    pub fn negative_share(&self) -> f64 {
        if self.mass > 0.0 {
            (self.mass - self.weight_sum) / 2.0 / self.mass
        } else {
            0.0
        }
    }
}

/// A builder of a [`Summary`], for points that are not in memory at once. They are added in the
/// order of an index, in batches of any size; then the summary is that of the index, to the last
/// bit.
#[derive(Debug)]
pub struct SummaryBuilder {
    /// The summary of the points so far, without its bounds. The least weights are [`f32::MAX`] as
    /// long as there are none, the greatest is [`f32::MIN`].
    sums: Summary,
    columns: LongitudeColumns,
    /// The least and the greatest y of the points so far.
    rows: (u32, u32),
}

impl Default for SummaryBuilder {
    fn default() -> Self {
        Self {
            sums: Summary {
                weight_min: f32::MAX,
                weight_max: f32::MIN,
                mass_min: f32::MAX,
                ..Summary::default()
            },
            columns: LongitudeColumns::new(),
            rows: (u32::MAX, 0),
        }
    }
}

impl SummaryBuilder {
    /// Adds the next points.
    pub fn add(&mut self, points: &[Point]) {
        let (mut sums, (mut top, mut bottom)) = (self.sums, self.rows);
        sums.count += points.len();
        for p in points {
            (top, bottom) = (top.min(p.y), bottom.max(p.y));
            self.columns.add(p);
            if !p.has_weight() {
                sums.without_weight += 1;
                continue;
            }
            sums.weight_min = sums.weight_min.min(p.weight);
            sums.weight_max = sums.weight_max.max(p.weight);
            sums.weight_sum += f64::from(p.weight);
            sums.mass += f64::from(p.weight.abs());
            if p.weight != 0.0 {
                sums.mass_min = sums.mass_min.min(p.weight.abs());
            }
        }
        (self.sums, self.rows) = (sums, (top, bottom));
    }

    /// Returns the summary of all points that were added.
    pub fn finish(self) -> Summary {
        let (top, bottom) = self.rows;
        let bounds = self.columns.interval().and_then(|(west, east)| {
            LonLatBox::new(
                mercator::longitude(west),
                mercator::latitude(f64::from(bottom)),
                mercator::longitude(east),
                mercator::latitude(f64::from(top)),
            )
            .ok()
        });
        let sums = self.sums;
        let none = sums.without_weight == sums.count;
        Summary {
            weight_min: if none { 0.0 } else { sums.weight_min },
            weight_max: if none { 0.0 } else { sums.weight_max },
            mass_min: if sums.mass > 0.0 { sums.mass_min } else { 0.0 },
            bounds,
            ..sums
        }
    }
}
