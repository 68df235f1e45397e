//! A server: its layers, configuration, caches, render queue and counters, which all requests use.

use crate::cache::keys::{self, Densities, Tiles};
use crate::config::ServerConfig;
use crate::http::answer_bytes::AnswerBytes;
use crate::http::connection_info::{ConnectionCounts, ConnectionInfo};
use crate::http::cors::AllowedOrigins;
use crate::http::error::ApiError;
use crate::http::etag::{CacheHeaders, Fingerprint};
use crate::http::layer_keys::{self, SentKeys};
use crate::http::origin::{PROXY_HEADERS, RequestOrigin};
use crate::http::request_counts::RequestCounts;
use crate::http::response;
use crate::layers::entry::ServedLayer;
use crate::layers::layer_id::LayerId;
use crate::layers::point_posting::PointLoads;
use crate::layers::registry::Registry;
use crate::render_queue::{ClientKey, RenderQueue};
use crate::shutdown::StopHandle;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use heatsplat_render::encode::ImageFormat;
use std::net::SocketAddr;
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
    /// The posts of points that are under way, and the memory of posted points.
    pub(crate) point_loads: PointLoads,
    pub(crate) cors: AllowedOrigins,
    /// The header `Cache-Control` of answers about layers that are not live.
    pub(crate) cache_control: HeaderValue,
    /// The header `Cache-Control` of answers about live layers.
    pub(crate) live_cache_control: HeaderValue,
}

