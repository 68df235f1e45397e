//! `/{layer}/value?lon=&lat=`: the density at one place, exactly.

use crate::cost::{self, Work};
use crate::http::error::{Refused, json};
use crate::http::etag::Fingerprint;
use crate::http::path::{self, Segments};
use crate::http::query::{Query, refuse};
use crate::http::router::Server;
use crate::render;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use heatsplat_points::mercator;
use heatsplat_render::{NearbyPoint, PointQuery};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Answer {
    lon: f64,
    lat: f64,
    z: u8,
    /// Null where there is none: a mean where no point is near.
    value: Option<f64>,
    /// Points within the kernel's reach.
    count: usize,
    /// What those weigh on the mean.
    mean: Option<f64>,
    /// How much of what the zoom shows is less, in percent; null where nobody has measured.
    percentile: Option<f64>,
    unit: &'static str,
    /// The nearest points within the kernel's reach, as many as were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Row>>,
}

/// A point that contributes.
#[derive(Serialize)]
struct Row {
    lon: f64,
    lat: f64,
    /// Null where it is missing.
    weight: Option<f32>,
    /// How far it is in CSS pixels of the zoom, and on the ground.
    pixels: f64,
    metres: f64,
}

impl Row {
    fn of(near: &NearbyPoint) -> Self {
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

/// The most points that an answer lists.
const MOST_ROWS: u32 = 1000;

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, Refused> {
    let served = server.layers.get(&id)?;
    let own = ["lon", "lat", "z", "rows", "filter"];
    let query = Query::parse(request.uri().query(), &own)?;
    let need = |name: &'static str| {
        let number = query.finite(name)?;
        number.ok_or_else(|| Refused::bad(format!("{name} is missing: expected degrees")))
    };
    let (lon, lat) = (need("lon")?, need("lat")?);
    let z = query.zoom("z")?.unwrap_or_else(|| served.zoom());
    let rows = query.get("rows").map(rows).transpose()?;
    let at = mercator::project(lon, lat).map_err(|e| Refused::bad(e.to_string()))?;
    let look = served.look(&query)?;
    let served = served.filtered(&query)?;
    let pixel = PointQuery::new(at, f64::from(z), &look.style).pixel();

    let numbers = [lon.to_bits(), lat.to_bits(), u64::from(z)];
    let fingerprint = numbers
        .into_iter()
        .chain(rows.map(u64::from))
        .fold(Fingerprint::new().text("value"), Fingerprint::number)
        .then(served.fingerprint)
        .then(look.fingerprint);
    let caching = server.caching(fingerprint);
    if !served.is_live()
        && let Some(response) = caching.not_modified(request.headers())
    {
        return Ok(response);
    }
    let scale = Work::Scale(render::level(z, 256));
    cost::bound(
        &served,
        &query,
        &look,
        [Work::Value(pixel, rows.is_some()), scale],
    )?;
    let unit = look.style.unit();
    let live = served.is_live();
    let found = Arc::clone(&served).distribution(&server.renders, z, Arc::clone(&look));
    let distribution = found.await?;
    let most = rows.unwrap_or(0) as usize;
    let (value, near) = served.value(&server.renders, at, z, look, most).await?;
    let percentile = distribution.zip(value.value);
    let percentile = percentile.and_then(|((of, nature), v)| of.percent_below(nature, v));
    let answer = Answer {
        lon,
        lat,
        z,
        value: value.value,
        count: value.count,
        mean: value.mean,
        percentile,
        unit,
        rows: rows.map(|_| near.iter().map(Row::of).collect()),
    };
    let body = serde_json::to_string(&answer).map_err(|_| Refused::internal())?;
    if live {
        let caching = server.live_caching(Fingerprint::new().text(&body));
        return Ok(caching.label(json(StatusCode::OK, body)));
    }
    Ok(caching.label(json(StatusCode::OK, body)))
}

fn rows(text: &str) -> Result<u32, Refused> {
    let rows = path::number("rows", text)?;
    if (1..=MOST_ROWS).contains(&rows) {
        return Ok(rows);
    }
    let expected = format_args!("expected 1 to {MOST_ROWS}");
    Err(refuse("rows", text, expected))
}
