//! What a pixel says of the points around it.

use crate::style::names::display_by_name;

/// What is measured; all from sums over the points within a kernel's reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Σ weight · K: how much there is.
    #[default]
    Sum,
    /// Σ K: how many there are, whatever they weigh; those without a weight are not counted.
    Count,
    /// Σ weight · K / Σ K: what they weigh on the mean, in sparse places as in crowded ones; those
    /// without a weight take no part.
    Mean,
    /// Σ weight per km² of ground, the same number at every zoom and latitude.
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

    /// Whether weights matter.
    pub fn weighs(self) -> bool {
        !matches!(self, Self::Count | Self::CountPerKm2)
    }

    /// Whether points are counted.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::Sum | Self::SumPerKm2)
    }

    /// Whether the numbers are per area of ground.
    pub fn is_per_area(self) -> bool {
        matches!(self, Self::SumPerKm2 | Self::CountPerKm2)
    }
}

display_by_name!(Measure);

/// How one set of points is set against another.
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

/// What kind of numbers a field has, which says how a scale lies over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nature {
    /// From 0, which is nothing, upwards: sums and counts.
    Amount,
    /// Anywhere; 0 is a number like others, and what is nothing is NaN: means.
    Level,
    /// To both sides of 0, which is nothing: differences, and sums of weights with signs.
    Signed,
    /// To both sides of 1, by factors: quotients. Nothing is NaN.
    Ratio,
}

impl Nature {
    /// Whether 0 is nothing, as NaN is with all.
    pub fn zero_is_nothing(self) -> bool {
        matches!(self, Self::Amount | Self::Signed)
    }
}
