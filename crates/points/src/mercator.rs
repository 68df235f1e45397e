//! The projection between degrees and the world square: EPSG:3857 with integer coordinates.
//!
//! The square spans longitude ±180° and latitude ±[`MAX_LATITUDE`]. x grows east and y grows
//! **south**. Both are counted in *world units*: a unit is 2⁻³² of the world's side, which is 9.3
//! mm at the equator.
//!
//! The formula is the spherical Mercator projection. For a latitude φ, y = ½ − atanh(sin φ) / 2π,
//! as a fraction of the world's side. It equals the usual form with asinh(tan φ) and needs one
//! logarithm less.

use std::f64::consts::PI;

/// The latitude in degrees of the map's northern edge, atan(sinh π). With it the projected world is
/// a square.
pub const MAX_LATITUDE: f64 = 85.051_128_779_806_6;

/// The greatest absolute longitude in degrees that is accepted: one and a half turns. Longitudes up
/// to this limit are wrapped to ±180°; larger ones are errors.
pub const MAX_LONGITUDE: f64 = 540.0;

/// The side of the world square in world units, 2³².
pub const WORLD: f64 = 4_294_967_296.0;

/// The length in metres of the equator of the Web-Mercator sphere.
pub const EQUATOR_METRES: f64 = 40_075_016.685_578_49;

/// A position in the Web-Mercator square in world units; y grows south.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorldCoord {
    /// The distance to the east of longitude −180°, in world units.
    pub x: u32,
    /// The distance to the south of latitude +[`MAX_LATITUDE`], in world units.
    pub y: u32,
}

/// The reason why a longitude and latitude have no position in the world square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// A coordinate is NaN or infinite.
    #[error("longitude and latitude must be finite numbers")]
    NotFinite,
    /// The longitude is beyond ±540°.
    #[error("longitude must lie within ±540 degrees")]
    Longitude,
    /// The latitude is beyond ±90°.
    #[error("latitude must lie within ±90 degrees")]
    Latitude,
    /// The latitude is valid, but lies outside the Mercator square.
    #[error("latitude lies outside the Web-Mercator square (±85.0511 degrees)")]
    Outside,
}

/// Projects a longitude and latitude in degrees to the world square.
///
/// Longitudes wrap: 181 becomes −179, so data with longitudes from 0 to 360 are projected
/// correctly. +180 and −180 are the same meridian, the square's left edge. A latitude beyond
/// [`MAX_LATITUDE`] is an error. It is not clamped, since a clamped point would be drawn at a wrong
/// place.
///
/// ```
/// use heatsplat_points::mercator::{project, ProjectionError};
/// assert_eq!(project(0.0, 0.0).unwrap().x, 1 << 31);
/// assert_eq!(project(181.0, 10.0), project(-179.0, 10.0));
/// assert_eq!(project(0.0, 86.0), Err(ProjectionError::Outside));
/// ```
///
/// # Errors
/// A [`ProjectionError`] whose variant names the coordinate and its limit.
pub fn project(lon: f64, lat: f64) -> Result<WorldCoord, ProjectionError> {
    if !(lon.is_finite() && lat.is_finite()) {
        return Err(ProjectionError::NotFinite);
    }
    if lon.abs() > MAX_LONGITUDE {
        return Err(ProjectionError::Longitude);
    }
    if lat.abs() > 90.0 {
        return Err(ProjectionError::Latitude);
    }
    if lat.abs() > MAX_LATITUDE {
        return Err(ProjectionError::Outside);
    }
    let turns = lon / 360.0 + 0.5;
    // A tiny negative fraction of a turn can be rounded up to a whole turn, 2³². The cast to u32
    // wraps 2³² to 0.
    let x = ((turns - turns.floor()) * WORLD) as u64 as u32;
    let y = (latitude_fraction(lat) * WORLD).clamp(0.0, WORLD - 1.0) as u32;
    Ok(WorldCoord { x, y })
}

/// Projects Web-Mercator metres (EPSG:3857) to the world square.
///
/// x wraps as longitudes do. A y outside the square is an error. But it may exceed the square's
/// edge by 1e-10 of the world's side, since some programs write the edge with a rounding error.
///
/// # Errors
/// A [`ProjectionError`] whose variant names the coordinate and its limit.
pub fn project_metres(x: f64, y: f64) -> Result<WorldCoord, ProjectionError> {
    const ROUNDING: f64 = 1e-10;
    if !(x.is_finite() && y.is_finite()) {
        return Err(ProjectionError::NotFinite);
    }
    let (turns, down) = (x / EQUATOR_METRES + 0.5, 0.5 - y / EQUATOR_METRES);
    if (turns - 0.5).abs() > MAX_LONGITUDE / 360.0 {
        return Err(ProjectionError::Longitude);
    }
    if !(-ROUNDING..=1.0 + ROUNDING).contains(&down) {
        return Err(ProjectionError::Outside);
    }
    let x = ((turns - turns.floor()) * WORLD) as u64 as u32;
    let y = (down * WORLD).clamp(0.0, WORLD - 1.0) as u32;
    Ok(WorldCoord { x, y })
}

