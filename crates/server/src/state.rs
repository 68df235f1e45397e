//! A server: its layers, configuration, caches, render queue and counters, which all requests use.

use crate::cache::keys::{self, Densities, Tiles};
use crate::config::ServerConfig;
use crate::http::etag::{CacheHeaders, Fingerprint};
use crate::http::request_counts::RequestCounts;
use crate::http::response;
use crate::layers::registry::Registry;
use crate::render_queue::RenderQueue;
use axum::body::Bytes;
use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use heatsplat_render::encode::ImageFormat;
use std::sync::Arc;

/// A server: its layers, configuration, caches, render queue and counters, which all requests use.
#[derive(Debug)]
pub struct Server {
    pub(crate) layers: Registry,
    pub(crate) config: ServerConfig,
    pub(crate) render_queue: RenderQueue,
    pub(crate) tiles: Tiles,
    pub(crate) densities: Arc<Densities>,
    pub(crate) request_counts: RequestCounts,
    /// The `Cache-Control` header of answers about layers that are not live, and, below, about live
    /// layers.
    pub(crate) cache_control: HeaderValue,
    pub(crate) live_cache_control: HeaderValue,
}

impl Server {
    /// Makes a server of the registry's layers, which may still be loading.
    pub fn new(layers: Registry, config: ServerConfig) -> Self {
        let header = |text: &str| {
            let value = HeaderValue::try_from(text);
            value.unwrap_or(HeaderValue::from_static("no-cache"))
        };
        let (tiles, densities) = keys::caches(config.cache);
        Self {
            layers,
            tiles,
            densities: Arc::new(densities),
            request_counts: RequestCounts::default(),
            render_queue: RenderQueue::new(config.renders, config.waiting),
            cache_control: header(&config.cache_control),
            live_cache_control: header(&config.live_cache_control),
            config,
        }
    }

    /// The cache headers of an answer, with its ETag from a fingerprint of everything that it
    /// depends on.
    pub(crate) fn cache_headers(&self, fingerprint: Fingerprint) -> CacheHeaders {
        CacheHeaders::new(fingerprint, &self.cache_control)
    }

    /// The cache headers of an answer about a live layer. Its ETag is a hash of the answer's body.
    pub(crate) fn live_headers(&self, body: &[u8]) -> CacheHeaders {
        CacheHeaders::new(Fingerprint::new().bytes(body), &self.live_cache_control)
    }

    /// An answer with a picture and its cache headers. `None` as `headers` means a live layer: then
    /// the answer is 304 if the client has these bytes.
    pub(crate) fn picture(
        &self,
        headers: Option<&CacheHeaders>,
        request: &HeaderMap,
        format: ImageFormat,
        bytes: Bytes,
    ) -> Response {
        if let Some(headers) = headers {
            return response::cached(headers, response::picture(format, bytes));
        }
        let headers = self.live_headers(&bytes);
        response::cached_unless_known(&headers, request, || response::picture(format, bytes))
    }

    /// The URL by which the client reached the server. If the operator has set a URL, it is that
    /// one. Otherwise it contains the `Host` header, which comes from the client and is used only
    /// if it can be a host.
    pub(crate) fn base_url(&self, request: &HeaderMap) -> String {
        if let Some(url) = &self.config.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = request
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .filter(|host| is_host(host));
        format!("http://{}", host.unwrap_or(&self.config.listen))
    }
}

fn is_host(host: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'[' | b']' | b'-');
    (1..=255).contains(&host.len()) && host.bytes().all(legal)
}
