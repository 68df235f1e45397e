//! `/{layer}/dem.json`: a document about tiles whose pixels encode the values of a layer, so that
//! the browser can colour them. In MapLibre they are a source of the type `raster-dem` under a
//! layer of the type `color-relief`.
//!
//! The URLs of the tiles contain the range of values that is encoded, so a URL always stands for
//! the same decoding. The document has two parts for MapLibre: the source, and an expression that
//! gives each value the colour that the layer's style gives it.

use super::tilejson::{TileJson, document};
use crate::cost::Work;
use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::http::path::DEM;
use crate::http::query::{Query, dem_range};
use crate::http::response::{self, json};
use crate::layers::entry::{LayerRequest, ServedLayer};
use crate::render;
use crate::render_queue::WorkSize;
use crate::state::Server;
use crate::style::ResolvedStyle;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use heatsplat_points::MAX_ZOOM;
use heatsplat_render::encode::Dem;
use heatsplat_render::legend::Legend;
use heatsplat_render::{Level, Normalizer, Statistics, TileSize, ValueKind};
use serde::Serialize;
use serde_json::{Value, json as value};
use std::sync::Arc;

/// The zooms in whose tiles values are measured, to find the range of values that tiles encode. The
/// zoom that shows all points is measured too. A choice.
const ZOOMS: [u8; 3] = [0, 8, 14];
/// The factor by which both ends of the encoded range are farther from 0 than the least and the
/// greatest value that were measured. The values are measured in a sample of tiles only, and may be
/// larger elsewhere. A choice.
const MARGIN: f64 = 1.25;
/// The width and height of a tile in pixels, as map libraries assume them for elevation tiles.
const SIDE: u32 = 512;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DemDocument<'a> {
    #[serde(flatten)]
    tilejson: TileJson<'a>,
    #[serde(flatten)]
    decoding: Decoding,
    /// The value that a pixel without heat decodes to. It is less than the low end of the range by
    /// the least difference between two values that the encoding can show.
    nothing: f64,
    /// The argument of MapLibre's `map.addSource` for the tiles that the document is about.
    source: Value,
    /// The `paint` object of a MapLibre layer of the type `color-relief`. It has the colours of the
    /// layer's style at the zoom that shows all points.
    paint: Value,
}

/// The formula by which a pixel is decoded: red × `red_factor` + green × `green_factor` + blue ×
/// `blue_factor` − `base_shift`, with red, green and blue from 0 to 255.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decoding {
    encoding: &'static str,
    red_factor: f64,
    green_factor: f64,
    blue_factor: f64,
    base_shift: f64,
}

impl Decoding {
    fn new(dem: Dem) -> Self {
        let [red_factor, green_factor, blue_factor, base_shift] = dem.factors();
        Self {
            encoding: "custom",
            red_factor,
            green_factor,
            blue_factor,
            base_shift,
        }
    }
}

