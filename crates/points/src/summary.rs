//! Summary of a set of points: counts, weights and bounds.

use crate::extent::LongitudeColumns;
use crate::lon_lat_box::LonLatBox;
use crate::mercator;
use crate::point::Point;

/// Counts, weights and bounds of a set of points. The default is the summary of an empty set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Number of points in the set.
    pub count: usize,
    /// Number of points whose weight is missing: [`Point::has_weight`] is false.
    pub without_weight: usize,
    /// Sum of all weights, computed in f64.
    pub weight_sum: f64,
    /// Least weight; 0 if no point has a weight.
    pub weight_min: f32,
    /// Greatest weight; 0 if no point has a weight.
    pub weight_max: f32,
    /// Sum of |weight| over all points, computed in f64.
    pub mass: f64,
    /// Least |weight| other than 0; 0 if all weights are 0 or missing.
    pub mass_min: f32,
    /// Smallest box that holds all points; its east is greater than 180 if it crosses ±180°. `None`
    /// for an empty set.
    pub bounds: Option<LonLatBox>,
}

impl Summary {
    pub(crate) fn from_points(points: &[Point]) -> Self {
        let Some(first) = points.first() else {
            return Self::default();
        };
        let (mut top, mut bottom) = (first.y, first.y);
        let mut columns = LongitudeColumns::new();
        let (mut weight_min, mut weight_max, mut mass_min) = (f32::MAX, f32::MIN, f32::MAX);
        let (mut weight_sum, mut mass, mut without_weight) = (0.0, 0.0, 0);
        for p in points {
            (top, bottom) = (top.min(p.y), bottom.max(p.y));
            columns.add(p);
            if !p.has_weight() {
                without_weight += 1;
                continue;
            }
            weight_min = weight_min.min(p.weight);
            weight_max = weight_max.max(p.weight);
            weight_sum += f64::from(p.weight);
            mass += f64::from(p.weight.abs());
            if p.weight != 0.0 {
                mass_min = mass_min.min(p.weight.abs());
            }
        }
        let none = without_weight == points.len();
        let bounds = columns.interval().and_then(|(west, east)| {
            LonLatBox::new(
                mercator::longitude(west),
                mercator::latitude(f64::from(bottom)),
                mercator::longitude(east),
                mercator::latitude(f64::from(top)),
            )
            .ok()
        });
        Self {
            count: points.len(),
            without_weight,
            weight_sum,
            weight_min: if none { 0.0 } else { weight_min },
            weight_max: if none { 0.0 } else { weight_max },
            mass,
            mass_min: if mass > 0.0 { mass_min } else { 0.0 },
            bounds,
        }
    }

    /// Sum of |weight| over the points of negative weight, as a fraction of the sum over all
    /// points: 0 to 1.
    pub fn negative_share(&self) -> f64 {
        if self.mass > 0.0 {
            (self.mass - self.weight_sum) / 2.0 / self.mass
        } else {
            0.0
        }
    }
}
