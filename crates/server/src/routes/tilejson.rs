//! `/{layer}`, `/{layer}.json` and `/{layer}/tilejson.json`: a TileJSON 3.0 document, which map
//! libraries read to find a layer's tiles.

use super::archive;
use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::http::path::Segments;
use crate::http::query::Query;
use crate::http::response::{self, json};
use crate::layers::attributes::Attribute;
use crate::layers::entry::ServedLayer;
use crate::layers::windows::TimeSummary;
use crate::state::Server;
use crate::style::ResolvedStyle;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use heatsplat_points::{LonLatBox, MAX_ZOOM};
use heatsplat_render::TileSize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The TileJSON document of a layer.
#[derive(Serialize)]
pub(crate) struct TileJson<'a> {
    tilejson: &'static str,
    name: &'a str,
    tiles: [String; 1],
    scheme: &'static str,
    /// The width and height in CSS pixels at which maps show a tile.
    #[serde(rename = "tileSize")]
    tile_size: u32,
    /// West, south, east and north, in degrees, of the box around the points and everything that
    /// their kernels reach. A box that crosses ±180° is replaced by one of all longitudes: clients
    /// know no box whose east is over 180.
    bounds: [f64; 4],
    /// West, south, east and north, in degrees, of the box around the points; left out if it isn't
    /// known. Its east is over 180 if the points lie on both sides of ±180°.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_bounds: Option<[f64; 4]>,
    /// The middle of the first view of a map, as longitude and latitude in degrees, and a zoom at
    /// which a screen shows the first view.
    center: [f64; 3],
    minzoom: u8,
    maxzoom: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<&'a str>,
    /// The URL of `legend.json` for the style in which the tiles are drawn. TileJSON allows any
    /// text in this field.
    legend: String,
    /// The URL of another TileJSON document of the layer, `dem.json`, whose tiles contain values
    /// instead of colours; left out for archives and in `dem.json` itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    dem: Option<String>,
    /// The parameters of the style in which the tiles are drawn.
    style: BTreeMap<&'static str, String>,
    /// The columns that the parameter `filter` can refer to; left out if the layer keeps no
    /// columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a [Attribute]>,
    /// The times of the points, of which the parameter `time` can ask for a window; left out if
    /// the layer has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<TimeSummary<'a>>,
}

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let id = id.strip_suffix(".json").unwrap_or(&id);
    answer(&server, id, &request)
}

/// Answers with the TileJSON document of the layer with this id.
pub(crate) fn answer(server: &Server, id: &str, request: &Request) -> Result<Response, ApiError> {
    let served = server.layer(id, request)?;
    if let Some(info) = served.source.archive() {
        return archive::tilejson(server, id, info, request);
    }
    let query = Query::parse(
        request.uri().query(),
        &["filter", "time", "datetime", "time_scale", "size", "tms"],
    )?;
    let size = query.tile_size(1)?;
    let is_tms = query.is_tms()?;
    let wanted = Arc::clone(&served).prepare(query)?;
    let base = server.base_url(request);
    let suffix = wanted.query.suffix();
    let mut document = document(
        server,
        &served,
        &wanted.style,
        &base.url,
        (id, &suffix),
        size,
    );
    if size != TileSize::NORMAL {
        let and = if suffix.is_empty() { '?' } else { '&' };
        document.tiles[0] += &format!("{and}size={}", size.pixels());
    }
    if is_tms {
        let and = if document.tiles[0].contains('?') {
            '&'
        } else {
            '?'
        };
        document.tiles[0] += &format!("{and}tms=true");
        document.scheme = "tms";
    }
    document.dem = Some(format!("{}/{id}/dem.json{suffix}", base.url));
    let body = serde_json::to_string(&document).map_err(|_| ApiError::internal())?;
    let fingerprint = Fingerprint::new().text(&body).then(served.fingerprint);
    let headers = server.cache_headers(fingerprint);
    let response =
        response::cached_unless_known(&headers, request.headers(), || json(StatusCode::OK, body));
    Ok(base.guard(response))
}

/// Makes the TileJSON document of a layer whose tiles are drawn on request. `base` is the server's
/// URL, `id` the layer's id, and `suffix` a query string for the URLs in the document, which begins
/// with `?` or is empty.
pub(crate) fn document<'a>(
    server: &'a Server,
    served: &'a ServedLayer,
    style: &ResolvedStyle,
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
        bounds: served.tile_bounds(&style.style, size).edges(),
        data_bounds: served.data_bounds().map(LonLatBox::edges),
        center: served.center(),
        minzoom: 0,
        maxzoom: MAX_ZOOM,
        attribution: server.config.attribution.as_deref(),
        legend: format!("{base}/{id}/legend.json{suffix}"),
        dem: None,
        style: style.style.parameters().into_iter().collect(),
        attributes: served.attributes(),
        time: served
            .times
            .as_ref()
            .map(|times| TimeSummary::new(&times.timeline)),
    }
}

impl TileJson<'_> {
    /// Replaces the URL template of the tiles.
    pub(crate) fn with_tiles(mut self, tiles: String) -> Self {
        self.tiles = [tiles];
        self
    }
}