impl Server {
    /// Makes a server of the layers in a registry. Their data may be loaded later.
    pub fn new(layers: Registry, config: ServerConfig) -> Self {
        let header = |text: &str| {
            let value = HeaderValue::try_from(text);
            value.unwrap_or(HeaderValue::from_static("no-cache"))
        };
        let (tiles, densities, prepared) = keys::caches(config.cache);
        layers.budget().set_limit(prepared);
        Self {
            layers,
            tiles,
            densities: Arc::new(densities),
            request_counts: RequestCounts::default(),
            stop: StopHandle::default(),
            connections: ConnectionCounts::default(),
            answer_bytes: AnswerBytes::new(config.answer_bytes),
            point_loads: PointLoads::new(config.points.as_ref().map_or(0, |points| points.memory)),
            cors: AllowedOrigins::new(&config.cors_origins),
            render_queue: RenderQueue::new(config.renders, config.waiting, config.deadline),
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
    /// then the headers are made from `bytes`, and the answer is 304 if `request` shows that the
    /// client has the same bytes already.
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

    /// The client of a request and the URL by which it reached the server.
    pub(crate) fn origin(&self, request: &Request) -> RequestOrigin {
        let trusted = &self.config.trusted_proxies;
        RequestOrigin::new(trusted, request)
    }

    /// The client of a request, by which the render queue shares its turns fairly.
    pub(crate) fn client_key(&self, request: &Request) -> ClientKey {
        let address = if self.config.trusted_proxies.is_empty() {
            let info = request.extensions().get::<Arc<ConnectionInfo>>();
            info.and_then(|info| info.peer).map(|peer| peer.ip())
        } else {
            self.origin(request).client
        };
        address.map(ClientKey::from).unwrap_or_default()
    }

    /// The URL by which the client reached the server. It is the operator's public URL if one is
    /// configured. Otherwise it is made from the `Host` header or, behind a trusted proxy, from the
    /// proxy's headers.
    pub(crate) fn base_url(&self, request: &Request) -> BaseUrl {
        if let Some(url) = &self.config.public_url {
            return BaseUrl {
                url: url.trim_end_matches('/').to_owned(),
                depends_on: &[],
                is_verified: true,
            };
        }
        let origin = self.origin(request);
        let info = request.extensions().get::<Arc<ConnectionInfo>>();
        let is_admin = info.is_some_and(|info| info.is_admin);
        // Layers are not answered at the port for administration, so a URL has the main port.
        let main = is_admin.then(|| main_host(&self.config.listen, origin.host.as_deref()));
        let is_https = if is_admin {
            self.config.tls.is_some()
        } else {
            origin.is_https
        };
        let scheme = if is_https { "https" } else { "http" };
        let host = main.as_deref().or(origin.host.as_deref());
        let host = host.unwrap_or(&self.config.listen);
        let depends_on: &'static [&'static str] = match self.config.trusted_proxies.is_empty() {
            true => &["host"],
            false => &PROXY_HEADERS,
        };
        BaseUrl {
            url: format!("{scheme}://{host}{}", origin.prefix),
            depends_on,
            is_verified: !self.config.allowed_hosts.is_empty(),
        }
    }

    /// The layers that lists show to a request: those that have data, with their ids, and the ids
    /// of those that are still loading. Points that were posted without a token are in no list.
    pub(crate) fn open_layers(
        &self,
        request: &Request,
    ) -> (Vec<(LayerId, Arc<ServedLayer>)>, Vec<LayerId>) {
        let sent = SentKeys::of(request);
        let (mut loaded, mut loading) = self.layers.all();
        loaded.retain(|(id, _)| self.layers.is_open(id, sent) && self.layers.is_listed(id));
        loading.retain(|id| self.layers.is_open(id, sent));
        (loaded, loading)
    }

    /// Finds the layer with this id, if the request may see it.
    ///
    /// # Errors
    /// 404 if there is no such layer, or if the request has none of its keys; 503 while it is
    /// loading.
    pub(crate) fn layer(&self, id: &str, request: &Request) -> Result<Arc<ServedLayer>, ApiError> {
        self.layers.open(id, SentKeys::of(request))
    }
}

/// The host and port of the main socket, for links in answers to a client of the socket for
/// administration. `listen` is the address of the main socket. If it stands for all addresses of
/// the machine, like `0.0.0.0:3000`, the host is `asked`, the one that the request was for.
fn main_host(listen: &str, asked: Option<&str>) -> String {
    let all = listen.parse().ok().filter(|address: &SocketAddr| {
        // An unspecified address, like 0.0.0.0, stands for all.
        address.ip().is_unspecified()
    });
    match all.zip(asked) {
        Some((address, asked)) => {
            let name = match asked.rsplit_once(':') {
                // The colons of an address of IPv6 stand between brackets.
                Some((name, port)) if !port.contains(']') => name,
                _ => asked,
            };
            format!("{name}:{}", address.port())
        }
        None => listen.to_owned(),
    }
}

/// The URL of the server as a client knows it, without a slash at its end.
#[derive(Debug)]
pub(crate) struct BaseUrl {
    pub(crate) url: String,
    /// The names of the request's headers from which the URL was made.
    depends_on: &'static [&'static str],
    /// False if the host is whichever one the request names, since the server accepts all hosts.
    is_verified: bool,
}

impl BaseUrl {
    /// Adds headers to an answer whose body contains the URL, so that no shared cache sends it to
    /// clients that have asked for another host.
    pub(crate) fn guard(&self, mut response: Response) -> Response {
        if !self.is_verified {
            layer_keys::make_private(&mut response);
        }
        let headers = response.headers_mut();
        for name in self.depends_on {
            response::add_vary(headers, name);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_ports_host_is_that_of_the_request_where_all_addresses_are_listened_at() {
        for (listen, asked, host) in [
            ("127.0.0.1:3000", Some("admin:3001"), "127.0.0.1:3000"),
            ("0.0.0.0:3000", Some("maps.local:3001"), "maps.local:3000"),
            ("0.0.0.0:3000", Some("maps.local"), "maps.local:3000"),
            ("[::]:3000", Some("[::1]:3001"), "[::1]:3000"),
            ("[::]:3000", Some("[::1]"), "[::1]:3000"),
            ("0.0.0.0:3000", None, "0.0.0.0:3000"),
            ("localhost", Some("admin:3001"), "localhost"),
        ] {
            assert_eq!(main_host(listen, asked), host, "{listen} {asked:?}");
        }
    }
}
