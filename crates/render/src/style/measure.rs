//! Measures: formulas that compute a pixel's value from the points around it.

use crate::style::names::{display_by_name, named_choice};

/// The formula for a pixel's value. Sums (Σ) are over the points around the pixel, and K is the
/// value that a point's kernel has at the pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Σ weight · K: the total weight of the points.
    #[default]
    Sum,
    /// Σ K: the number of the points, whatever their weights are. Points without a weight are not
    /// counted.
    Count,
    /// Σ weight · K / Σ K: the mean weight of the points. It does not depend on the number of
    /// points. Points without a weight are left out.
    Mean,
    /// Σ weight · K, divided by the area of a pixel on the ground: the total weight per km². Equal
    /// densities on the ground have equal values at every zoom and latitude.
    SumPerKm2,
    /// Σ K, divided by the area of a pixel on the ground: the number of points per km². Points
    /// without a weight are not counted.
    CountPerKm2,
}

impl Measure {
    /// All measures, each with its name in text.
    pub const ALL: [(&'static str, Self); 5] = [
        ("sum", Self::Sum),
        ("count", Self::Count),
        ("mean", Self::Mean),
        ("sum_per_km2", Self::SumPerKm2),
        ("count_per_km2", Self::CountPerKm2),
    ];

    /// True if the measure depends on the weights of the points.
    pub fn weighs(self) -> bool {
        !matches!(self, Self::Count | Self::CountPerKm2)
    }

    /// True if the measure depends on the number of points, Σ K.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::Sum | Self::SumPerKm2)
    }

    /// True if the measure is per km² of ground.
    pub fn is_per_area(self) -> bool {
        matches!(self, Self::SumPerKm2 | Self::CountPerKm2)
    }
}

named_choice!(Measure);

/// A comparison of two sets of points: a formula for the value of each pixel, from the values that
/// the two sets have there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Comparison {
    /// The first set's value minus the second set's value.
    Minus,
    /// The first set's value divided by the second set's value.
    Over,
}

impl Comparison {
    /// All comparisons, each with its sign in text.
    pub const ALL: [(&'static str, Self); 2] = [("-", Self::Minus), ("/", Self::Over)];
}

display_by_name!(Comparison);
