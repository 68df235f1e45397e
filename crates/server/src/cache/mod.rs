//! The caches of encoded tiles and of the densities of tiles.

mod bounded;
pub(crate) mod keys;
mod single_flight;

pub(crate) use bounded::{Cache, CacheOutcome, CacheStats, Weigh};
