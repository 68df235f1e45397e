//! The configuration of a server.

use crate::http::origin::TrustedProxy;
use crate::layers::point_posting::PointPosting;
use crate::layers::posting::Posting;
use serde::Serialize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// The paths of two files in the format PEM: a TLS certificate and its private key. The files are
/// read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The path of the file with the server's certificate, followed by the certificates of its
    /// issuers up to one that clients know.
    pub certificate: PathBuf,
    /// The path of the file with the certificate's private key.
    pub key: PathBuf,
}

/// A base map that another server provides. The viewer shows it under the layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Basemap {
    /// The URL template of the base map's tiles, with `{z}`, `{x}` and `{y}`.
    url: String,
    /// The credit for the base map, which the viewer shows in a corner; `None` if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<String>,
}

/// The error for a text that is no URL template of map tiles, like
/// `https://example.org/{z}/{x}/{y}.png`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the address of tiles like https://tile.example.org/{{z}}/{{x}}/{{y}}.png")]
pub struct ParseBasemapError;

impl Basemap {
    /// Makes a base map from `url`, the URL template of its tiles. It must begin with `http://` or
    /// `https://` and have `{z}`, `{x}` and `{y}` once each.
    ///
    /// # Errors
    /// An error if `url` has any other form.
    pub fn new(url: &str, attribution: Option<String>) -> Result<Self, ParseBasemapError> {
        let path = ["{z}", "{x}", "{y}"]
            .into_iter()
            .try_fold(url.to_owned(), |rest, name| {
                (rest.matches(name).count() == 1).then(|| rest.replacen(name, "0", 1))
            });
        let legal = |c: char| c.is_ascii_graphic() && !"\"'<>\\^`{|}".contains(c);
        let this = Self {
            url: url.to_owned(),
            attribution,
        };
        let host = this.origin().and_then(|origin| origin.split_once("://"));
        let is_host = host.is_some_and(|(_, host)| {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
            !host.is_empty() && host.bytes().all(legal)
        });
        let is_legal = is_host && path.is_some_and(|path| path.chars().all(legal));
        is_legal.then_some(this).ok_or(ParseBasemapError)
    }

    /// The origin of the base map's server: its scheme, host and port. `None` if the URL has none.
    pub(crate) fn origin(&self) -> Option<&str> {
        let (scheme, rest) = self.url.split_once("://")?;
        let host = rest.split('/').next()?;
        matches!(scheme, "http" | "https").then(|| self.url.get(..scheme.len() + 3 + host.len()))?
    }
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
    /// The settings of database queries that clients post to `POST /layers`. With `None` clients
    /// can't post queries.
    pub posting: Option<Posting>,
    /// The settings of points that clients post to `POST /layers`. With `None` clients can't post
    /// points.
    pub points: Option<PointPosting>,
    /// The credit for the data, which maps show in a corner; `None` if there is none.
    pub attribution: Option<String>,
    /// The base map that the viewer shows under the layers. With `None` it shows a coastline of its
    /// own and asks no other server.
    pub basemap: Option<Basemap>,
    /// The largest number of pictures that the server draws at the same time. The default is the
    /// number of processor cores.
    pub renders: usize,
    /// The largest number of requests that wait for their turn to be drawn. As many again may wait
    /// until another request has prepared a scale or the points of a filter for them. Further
    /// requests get 503. The default is 256 for each processor core.
    pub waiting: usize,
    /// The longest time from a request's beginning to the end of its drawing. Work that takes
    /// longer is ended, and the request gets 504.
    pub deadline: Duration,
    /// The size in bytes of the memory for what is kept besides the layers' data:
    ///
    /// * three eighths for encoded tiles
    /// * three eighths for the densities of tiles
    /// * a quarter, but at least 8 MiB, for styles, statistics, scales and the points of filters
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
    /// The longest time that an answer waits for a client that doesn't read. Then the connection is
    /// closed.
    pub write_timeout: Duration,
    /// The largest number of bytes of answers that clients have not received yet, over all
    /// connections together. Answers over HTTP/1 of at most 64 KiB don't count. An answer for which
    /// there is no room becomes a 503.
    pub answer_bytes: u64,
    /// The address and port of a second socket for `/metrics`, `/health`, `/ready` and `POST
    /// /layers`. These routes are then not answered at `listen`, with one exception: if clients may
    /// post points, `/layers` is answered at `listen` too, for points alone. With `None`,
    /// everything is answered at `listen`.
    pub admin_listen: Option<String>,
    /// The files of the certificate and key with which connections to `listen` are encrypted; this
    /// needs the feature `tls`. With `None`, connections are not encrypted.
    pub tls: Option<TlsFiles>,
    /// The web origins whose pages may read answers, like `https://example.org`. With an empty
    /// list, or if the list contains `*`, pages of any origin may read them.
    pub cors_origins: Vec<String>,
    /// The hosts that requests may be for: `example.org`, `example.org:8080` or `*.example.org`. An
    /// empty list allows any host.
    pub allowed_hosts: Vec<String>,
    /// The proxies whose `Forwarded` and `X-Forwarded-…` headers are trusted. With an empty list
    /// these headers are ignored.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// True if a line is logged for each answer, with the target `access`.
    pub access_log: bool,
    /// A function that returns the counts of the cache of pages of packed files (see
    /// [`PageCounts`]). `None` if all points are in memory.
    pub page_counts: Option<fn() -> PageCounts>,
}

/// Counters of the pages of files whose points are not in memory, for `/metrics`. They count from
/// the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageCounts {
    /// The number of pages that were read from files.
    pub pages_read: u64,
    /// The number of bytes that were read from files for pages, gaps between the pages included.
    pub page_bytes: u64,
    /// The number of reads. Neighbouring pages are one read; for a file at an address, a read is a
    /// request.
    pub page_reads: u64,
    /// The number of reads, among those that `page_reads` counts, that failed at every attempt.
    pub page_read_failures: u64,
    /// The number of times that a page was found in the cache, so that it wasn't read.
    pub page_hits: u64,
    /// The number of pages, and of lists of their places, that were damaged when they were read.
    pub crc_failures: u64,
    /// The bytes of memory that the pages in the cache take at present.
    pub cached_bytes: u64,
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
            points: None,
            attribution: None,
            basemap: None,
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
            page_counts: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_known_by_its_tiles() {
        let map = Basemap::new(
            "https://tile.example.org:8080/a/{z}/{x}/{y}@2x.png?key=1",
            None,
        );
        assert_eq!(map.unwrap().origin(), Some("https://tile.example.org:8080"));
        for bad in [
            "",
            "tile.example.org/{z}/{x}/{y}.png",
            "ftp://tile.example.org/{z}/{x}/{y}.png",
            "https:///{z}/{x}/{y}.png",
            "https://a.org/{z}/{x}.png",
            "https://a.org/{z}/{x}/{y}/{y}.png",
            "https://{s}.a.org/{z}/{x}/{y}.png",
            "https://{x}/{z}/{y}.png",
            "https://a.org;script-src */{z}/{x}/{y}.png",
            "https://a.org,b.org/{z}/{x}/{y}.png",
            "https://u@a.org/{z}/{x}/{y}.png",
            "https://a.org/ {z}/{x}/{y}.png",
        ] {
            assert!(Basemap::new(bad, None).is_err(), "{bad}");
        }
    }
}
