//! Longitude and latitude ⇄ the world square (EPSG:3857 as integers).
//!
//! The only place where degrees become numbers of ours. The square spans
//! longitude ±180° and latitude ±[`MAX_LATITUDE`]; x grows east, y grows
//! **south**, and both are fractions of the world's side in units of 2⁻³²
//! (9.3 mm at the equator).
//!
//! Formulas: spherical Mercator, y = ½ − atanh(sin φ) / 2π, which is the usual
//! asinh(tan φ) written with one logarithm less.

use std::f64::consts::PI;

/// The latitude at which the world is square: atan(sinh π), in degrees.
pub const MAX_LATITUDE: f64 = 85.051_128_779_806_6;

/// Longitudes up to one and a half turns are wrapped; beyond, they are taken
/// for a mistake.
pub const MAX_LONGITUDE: f64 = 540.0;

/// The side of the world square in world units, 2³².
pub const WORLD: f64 = 4_294_967_296.0;

/// The length of the equator of the Web-Mercator sphere, in metres.
pub const EQUATOR_METRES: f64 = 40_075_016.685_578_49;

/// A position in the Web-Mercator square: 2³² steps a side, y down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorldCoord {
    /// Steps east of longitude −180°.
    pub x: u32,
    /// Steps south of latitude +[`MAX_LATITUDE`].
    pub y: u32,
}

/// Why a longitude/latitude pair has no place in the square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// NaN or infinite.
    #[error("longitude and latitude must be finite numbers")]
    NotFinite,
    /// Beyond ±540°.
    #[error("longitude must lie within ±540 degrees")]
    Longitude,
    /// Beyond ±90°.
    #[error("latitude must lie within ±90 degrees")]
    Latitude,
    /// A true latitude that the Mercator square does not reach.
    #[error("latitude lies outside the Web-Mercator square (±85.0511 degrees)")]
    Outside,
}

/// The place of a longitude/latitude pair (degrees) in the world square.
///
/// Longitudes wrap: 181 is −179, and 0..360 conventions just work. +180 and
/// −180 are the same meridian, the square's left edge. Latitudes past
/// [`MAX_LATITUDE`] are refused, not clamped: a clamped point would be drawn
/// where nothing is.
///
/// ```
/// use heatsplat_points::mercator::{project, Refusal};
/// assert_eq!(project(0.0, 0.0).unwrap().x, 1 << 31);
/// assert_eq!(project(181.0, 10.0), project(-179.0, 10.0));
/// assert_eq!(project(0.0, 86.0), Err(Refusal::Outside));
/// ```
///
/// # Errors
/// A [`Refusal`] that says which bound was broken.
pub fn project(lon: f64, lat: f64) -> Result<WorldCoord, Refusal> {
    if !(lon.is_finite() && lat.is_finite()) {
        return Err(Refusal::NotFinite);
    }
    if lon.abs() > MAX_LONGITUDE {
        return Err(Refusal::Longitude);
    }
    if lat.abs() > 90.0 {
        return Err(Refusal::Latitude);
    }
    if lat.abs() > MAX_LATITUDE {
        return Err(Refusal::Outside);
    }
    let turns = lon / 360.0 + 0.5;
    // A tiny negative fraction can round up to a whole turn: `& MASK` brings it home.
    let x = ((turns - turns.floor()) * WORLD) as u64 as u32;
    let y = (latitude_fraction(lat) * WORLD).clamp(0.0, WORLD - 1.0) as u32;
    Ok(WorldCoord { x, y })
}

/// The place of Web-Mercator metres (EPSG:3857) in the world square.
///
/// x wraps as longitudes do; a y past the square's edge by more than the rounding of
/// programs that write such edges is refused.
///
/// # Errors
/// A [`Refusal`] that says which bound was broken.
pub fn place_metres(x: f64, y: f64) -> Result<WorldCoord, Refusal> {
    const ROUNDING: f64 = 1e-10;
    if !(x.is_finite() && y.is_finite()) {
        return Err(Refusal::NotFinite);
    }
    let (turns, down) = (x / EQUATOR_METRES + 0.5, 0.5 - y / EQUATOR_METRES);
    if (turns - 0.5).abs() > MAX_LONGITUDE / 360.0 {
        return Err(Refusal::Longitude);
    }
    if !(-ROUNDING..=1.0 + ROUNDING).contains(&down) {
        return Err(Refusal::Outside);
    }
    let x = ((turns - turns.floor()) * WORLD) as u64 as u32;
    let y = (down * WORLD).clamp(0.0, WORLD - 1.0) as u32;
    Ok(WorldCoord { x, y })
}

