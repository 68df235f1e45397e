//! The routes, each in its own file, and the router that joins them.

mod archive;
mod catalog;
mod dem;
mod gdal;
mod health;
mod legend;
mod map;
mod metrics;
mod ogc;
mod openapi;
mod point_rows;
mod post_layer;
mod post_points;
pub(crate) mod router;
mod tile;
mod tilejson;
mod time;
mod value;
pub(crate) mod viewer;

use std::time::{SystemTime, UNIX_EPOCH};

/// The time as Unix time: the seconds since the beginning of 1970.
fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
