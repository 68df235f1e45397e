//! What can be said about a server beforehand.

use crate::routes::post_layer::Posting;
use std::thread;

/// How a server listens and answers.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// The address that clients reach the server by, without a slash at its end, where
    /// that is not the address they ask for: behind a proxy.
    pub public_url: Option<String>,
    /// `Cache-Control` of all that layers answer.
    pub cache_control: String,
    /// `Cache-Control` of layers that are read anew for every picture.
    pub live_cache_control: String,
    /// Who may make layers by posting queries, and what of; `None`: nobody.
    pub posting: Option<Posting>,
    /// Who the data come from, shown in the corner of maps.
    pub attribution: Option<String>,
    /// Pictures drawn at a time.
    pub renders: usize,
    /// Requests that may wait for their turn; those over it are sent away for a second.
    pub waiting: usize,
    /// Bytes of memory for tiles that were drawn, so that they need not be drawn again.
    pub cache: u64,
    /// Connections open at a time; more wait to be accepted.
    pub connections: usize,
}

impl Default for Options {
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
