//! `/catalog`: the layers, and the words that styles are made of.

use crate::http::error::{Refused, json};
use crate::http::etag::{Caching, Fingerprint};
use crate::http::query::Query;
use crate::http::router::Server;
use crate::layers::entry::Served;
use crate::layers::filtered::Attribute;
use crate::layers::registry::LayerId;
use crate::routes::post_layer;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_render::{Measure, Normalize, Ramp, Shape, Transform, ramps};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

/// Colours that show what a ramp looks like.
const SHOWN: usize = 32;

#[derive(Serialize)]
struct Catalog<'a> {
    layers: Vec<About<'a>>,
    /// Names of layers whose points are still being read.
    loading: Vec<&'a str>,
    ramps: &'static [RampAbout],
    kernels: Vec<&'static str>,
    scales: Vec<&'static str>,
    measures: Vec<&'static str>,
    normalize: Vec<&'static str>,
}

#[derive(Serialize)]
struct About<'a> {
    id: &'a str,
    name: &'a str,
    /// Whether it is read anew for every picture; then nobody has counted.
    live: bool,
    /// The ending of its tiles, where those were drawn before and can't be drawn otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<&'static str>,
    /// Whether its database did not answer when it was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    away: Option<bool>,
    points: Option<usize>,
    weight_sum: Option<f64>,
    /// West, south, east, north: the smallest box. Its east is beyond 180 where it reaches across
    /// ±180°, as `bbox` takes it.
    bounds: [f64; 4],
    /// The densest place, and a zoom that shows nearly all weight.
    center: [f64; 3],
    epoch: u64,
    /// When it goes, in seconds since 1970, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    style: BTreeMap<&'static str, String>,
    /// What `filter` may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a [Attribute]>,
}

impl<'a> About<'a> {
    fn of((id, served): &'a (LayerId, Arc<Served>), until: Option<SystemTime>) -> Self {
        let summary = served.points().map(heatsplat_points::Points::summary);
        Self {
            id: id.as_str(),
            name: served.name(),
            live: served.is_live(),
            stored: served.stored(),
            away: served.is_away(),
            points: summary.map(|s| s.count),
            weight_sum: summary.map(|s| s.weight_sum),
            bounds: served.bounds(),
            center: served.center(),
            epoch: served.epoch(),
            expires: until.map(post_layer::seconds),
            style: served.style().parameters().into_iter().collect(),
            attributes: served.attributes(),
        }
    }
}

#[derive(Serialize)]
struct RampAbout {
    name: &'static str,
    group: &'static str,
    about: &'static str,
    colors: Vec<String>,
}

static RAMPS: LazyLock<Vec<RampAbout>> = LazyLock::new(|| {
    let about = |named: &ramps::NamedRamp| {
        let ramp = Ramp::from_collection(named);
        let every = (0..SHOWN).filter_map(|i| ramp.colors().get(i * 255 / (SHOWN - 1)));
        let colors = every
            .map(|[r, g, b, a]| format!("#{r:02x}{g:02x}{b:02x}{a:02x}"))
            .collect();
        RampAbout {
            name: named.name,
            group: named.group.name(),
            about: named.about,
            colors,
        }
    };
    ramps::all().iter().map(about).collect()
});

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, Refused> {
    if !Query::says_nothing(request.uri().query()) {
        return Err(Refused::bad("the catalog takes no parameters"));
    }
    let (layers, loading) = server.layers.all();
    let catalog = Catalog {
        layers: layers
            .iter()
            .map(|layer| About::of(layer, server.layers.until(&layer.0)))
            .collect(),
        loading: loading.iter().map(LayerId::as_str).collect(),
        ramps: &RAMPS,
        kernels: Shape::ALL
            .iter()
            .map(|(name, _)| *name)
            .chain(["pixel"])
            .collect(),
        scales: Transform::ALL.map(|(name, _)| name).to_vec(),
        measures: Measure::ALL.map(|(name, _)| name).to_vec(),
        normalize: Normalize::ALL.map(|(name, _)| name).to_vec(),
    };
    let body = serde_json::to_string(&catalog).map_err(|_| Refused::internal())?;
    // Layers come while clients look: they ask each time, and mostly hear "you have it".
    let always_ask = HeaderValue::from_static("no-cache");
    let caching = Caching::new(Fingerprint::new().text(&body), &always_ask);
    let known = caching.not_modified(request.headers());
    Ok(known.unwrap_or_else(|| caching.label(json(StatusCode::OK, body))))
}
