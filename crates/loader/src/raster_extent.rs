//! The box that a raster covers, given by an option for rasters that don't state it.

use crate::parameter::ParseOptionError;
use std::str::FromStr;

/// The box that a raster covers, from the outer edges of its pixels: west, south, east and north.
/// The numbers are degrees, or coordinates of the system that
/// [`LoadOptions::srid`](crate::LoadOptions::srid) names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RasterExtent {
    pub(crate) west: f64,
    pub(crate) south: f64,
    pub(crate) east: f64,
    pub(crate) north: f64,
}

impl FromStr for RasterExtent {
    type Err = ParseOptionError;

    /// Parses `W,S,E,N`, the numbers of the west, south, east and north edge.
    fn from_str(text: &str) -> Result<Self, ParseOptionError> {
        let numbers = text.split(',').map(|number| number.trim().parse::<f64>());
        let numbers: Result<Vec<f64>, _> = numbers.collect();
        let Some(&[west, south, east, north]) = numbers.as_deref().ok() else {
            return Err(ParseOptionError::new(
                "expected four numbers: west, south, east, north",
            ));
        };
        let is_finite = [west, south, east, north]
            .iter()
            .all(|edge| edge.is_finite());
        if !is_finite || west >= east || south >= north {
            return Err(ParseOptionError::new(
                "west must be less than east, and south less than north",
            ));
        }
        Ok(Self {
            west,
            south,
            east,
            north,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_as_text() {
        let extent: RasterExtent = "-10, 40,15.5,60".parse().unwrap();
        assert_eq!((extent.west, extent.south), (-10.0, 40.0));
        assert_eq!((extent.east, extent.north), (15.5, 60.0));
        for (text, says) in [
            ("1,2,3", "four numbers"),
            ("1,2,3,4,5", "four numbers"),
            ("a,2,3,4", "four numbers"),
            ("3,2,1,4", "west must be less"),
            ("1,4,3,2", "south less than north"),
            ("nan,2,3,4", "west must be less"),
            ("-inf,2,3,4", "west must be less"),
        ] {
            let message = text.parse::<RasterExtent>().unwrap_err().to_string();
            assert!(message.contains(says), "{text}: {message}");
        }
    }
}
