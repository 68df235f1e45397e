//! Conversion between levels, zooms and pixel sizes.
//!
//! At level L the world is 2ᴸ pixels wide. A tile of zoom z that is 256 pixels wide is at level z +
//! 8, since 256 is 2⁸; one that is 512 pixels wide is at level z + 9. A zoom given without a tile
//! size refers to tiles of 256 pixels.

use crate::mercator::WORLD;

/// The level of zoom 0 if tiles are 256 pixels wide.
const OF_ZOOM_0: u8 = 8;

/// Returns the level of zoom `z` if tiles are 256 pixels wide.
///
/// ```
/// assert_eq!(heatsplat_points::level::of_zoom(3), 11);
/// ```
pub const fn of_zoom(z: u8) -> u8 {
    z + OF_ZOOM_0
}

/// Returns the level of zoom `z` if tiles are `side` pixels wide; `side` is a power of two.
pub const fn of_tile(z: u8, side: u32) -> u8 {
    z + side.ilog2() as u8
}

/// Returns the level at which a pixel is `pixel` world units wide. The level need not be a whole
/// number.
pub fn of_pixel(pixel: f64) -> f64 {
    (WORLD / pixel).log2()
}

/// Returns the zoom of 256 px tiles at a level. Neither need be a whole number.
pub fn to_zoom(level: f64) -> f64 {
    level - f64::from(OF_ZOOM_0)
}

/// Returns the level of a zoom of 256 px tiles. Neither need be a whole number.
pub fn from_zoom(zoom: f64) -> f64 {
    zoom + f64::from(OF_ZOOM_0)
}

/// Returns the width of a pixel, in world units, at a zoom of 256 px tiles. The zoom need not be a
/// whole number.
pub fn pixel_at_zoom(zoom: f64) -> f64 {
    WORLD / from_zoom(zoom).exp2()
}

/// Returns the zoom of 256 px tiles at which a pixel is `pixel` world units wide. The zoom need not
/// be a whole number.
pub fn zoom_of_pixel(pixel: f64) -> f64 {
    to_zoom(of_pixel(pixel))
}
