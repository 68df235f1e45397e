//! Points as the `geo-types` crate has them.

use heatsplat_points::{BadPoint, Points, Refusal, WorldCoord, mercator};

/// An index of weighted `geo-types` points: x is longitude and y latitude, in degrees.
///
/// ```
/// let berlin = geo_types::Point::new(13.4, 52.5);
/// let points = heatsplat::geo::points([(berlin, 1.0)])?;
/// assert_eq!(points.summary().count, 1);
/// # Ok::<(), heatsplat::points::BadPoint>(())
/// ```
///
/// # Errors
/// The first point that has no place on the map.
pub fn points(
    weighted: impl IntoIterator<Item = (geo_types::Point<f64>, f32)>,
) -> Result<Points, BadPoint> {
    Points::from_lon_lat(
        weighted
            .into_iter()
            .map(|(p, weight)| (p.x(), p.y(), weight)),
    )
}

/// The place of a `geo-types` point in the world square.
///
/// # Errors
/// What [`mercator::project`] refuses.
pub fn world_coord(point: geo_types::Point<f64>) -> Result<WorldCoord, Refusal> {
    mercator::project(point.x(), point.y())
}
