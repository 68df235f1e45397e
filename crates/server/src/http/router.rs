//! Which path leads where, and what is true of every answer.

use crate::cache::keys::{self, Densities, Tiles};
use crate::config::Options;
use crate::http::error::Refused;
use crate::http::etag::{Caching, Fingerprint};
use crate::http::path::{File, Segments};
use crate::layers::registry::Layers;
use crate::render_queue::Renders;
use crate::routes::metrics::{self, Metrics};
use crate::routes::{
    catalog, dem, gdal, health, legend, map, post_layer, tile, tilejson, value, viewer,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_SECURITY_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use heatsplat_render::encode::ImageFormat;
use std::sync::Arc;
use std::time::Instant;

/// The longest address that is looked at, in bytes.
const LONGEST_ADDRESS: usize = 8 << 10;

/// What all requests share.
#[derive(Debug)]
pub struct Server {
    pub(crate) layers: Layers,
    pub(crate) options: Options,
    pub(crate) renders: Renders,
    pub(crate) tiles: Tiles,
    pub(crate) densities: Arc<Densities>,
    pub(crate) metrics: Metrics,
    cache_control: HeaderValue,
    live_control: HeaderValue,
}

impl Server {
    /// A server of layers, which may still be loading.
    pub fn new(layers: Layers, options: Options) -> Self {
        let cache_control = HeaderValue::try_from(&options.cache_control);
        let live_control = HeaderValue::try_from(&options.live_cache_control);
        let (tiles, densities) = keys::caches(options.cache);
        Self {
            layers,
            tiles,
            densities: Arc::new(densities),
            metrics: Metrics::default(),
            renders: Renders::new(options.renders, options.waiting),
            cache_control: cache_control.unwrap_or(HeaderValue::from_static("no-cache")),
            live_control: live_control.unwrap_or(HeaderValue::from_static("no-cache")),
            options,
        }
    }

    pub(crate) fn caching(&self, fingerprint: Fingerprint) -> Caching {
        Caching::new(fingerprint, &self.cache_control)
    }

    /// How long answers of layers may be kept whose data change without a word.
    pub(crate) fn live_caching(&self, fingerprint: Fingerprint) -> Caching {
        Caching::new(fingerprint, &self.live_control)
    }

    /// A picture whose tag follows from its bytes: nothing else is known of its data.
    pub(crate) fn fresh(&self, request: &HeaderMap, format: ImageFormat, bytes: Bytes) -> Response {
        let caching = self.live_caching(Fingerprint::new().bytes(&bytes));
        let known = caching.not_modified(request);
        known.unwrap_or_else(|| caching.label(tile::picture(format, bytes)))
    }
}

/// All routes, as a value that can be served, nested, or called in a test.
pub fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/catalog", get(catalog::get))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::get))
        .route(
            "/layers",
            post(post_layer::post).fallback(async || Refused::method()),
        )
        .route("/{layer}", get(tilejson::get))
        .route("/{layer}/gdal.xml", get(gdal::xml))
        .route("/{layer}/gdal.vrt", get(gdal::vrt))
        .route("/{layer}/value", get(value::get))
        .route("/{layer}/{file}", get(file))
        .route("/{layer}/{z}/{x}/{y}", get(tile::get))
        .merge(viewer::routes())
        .fallback(async || Refused::not_found("nothing is here; see /catalog"))
        .layer(from_fn_with_state(Arc::clone(&server), every))
        .with_state(server)
}

/// `/{layer}/map.png`, `/{layer}/legend.svg` and their like.
async fn file(
    State(server): State<Arc<Server>>,
    Segments((id, file)): Segments<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    let served = server.layers.get(&id)?;
    match File::parse(&file) {
        Some(file) if file.stem == "map" => map::get(&server, served, &file, request).await,
        Some(file) if file.stem == "legend" => legend::get(&server, served, &file, request).await,
        Some(file) if (file.stem, file.extension) == ("dem", "json") => {
            dem::get(&server, served, &id, request).await
        }
        _ => Err(Refused::not_found(
            "a layer has tiles, map.png, legend.json, dem.json and value",
        )),
    }
}

/// What is true of every answer, errors included: any page may use it, and no browser
/// takes it for something else than it says.
async fn every(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let since = Instant::now();
    let route = metrics::route(request.extensions().get::<MatchedPath>());
    let response = answer(request, next).await;
    server
        .metrics
        .count(route, response.status(), since.elapsed());
    response
}

async fn answer(request: Request, next: Next) -> Response {
    let mut response = match *request.method() {
        Method::OPTIONS => preflight(),
        Method::GET | Method::HEAD if address_length(&request) > LONGEST_ADDRESS => {
            Refused::too_long().into_response()
        }
        Method::GET | Method::HEAD => next.run(request).await,
        // Not for pages of other hosts: it carries a secret.
        Method::POST if request.uri().path() == "/layers" => {
            let mut response = next.run(request).await;
            set(response.headers_mut(), X_CONTENT_TYPE_OPTIONS, "nosniff");
            return response;
        }
        _ => {
            let mut response = Refused::method().into_response();
            let allowed = HeaderValue::from_static("GET, HEAD, OPTIONS");
            response.headers_mut().insert(ALLOW, allowed);
            response
        }
    };
    let headers = response.headers_mut();
    set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(
        headers,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        "etag, retry-after, server-timing",
    );
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    // The viewer's pages have a policy of their own.
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        set(
            headers,
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        );
    }
    response
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    set(headers, ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS");
    set(headers, ACCESS_CONTROL_ALLOW_HEADERS, "*");
    set(headers, ACCESS_CONTROL_MAX_AGE, "86400");
    set(headers, ALLOW, "GET, HEAD, OPTIONS");
    response
}

fn address_length(request: &Request) -> usize {
    request
        .uri()
        .path_and_query()
        .map_or(0, |address| address.as_str().len())
}

fn set(headers: &mut HeaderMap, name: axum::http::HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
