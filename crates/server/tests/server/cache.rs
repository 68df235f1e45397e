//! The cache of the server, compiled with the synchronization primitives of `sync.rs` in this
//! folder.

#[path = "../../src/cache/bounded.rs"]
mod bounded;
#[path = "../../src/cache/single_flight.rs"]
mod single_flight;

pub(crate) use bounded::{Cache, CacheOutcome, Weigh};
