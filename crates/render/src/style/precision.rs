//! Precision of densities: fast, within about a step of colour, or exact.

use crate::style::names::named_choice;

/// The allowed difference between a density and the true Σ weight · K(distance).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// Errors of at most 1/256 of the peak, by cells, grids and transforms. The time depends on the
    /// number of cells in the picture, not of points.
    #[default]
    Fast,
    /// Errors of at most 1e-6 of the peak: the kernel of every point is evaluated at its exact
    /// position, in f64, on the CPU. It takes about a nanosecond for each pair of a point and a
    /// pixel within its reach.
    Exact,
}

impl Precision {
    /// Both precisions with their names.
    pub const ALL: [(&'static str, Self); 2] = [("fast", Self::Fast), ("exact", Self::Exact)];
}

named_choice!(Precision);
