//! The routes, one file each, and their router.

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

/// Seconds since 1970.
fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
