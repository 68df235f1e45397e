//! `/{layer}/value?lon=&lat=`: the density at one place, exactly.

use crate::address::Segments;
use crate::caching::Fingerprint;
use crate::error::{Refused, json};
use crate::query::Query;
use crate::router::Server;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use heatsplat_points::mercator;
use heatsplat_render::{Measure, Normalize, Style};
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
    unit: &'static str,
}

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, Refused> {
    let served = server.layers.get(&id)?;
    let query = Query::parse(request.uri().query(), &["lon", "lat", "z"])?;
    let need = |name: &'static str| {
        let number = query.finite(name)?;
        number.ok_or_else(|| Refused::bad(format!("{name} is missing: expected degrees")))
    };
    let (lon, lat) = (need("lon")?, need("lat")?);
    let z = query.zoom("z")?.unwrap_or_else(|| served.zoom());
    let at = mercator::project(lon, lat).map_err(|e| Refused::bad(e.to_string()))?;
    let look = served.look(&query)?;

    let fingerprint = [lon.to_bits(), lat.to_bits(), u64::from(z)]
        .into_iter()
        .fold(Fingerprint::new().text("value"), Fingerprint::number)
        .then(served.fingerprint)
        .then(look.fingerprint);
    let caching = server.caching(fingerprint);
    if !served.is_live()
        && let Some(response) = caching.not_modified(request.headers())
    {
        return Ok(response);
    }
    let unit = unit(&look.style);
    let live = served.is_live();
    let value = served.value(&server.renders, at, z, look).await?;
    let answer = Answer {
        lon,
        lat,
        z,
        value: value.value,
        count: value.count,
        mean: value.mean,
        unit,
    };
    let body = serde_json::to_string(&answer).map_err(|_| Refused::internal())?;
    if live {
        let caching = server.live_caching(Fingerprint::new().text(&body));
        return Ok(caching.label(json(StatusCode::OK, body)));
    }
    Ok(caching.label(json(StatusCode::OK, body)))
}

/// What a style's numbers count.
pub(crate) fn unit(style: &Style) -> &'static str {
    match (style.measure, style.normalize) {
        (Measure::Sum, Normalize::Peak) => "weight",
        (Measure::Sum, Normalize::Mass) => "weight per square pixel",
        (Measure::Count, Normalize::Peak) => "points",
        (Measure::Count, Normalize::Mass) => "points per square pixel",
        (Measure::Mean, _) => "weight on the mean",
        (Measure::SumPerKm2, _) => "weight per km²",
        (Measure::CountPerKm2, _) => "points per km²",
    }
}
