//! The configuration of a server.

use crate::layers::posting::Posting;
use std::thread;

/// The configuration of a server: its address, limits, cache size and HTTP headers.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address and port to listen on. Port 0 stands for any free port.
    pub listen: String,
    /// The URL by which clients reach the server, without a slash at its end. `None`: the host that
    /// each client requests. It is needed behind a proxy that changes the host.
    pub public_url: Option<String>,
    /// The `Cache-Control` header of answers about layers that are not live.
    pub cache_control: String,
    /// The `Cache-Control` header of answers about live layers.
    pub live_cache_control: String,
    /// The settings of `POST /layers`; `None` switches the route off.
    pub posting: Option<Posting>,
    /// The credit for the data that maps show in a corner.
    pub attribution: Option<String>,
    /// The largest number of pictures that are drawn at a time.
    pub renders: usize,
    /// The largest number of requests that wait to be drawn; further ones get 503.
    pub waiting: usize,
    /// The size in bytes of the cache of tiles and of the cache of their densities, together.
    pub cache: u64,
    /// The largest number of open connections; further ones wait to be accepted.
    pub connections: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        Self {
            listen: "127.0.0.1:3000".to_owned(),
            public_url: None,
            cache_control: "public, max-age=300, stale-while-revalidate=86400".to_owned(),
            live_cache_control: "public, max-age=10, stale-if-error=86400".to_owned(),
            posting: None,
            attribution: None,
            renders: cores,
            waiting: cores * 256,
            cache: 256 << 20,
            connections: 4096,
        }
    }
}
