//! Measures: formulas over the points around a pixel.

use crate::style::names::{display_by_name, named_choice};

/// The value of a pixel, computed from sums over the points within the kernel's reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Σ weight · K: the total weight.
    #[default]
    Sum,
    /// Σ K: the number of points, whatever they weigh; those without a weight are not counted.
    Count,
    /// Σ weight · K / Σ K: the mean weight, in sparse places as in crowded ones; points without a
    /// weight take no part.
    Mean,
    /// Σ weight per km² of ground, the same value at every zoom and latitude.
    SumPerKm2,
    /// Points per km² of ground.
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

    /// True where weights matter.
    pub fn weighs(self) -> bool {
        !matches!(self, Self::Count | Self::CountPerKm2)
    }

    /// True where points are counted.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::Sum | Self::SumPerKm2)
    }

    /// True where values are per area of ground.
    pub fn is_per_area(self) -> bool {
        matches!(self, Self::SumPerKm2 | Self::CountPerKm2)
    }
}

named_choice!(Measure);

/// A comparison of two sets of points, value by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Comparison {
    /// The first less the second.
    Minus,
    /// The first divided by the second.
    Over,
}

impl Comparison {
    /// Both with their signs.
    pub const ALL: [(&'static str, Self); 2] = [("-", Self::Minus), ("/", Self::Over)];
}

display_by_name!(Comparison);
