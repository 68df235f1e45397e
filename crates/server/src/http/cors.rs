//! CORS: the origins whose pages may read answers.

use super::response::{self, TIMING_ALLOW_ORIGIN};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, ORIGIN,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// The value of the headers `Allow` and `Access-Control-Allow-Methods`: the methods of requests
/// that are not about posted layers.
pub(crate) const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// The methods of requests about posted points, which pages of other sites may send too.
const POSTING_METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, OPTIONS, POST, PUT, DELETE");

/// The origins whose pages may read answers of the server.
#[derive(Clone, Debug)]
pub(crate) enum AllowedOrigins {
    Any,
    List(Vec<HeaderValue>),
}

impl AllowedOrigins {
    /// Parses the allowed origins of a configuration. An empty list allows any origin, and so does
    /// `*` in the list.
    pub(crate) fn new(origins: &[String]) -> Self {
        if origins.is_empty() || origins.iter().any(|origin| origin == "*") {
            return Self::Any;
        }
        let value = |origin: &String| HeaderValue::try_from(origin.to_ascii_lowercase()).ok();
        Self::List(origins.iter().filter_map(value).collect())
    }

    /// Returns true if pages of any origin may read answers.
    pub(crate) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// The value of the request's header `Origin`, on which the answer depends. `None` if there is
    /// no such header, or if any origin is allowed, so that the answer is the same for all.
    pub(crate) fn of(&self, request: &HeaderMap) -> Option<HeaderValue> {
        match self {
            Self::Any => None,
            Self::List(_) => request.get(ORIGIN).cloned(),
        }
    }

    /// Adds the headers by which pages of `origin` may read the answer, if that origin is allowed.
    /// `origin` is the result of [`of`](Self::of).
    pub(crate) fn allow(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        let allowed = match self {
            Self::Any => Some(HeaderValue::from_static("*")),
            Self::List(list) => {
                response::add_vary(headers, "origin");
                let had_timing = headers.remove(TIMING_ALLOW_ORIGIN).is_some();
                let origin = origin.filter(|origin| list.contains(origin));
                if let Some(origin) = origin.clone().filter(|_| had_timing) {
                    headers.insert(TIMING_ALLOW_ORIGIN, origin);
                }
                origin
            }
        };
        let Some(allowed) = allowed else {
            return;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        let exposed = "accept-ranges, content-range, etag, retry-after, server-timing, x-heatsplat-time, \
             x-request-id";
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(exposed),
        );
    }
}

/// Answers a preflight request, by which a browser asks which requests a page may send. `posts` is
/// true if pages may post points to the request's path.
pub(crate) fn preflight(posts: bool) -> Response {
    let methods = if posts { POSTING_METHODS } else { METHODS };
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
    // By the standard, `*` doesn't include `Authorization`, a header that may carry a layer's key.
    let names = HeaderValue::from_static("*, authorization");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    headers.insert(ALLOW, methods);
    response
}
