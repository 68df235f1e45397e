//! The routes, each in a file, and the router that joins them.

mod archive;
mod catalog;
mod dem;
mod gdal;
mod health;
mod legend;
mod map;
mod metrics;
mod post_layer;
pub(crate) mod router;
mod tile;
mod tilejson;
mod value;
mod viewer;

use std::time::{SystemTime, UNIX_EPOCH};

/// The seconds from the beginning of 1970 to a time.
fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
