//! The caches of tiles and of their densities.

mod bounded;
pub(crate) mod keys;
mod single_flight;

pub(crate) use bounded::{Cache, CacheOutcome, CacheStats, Weigh};