pub(crate) async fn get(
    server: &Server,
    served: Arc<ServedLayer>,
    id: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let query = Query::parse(
        request.uri().query(),
        &["range", "filter", "time", "datetime", "time_scale"],
    )?;
    let whole = Arc::clone(&served);
    let wanted = served.prepare(query)?;
    let LayerRequest {
        layer,
        style,
        query,
    } = &wanted;
    let scale = |z: u8| Work::Scale(render::level(z, 256));
    let unknown = query.get("range").is_none();
    let others = ZOOMS.into_iter().filter(|_| unknown);
    let level = Level::from_zoom(f64::from(layer.zoom()));
    let mut size = wanted.check_cost(Some(level), others.chain([layer.zoom()]).map(scale))?;
    // Several scales are measured, one after the other.
    size.prepares = true;
    let text = match query.get("range") {
        Some(given) => given.to_owned(),
        None => {
            let (low, high) = measure_range(server, size, &wanted).await?;
            format!("{low},{high}")
        }
    };
    let dem = dem_range(&text)?;
    let scale = wanted.normalizer(&server.render_queue, size, level).await?;

    let (base_url, suffix) = (server.base_url(&request), query.suffix());
    let base = &base_url.url;
    let and = if suffix.is_empty() { '?' } else { '&' };
    let range = text.replace(',', "%2C");
    let tiles =
        format!("{base}/{id}/{{z}}/{{x}}/{{y}}.{DEM}{suffix}{and}size={SIDE}&range={range}");
    let size = TileSize::new(SIDE, 1).unwrap_or(TileSize::NORMAL);
    let decoding = Decoding::new(dem);
    let nothing = -decoding.base_shift;
    let mut source = serde_json::to_value(decoding).map_err(|_| ApiError::internal())?;
    if let Value::Object(source) = &mut source {
        source.insert("type".to_owned(), value!("raster-dem"));
        source.insert("tiles".to_owned(), value!([tiles]));
        source.insert("tileSize".to_owned(), value!(SIDE));
        let bounds = layer.tile_bounds(&style.style, size);
        source.insert("bounds".to_owned(), value!(bounds.edges()));
        source.insert("maxzoom".to_owned(), value!(MAX_ZOOM));
    }
    let tilejson = document(server, &whole, style, base, (id, &suffix), size).with_tiles(tiles);
    let body = serde_json::to_string(&DemDocument {
        tilejson,
        decoding,
        nothing,
        source,
        paint: paint(&scale, style, nothing),
    });
    let body = body.map_err(|_| ApiError::internal())?;
    let fingerprint = Fingerprint::new().text(&body).then(layer.fingerprint);
    let headers = server.cache_headers(fingerprint);
    let response =
        response::cached_unless_known(&headers, request.headers(), || json(StatusCode::OK, body));
    Ok(base_url.guard(response))
}

/// The range of values that tiles should encode, which always contains 0. It goes from the least to
/// the greatest value in a sample of tiles of [`ZOOMS`] and of the zoom that shows all points, each
/// multiplied by [`MARGIN`]. An error if the values of a live layer can't be measured.
async fn measure_range(
    server: &Server,
    size: WorkSize,
    wanted: &LayerRequest,
) -> Result<(f64, f64), ApiError> {
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for z in ZOOMS.into_iter().chain([wanted.layer.zoom()]) {
        let found = wanted.distribution(&server.render_queue, size, z).await?;
        let Some((statistics, nature)) = found else {
            let unknown = "the range of this layer's values is not known: give range=lo,hi";
            return Err(ApiError::bad_request(unknown));
        };
        let (least, most) = ends(&statistics, nature);
        (low, high) = (low.min(least), high.max(most));
    }
    let high = if high > low { high } else { low + 1.0 };
    // The numbers are rounded to few digits, since they stand in URLs that people read.
    let short = |v: f64| format!("{:.3e}", v * MARGIN).parse().unwrap_or(v * MARGIN);
    Ok((short(low), short(high)))
}

/// The least and the greatest value that tiles must be able to encode at one zoom. Both follow from
/// `statistics`, the values that were measured, and from `nature`, their kind:
///
/// * amounts and quotients: from 0 to the greatest value
/// * means: from the least to the greatest value
/// * signed values: equally far on both sides of 0
fn ends(statistics: &Statistics, nature: ValueKind) -> (f64, f64) {
    match nature {
        ValueKind::Amount | ValueKind::Ratio => (0.0, statistics.max()),
        ValueKind::Level => (statistics.min(), statistics.max()),
        ValueKind::Signed => (-statistics.max(), statistics.max()),
    }
}

/// The style's colours as a MapLibre expression that interpolates between stops: values with their
/// colours. MapLibre requires that the stops' values increase. `nothing` is the value of empty
/// pixels, which are transparent.
fn paint(scale: &Normalizer, style: &ResolvedStyle, nothing: f64) -> Value {
    let legend = Legend::for_style(scale, &style.style);
    let mut stops = vec![
        value!("interpolate"),
        value!(["linear"]),
        value!(["elevation"]),
    ];
    stops.extend([value!(nothing), value!("#00000000")]);
    let mut last = nothing;
    for stop in legend.stops().iter().filter(|stop| stop.value.is_finite()) {
        if stop.value > last {
            stops.extend([value!(stop.value), value!(stop.color)]);
            last = stop.value;
        }
    }
    value!({ "color-relief-color": stops })
}
