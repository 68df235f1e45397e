//! `/{layer}/value?lon=&lat=`: the exact density at a coordinate, computed from the points around.

use crate::cost::Work;
use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::http::path::{self, Segments};
use crate::http::query::{Query, bad_value};
use crate::http::response::{self, json};
use crate::layers::windows::LayerWindow;
use crate::render;
use crate::state::Server;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use heatsplat_points::mercator;
use heatsplat_render::{Level, NearbyPoint, PointQuery};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct ValueBody {
    lon: f64,
    lat: f64,
    z: u8,
    /// The value at the coordinate, in the measure of the request's style. Null if the style shows
    /// a mean, and the kernel of no point reaches the coordinate.
    value: Option<f64>,
    /// The number of points that have a weight and whose kernels reach the coordinate.
    count: usize,
    /// The mean of the weights of the points that have a weight and whose kernels reach the
    /// coordinate. Each weight counts in proportion to the kernel's value at the coordinate. Null
    /// if there are no such points.
    mean: Option<f64>,
    /// The percentage, from 0 to 100, of values at the request's zoom that are smaller than this
    /// value. They are the values of the pixels with heat in a sample of the zoom's tiles. Null if
    /// no values were measured, or if `value` is null. Which values are smaller depends on what the
    /// style shows:
    ///
    /// * sums, counts and means: those that are less
    /// * differences, and sums of weights of both signs: those that are nearer to 0
    /// * quotients: those that are nearer to 1
    percentile: Option<f64>,
    unit: String,
    /// The window of time whose points are shown, as ISO 8601 writes an interval: two instants in
    /// UTC with a `/` between them. Left out if all times are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// The points nearest to the coordinate, nearest first, at most as many as the parameter `rows`
    /// states. Only points whose kernels reach the coordinate are listed. Left out if the request
    /// doesn't have the parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<NearRow>>,
}

/// A point whose kernel reaches the coordinate of the request.
#[derive(Serialize)]
struct NearRow {
    lon: f64,
    lat: f64,
    /// The weight of this point; null if its row has none.
    weight: Option<f32>,
    /// The distance from the coordinate of the request to the point, in CSS pixels at the zoom of
    /// the request.
    pixels: f64,
    /// The distance from the coordinate of the request to the point, in metres on the ground.
    metres: f64,
}

impl NearRow {
    fn new(near: &NearbyPoint) -> Self {
        let (lon, lat) = mercator::unproject(near.point.at());
        Self {
            lon,
            lat,
            weight: near.point.has_weight().then_some(near.point.weight),
            pixels: near.pixels,
            metres: near.metres,
        }
    }
}

/// The largest number of points that an answer may list. A choice.
const MOST_ROWS: u32 = 1000;

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let served = server.layer(&id, &request)?;
    let own = [
        "lon",
        "lat",
        "z",
        "rows",
        "filter",
        "time",
        "datetime",
        "time_scale",
    ];
    let query = Query::parse(request.uri().query(), &own)?;
    let need = |name: &'static str| {
        let number = query.finite(name)?;
        number.ok_or_else(|| ApiError::bad_request(format!("{name} is missing: expected degrees")))
    };
    let (lon, lat) = (need("lon")?, need("lat")?);
    let z = query.zoom("z")?.unwrap_or_else(|| served.zoom());
    let rows = query.get("rows").map(rows).transpose()?;
    let at = mercator::project(lon, lat).map_err(|e| ApiError::bad_request(e.to_string()))?;
    let wanted = served.prepare(query)?;

    let numbers = [lon.to_bits(), lat.to_bits(), u64::from(z)];
    let fingerprint = numbers
        .into_iter()
        .chain(rows.map(u64::from))
        .fold(Fingerprint::new().text("value"), Fingerprint::number);
    let headers = wanted.cache_headers(fingerprint, &server.cache_control);
    let is_live = wanted.layer.is_live();
    if !is_live && let Some(response) = response::not_modified(&headers, request.headers()) {
        return Ok(response);
    }
    let style = &wanted.style.style;
    let pixel = PointQuery::new(at, f64::from(z), style).pixel();
    let scale = Work::Scale(render::level(z, 256));
    let level = Level::from_zoom(f64::from(z));
    let size = wanted.check_cost(Some(level), [Work::Value(pixel, rows.is_some()), scale])?;
    let unit = match wanted.layer.source.layer() {
        Some(layer) => layer.unit(style),
        None => style.unit(),
    };
    let queue = &server.render_queue;
    let distribution = wanted.distribution(queue, size, z).await?;
    let most = rows.unwrap_or(0) as usize;
    let (value, near) = wanted.value(queue, size, at, z, most).await?;
    let percentile = distribution.zip(value.value);
    let percentile = percentile.and_then(|((of, nature), v)| of.percent_below(nature, v));
    let answer = ValueBody {
        lon,
        lat,
        z,
        value: value.value,
        count: value.count,
        mean: value.mean,
        percentile,
        unit,
        time: wanted.layer.window().map(LayerWindow::text),
        rows: rows.map(|_| near.iter().map(NearRow::new).collect()),
    };
    let body = serde_json::to_string(&answer).map_err(|_| ApiError::internal())?;
    let headers = match is_live {
        true => server.live_headers(body.as_bytes()),
        false => headers,
    };
    Ok(response::cached(&headers, json(StatusCode::OK, body)))
}

/// Parses the parameter `rows`: the number of points to list, from 1 to [`MOST_ROWS`].
fn rows(text: &str) -> Result<u32, ApiError> {
    let rows = path::number("rows", text)?;
    if (1..=MOST_ROWS).contains(&rows) {
        return Ok(rows);
    }
    let expected = format_args!("expected 1 to {MOST_ROWS}");
    Err(bad_value("rows", text, expected))
}
