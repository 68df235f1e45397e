//! `/{layer}/map.png` with `crs` or `bbox-crs`: a map in another coordinate system than Web
//! Mercator, or of a box whose numbers aren't degrees.

use super::get_map::{self, MapGrid};
use super::map_crs::MapCrs;
use crate::http::error::ApiError;
use crate::http::path::FileName;
use crate::http::query::{Query, bad_value};
use crate::layers::entry::ServedLayer;
use crate::routes::map;
use crate::state::Server;
use axum::extract::Request;
use axum::response::Response;
use std::sync::Arc;

/// Returns true if a query string has parameters of this module.
pub(crate) fn is_asked(query: Option<&str>) -> bool {
    let mut names = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    names.any(|(name, _)| map::CRS.contains(&&*name))
}

pub(crate) async fn get(
    server: &Server,
    served: Arc<ServedLayer>,
    file: &FileName<'_>,
    request: Request,
) -> Result<Response, ApiError> {
    let query = Query::parse(request.uri().query(), &map::parameters())?;
    let format = query.picture_format(file.extension)?;
    let (bounds, other) = (query.get("bbox-crs"), query.get("bbox_crs"));
    if bounds.is_some() && other.is_some() {
        let message = "bbox-crs and bbox_crs are both given: they are two names of one thing";
        return Err(ApiError::bad_request(message));
    }
    let given = match bounds.or(other) {
        Some(text) => east_first(found("bbox-crs", text)?),
        None => MapCrs::LonLat,
    };
    let crs = match query.get("crs") {
        Some(text) => east_first(found("crs", text)?),
        None => MapCrs::Mercator,
    };
    let grid = MapGrid::from_query(&served, &query, (given, crs), file.ratio)?;
    let wanted = served.prepare(query)?;
    let grid = (grid, file.ratio);
    get_map::draw(server, wanted, grid, (format, None), request.headers()).await
}

fn found(name: &'static str, text: &str) -> Result<MapCrs, ApiError> {
    let expected = "expected EPSG:3857, EPSG:4326 or CRS:84";
    MapCrs::find_uri(text).ok_or_else(|| bad_value(name, text, expected))
}

/// The coordinate system with the horizontal axis first: this route's boxes always begin with the
/// west.
fn east_first(crs: MapCrs) -> MapCrs {
    match crs {
        MapCrs::LatLon => MapCrs::LonLat,
        other => other,
    }
}
