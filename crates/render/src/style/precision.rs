//! The precision of densities: fast, with errors of about one step of colour, or exact.

use crate::style::names::named_choice;

/// The precision of densities: how large the error of a pixel's Σ weight · K(distance) may be.
/// Errors are fractions of the greatest density of the picture, the peak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// Errors of at most 1/256 of the peak. Points are drawn as cells, which stand for several
    /// points, so that the time depends on the number of cells in the picture and not on the number
    /// of points.
    #[default]
    Fast,
    /// Errors of at most 1e-6 of the peak. The kernel of every point is evaluated at the point's
    /// exact position, in f64 and on the CPU. For each point this takes about a nanosecond for each
    /// pixel that the point's kernel reaches.
    Exact,
}

impl Precision {
    /// All precisions, each with its name in text.
    pub const ALL: [(&'static str, Self); 2] = [("fast", Self::Fast), ("exact", Self::Exact)];
}

named_choice!(Precision);
