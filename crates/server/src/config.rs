//! The configuration of a server.

use crate::http::origin::TrustedProxy;
use crate::layers::posting::Posting;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// The files of a certificate, both in the format PEM. They are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by the certificates of its issuers up to one that clients know.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
}

/// The configuration of a server: its address, limits, size of caches, and HTTP headers.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address and port on which the server listens; with port 0 the system chooses a free
    /// port. `unix:/run/heatsplat.sock` stands for a Unix socket, and `systemd` for the socket that
    /// systemd has opened.
    pub listen: String,
    /// The URL by which clients reach the server. It is needed behind a proxy that changes the
    /// header `Host`. With `None`, links contain the host that each client has requested.
    pub public_url: Option<String>,
    /// The header `Cache-Control` of answers about layers that are not live.
    pub cache_control: String,
    /// The header `Cache-Control` of answers about live layers.
    pub live_cache_control: String,
    /// The settings of the route `POST /layers`; `None` switches the route off.
    pub posting: Option<Posting>,
    /// The credit for the data, which maps show in a corner; `None` if there is none.
    pub attribution: Option<String>,
    /// The largest number of pictures that are drawn at a time. The default is the number of
    /// processor cores.
    pub renders: usize,
    /// The largest number of requests that wait to be drawn. Further requests get 503. The default
    /// is 256 for each processor core.
    pub waiting: usize,
    /// The longest time from a request's arrival in the render queue to the end of its drawing.
    /// Work that takes longer is ended, and the request gets 504.
    pub deadline: Duration,
    /// The largest size in bytes of two caches together: the cache of encoded tiles, and the cache
    /// of the densities of tiles. Each of them gets one half.
    pub cache: u64,
    /// The largest number of open connections. Further connections wait until another one is
    /// closed.
    pub connections: usize,
    /// The time for which a stopped server still accepts connections. In this time `/ready` is 503
    /// and everything else is answered. With `None` it lasts until no request has come for 100 ms,
    /// but at most one second.
    pub drain_wait: Option<Duration>,
    /// The longest time that running requests may take to finish, after the server has stopped
    /// accepting connections.
    pub grace: Duration,
    /// The longest time that an answer waits for a client that doesn't read, before the connection
    /// is closed.
    pub write_timeout: Duration,
    /// The largest number of bytes of large answers that are on their way to clients, over all
    /// connections together. A further large answer becomes a 503.
    pub answer_bytes: u64,
    /// The address and port of a second socket for `/metrics`, `/health`, `/ready` and `POST
    /// /layers`. These routes are then not answered at `listen`. With `None`, everything is
    /// answered at `listen`.
    pub admin_listen: Option<String>,
    /// The certificate by which connections at `listen` are encrypted; this needs the feature
    /// `tls`. With `None`, connections are not encrypted.
    pub tls: Option<TlsFiles>,
    /// The origins whose pages may read answers, like `https://example.org`. An empty list allows
    /// any origin, and so does `*` in the list.
    pub cors_origins: Vec<String>,
    /// The hosts that requests may be for: `example.org`, `example.org:8080` or `*.example.org`. An
    /// empty list allows any host.
    pub allowed_hosts: Vec<String>,
    /// The proxies whose `Forwarded` and `X-Forwarded-…` headers are trusted.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// True if a line is logged for each answer, with the target `access`.
    pub access_log: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        Self {
            listen: "127.0.0.1:3000".to_owned(),
            public_url: None,
            cache_control:
                "public, max-age=300, stale-while-revalidate=86400, stale-if-error=86400".to_owned(),
            live_cache_control: "public, max-age=10, stale-if-error=86400".to_owned(),
            posting: None,
            attribution: None,
            renders: cores,
            waiting: cores * 256,
            deadline: Duration::from_secs(10),
            cache: 256 << 20,
            connections: 4096,
            drain_wait: None,
            grace: Duration::from_secs(8),
            write_timeout: Duration::from_secs(30),
            answer_bytes: 256 << 20,
            admin_listen: None,
            tls: None,
            cors_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            access_log: false,
        }
    }
}
