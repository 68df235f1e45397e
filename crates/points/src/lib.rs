//! The world grid: where points lie, and how a picture finds them.
//!
//! Longitude and latitude become integers once, in [`mercator`]: the
//! Web-Mercator square cut into 2³² × 2³² cells of 9.3 mm at the equator. From
//! there on everything is exact integer geometry. [`PointsBuilder`] sorts
//! points along the Z-order curve and raises a pyramid of aggregated cells
//! over them; the finished [`Points`] answers which cells a [`Window`] sees, at
//! a cost that follows what is visible and never the size of the data set.
//!
//! This crate does no I/O, knows no GPU and no async runtime.
#![forbid(unsafe_code)]

mod aggregate;
mod extent;
mod focus;
pub mod level;
mod lon_lat_box;
pub mod mercator;
mod point;
mod points;
mod pyramid;
mod search;
mod sort;
mod tile;
mod window;
mod zorder;

pub use focus::Focus;
pub use lon_lat_box::{LonLatBox, LonLatBoxError};
pub use mercator::{Refusal, WorldCoord};
pub use point::{Point, PointError, PointSink};
pub use points::{BadPoint, Points, PointsBuilder, Summary, TileWeight};
pub use search::{Cells, Run};
pub use tile::{MAX_ZOOM, TileError, TileId};
pub use window::{Window, WindowError};
