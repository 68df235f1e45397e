//! How true pictures are: within a step of colour, or to the last digits.

use crate::style::names::display_by_name;

/// How true a picture is to Σ weight · K(distance).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// To 1/256 of the peak: by cells, grids and transforms, in a time that follows from what is
    /// seen.
    #[default]
    Fast,
    /// To 1e-6 of the peak: every point's kernel at its true position, in f64, on the processor.
    /// It takes about a nanosecond for each point and pixel that it reaches.
    Exact,
}

impl Precision {
    /// Both with their names.
    pub const ALL: [(&'static str, Self); 2] = [("fast", Self::Fast), ("exact", Self::Exact)];
}

display_by_name!(Precision);