/// Returns the (longitude, latitude) of a position in degrees; the longitude is from −180 to 180.
pub fn unproject(at: WorldCoord) -> (f64, f64) {
    (longitude(f64::from(at.x)), latitude(f64::from(at.y)))
}

/// Returns the longitude in degrees of an x in world units. It is not wrapped: an x outside the
/// world gives a longitude beyond ±180.
pub fn longitude(x: f64) -> f64 {
    x / WORLD * 360.0 - 180.0
}

/// Returns the latitude in degrees of a y in world units.
pub fn latitude(y: f64) -> f64 {
    (PI * (1.0 - 2.0 * y / WORLD)).sinh().atan().to_degrees()
}

/// Returns the number of metres on the ground that a world unit spans at `y`, the distance in world
/// units from the map's northern edge.
///
/// At latitude φ a world unit spans cos φ times what it spans at the equator. On Web Mercator's
/// sphere, cos φ = 1 / cosh(π (1 − 2 y / WORLD)). The Earth is an ellipsoid, for which the result
/// is wrong by at most 0.7 %.
pub fn metres_per_unit(y: f64) -> f64 {
    let share = (y / WORLD).clamp(0.0, 1.0);
    EQUATOR_METRES / WORLD / (PI * (1.0 - 2.0 * share)).cosh()
}

/// Returns the x, in world units, of a longitude in degrees. It is not wrapped: a longitude beyond
/// ±180 gives an x outside the world.
pub fn unwrapped_x(lon: f64) -> f64 {
    (lon / 360.0 + 0.5) * WORLD
}

/// Returns the y, in world units, of a latitude in degrees. A latitude outside the world square
/// gives the square's edge.
pub fn clamped_y(lat: f64) -> f64 {
    (latitude_fraction(lat.clamp(-MAX_LATITUDE, MAX_LATITUDE)) * WORLD).clamp(0.0, WORLD)
}

/// Returns the y of a latitude in degrees, as a fraction of the world's side: 0 at the square's
/// northern edge and 1 at its southern edge.
fn latitude_fraction(lat: f64) -> f64 {
    let s = lat.to_radians().sin();
    0.5 - ((1.0 + s) / (1.0 - s)).ln() / (4.0 * PI)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ground_shrinks_with_the_cosine_of_the_latitude() {
        let equator = metres_per_unit(clamped_y(0.0));
        for lat in [-80.0f64, -45.0, 30.0, 60.0] {
            let share = metres_per_unit(clamped_y(lat)) / equator;
            assert!(
                (share - lat.to_radians().cos()).abs() < 1e-6,
                "{lat}: {share}"
            );
        }
    }

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
        // Real data contain this latitude: it is the limit as other programs print it.
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
        assert_eq!(project(f64::NAN, 0.0), Err(ProjectionError::NotFinite));
        assert_eq!(project(0.0, f64::INFINITY), Err(ProjectionError::NotFinite));
        assert_eq!(project(541.0, 0.0), Err(ProjectionError::Longitude));
        assert_eq!(project(0.0, 90.0001), Err(ProjectionError::Latitude));
        assert_eq!(project(0.0, 90.0), Err(ProjectionError::Outside));
        assert_eq!(project(0.0, -85.06), Err(ProjectionError::Outside));
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
            project_metres(-edge, edge).unwrap(),
            WorldCoord { x: 0, y: 0 }
        );
        assert!(project_metres(0.0, -20_037_508.342_789_244).is_ok());
        assert_eq!(
            project_metres(0.0, -edge - 1.0),
            Err(ProjectionError::Outside)
        );
        assert_eq!(
            project_metres(4.0 * edge, 0.0),
            Err(ProjectionError::Longitude)
        );
        assert_eq!(
            project_metres(f64::NAN, 0.0),
            Err(ProjectionError::NotFinite)
        );
    }

    proptest! {
        #[test]
        fn metres_are_the_same_places_as_degrees(lon in -180.0..180.0f64, lat in -85.0..85.0f64) {
            let y = (lat.to_radians() / 2.0 + PI / 4.0).tan().ln() / (2.0 * PI);
            let metres = project_metres(lon / 360.0 * EQUATOR_METRES, y * EQUATOR_METRES).unwrap();
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
