//! The range of the weights in a pack, by which it is decided how a file stores them.

use heatsplat_points::{Point, Summary};
use serde::{Deserialize, Serialize};

/// The least and greatest weight of some points, and a mark for missing ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WeightRange {
    /// The least weight; greater than `greatest` as long as no point has a weight.
    least: f32,
    greatest: f32,
    /// True if a weight is missing.
    missing: bool,
}

impl Default for WeightRange {
    fn default() -> Self {
        Self {
            least: f32::MAX,
            greatest: f32::MIN,
            missing: false,
        }
    }
}

impl WeightRange {
    pub(super) fn add(&mut self, points: &[Point]) {
        for point in points {
            if point.has_weight() {
                self.least = self.least.min(point.weight);
                self.greatest = self.greatest.max(point.weight);
            } else {
                self.missing = true;
            }
        }
    }

    pub(super) fn add_summary(&mut self, summary: &Summary) {
        self.missing |= summary.without_weight > 0;
        if summary.without_weight < summary.count {
            self.join(Self {
                least: summary.weight_min,
                greatest: summary.weight_max,
                missing: false,
            });
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        self.missing |= other.missing;
    }

    pub(super) fn has_negative(self) -> bool {
        self.least < 0.0
    }

    pub(super) fn has_missing(self) -> bool {
        self.missing
    }

    /// Returns true if the number of points can't be computed from a sum of their weights, so that
    /// counts need a counting index: the weights differ, or some are 0 or missing.
    pub(super) fn hides_counts(self) -> bool {
        let some = self.least <= self.greatest;
        self.missing || some && (self.least != self.greatest || self.least == 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(weights: &[f32]) -> WeightRange {
        let point = |&weight: &f32| Point { x: 0, y: 0, weight };
        let mut range = WeightRange::default();
        range.add(&weights.iter().map(point).collect::<Vec<_>>());
        range
    }

    #[test]
    fn counts_follow_from_equal_weights() {
        for (weights, hidden) in [
            (&[][..], false),
            (&[1.0], false),
            (&[2.5, 2.5], false),
            (&[1.0, 2.0], true),
            (&[1.0, -0.0], true),
            (&[-0.0], true),
            (&[0.0], true),
        ] {
            assert_eq!(range(weights).hides_counts(), hidden, "{weights:?}");
        }
        let mut all = range(&[1.0]);
        all.join(range(&[-1.0]));
        assert!(all.has_negative() && !all.has_missing() && all.hides_counts());
    }
}
