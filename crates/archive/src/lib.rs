//! Tile archives: all tiles of a layer, drawn once, written to one file, and served from it.
//!
//! [`Export`] draws every tile of a layer that shows something, zoom by zoom along the Hilbert
//! curve. It writes a PMTiles or MBTiles archive, a Cloud-Optimised GeoTIFF, or a folder of files.
//! The memory of an export does not grow with the zoom. Its tiles have the bytes that a server
//! would send. An interrupted export can be resumed, and gives the identical file.
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
//! [`Archive`] reads PMTiles and MBTiles that any program has written. It checks each value of a
//! file before using it.
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
