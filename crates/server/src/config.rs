//! The configuration of a server.

use crate::layers::posting::Posting;
use std::thread;

/// The configuration of a server: where it listens, what it allows, how much it keeps.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// The URL that clients reach the server by, without a slash at its end, if it differs from
    /// the host they request: behind a proxy.
    pub public_url: Option<String>,
    /// `Cache-Control` of the answers of layers.
    pub cache_control: String,
    /// `Cache-Control` of the answers of live layers.
    pub live_cache_control: String,
    /// The settings of `POST /layers`; `None`: the route is off.
    pub posting: Option<Posting>,
    /// The source of the data, for the corner of maps.
    pub attribution: Option<String>,
    /// The most pictures that are drawn at a time.
    pub renders: usize,
    /// The most requests that wait for a turn at drawing; others get 503.
    pub waiting: usize,
    /// The size of the cache of tiles and their densities in bytes.
    pub cache: u64,
    /// The most open connections; others wait to be accepted.
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
