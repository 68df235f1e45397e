//! Facts about connections, for the requests that arrive on them and for `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The address and protocol of a connection, and counts of its requests and bytes. Each request
/// that arrives on the connection has them as an extension; a request that an embedding program
/// hands to the router itself has none.
#[derive(Debug, Default)]
pub(crate) struct ConnectionInfo {
    /// The address of the client, or of the proxy before it; `None` on a Unix socket.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) is_tls: bool,
    /// True if the connection was accepted at the port for administration.
    pub(crate) is_admin: bool,
    /// True once a request of HTTP/2 has arrived on the connection.
    pub(crate) is_http2: AtomicBool,
    /// The number of requests that have arrived on the connection so far.
    pub(crate) requests: AtomicU64,
    /// The number of requests of the connection that have no answer yet.
    pub(crate) running: AtomicU64,
    /// The number of HTTP/2 answers that are not completely sent yet.
    pub(crate) unsent: AtomicU64,
    /// The number of bytes that were written to the client so far.
    pub(crate) written: Arc<AtomicU64>,
}

/// Counts of connections, which `/metrics` reports.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounts {
    /// The number of connections that are open.
    pub(crate) open: AtomicU64,
    /// The number of connections that were closed since their clients didn't read.
    pub(crate) stalled: Arc<AtomicU64>,
}

/// An open connection, which is counted until this is dropped, even if that happens by a panic.
pub(crate) struct OpenConnection<'a>(&'a ConnectionCounts);

impl<'a> OpenConnection<'a> {
    pub(crate) fn new(counts: &'a ConnectionCounts) -> Self {
        counts.open.fetch_add(1, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
