//! Pyramids of tiles that stay: drawn once, written into one file, and served again.
//!
//! [`Export`] draws every tile of a layer that shows something, zoom by zoom along the Hilbert
//! curve, and writes a PMTiles or MBTiles archive, a Cloud-Optimised GeoTIFF or a folder of
//! files. Its memory does not grow with the zoom, its bytes are those that a server would send,
//! and it can be broken off at any moment and resumed to the very same file.
//!
//! ```no_run
//! use heatsplat_archive::{Export, Target};
//! use heatsplat_points::Points;
//! use heatsplat_render::{Layer, Style};
//!
//! let points = Points::from_lon_lat([(142.37, 38.32, 9.1)])?;
//! let layer = Layer::on_cpu("Quakes", points, Style::default());
//! let target = Target::of("quakes.pmtiles".as_ref())?;
//! let made = Export::new(&layer, 0..=8).write(&target, |_| {})?;
//! println!("{} tiles", made.map_or(0, |made| made.tiles));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Archive`] reads PMTiles and MBTiles, from whomever they are: nothing that such a file says
//! is believed before it was checked.
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
mod area;
mod cog;
mod error;
mod estimate;
mod export;
mod fsync;
mod hilbert;
mod journal;
mod mbtiles;
mod pmtiles;
mod quad_walk;
mod render;
mod target;
mod tiff_tile;
mod xyz_folder;

pub use archive::{Archive, ArchiveError, Contents, StoredPicture};
pub use area::{Area, AreaError};
pub use error::ExportError;
pub use estimate::{Estimate, ZoomEstimate};
pub use export::{Begin, Export, Made, Progress};
pub use render::Paint;
pub use target::Target;
