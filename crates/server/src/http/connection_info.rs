//! The connections of a server, as their requests and `/metrics` know them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Facts about a connection, which its requests have as an extension. Requests that an embedding
/// program sends to the router have none.
#[derive(Debug)]
pub(crate) struct ConnectionInfo {
    /// The address of the client, or of the proxy before it; `None` if there is none.
    pub(crate) peer: Option<SocketAddr>,
}

/// Counts of connections, which `/metrics` reports.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounts {
    /// The number of connections that are open.
    pub(crate) open: AtomicU64,
    /// The number of connections that were closed since their clients didn't read.
    pub(crate) stalled: Arc<AtomicU64>,
}
