//! The world grid, points on the grid, and an index that finds the points that a picture shows.
//!
//! [`mercator`] projects longitude and latitude to integers: the Web-Mercator square is divided
//! into 2³² × 2³² squares, 9.3 mm wide at the equator, and all further geometry is exact.
//! [`PointsBuilder`] sorts points along the Z-order curve and builds a pyramid over them: at many
//! scales, it replaces neighbouring points by one weighted point, a *cell*. The finished [`Points`]
//! finds the cells or points that a [`Window`], a rectangle of pixels, shows. The cost of such a
//! search depends on what is visible, not on the size of the data set.
//!
//! This crate does no I/O and needs neither a GPU library nor an async runtime.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod aggregate;
pub mod cancel;
mod extent;
mod first_view;
mod focus;
pub mod level;
mod lon_lat_box;
pub mod mercator;
pub mod paged;
mod parts;
mod point;
mod points;
pub mod projected;
mod pyramid;
mod read_error;
mod search;
mod sort;
mod summary;
mod tile;
mod tile_weights;
mod window;
mod zorder;

pub use focus::Focus;
pub use lon_lat_box::{LonLatBox, LonLatBoxError};
pub use mercator::{ProjectionError, WorldCoord};
pub use parts::{DeepPart, Part, PartNode, PyramidOfParts};
pub use point::{Point, PointError, PointSink};
pub use points::{Points, PointsBuilder, PointsError};
pub use read_error::ReadError;
pub use search::{CellBatch, Cells};
pub use summary::{Summary, SummaryBuilder};
pub use tile::{MAX_ZOOM, TileError, TileId};
pub use tile_weights::TileWeight;
pub use window::{Window, WindowError};
pub use zorder::Quad;
