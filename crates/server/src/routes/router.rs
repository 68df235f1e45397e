//! The router: the paths of all routes, and the headers that every answer gets.

use super::{
    catalog, dem, gdal, health, legend, map, metrics, post_layer, tile, tilejson, value, viewer,
};
use crate::http::compression::EncodingRequest;
use crate::http::error::ApiError;
use crate::http::host;
use crate::http::path::{FileName, Segments};
use crate::http::ranges::{self, RangeRequest};
use crate::http::request_counts::route_index;
use crate::state::Server;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_SECURITY_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tracing::Instrument as _;

/// The largest length of a URL in bytes. A longer one gets 414. A choice.
const MAX_URL: usize = 8 << 10;

/// Makes an axum router with all routes of a server. It can be served, nested in another router, or
/// called in a test.
pub fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/catalog", get(catalog::get))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::get))
        .route(
            "/layers",
            post(post_layer::post).fallback(async || ApiError::method_not_allowed()),
        )
        .route("/{layer}", get(tilejson::get))
        .route("/{layer}/gdal.xml", get(gdal::xml))
        .route("/{layer}/gdal.vrt", get(gdal::vrt))
        .route("/{layer}/value", get(value::get))
        .route("/{layer}/{file}", get(file))
        .route("/{layer}/{z}/{x}/{y}", get(tile::get))
        .merge(viewer::routes())
        .fallback(async || ApiError::not_found("nothing is here; see /catalog"))
        .layer(from_fn_with_state(Arc::clone(&server), count))
        .with_state(server)
}

/// Answers requests for `/{layer}/{file}`, like `map.png` or `legend.svg`.
async fn file(
    State(server): State<Arc<Server>>,
    Segments((id, file)): Segments<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let served = server.layers.get(&id)?;
    match FileName::parse(&file) {
        Some(file) if file.stem == "map" => map::get(&server, served, &file, request).await,
        Some(file) if file.stem == "legend" => legend::get(&server, served, &file, request).await,
        Some(file) if (file.stem, file.extension) == ("dem", "json") => {
            dem::get(&server, served, &id, request).await
        }
        _ => Err(ApiError::not_found(
            "a layer has tiles, map.png, legend.json, dem.json and value",
        )),
    }
}

/// Answers a request, counts it, and measures its time. At the log level `debug`, each log line
/// about a request has the request's number.
async fn count(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    let since = Instant::now();
    let route = route_index(request.extensions().get::<MatchedPath>());
    // At the level `debug`, the span takes 6 % of the time of a cached tile. At other levels it
    // takes none.
    let span = tracing::debug_span!(
        "request",
        id = REQUESTS.fetch_add(1, Ordering::Relaxed),
        method = request.method().as_str(),
        path = request.uri().path(),
    );
    let answer = async {
        let response = answer(&server, request, next).await;
        let (status, took) = (response.status(), since.elapsed());
        tracing::debug!(
            status = status.as_u16(),
            ms = took.as_secs_f64() * 1e3,
            "answered"
        );
        server.request_counts.count(route, status, took);
        response
    };
    answer.instrument(span).await
}

/// Answers a request, and adds the headers that every answer has. CORS headers let pages of any
/// host read every answer, errors included, except answers to `POST /layers`. `nosniff` forbids
/// browsers to guess another media type than the one that is sent.
async fn answer(server: &Server, request: Request, next: Next) -> Response {
    let mut response = match *request.method() {
        _ if let Err(error) = host::check(&request) => error.into_response(),
        Method::OPTIONS => preflight(),
        Method::GET | Method::HEAD if url_length(&request) > MAX_URL => {
            ApiError::uri_too_long().into_response()
        }
        Method::GET | Method::HEAD => transfer(server, request, next).await,
        // The answer gets no CORS headers, since the request carries a secret, which pages of other
        // hosts must not use.
        Method::POST if request.uri().path() == "/layers" => {
            let mut response = next.run(request).await;
            set(response.headers_mut(), X_CONTENT_TYPE_OPTIONS, "nosniff");
            return response;
        }
        _ => {
            let mut response = ApiError::method_not_allowed().into_response();
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
        "accept-ranges, content-range, etag, retry-after, server-timing",
    );
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    // The viewer's answers have a policy of their own already.
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        set(
            headers,
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        );
    }
    response
}

/// Answers a request for a document or a picture: whole or in part, compressed or not, and within
/// the limit of bytes that are on their way to clients.
async fn transfer(server: &Server, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let encoding = EncodingRequest::new(request.uri().path(), headers);
    let range = (request.method() == Method::GET).then(|| RangeRequest::new(headers));
    let mut response = next.run(request).await;
    ranges::announce(&mut response);
    response = server.answer_bytes.admit(response);
    if let Some(range) = range.flatten() {
        response = range.cut(response).await;
    }
    match encoding {
        Some(encoding) => encoding.encode(response).await,
        None => response,
    }
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

fn url_length(request: &Request) -> usize {
    request
        .uri()
        .path_and_query()
        .map_or(0, |url| url.as_str().len())
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
