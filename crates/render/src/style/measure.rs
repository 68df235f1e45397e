//! Measures: formulas that turn the points around a pixel into its value.

use crate::style::names::{display_by_name, named_choice};

/// The value of a pixel, computed from sums over the points within the kernel's reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Σ weight · K: the total weight.
    #[default]
    Sum,
    /// Σ K: the number of points, whatever their weights. Points without a weight are not counted.
    Count,
    /// Σ weight · K / Σ K: the mean weight, whether points are few or many. Points without a weight
    /// are left out.
    Mean,
    /// Σ weight per km² of ground. A density on the ground has one value at every zoom and
    /// latitude.
    SumPerKm2,
    /// Number of points per km² of ground. Points without a weight are not counted.
    CountPerKm2,
}

impl Measure {
    /// All measures with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("sum", Self::Sum),
        ("count", Self::Count),
        ("mean", Self::Mean),
        ("sum_per_km2", Self::SumPerKm2),
        ("count_per_km2", Self::CountPerKm2),
    ];

    /// True for measures that depend on the points' weights.
    pub fn weighs(self) -> bool {
        !matches!(self, Self::Count | Self::CountPerKm2)
    }

    /// True for measures that depend on the number of points.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::Sum | Self::SumPerKm2)
    }

    /// True for measures per km² of ground.
    pub fn is_per_area(self) -> bool {
        matches!(self, Self::SumPerKm2 | Self::CountPerKm2)
    }
}

named_choice!(Measure);

/// A comparison of two sets of points, value by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Comparison {
    /// The first set's value minus the second's.
    Minus,
    /// The first set's value divided by the second's.
    Over,
}

impl Comparison {
    /// Both comparisons with their signs.
    pub const ALL: [(&'static str, Self); 2] = [("-", Self::Minus), ("/", Self::Over)];
}

display_by_name!(Comparison);
