//! `/{layer}/dem.json`: a layer as a source of values, which MapLibre's `color-relief` colours in
//! the browser.
//!
//! The tiles' addresses have the range of values in them, so a tile means the same forever. The
//! document has the source as MapLibre takes it, and colours to begin with.

use crate::cost::{self, Work};
use crate::http::error::{Refused, json};
use crate::http::etag::Fingerprint;
use crate::http::query::{Query, finite, refuse};
use crate::http::router::Server;
use crate::layers::entry::{Look, Served};
use crate::render;
use crate::routes::tile::DEM;
use crate::routes::tilejson::{TileJson, base, document};
use axum::extract::Request;
use axum::http::header::VARY;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_points::MAX_ZOOM;
use heatsplat_render::encode::Dem;
use heatsplat_render::legend::Legend;
use heatsplat_render::{Level, Normalizer, Statistics, TileSize, ValueKind};
use serde::Serialize;
use serde_json::{Value, json as value};
use std::sync::Arc;

/// Zooms whose values must fit, besides that which shows all points.
const ZOOMS: [u8; 3] = [0, 8, 14];
/// Values are measured in samples of tiles: others may have some more.
const ROOM: f64 = 1.25;
/// Pixels of a tile's side: what map libraries take for granted of such sources.
const SIDE: u32 = 512;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(flatten)]
    tilejson: TileJson<'a>,
    #[serde(flatten)]
    decoding: Decoding,
    /// What a pixel decodes to where nothing is.
    nothing: f64,
    /// For `map.addSource`.
    source: Value,
    /// The `paint` of a layer of the type `color-relief`: the colours of the layer's style, at the
    /// zoom that shows all points.
    paint: Value,
}

/// How values are made of colours: red, green and blue from 0 to 255 times their factors,
/// added up, less the shift.
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
    fn of(dem: Dem) -> Self {
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

/// `lo,hi` as it is given in addresses.
pub(crate) fn range(text: &str) -> Result<Dem, Refused> {
    let wrong = || {
        refuse(
            "range",
            text,
            "expected lo,hi: two numbers, the second greater",
        )
    };
    let (low, high) = text.split_once(',').ok_or_else(wrong)?;
    let end = |text: &str| finite("range", text.trim());
    let ends = end(low).and_then(|low| Ok((low, end(high)?)));
    let (low, high) = ends.map_err(|_| wrong())?;
    Dem::new(low, high).ok_or_else(wrong)
}

pub(crate) async fn get(
    server: &Server,
    served: Arc<Served>,
    id: &str,
    request: Request,
) -> Result<Response, Refused> {
    let query = Query::parse(request.uri().query(), &["range", "filter"])?;
    let look = served.look(&query)?;
    let whole = Arc::clone(&served);
    let served = served.filtered(&query)?;
    let scale = |z: u8| Work::Scale(render::level(z, 256));
    let unknown = query.get("range").is_none();
    let others = ZOOMS.into_iter().filter(|_| unknown);
    let work = others.chain([served.zoom()]).map(scale);
    cost::bound(&served, &query, &look, work)?;
    let text = match query.get("range") {
        Some(given) => given.to_owned(),
        None => {
            let (low, high) = measured(server, &served, &look).await?;
            format!("{low},{high}")
        }
    };
    let dem = range(&text)?;
    let level = Level::from_zoom(f64::from(served.zoom()));
    let found = Arc::clone(&served).normalizer(&server.renders, level, Arc::clone(&look));
    let scale = found.await?;

    let (base, suffix) = (base(server, request.headers()), query.suffix());
    let and = if suffix.is_empty() { '?' } else { '&' };
    let range = text.replace(',', "%2C");
    let tiles =
        format!("{base}/{id}/{{z}}/{{x}}/{{y}}.{DEM}{suffix}{and}size={SIDE}&range={range}");
    let size = TileSize::new(SIDE, 1).unwrap_or(TileSize::NORMAL);
    let decoding = Decoding::of(dem);
    let nothing = -decoding.base_shift;
    let mut source = serde_json::to_value(decoding).map_err(|_| Refused::internal())?;
    if let Value::Object(source) = &mut source {
        source.insert("type".to_owned(), value!("raster-dem"));
        source.insert("tiles".to_owned(), value!([tiles]));
        source.insert("tileSize".to_owned(), value!(SIDE));
        let bounds = served.tile_bounds(&look.style, size);
        source.insert("bounds".to_owned(), value!(bounds));
        source.insert("maxzoom".to_owned(), value!(MAX_ZOOM));
    }
    let tilejson = document(server, &whole, &look, &base, (id, &suffix), size).with_tiles(tiles);
    let body = serde_json::to_string(&Document {
        tilejson,
        decoding,
        nothing,
        source,
        paint: paint(&scale, &look, nothing),
    });
    let body = body.map_err(|_| Refused::internal())?;
    let caching = server.caching(Fingerprint::new().text(&body).then(served.fingerprint));
    let known = caching.not_modified(request.headers());
    let mut response = known.unwrap_or_else(|| caching.label(json(StatusCode::OK, body)));
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("host"));
    Ok(response)
}

/// The least and the greatest value of all zooms, as far as samples tell.
async fn measured(
    server: &Server,
    served: &Arc<Served>,
    look: &Arc<Look>,
) -> Result<(f64, f64), Refused> {
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for z in ZOOMS.into_iter().chain([served.zoom()]) {
        let found = Arc::clone(served).distribution(&server.renders, z, Arc::clone(look));
        let Some((statistics, nature)) = found.await? else {
            let unknown = "the range of this layer's values is not known: give range=lo,hi";
            return Err(Refused::bad(unknown));
        };
        let (least, most) = ends(&statistics, nature);
        (low, high) = (low.min(least), high.max(most));
    }
    let high = if high > low { high } else { low + 1.0 };
    // Few digits, since they are read by people too.
    let short = |v: f64| format!("{:.3e}", v * ROOM).parse().unwrap_or(v * ROOM);
    Ok((short(low), short(high)))
}

fn ends(statistics: &Statistics, nature: ValueKind) -> (f64, f64) {
    match nature {
        ValueKind::Amount | ValueKind::Ratio => (0.0, statistics.max()),
        ValueKind::Level => (statistics.min(), statistics.max()),
        ValueKind::Signed => (-statistics.max(), statistics.max()),
    }
}

/// The style's colours as MapLibre interpolates them. Its stops must rise.
fn paint(scale: &Normalizer, look: &Look, nothing: f64) -> Value {
    let legend = Legend::for_style(scale, &look.style);
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
