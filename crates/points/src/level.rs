//! Conversion between levels, zooms and the sizes of pixels.
//!
//! At level L the world is 2ᴸ pixels wide. A tile of zoom z is at level z + 8 if it has 256 pixels,
//! since 256 is 2⁸, and at level z + 9 if it has 512. A zoom without a tile size refers to tiles of
//! 256 pixels.

use crate::mercator::WORLD;

/// Level of zoom 0, with tiles of 256 pixels.
const OF_ZOOM_0: u8 = 8;

/// Level of a zoom with tiles of 256 pixels.
///
/// ```
/// assert_eq!(heatsplat_points::level::of_zoom(3), 11);
/// ```
pub const fn of_zoom(z: u8) -> u8 {
    z + OF_ZOOM_0
}

/// Level of a zoom with tiles of `side` pixels; `side` is a power of two.
pub const fn of_tile(z: u8, side: u32) -> u8 {
    z + side.ilog2() as u8
}

/// Fractional level at which a pixel has a side of `pixel` world units.
pub fn of_pixel(pixel: f64) -> f64 {
    (WORLD / pixel).log2()
}

/// Fractional zoom that corresponds to a fractional level.
pub fn to_zoom(level: f64) -> f64 {
    level - f64::from(OF_ZOOM_0)
}

/// Fractional level that corresponds to a fractional zoom.
pub fn from_zoom(zoom: f64) -> f64 {
    zoom + f64::from(OF_ZOOM_0)
}

/// Side of a pixel at a fractional zoom, in world units.
pub fn pixel_at_zoom(zoom: f64) -> f64 {
    WORLD / from_zoom(zoom).exp2()
}

/// Fractional zoom at which a pixel has a side of `pixel` world units.
pub fn zoom_of_pixel(pixel: f64) -> f64 {
    to_zoom(of_pixel(pixel))
}
