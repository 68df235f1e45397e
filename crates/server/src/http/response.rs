//! Answers: bodies that are pictures or JSON, and the headers for caching and `Server-Timing`.

use super::etag::CacheHeaders;
use super::timing::RequestTiming;
use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_render::encode::ImageFormat;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// The header that lets pages of other hosts read `Server-Timing`.
pub(crate) const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// The header with the window of time that an answer shows, as ISO 8601 writes an interval: two
/// instants in UTC with a `/` between them.
const WINDOW: HeaderName = HeaderName::from_static("x-heatsplat-time");

/// Makes an answer of JSON text.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Makes an answer whose body is an image file of this format.
pub(crate) fn picture(format: ImageFormat, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(format.mime()));
    response
}

/// Makes an answer of an image file, for which the same request may later get other bytes. It has
/// no ETag, and forbids caches to store it.
pub(crate) fn unrepeatable(format: ImageFormat, bytes: Bytes) -> Response {
    let mut response = picture(format, bytes);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// Makes the answer 304 Not Modified if the request names the ETag of `headers`, so that the client
/// has a current copy. `None` if it doesn't.
pub(crate) fn not_modified(headers: &CacheHeaders, request: &HeaderMap) -> Option<Response> {
    if !headers.matches(request) {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    Some(cached(headers, response))
}

/// Adds the headers `ETag` and `Cache-Control` to an answer.
pub(crate) fn cached(headers: &CacheHeaders, mut response: Response) -> Response {
    let all = response.headers_mut();
    all.insert(ETAG, headers.etag.clone());
    all.insert(CACHE_CONTROL, headers.control.clone());
    if let Some(window) = &headers.window {
        all.insert(WINDOW, window.clone());
    }
    response
}

/// Makes the answer 304 Not Modified if the request names the ETag of `headers`. Otherwise calls
/// `answer` and adds the cache headers to its result.
pub(crate) fn cached_unless_known(
    headers: &CacheHeaders,
    request: &HeaderMap,
    answer: impl FnOnce() -> Response,
) -> Response {
    not_modified(headers, request).unwrap_or_else(|| cached(headers, answer()))
}

/// Adds `name`, the name of a header of requests, to the list in the answer's header `Vary`, unless
/// the list has it already.
pub(crate) fn add_vary(headers: &mut HeaderMap, name: &'static str) {
    let listed = headers.get(VARY).and_then(|names| names.to_str().ok());
    let value = match listed {
        None => HeaderValue::from_static(name),
        Some(names) if names.split(',').any(|listed| listed.trim() == name) => return,
        Some(names) => match HeaderValue::try_from(format!("{names}, {name}")) {
            Ok(value) => value,
            Err(_) => return,
        },
    };
    headers.insert(VARY, value);
}

/// Adds a `Server-Timing` header with the time that each stage of drawing the answer's picture
/// took.
pub(crate) fn with_server_timing(response: Response, timing: &RequestTiming) -> Response {
    match HeaderValue::try_from(timing.to_string()) {
        Ok(value) => with_timing_value(response, value),
        Err(_) => response,
    }
}

/// Adds a `Server-Timing` header to an answer that was not drawn for its request. `outcome` states
/// why: `hit`, since the tile was cached; `shared`, since another request was drawing the tile at
/// the time; or `stale`, since no new tile could be drawn and an old one was cached.
pub(crate) fn with_cache_timing(response: Response, outcome: &str) -> Response {
    match HeaderValue::try_from(format!("cache;desc=\"{outcome}\"")) {
        Ok(value) => with_timing_value(response, value),
        Err(_) => response,
    }
}

fn with_timing_value(mut response: Response, value: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(SERVER_TIMING, value);
    headers.insert(TIMING_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
