//! The configuration of a server.

use crate::http::origin::TrustedProxy;
use crate::layers::posting::Posting;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// The files of a certificate, both in the format PEM. They are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead to a known one.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
}

/// The configuration of a server: its address, limits, size of caches, and HTTP headers.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address and port on which the server listens. The system chooses a free port in place of
    /// port 0. `unix:/run/heatsplat.sock` is a Unix socket, `systemd` the socket that systemd has
    /// opened.
    pub listen: String,
    /// The URL by which clients reach the server. It is needed behind a proxy that changes the
    /// header `Host`. `None`: links contain the host that each client requests.
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
    /// The largest number of requests that wait to be drawn. Requests beyond it get 503. The
    /// default is 256 for each processor core.
    pub waiting: usize,
    /// The longest time from a request to the end of its drawing. What takes longer is ended with
    /// 504.
    pub deadline: Duration,
    /// The largest size in bytes of two caches together: of encoded tiles, and of the densities of
    /// tiles. Each gets one half.
    pub cache: u64,
    /// The largest number of open connections. Connections beyond it wait until another closes.
    pub connections: usize,
    /// The time between the order to stop and the end of accepting connections, in which `/ready`
    /// is 503 and everything else is answered. `None`: until no request has come for 100 ms, at
    /// most a second.
    pub drain_wait: Option<Duration>,
    /// The longest time that running requests may then take to finish.
    pub grace: Duration,
    /// The longest time that an answer waits for a client that doesn't read, before the connection
    /// is closed.
    pub write_timeout: Duration,
    /// The largest number of bytes of large answers that are on their way to clients, over all
    /// connections; further ones get 503.
    pub answer_bytes: u64,
    /// The address and port at which `/metrics`, `/health`, `/ready` and `POST /layers` are
    /// answered, and no longer at `listen`. `None`: everything is answered at `listen`.
    pub admin_listen: Option<String>,
    /// The certificate of encrypted connections at `listen`, which needs the feature `tls`; `None`:
    /// connections are not encrypted.
    pub tls: Option<TlsFiles>,
    /// The origins whose pages may read answers, like `https://example.org`. None at all, or `*`:
    /// any.
    pub cors_origins: Vec<String>,
    /// The hosts that requests may be for: `example.org`, `example.org:8080` or `*.example.org`.
    /// None at all: any.
    pub allowed_hosts: Vec<String>,
    /// The proxies whose `Forwarded` and `X-Forwarded-…` headers are believed.
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
