//! **heatsplat turns points into heat-map tiles: exact, seamless, colour-stable.**
//!
//! An example that needs no server, no async runtime and no GPU. It begins with a `Vec` of
//! longitudes, latitudes and weights and ends with the bytes of a PNG:
//!
//! ```
//! use heatsplat::{Layer, Points, Style, TileId};
//!
//! let quakes = vec![(142.37, 38.32, 9.1), (143.9, 41.8, 8.3), (-72.9, -36.1, 8.8)];
//! let points = Points::from_lon_lat(quakes)?;
//!
//! let mut style = Style::default();
//! style.set("radius", "24px")?;
//! style.set("ramp", "viridis")?;
//!
//! let layer = Layer::on_cpu("quakes", points, style);
//! let japan = TileId::new(3, 7, 3)?;
//! let png = layer.tile(japan).png()?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The module [`points`] has the world grid and the index of points. [`render`] makes densities,
//! colours and encoded pictures from them. [`heat`] has points in a file, which needn't fit into
//! memory, and [`packed`] makes a table of its columns. [`geo`] makes points from the types of the
//! crate `geo-types`, and [`image`] turns pictures into those of the crate `image`.
//!
//! # Features
//!
//! The default features build the command-line program. For use as a library, turn them off
//! (`default-features = false`) and choose from:
//!
//! | feature | gives |
//! |---|---|
//! | `loader` | [`loader`]: points from CSV, GeoJSON, Parquet and other files; [`packed`] |
//! | `postgis` | PostGIS as a source of the loader |
//! | `remote` | `http(s)://` and `s3://` addresses as sources of the loader |
//! | `archive` | [`archive`]: tiles into PMTiles, MBTiles, GeoTIFF and folders |
//! | `server` | [`server`]: layers over HTTP |
//! | `time` | [`time`]: buckets and windows of time |
//! | `import` | [`import`]: configurations of other heat maps, read as styles |
//! | `gpu` | [`render::gpu`]: pictures drawn by a GPU |
//! | `generate` | [`generate`]: made-up points, for tests and benches |
//! | `program` | the command-line program |
#![forbid(unsafe_code)]

#[cfg(feature = "generate")]
pub mod generate;
pub mod geo;
pub mod image;
#[cfg(feature = "loader")]
pub mod packed;

#[cfg(feature = "archive")]
pub use heatsplat_archive as archive;
pub use heatsplat_heat as heat;
#[cfg(feature = "import")]
pub use heatsplat_import as import;
#[cfg(feature = "loader")]
pub use heatsplat_loader as loader;
pub use heatsplat_points as points;
pub use heatsplat_render as render;
#[cfg(feature = "server")]
pub use heatsplat_server as server;
#[cfg(feature = "time")]
pub use heatsplat_time as time;

/// The program in docs/library.md, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct LibraryPage;

pub use heatsplat_points::{Point, PointSink, Points, PointsBuilder, TileId, Window, WorldCoord};
pub use heatsplat_render::encode::ImageFormat;
pub use heatsplat_render::{
    Backend, CpuBackend, Density, Kernel, Layer, Picture, Ramp, Style, TileSize,
};
