//! The access log, which has a line for each answer under the log target `access`, and the ids of
//! requests.

use super::origin::{RequestOrigin, TrustedProxy, is_from_proxy};
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The header with the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The largest length in bytes of an id that is taken from a proxy. A choice.
const MAX_ID: usize = 128;

/// The id of a request: either the id that a trusted proxy has sent, or one that is made here and
/// is most likely unique, also among several processes.
#[derive(Clone, Debug)]
pub(crate) enum RequestId {
    Sent(HeaderValue),
    Made(u64),
}

impl RequestId {
    /// The id of a request: the one in its header if a trusted proxy has sent the request,
    /// otherwise a new one.
    pub(crate) fn new(trusted: &[TrustedProxy], request: &Request) -> Self {
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
        // Without trusted proxies, as on most servers, no lookup of the header is needed.
        let sent = (!trusted.is_empty()).then(|| request.headers().get(&REQUEST_ID));
        match sent
            .flatten()
            .filter(|id| is_id(id) && is_from_proxy(trusted, request))
        {
            Some(id) => Self::Sent(id.clone()),
            None => Self::Made(number),
        }
    }

    /// Adds the request's id to an answer, as the header `x-request-id`.
    pub(crate) fn tag(&self, response: &mut Response) {
        if let Ok(id) = HeaderValue::try_from(self.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
    }
}

fn is_id(id: &HeaderValue) -> bool {
    let legal = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b);
    (1..=MAX_ID).contains(&id.len()) && id.as_bytes().iter().all(legal)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static PROCESS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        match self {
            Self::Sent(id) => f.write_str(id.to_str().unwrap_or_default()),
            Self::Made(number) => write!(f, "{:016x}", PROCESS.hash_one(number)),
        }
    }
}

/// The parts of a request that the access log's line about it shows.
#[derive(Debug)]
pub(crate) struct LoggedRequest {
    method: Method,
    /// The path and the query of the URL, from which keys of layers were removed before.
    url: String,
    origin: RequestOrigin,
}

impl LoggedRequest {
    /// Copies the parts that the log needs from a request.
    pub(crate) fn new(request: &Request, origin: RequestOrigin) -> Self {
        let url = request.uri().path_and_query();
        Self {
            method: request.method().clone(),
            url: url.map_or("/", |url| url.as_str()).to_owned(),
            origin,
        }
    }

    /// Writes the access log's line for an answer to this request. `took` is the time from the
    /// request's arrival to the answer.
    pub(crate) fn log(&self, id: &RequestId, response: &Response, took: Duration) {
        let length = response.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let bytes = length.or(response.body().size_hint().exact());
        let client = self.origin.client.map(|client| client.to_string());
        tracing::info!(
            target: "access",
            method = self.method.as_str(),
            path = self.url,
            status = response.status().as_u16(),
            // The length of an answer that is compressed while it is sent is not known yet.
            bytes = bytes.map_or(-1, |bytes| bytes as i64),
            ms = (took.as_secs_f64() * 1e6).round() / 1e3,
            client = client.as_deref().unwrap_or("-"),
            id = %id,
            "answered"
        );
    }
}
