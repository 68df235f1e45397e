//! `/catalog`: the list of layers, and the legal values of style parameters.

use crate::config::Basemap;
use crate::http::error::ApiError;
use crate::http::etag::{CacheHeaders, Fingerprint};
use crate::http::query::Query;
use crate::http::response::{self, json};
use crate::layers::attributes::Attribute;
use crate::layers::backend_race::BackendRace;
use crate::layers::entry::ServedLayer;
use crate::layers::layer_id::LayerId;
use crate::layers::registry::Registry;
use crate::layers::windows::TimeSummary;
use crate::routes::unix_seconds;
use crate::state::Server;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_render::{Measure, Normalize, Ramp, Shape, Transform, ramps};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The number of colours in the catalog's description of a ramp: the ramp's first and last colour,
/// and others at equal distances between them.
const RAMP_COLORS: usize = 32;

#[derive(Serialize)]
struct Catalog<'a> {
    layers: Vec<LayerEntry<'a>>,
    /// The ids of layers whose data are still loading.
    loading: Vec<&'a str>,
    ramps: &'static [RampEntry],
    kernels: Vec<&'static str>,
    scales: Vec<&'static str>,
    measures: Vec<&'static str>,
    normalize: Vec<&'static str>,
    /// The base map that the viewer shows under the layers; left out if the configuration has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    basemap: Option<&'a Basemap>,
}

#[derive(Serialize)]
struct LayerEntry<'a> {
    id: &'a str,
    name: &'a str,
    /// True if the layer's rows are read from a database for every picture. Then `points` and
    /// `weight_sum` are null.
    live: bool,
    /// The file extension of the tiles in URLs if the layer is an archive, whose tiles take no
    /// parameters; left out for other layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<&'static str>,
    /// True if the layer's database didn't answer its last query, false if it did; left out for
    /// layers without a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    away: Option<bool>,
    points: Option<usize>,
    weight_sum: Option<f64>,
    /// West, south, east and north, in degrees, of the smallest box that contains the points. The
    /// east is over 180 if the box crosses ±180°. Clients may send such a box as the parameter
    /// `bbox`.
    bounds: [f64; 4],
    /// West, south, east and north of the first view of a map, in degrees: the box with at least
    /// 98 % of the weight that isn't at exactly 0,0. The east is over 180 if the box crosses ±180°.
    view: [f64; 4],
    /// The middle of the first view, as longitude and latitude in degrees, and a zoom at which a
    /// screen shows the first view.
    center: [f64; 3],
    epoch: u64,
    /// The time when the layer expires, in seconds since 1970; left out unless the layer was
    /// posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    /// The name of the backend that draws the layer; left out for archives.
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'a str>,
    /// The outcome of the race of two backends on the layer's tiles; left out if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    backend_race: Option<BackendRace>,
    /// The parameters of the layer's own style.
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

impl<'a> LayerEntry<'a> {
    fn new((id, served): &'a (LayerId, Arc<ServedLayer>), layers: &Registry) -> Self {
        let summary = served.points().map(heatsplat_points::Points::summary);
        Self {
            id: id.as_str(),
            name: served.name(),
            live: served.is_live(),
            stored: served.archive_extension(),
            away: served.is_away(),
            points: summary.map(|s| s.count),
            weight_sum: summary.map(|s| s.weight_sum),
            bounds: served.bounds().edges(),
            view: served.view().edges(),
            center: served.center(),
            epoch: served.epoch(),
            expires: layers.expires(id).map(unix_seconds),
            backend: served.backend().map(|backend| backend.name()),
            backend_race: layers.race(id),
            style: served.style().parameters().into_iter().collect(),
            attributes: served.attributes(),
            time: served
                .times
                .as_ref()
                .map(|times| TimeSummary::new(&times.timeline)),
        }
    }
}

#[derive(Serialize)]
struct RampEntry {
    name: &'static str,
    group: &'static str,
    about: &'static str,
    colors: Vec<String>,
}

static RAMPS: LazyLock<Vec<RampEntry>> = LazyLock::new(|| {
    let about = |named: &ramps::NamedRamp| {
        let ramp = Ramp::from_collection(named);
        let every = (0..RAMP_COLORS).filter_map(|i| ramp.colors().get(i * 255 / (RAMP_COLORS - 1)));
        let colors = every
            .map(|[r, g, b, a]| format!("#{r:02x}{g:02x}{b:02x}{a:02x}"))
            .collect();
        RampEntry {
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
) -> Result<Response, ApiError> {
    if !Query::is_empty(request.uri().query()) {
        return Err(ApiError::bad_request("the catalog takes no parameters"));
    }
    let (layers, loading) = server.open_layers(&request);
    let catalog = Catalog {
        layers: layers
            .iter()
            .map(|layer| LayerEntry::new(layer, &server.layers))
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
        basemap: server.config.basemap.as_ref(),
    };
    let body = serde_json::to_string(&catalog).map_err(|_| ApiError::internal())?;
    // Layers come and go, so clients must ask each time whether their copy is current. Mostly the
    // answer is 304.
    let no_cache = HeaderValue::from_static("no-cache");
    let headers = CacheHeaders::new(Fingerprint::new().text(&body), &no_cache);
    let json = || json(StatusCode::OK, body);
    let mut response = response::cached_unless_known(&headers, request.headers(), json);
    if server.layers.has_keys() {
        response::add_vary(response.headers_mut(), "authorization");
    }
    Ok(response)
}