/// Longitude and latitude (degrees) of a position; longitude in −180..180.
pub fn unproject(at: WorldCoord) -> (f64, f64) {
    (longitude(f64::from(at.x)), latitude(f64::from(at.y)))
}

/// Longitude in degrees of an x in world units, beyond ±180 for an x outside the world.
pub fn longitude(x: f64) -> f64 {
    x / WORLD * 360.0 - 180.0
}

/// Latitude in degrees of a y in world units.
pub fn latitude(y: f64) -> f64 {
    (PI * (1.0 - 2.0 * y / WORLD)).sinh().atan().to_degrees()
}

/// x in world units of a longitude in degrees, not wrapped.
pub fn unwrapped_x(lon: f64) -> f64 {
    (lon / 360.0 + 0.5) * WORLD
}

/// y in world units of a latitude in degrees; latitudes outside the square
/// give the square's edge.
pub fn clamped_y(lat: f64) -> f64 {
    (latitude_fraction(lat.clamp(-MAX_LATITUDE, MAX_LATITUDE)) * WORLD).clamp(0.0, WORLD)
}

fn latitude_fraction(lat: f64) -> f64 {
    let s = lat.to_radians().sin();
    0.5 - ((1.0 + s) / (1.0 - s)).ln() / (4.0 * PI)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edges_of_the_square() {
        assert_eq!(
            project(-180.0, MAX_LATITUDE).unwrap(),
            WorldCoord { x: 0, y: 0 }
        );
        assert_eq!(
            project(180.0, 0.0).unwrap(),
            WorldCoord { x: 0, y: 1 << 31 }
        );
        // asked for by real data: the exact limit as other programs print it
        assert!(project(0.0, 85.05112877980659).unwrap().y < 4);
        assert!(project(0.0, -MAX_LATITUDE).unwrap().y > u32::MAX - 4);
        assert_eq!(
            project(-1e-44, -0.0).unwrap(),
            WorldCoord {
                x: 1 << 31,
                y: 1 << 31
            }
        );
    }

    #[test]
    fn refusals_name_the_bound() {
        assert_eq!(project(f64::NAN, 0.0), Err(Refusal::NotFinite));
        assert_eq!(project(0.0, f64::INFINITY), Err(Refusal::NotFinite));
        assert_eq!(project(541.0, 0.0), Err(Refusal::Longitude));
        assert_eq!(project(0.0, 90.0001), Err(Refusal::Latitude));
        assert_eq!(project(0.0, 90.0), Err(Refusal::Outside));
        assert_eq!(project(0.0, -85.06), Err(Refusal::Outside));
    }

    #[test]
    fn whole_turns_change_nothing() {
        for lon in [-179.5, -90.25, 0.0, 12.5, 179.75] {
            let here = project(lon, 33.0).unwrap();
            for turned in [lon - 360.0, lon + 360.0] {
                if turned.abs() <= MAX_LONGITUDE {
                    assert_eq!(project(turned, 33.0).unwrap(), here, "{turned}");
                }
            }
        }
        assert_eq!(project(-540.0, 10.0), project(180.0, 10.0));
    }

    #[test]
    fn metres_have_edges_too() {
        let edge = EQUATOR_METRES / 2.0;
        assert_eq!(
            place_metres(-edge, edge).unwrap(),
            WorldCoord { x: 0, y: 0 }
        );
        assert!(place_metres(0.0, -20_037_508.342_789_244).is_ok());
        assert_eq!(place_metres(0.0, -edge - 1.0), Err(Refusal::Outside));
        assert_eq!(place_metres(4.0 * edge, 0.0), Err(Refusal::Longitude));
        assert_eq!(place_metres(f64::NAN, 0.0), Err(Refusal::NotFinite));
    }

    proptest! {
        #[test]
        fn metres_are_the_same_places_as_degrees(lon in -180.0..180.0f64, lat in -85.0..85.0f64) {
            let y = (lat.to_radians() / 2.0 + PI / 4.0).tan().ln() / (2.0 * PI);
            let metres = place_metres(lon / 360.0 * EQUATOR_METRES, y * EQUATOR_METRES).unwrap();
            let degrees = project(lon, lat).unwrap();
            prop_assert!(metres.x.abs_diff(degrees.x) <= 1 && metres.y.abs_diff(degrees.y) <= 1);
        }

        #[test]
        fn there_and_back(lon in -180.0..180.0f64, lat in -85.05..85.05f64) {
            let (back_lon, back_lat) = unproject(project(lon, lat).unwrap());
            prop_assert!((back_lon - lon).abs() < 1e-7);
            prop_assert!((back_lat - lat).abs() < 1e-7);
        }
    }
}
