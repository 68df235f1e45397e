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

pub mod bounds;
mod cell;
mod cells;
mod focus;
mod index;
pub mod mercator;
mod point;
mod pyramid;
mod sort;
mod tile;
mod window;
mod zorder;

pub use cells::{Cells, Run};
pub use focus::Focus;
pub use index::{BadPoint, Points, PointsBuilder, Summary, TileWeight};
pub use mercator::{Refusal, WorldCoord};
pub use point::{Point, PointError, PointSink};
pub use tile::{MAX_ZOOM, TileError, TileId};
pub use window::{Window, WindowError};
