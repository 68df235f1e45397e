//! Precision: within a step of colour, or to the last digits.

use crate::style::names::named_choice;

/// The precision of a picture, beside the true Σ weight · K(distance).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// Errors of at most 1/256 of the peak: cells, grids and transforms, in a time that follows
    /// from the visible cells.
    #[default]
    Fast,
    /// Errors of at most 1e-6 of the peak: the kernel of every point at its true position, in
    /// f64, on the CPU. It takes about a nanosecond for each point and pixel in its reach.
    Exact,
}

impl Precision {
    /// Both with their names.
    pub const ALL: [(&'static str, Self); 2] = [("fast", Self::Fast), ("exact", Self::Exact)];
}

named_choice!(Precision);
