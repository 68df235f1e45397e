//! `/{layer}` and `/{layer}.json`: TileJSON 3.0, what most map libraries start from.

use crate::http::error::{Refused, json};
use crate::http::etag::Fingerprint;
use crate::http::path::Segments;
use crate::http::query::Query;
use crate::http::router::Server;
use crate::layers::archived;
use crate::layers::entry::{Data, Look, Served};
use crate::layers::filtered::Attribute;
use crate::routes::tile;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HOST, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use heatsplat_points::MAX_ZOOM;
use heatsplat_render::TileSize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a map library needs to show a layer.
#[derive(Serialize)]
pub(crate) struct TileJson<'a> {
    tilejson: &'static str,
    name: &'a str,
    tiles: [String; 1],
    scheme: &'static str,
    /// CSS pixels of a tile's side.
    #[serde(rename = "tileSize")]
    tile_size: u32,
    /// Where tiles show something: the points, and what their kernels reach at the lowest zoom.
    /// All longitudes where that reaches across ±180°, since clients know no other way to say it.
    bounds: [f64; 4],
    /// Where the points are; an east beyond 180 where they lie across ±180°.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_bounds: Option<[f64; 4]>,
    /// The densest place, and a zoom that shows nearly all weight.
    center: [f64; 3],
    minzoom: u8,
    maxzoom: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<&'a str>,
    /// The legend's address; TileJSON allows text here, and an address is one.
    legend: String,
    /// The address of another such document, whose tiles hold values instead of colours.
    #[serde(skip_serializing_if = "Option::is_none")]
    dem: Option<String>,
    /// What the tiles are drawn with.
    style: BTreeMap<&'static str, String>,
    /// What `filter` may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a [Attribute]>,
}

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, Refused> {
    let id = id.strip_suffix(".json").unwrap_or(&id);
    let served = server.layers.get(id)?;
    if let Data::Stored(stored) = &served.data {
        return archived::tilejson(&server, id, stored.about(), &request);
    }
    let query = Query::parse(request.uri().query(), &["filter", "size"])?;
    let size = tile::size(&query, 1)?;
    let look = served.look(&query)?;
    Arc::clone(&served).filtered(&query)?;
    let base = base(&server, request.headers());
    let suffix = query.suffix();
    let mut document = document(&server, &served, &look, &base, (id, &suffix), size);
    if size != TileSize::NORMAL {
        let and = if suffix.is_empty() { '?' } else { '&' };
        document.tiles[0] += &format!("{and}size={}", size.pixels());
    }
    document.dem = Some(format!("{base}/{id}/dem.json{suffix}"));
    let body = serde_json::to_string(&document).map_err(|_| Refused::internal())?;
    let caching = server.caching(Fingerprint::new().text(&body).then(served.fingerprint));
    let mut response = match caching.not_modified(request.headers()) {
        Some(response) => response,
        None => caching.label(json(StatusCode::OK, body)),
    };
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("host"));
    Ok(response)
}

/// The document of a layer whose tiles are pictures; `id` and `suffix` as addresses have them.
pub(crate) fn document<'a>(
    server: &'a Server,
    served: &'a Served,
    look: &Look,
    base: &str,
    (id, suffix): (&str, &str),
    size: TileSize,
) -> TileJson<'a> {
    TileJson {
        tilejson: "3.0.0",
        name: served.name(),
        tiles: [format!("{base}/{id}/{{z}}/{{x}}/{{y}}.png{suffix}")],
        scheme: "xyz",
        tile_size: size.pixels() / size.ratio(),
        bounds: served.tile_bounds(&look.style, size),
        data_bounds: served.data_bounds(),
        center: served.center(),
        minzoom: 0,
        maxzoom: MAX_ZOOM,
        attribution: server.options.attribution.as_deref(),
        legend: format!("{base}/{id}/legend.json{suffix}"),
        dem: None,
        style: look.style.parameters().into_iter().collect(),
        attributes: served.attributes(),
    }
}

impl TileJson<'_> {
    /// The same of other tiles.
    pub(crate) fn with_tiles(mut self, tiles: String) -> Self {
        self.tiles = [tiles];
        self
    }
}

/// The address that the client reached us by. The `Host` header is the client's word, so
/// it is taken only if it can be a host, and not at all where the operator gave an address.
pub(crate) fn base(server: &Server, headers: &HeaderMap) -> String {
    if let Some(url) = &server.options.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| is_host(host));
    format!("http://{}", host.unwrap_or(&server.options.listen))
}

fn is_host(host: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'[' | b']' | b'-');
    (1..=255).contains(&host.len()) && host.bytes().all(legal)
}
