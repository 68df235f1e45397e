//! A box of longitudes and latitudes that rows are read from.

use crate::parse_error::ParseOptionError;
use std::str::FromStr;

/// West, south, east and north in degrees; east is beyond 180 where the box reaches across ±180°.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

impl Bounds {
    /// Bounds from degrees; `None` unless they are numbers, −540 ≤ west ≤ east ≤ 540, no more
    /// than a turn apart, and −90 ≤ south ≤ north ≤ 90.
    pub fn new(west: f64, south: f64, east: f64, north: f64) -> Option<Self> {
        let across = west <= east && east - west <= 360.0 && west >= -540.0 && east <= 540.0;
        let down = south <= north && south >= -90.0 && north <= 90.0;
        (across && down).then_some(Self {
            west,
            south,
            east,
            north,
        })
    }

    /// Returns whether a place lies inside the box or on its edge; whole turns of longitude make no
    /// difference.
    #[inline]
    pub(crate) fn hold(self, lon: f64, lat: f64) -> bool {
        let east_of_west = (lon - self.west).rem_euclid(360.0);
        lat >= self.south
            && lat <= self.north
            && (east_of_west <= self.east - self.west || self.east - self.west == 360.0)
    }

    /// West, south, east, north.
    pub(crate) fn edges(self) -> [f64; 4] {
        [self.west, self.south, self.east, self.north]
    }

    /// Returns whether places in this range of longitudes and latitudes may lie inside the box.
    /// False only where both lie within ±180: then no place's longitude is written a turn away.
    pub(crate) fn may_touch(self, lon: (f64, f64), lat: (f64, f64)) -> bool {
        let plain = |west: f64, east: f64| west >= -180.0 && east <= 180.0;
        if !plain(self.west, self.east) || !plain(lon.0, lon.1) {
            return true;
        }
        lon.0 <= self.east && lon.1 >= self.west && lat.0 <= self.north && lat.1 >= self.south
    }
}

impl FromStr for Bounds {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, ParseOptionError> {
        const EXPECTED: &str = "expected west,south,east,north in degrees, like -12,34,35,62";
        let numbers = text.split(',').map(|number| number.trim().parse().ok());
        let numbers: Option<Vec<f64>> = numbers.collect();
        let bounds = match numbers.as_deref() {
            Some(&[west, south, east, north]) => Self::new(west, south, east, north),
            _ => None,
        };
        bounds.ok_or_else(|| ParseOptionError::new(EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_within_whatever_turn_they_are_written_in() {
        let bounds = |text: &str| text.parse::<Bounds>().unwrap();
        let fiji = bounds("170,-25,190,-10");
        assert!(fiji.hold(175.0, -20.0) && fiji.hold(-175.0, -20.0) && fiji.hold(185.0, -20.0));
        assert!(!fiji.hold(165.0, -20.0) && !fiji.hold(-165.0, -20.0) && !fiji.hold(175.0, -9.0));
        let europe = bounds("-12,34,35,62");
        assert!(europe.hold(-12.0, 34.0) && europe.hold(35.0, 62.0) && europe.hold(348.0, 50.0));
        assert!(!europe.hold(35.1, 50.0));
        assert!(bounds("-180,-90,180,90").hold(180.0, 0.0));
    }

    #[test]
    fn bounds_that_make_no_sense() {
        for text in [
            "",
            "1,2,3",
            "5,0,1,1",
            "0,5,1,1",
            "0,0,400,1",
            "a,0,1,1",
            "NaN,0,1,1",
            "0,-91,1,1",
        ] {
            assert!(text.parse::<Bounds>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_certainly_elsewhere_is_known() {
        let europe: Bounds = "-12,34,35,62".parse().unwrap();
        assert!(!europe.may_touch((40.0, 50.0), (40.0, 50.0)));
        assert!(!europe.may_touch((0.0, 1.0), (-10.0, 0.0)));
        assert!(europe.may_touch((30.0, 50.0), (60.0, 70.0)));
        // Longitudes in another turn.
        assert!(europe.may_touch((350.0, 355.0), (40.0, 50.0)));
    }
}
