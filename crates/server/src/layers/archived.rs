//! Layers whose tiles were drawn before and lie in an archive: they are sent as they are.

use crate::http::error::{Refused, json};
use crate::http::etag::Fingerprint;
use crate::http::path::File;
use crate::http::query::Query;
use crate::http::router::Server;
use crate::routes::tilejson;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_points::TileId;
use heatsplat_render::encode::{self, ImageFormat};
use heatsplat_render::say;
use serde_json::json;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// An archive of tiles that are pictures.
pub trait Stored: Send + Sync + fmt::Debug {
    /// What it holds.
    fn about(&self) -> &StoredAbout;

    /// A tile's bytes; `None` where there is none. The error is for whoever runs the server.
    ///
    /// # Errors
    /// A file that can't be read any more, or is damaged.
    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, String>;
}

/// What an archive holds.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAbout {
    /// What the layer is called.
    pub name: String,
    /// Who the data come from.
    pub attribution: Option<String>,
    /// The ending of tiles' addresses, without the dot.
    pub extension: &'static str,
    /// Their media type.
    pub mime: &'static str,
    /// The zooms there are tiles of.
    pub zooms: RangeInclusive<u8>,
    /// West, south, east, north in degrees of all that its tiles show.
    pub bounds: [f64; 4],
    /// West, south, east, north of the points that they show, where it says so; an east beyond
    /// 180 where those lie across ±180°.
    pub data_bounds: Option<[f64; 4]>,
    /// Longitude, latitude and zoom of a map to begin with.
    pub center: [f64; 3],
    /// Pixels of a tile's side.
    pub pixels: u32,
    /// CSS pixels of it.
    pub tile_size: u32,
}

/// A tile as it is stored; where there is none within the archive's zooms, an empty picture.
pub(crate) async fn tile(
    server: &Server,
    stored: Arc<dyn Stored>,
    file: &File<'_>,
    tile: TileId,
    (query, headers): (Option<&str>, &HeaderMap),
) -> Result<Response, Refused> {
    takes_nothing(query)?;
    let about = stored.about();
    if file.extension != about.extension || file.ratio != 1 {
        let message = format!("the tiles of this layer end in .{} alone", about.extension);
        return Err(Refused::with(StatusCode::NOT_FOUND, message));
    }
    if !about.zooms.contains(&tile.z()) {
        return Err(Refused::not_found("this layer has no tiles of that zoom"));
    }
    let (mime, side) = (about.mime, about.pixels);
    let empty = match about.extension {
        "png" => Some(ImageFormat::Png),
        "webp" => Some(ImageFormat::WebP),
        _ => None,
    };
    let read = move || {
        let found = stored.tile(tile).map_err(|why| {
            say!("heatsplat: {why}");
            Refused::later("this tile can't be read for now")
        })?;
        if let Some(bytes) = found {
            return Ok(Bytes::from(bytes));
        }
        let empty = empty.and_then(|format| encode::empty(format, side, side).ok());
        let bytes = empty.map(Bytes::from_owner);
        bytes.ok_or_else(|| Refused::not_found("this layer has no such tile"))
    };
    let (bytes, _) = server.renders.run(1, read).await?;
    let caching = server.caching(Fingerprint::new().text(mime).bytes(&bytes));
    if let Some(response) = caching.not_modified(headers) {
        return Ok(response);
    }
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    Ok(caching.label(response))
}

/// The archive's TileJSON.
pub(crate) fn tilejson(
    server: &Server,
    id: &str,
    about: &StoredAbout,
    request: &Request,
) -> Result<Response, Refused> {
    takes_nothing(request.uri().query())?;
    let base = tilejson::base(server, request.headers());
    let (first, last) = (*about.zooms.start(), *about.zooms.end());
    let mut document = json!({
        "tilejson": "3.0.0",
        "name": about.name,
        "tiles": [format!("{base}/{id}/{{z}}/{{x}}/{{y}}.{}", about.extension)],
        "scheme": "xyz",
        "tileSize": about.tile_size,
        "bounds": about.bounds,
        "center": about.center,
        "minzoom": first,
        "maxzoom": last,
    });
    let own = about.attribution.as_deref();
    let attribution = own.or(server.options.attribution.as_deref());
    if let Some(document) = document.as_object_mut() {
        if let Some(attribution) = attribution {
            document.insert("attribution".to_owned(), json!(attribution));
        }
        if let Some(bounds) = about.data_bounds {
            document.insert("data_bounds".to_owned(), json!(bounds));
        }
    }
    let body = document.to_string();
    let caching = server.caching(Fingerprint::new().text(&body));
    let mut response = match caching.not_modified(request.headers()) {
        Some(response) => response,
        None => caching.label(json(StatusCode::OK, body)),
    };
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("host"));
    Ok(response)
}

/// What was drawn before can't be drawn otherwise.
fn takes_nothing(query: Option<&str>) -> Result<(), Refused> {
    if Query::says_nothing(query) {
        return Ok(());
    }
    Err(Refused::bad(
        "the tiles of this layer were drawn before: they take no parameters",
    ))
}
