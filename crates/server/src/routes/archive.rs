//! Tiles and TileJSON of layers that are archives. The bytes of a tile are sent unchanged.

use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::http::path::TileFile;
use crate::http::query::Query;
use crate::http::response::{self, json};
use crate::layers::archived::{ArchiveInfo, TileArchive};
use crate::render_queue::WorkSize;
use crate::state::Server;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_render::encode::{self, ImageFormat};
use serde_json::json as value;
use std::sync::Arc;

/// Answers with a tile of the archive. The zooms that the archive has may lack single tiles: for
/// such a tile the answer is an empty picture if the archive's tiles are PNG or WebP, and 404 if
/// they have another format. The tuple is the query string and the headers of the request.
pub(crate) async fn tile(
    server: &Server,
    archive: Arc<dyn TileArchive>,
    file: &TileFile,
    (query, request): (Option<&str>, &HeaderMap),
) -> Result<Response, ApiError> {
    check_no_parameters(query)?;
    let info = archive.info();
    if file.extension != info.extension || file.ratio != 1 {
        let message = format!("the tiles of this layer end in .{} alone", info.extension);
        return Err(ApiError::with_status(StatusCode::NOT_FOUND, message));
    }
    let tile = file.tile;
    if !info.zooms.contains(&tile.z()) {
        return Err(ApiError::not_found("this layer has no tiles of that zoom"));
    }
    let (mime, side) = (info.mime, info.pixels);
    let empty = match info.extension {
        "png" => Some(ImageFormat::Png),
        "webp" => Some(ImageFormat::WebP),
        _ => None,
    };
    // A thread that answers other requests too must not wait for another machine.
    let size = WorkSize {
        prepares: archive.is_remote(),
        ..WorkSize::SMALL
    };
    let read = move || {
        let found = archive.tile(tile).map_err(|error| {
            tracing::warn!("{error}");
            ApiError::unavailable("this tile can't be read for now")
        })?;
        if let Some(bytes) = found {
            return Ok(Bytes::from(bytes));
        }
        let empty = empty.and_then(|format| encode::empty(format, side, side).ok());
        let bytes = empty.map(Bytes::from_owner);
        bytes.ok_or_else(|| ApiError::not_found("this layer has no such tile"))
    };
    let (bytes, _) = server.render_queue.run(size, read).await?;
    let headers = server.cache_headers(Fingerprint::new().text(mime).bytes(&bytes));
    if let Some(response) = response::not_modified(&headers, request) {
        return Ok(response);
    }
    let mut response = Response::new(Body::from(bytes));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    Ok(response::cached(&headers, response))
}

/// Answers with the TileJSON of an archive. `id` is the layer's id.
pub(crate) fn tilejson(
    server: &Server,
    id: &str,
    info: &ArchiveInfo,
    request: &Request,
) -> Result<Response, ApiError> {
    check_no_parameters(request.uri().query())?;
    let base_url = server.base_url(request);
    let base = &base_url.url;
    let (first, last) = (*info.zooms.start(), *info.zooms.end());
    let mut document = value!({
        "tilejson": "3.0.0",
        "name": info.name,
        "tiles": [format!("{base}/{id}/{{z}}/{{x}}/{{y}}.{}", info.extension)],
        "scheme": "xyz",
        "tileSize": info.tile_size,
        "bounds": info.bounds.edges(),
        "center": info.center,
        "minzoom": first,
        "maxzoom": last,
    });
    let own = info.attribution.as_deref();
    let attribution = own.or(server.config.attribution.as_deref());
    if let Some(document) = document.as_object_mut() {
        if let Some(attribution) = attribution {
            document.insert("attribution".to_owned(), value!(attribution));
        }
        if let Some(legends) = &info.legends {
            document.insert("legends".to_owned(), legends.clone());
        }
        if let Some(bounds) = info.data_bounds {
            document.insert("data_bounds".to_owned(), value!(bounds.edges()));
        }
    }
    let body = document.to_string();
    let headers = server.cache_headers(Fingerprint::new().text(&body));
    let response =
        response::cached_unless_known(&headers, request.headers(), || json(StatusCode::OK, body));
    Ok(base_url.guard(response))
}

/// Returns an error if the query has parameters: the archive's tiles can't be drawn differently.
fn check_no_parameters(query: Option<&str>) -> Result<(), ApiError> {
    if Query::is_empty(query) {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "the tiles of this layer were drawn before: they take no parameters",
    ))
}
