//! Services by the standards of the OGC, for GIS programs: WMS 1.1.1 and 1.3.0, WMTS 1.0.0, and OGC
//! API – Tiles and Maps ([`api`]).
//!
//! Each service has a file of its own. They share the parameters ([`kvp`]), error documents
//! ([`error`]), coordinate systems ([`map_crs`]) and the grid of tiles ([`tile_matrix_set`]). Their
//! pictures, values and legends are those of the other routes. Requests are parameters in URLs;
//! documents in XML are never read.

pub(crate) mod api;
mod error;
mod feature_info;
mod get_map;
mod kvp;
mod map_crs;
pub(crate) mod map_in_crs;
mod tile_matrix_set;
pub(crate) mod wms;
mod wms_capabilities;
pub(crate) mod wmts;
mod wmts_capabilities;

use super::tile;
use crate::http::error::ApiError;
use crate::http::etag::{CacheHeaders, Fingerprint};
use crate::http::path::{TileFile, TilePath};
use crate::http::response;
use crate::state::{BaseUrl, Server};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Uri};
use axum::response::Response;
use heatsplat_points::TileId;
use heatsplat_render::ramps;
use std::sync::Arc;

/// The name of a layer's own style in the lists of styles. All other styles are ramps.
const OWN_STYLE: &str = "default";

/// The name of the ramp that a style of a service stands for. It is empty for the layer's own
/// style; `None` if there is no such style.
fn ramp_of(style: &str) -> Option<&'static str> {
    if style.is_empty() || style == OWN_STYLE {
        return Some("");
    }
    ramps::all()
        .iter()
        .find(|ramp| ramp.name == style)
        .map(|ramp| ramp.name)
}

/// Turns `request` into a request for another route of this server, from the same client. `address`
/// is the path and the query string for that route. `None` if `address` is no legal URL.
fn redirected(request: Request, address: &str) -> Option<Request> {
    let (mut parts, body) = request.into_parts();
    parts.uri = address.parse::<Uri>().ok()?;
    Some(Request::from_parts(parts, body))
}

/// Answers with a tile by the route `/{layer}/{z}/{x}/{y}.{extension}`. `query` is the query string
/// for that route, with its question mark.
async fn xyz_tile(
    server: Arc<Server>,
    layer: &str,
    (tile, extension): (TileId, &str),
    query: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let (z, x, y) = (tile.z(), tile.x(), tile.y());
    let address = format!("/{layer}/{z}/{x}/{y}.{extension}{query}");
    let request = redirected(request, &address).ok_or_else(ApiError::internal)?;
    let path = TilePath {
        layer: layer.to_owned(),
        file: Ok(TileFile {
            tile,
            ratio: 1,
            extension: extension.to_owned(),
        }),
    };
    tile::get(State(server), path, request).await
}

/// Answers with `body`, a document of the media type `kind`. URLs in it begin with `base`.
pub(super) fn document(
    server: &Server,
    request: &Request,
    base: &BaseUrl,
    kind: &'static str,
    body: String,
) -> Response {
    // Layers come and go, so clients must ask each time whether their copy is current.
    let no_cache = HeaderValue::from_static("no-cache");
    let headers = CacheHeaders::new(Fingerprint::new().text(&body), &no_cache);
    let mut response = response::cached_unless_known(&headers, request.headers(), || {
        Response::new(Body::from(body))
    });
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if server.layers.has_keys() {
        response::add_vary(response.headers_mut(), "authorization");
    }
    base.guard(response)
}
