//! The cache as it is, but for what its threads agree by.

#[path = "../../src/cache/bounded.rs"]
mod bounded;
#[path = "../../src/cache/single_flight.rs"]
mod single_flight;

pub(crate) use bounded::{Cache, Way, Weigh};
