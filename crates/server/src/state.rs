//! A server: its layers, configuration, caches, render queue and counters, which all requests use.

use crate::cache::keys::{self, Densities, Tiles};
use crate::config::ServerConfig;
use crate::http::answer_bytes::AnswerBytes;
use crate::http::connection_info::ConnectionCounts;
use crate::http::etag::{CacheHeaders, Fingerprint};
use crate::http::host::is_host;
use crate::http::request_counts::RequestCounts;
use crate::http::response;
use crate::layers::registry::Registry;
use crate::render_queue::RenderQueue;
use crate::shutdown::StopHandle;
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
    /// The cache of encoded tiles.
    pub(crate) tiles: Tiles,
    /// The cache of the densities of tiles, from which tiles with another ramp or scale are made.
    pub(crate) densities: Arc<Densities>,
    pub(crate) request_counts: RequestCounts,
    pub(crate) stop: StopHandle,
    pub(crate) connections: ConnectionCounts,
    pub(crate) answer_bytes: Arc<AnswerBytes>,
    /// The header `Cache-Control` of answers about layers that are not live.
    pub(crate) cache_control: HeaderValue,
    /// The header `Cache-Control` of answers about live layers.
    pub(crate) live_cache_control: HeaderValue,
}

impl Server {
    /// Makes a server of the registry's layers. Their data may be loaded later.
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
            stop: StopHandle::default(),
            connections: ConnectionCounts::default(),
            answer_bytes: AnswerBytes::new(config.answer_bytes),
            render_queue: RenderQueue::new(config.renders, config.waiting),
            cache_control: header(&config.cache_control),
            live_cache_control: header(&config.live_cache_control),
            config,
        }
    }

    /// The headers `ETag` and `Cache-Control` of an answer. The ETag is made of `fingerprint`, a
    /// hash of everything on which the answer depends.
    pub(crate) fn cache_headers(&self, fingerprint: Fingerprint) -> CacheHeaders {
        CacheHeaders::new(fingerprint, &self.cache_control)
    }

    /// The headers `ETag` and `Cache-Control` of an answer about a live layer. The ETag is a hash
    /// of the answer's body.
    pub(crate) fn live_headers(&self, body: &[u8]) -> CacheHeaders {
        CacheHeaders::new(Fingerprint::new().bytes(body), &self.live_cache_control)
    }

    /// Makes an answer with a picture and its cache headers. For a live layer `headers` is `None`:
    /// then the headers are made from the bytes, and the answer is 304 if the client has these
    /// bytes already.
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

    /// The URL by which the client has reached the server, without a slash at its end. If the
    /// configuration has a public URL, it is this one. Otherwise it contains the header `Host` of
    /// the request. The client may put any text there, so it is used only if it can be a host; if
    /// not, the address of the configuration is used.
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
