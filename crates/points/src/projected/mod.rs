//! Points in another map projection: an index whose entries are those of an index in Web Mercator,
//! projected when a picture needs them.
//!
//! A [`Projection`] has a square of its own, of 2³² × 2³² world units, as Web Mercator has; it does
//! not wrap around. A [`ProjectedIndex`] finds the entries that a window of this square shows. It
//! searches the quadtree of the points in Web Mercator, and in each visible quad it approximates
//! the projection by a polynomial.
//!
//! The quads, their polynomials and the level of the cells in each of them follow from the quad
//! and from the size of the picture's pixels alone, never from the place of the window. So
//! neighbouring tiles show the same cells at the same places, in the same order, and meet exactly.

mod fit;
mod index;
#[cfg(test)]
mod tests;

pub use index::ProjectedIndex;

use crate::mercator;
use std::fmt;

/// The ellipsoid of WGS 84: its semi-major axis in metres, and the square of its eccentricity.
const ELLIPSOID: (f64, f64) = (6_378_137.0, 0.006_694_379_990_141_3);

/// The distance in degrees over which a projection's scale is measured: a choice, some ten metres.
const STEP: f64 = 1e-4;

/// A map projection with a square of its own, in which places are counted as in the world square of
/// Web Mercator: from its top left corner, x to the right and y down, in units of 2⁻³² of its side.
pub trait Projection: fmt::Debug + Send + Sync {
    /// Projects a longitude and latitude on WGS 84, in degrees, to x and y in world units. They may
    /// lie outside of the square. `None` where the projection has no place for the position.
    fn place(&self, lon: f64, lat: f64) -> Option<[f64; 2]>;

    /// Returns a name that no other projection with its square has, for example `EPSG:3035` with
    /// the square's corner and side.
    fn name(&self) -> &str;
}

/// Returns the number of world units of a projection's square that a metre on the ground spans at a
/// longitude and latitude in degrees: the root of the units² of a square metre. In a conformal
/// projection this is the length of a metre in all directions. `None` where the projection has no
/// place for the position.
pub fn units_per_metre(projection: &dyn Projection, lon: f64, lat: f64) -> Option<f64> {
    // At a pole no direction is east.
    let lat = lat.clamp(-89.9, 89.9);
    let difference = |[lon0, lat0]: [f64; 2], [lon1, lat1]: [f64; 2]| {
        let ([x0, y0], [x1, y1]) = (projection.place(lon0, lat0)?, projection.place(lon1, lat1)?);
        Some([x1 - x0, y1 - y0])
    };
    let [ex, ey] = difference([lon - STEP, lat], [lon + STEP, lat])?;
    let [nx, ny] = difference([lon, lat - STEP], [lon, lat + STEP])?;
    let (axis, squared) = ELLIPSOID;
    let (sin, cos) = lat.to_radians().sin_cos();
    let w = 1.0 - squared * sin * sin;
    let step = 2.0 * STEP.to_radians();
    // The radii of curvature along the parallel and along the meridian.
    let (east, north) = (
        axis / w.sqrt() * cos * step,
        axis * (1.0 - squared) / w.powf(1.5) * step,
    );
    let area = (ex * ny - ey * nx).abs() / (east * north);
    (area.is_finite() && area > 0.0).then(|| area.sqrt())
}

/// Returns the difference between the levels of Web Mercator and of a projection's square at which
/// a pixel has the same size on the ground at a longitude and latitude in degrees. `None` where the
/// projection has no place for the position.
pub fn level_shift(projection: &dyn Projection, lon: f64, lat: f64) -> Option<f64> {
    let metres = mercator::metres_per_unit(mercator::clamped_y(lat));
    units_per_metre(projection, lon, lat).map(|units| (metres * units).log2())
}
