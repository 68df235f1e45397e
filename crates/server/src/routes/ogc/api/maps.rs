//! `/collections/{layer}/map`: a picture of any box in one of the coordinate systems of [`MapCrs`].

use super::problem::Problem;
use super::{collection, ramp_in_path};
use crate::http::error::ApiError;
use crate::http::path::Segments;
use crate::http::query::{Query, bad_value};
use crate::layers::entry::ServedLayer;
use crate::layers::windows::LayerWindow;
use crate::routes::ogc::get_map::{self, MapGrid};
use crate::routes::ogc::map_crs::MapCrs;
use crate::state::Server;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_render::encode::ImageFormat;
use heatsplat_time::TimeWindow;
use std::sync::Arc;

/// The parameters that a request for a map may have besides those of a style.
const OWN: [&str; 12] = [
    "f",
    "bbox",
    "bbox-crs",
    "crs",
    "width",
    "height",
    "transparent",
    "bgcolor",
    "filter",
    "time",
    "datetime",
    "time_scale",
];

/// Answers `/collections/{layer}/map`.
pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    Segments(layer): Segments<String>,
    request: Request,
) -> Result<Response, Problem> {
    answer(&server, &layer, None, request).await
}

/// Answers `/collections/{layer}/styles/{style}/map`.
pub(crate) async fn styled(
    State(server): State<Arc<Server>>,
    Segments((layer, style)): Segments<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    answer(&server, &layer, Some(&style), request).await
}

async fn answer(
    server: &Server,
    layer: &str,
    style: Option<&str>,
    request: Request,
) -> Result<Response, Problem> {
    let served = collection(server, layer, &request)?;
    if served.source.archive().is_some() {
        let message = "this layer is an archive of tiles: it has no maps";
        return Err(ApiError::not_found(message).into());
    }
    let ramp = ramp_in_path(&served, style)?;
    let raw = request.uri().query().unwrap_or_default();
    let query = match ramp {
        "" => Query::parse(Some(raw), &OWN)?,
        ramp => Query::parse(
            Some(format!("ramp={ramp}&{raw}").trim_end_matches('&')),
            &OWN,
        )?,
    };
    query.choice("f", &[("png", ())])?;
    let crs = crs(&query, "crs")?;
    let given = self::crs(&query, "bbox-crs")?;
    let grid = MapGrid::from_query(&served, &query, (given, crs), 1)?;
    let ground = ground(&query)?;
    let wanted = Arc::clone(&served).prepare(query)?;
    let time = datetime(&wanted.layer, &served);
    let drawn = get_map::draw(
        server,
        wanted,
        (grid, 1),
        (ImageFormat::Png, ground),
        request.headers(),
    );
    let mut response = drawn.await?;
    if response.status() == StatusCode::OK {
        let [a, b, c, d] = grid.bounds.numbers();
        let mut set = |name: &'static str, text: String| {
            if let Ok(value) = HeaderValue::try_from(text) {
                let name = HeaderName::from_static(name);
                response.headers_mut().insert(name, value);
            }
        };
        set("content-bbox", format!("{a},{b},{c},{d}"));
        if crs != MapCrs::LonLat {
            set("content-crs", format!("<{}>", crs.uri()));
        }
        if let Some(time) = time {
            set("content-datetime", time);
        }
    }
    Ok(response)
}

/// The coordinate system that the parameter `name` states; degrees of longitude and latitude if the
/// request doesn't have the parameter.
fn crs(query: &Query, name: &'static str) -> Result<MapCrs, ApiError> {
    let Some(text) = query.get(name) else {
        return Ok(MapCrs::LonLat);
    };
    let expected =
        "expected the URI of CRS84, EPSG:3857 or EPSG:4326, as the collection lists them";
    MapCrs::find_uri(text).ok_or_else(|| bad_value(name, text, expected))
}

/// The opaque colour on which the picture is laid; `None` if the picture is transparent where no
/// heat is. As the standard demands, it is transparent unless the request has `bgcolor` or
/// `transparent=false`.
fn ground(query: &Query) -> Result<Option<[u8; 3]>, ApiError> {
    let color = query.get("bgcolor").map(|text| {
        let expected = "expected 0xRRGGBB or the name of a colour";
        get_map::color(text).ok_or_else(|| bad_value("bgcolor", text, expected))
    });
    let color = color.transpose()?;
    let transparent = query.choice("transparent", &[("true", true), ("false", false)])?;
    Ok(match transparent {
        Some(true) => None,
        Some(false) => Some(color.unwrap_or([255; 3])),
        None => color,
    })
}

/// The window of time that a map shows, as ISO 8601 writes an interval: two instants in UTC with a
/// `/` between them. `whole` is the requested layer, and `shown` the part of it in the window.
/// `None` for a layer without times.
fn datetime(shown: &ServedLayer, whole: &ServedLayer) -> Option<String> {
    let buckets = whole.times.as_ref()?.timeline.buckets();
    let all = || TimeWindow::from_span(buckets.all(), buckets).to_string();
    Some(shown.window().map_or_else(all, LayerWindow::text))
}
