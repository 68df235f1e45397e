//! The decimal mark of numbers in text.

use crate::parameter::ParseOptionError;
use std::str::FromStr;

/// The mark between the whole part of a number and its decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// A point. Commas, blanks or apostrophes may separate groups of three digits: `1,234.5`.
    Point,
    /// A comma. Points, blanks or apostrophes may separate groups of three digits: `1.234,5`.
    Comma,
}

impl FromStr for DecimalMark {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, ParseOptionError> {
        match text {
            "." | "point" => Ok(Self::Point),
            "," | "comma" => Ok(Self::Comma),
            _ => Err(ParseOptionError::new("expected a comma or a point")),
        }
    }
}
