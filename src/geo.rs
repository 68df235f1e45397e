//! Conversions of points of the crate `geo-types`.

use heatsplat_points::{Points, PointsError, ProjectionError, WorldCoord, mercator};

/// Builds an index of `geo-types` points with weights. x is the longitude and y the latitude, in
/// degrees.
///
/// ```
/// let berlin = geo_types::Point::new(13.4, 52.5);
/// let points = heatsplat::geo::points([(berlin, 1.0)])?;
/// assert_eq!(points.summary().count, 1);
/// # Ok::<(), heatsplat::points::PointsError>(())
/// ```
///
/// # Errors
/// An error about the first point whose coordinates don't lie on the map.
pub fn points(
    weighted: impl IntoIterator<Item = (geo_types::Point<f64>, f32)>,
) -> Result<Points, PointsError> {
    Points::from_lon_lat(
        weighted
            .into_iter()
            .map(|(p, weight)| (p.x(), p.y(), weight)),
    )
}

/// Projects a `geo-types` point (longitude and latitude in degrees) to the Web-Mercator square.
///
/// # Errors
/// An error if the point doesn't lie on the map, as in [`mercator::project`].
pub fn world_coord(point: geo_types::Point<f64>) -> Result<WorldCoord, ProjectionError> {
    mercator::project(point.x(), point.y())
}
