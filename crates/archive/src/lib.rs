//! Tile archives: all tiles of a layer are drawn once and written to one file, from which they can
//! be served.
//!
//! [`Export`] draws each tile of a layer that shows something, zoom by zoom along the Hilbert
//! curve, on which neighbours mostly follow each other. It writes a PMTiles archive, an MBTiles
//! archive, a Cloud-Optimised GeoTIFF or a folder of files. The memory that it takes doesn't grow
//! with the zoom. The tiles have the same bytes as those that a server sends. An interrupted export
//! can be resumed; the result is the same file as without the interruption.
//!
//! ```no_run
//! use heatsplat_archive::{Export, Target};
//! use heatsplat_points::Points;
//! use heatsplat_render::{Layer, Style};
//!
//! let points = Points::from_lon_lat([(142.37, 38.32, 9.1)])?;
//! let layer = Layer::on_cpu("Quakes", points, Style::default());
//! let target = Target::from_path("quakes.pmtiles".as_ref())?;
//! let summary = Export::new(&layer, 0..=8).write(&target, |_| {})?;
//! println!("{} tiles", summary.map_or(0, |summary| summary.tiles));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Archive`] reads PMTiles and MBTiles files, which any program may have written. It checks each
//! value of the file before it uses it.
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

mod archive;
mod cog;
mod contents;
mod error;
mod estimate;
mod export;
mod fsync;
mod hilbert;
mod if_exists;
mod journal;
mod mbtiles;
mod metadata;
mod pmtiles;
mod quad_walk;
mod render;
mod settings;
mod target;
mod tiff_tile;
mod tile;
mod validate;
mod xyz_folder;

pub use archive::Archive;
pub use contents::{ArchiveError, Contents, TileFormat};
pub use error::ExportError;
pub use estimate::{Estimate, ZoomEstimate};
pub use export::{Export, ExportProgress, ExportSummary};
pub use if_exists::IfExists;
pub use target::Target;
pub use tile::TileContent;
