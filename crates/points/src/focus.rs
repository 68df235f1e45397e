//! The first view of a map: the box that contains nearly all weight, and a centre and a zoom at
//! which a screen shows this box.

use crate::lon_lat_box::LonLatBox;

/// The first view of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Focus {
    /// The longitude, in degrees from −180 to 180, of the centre of the first view.
    pub lon: f64,
    /// The latitude, in degrees, of the centre of the first view.
    pub lat: f64,
    /// The zoom of 256 px tiles, 0 to 14 (`CLOSEST`). At this zoom a screen centred at `lon` and
    /// `lat` shows the box.
    pub zoom: u8,
    /// The box around at least 98 % of the weight, accurate to 1/256 of its longer side. Points at
    /// exactly longitude 0 and latitude 0 are left out, since such positions mostly stand for
    /// unknown ones. It is the box around all points if there are fewer than 50 (`FEW`), or if all
    /// lie at 0,0.
    pub bounds: LonLatBox,
}

impl Focus {
    /// Makes a first view from its stored parts, which [`find`](Self::find) has found earlier: the
    /// centre in degrees, the zoom, and the box that it shows.
    pub fn new(lon: f64, lat: f64, zoom: u8, bounds: LonLatBox) -> Self {
        Self {
            lon,
            lat,
            zoom,
            bounds,
        }
    }
}
