//! **heatsplat turns points into heat-map tiles: exact, seamless, colour-stable.**
//!
//! From a `Vec` of longitude, latitude and weight to the bytes of a PNG, without a
//! server, an async runtime or a GPU:
//!
//! ```
//! use heatsplat::{Format, Layer, Points, Style, TileId, TileSize};
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
//! let png = layer.tile_bytes(japan, TileSize::NORMAL, layer.style(), Format::Png)?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The parts, each a crate of its own that can be used alone: [`points`] is the
//! world grid and the index, [`render`] makes densities, colours and bytes of it, and
//! `import` (a feature) reads other heat maps' configurations as styles.
//! [`geo`] and [`image`] speak the types of `geo-types` and `image`.
#![forbid(unsafe_code)]

pub mod generate;
pub mod geo;
pub mod image;

#[cfg(feature = "import")]
pub use heatsplat_import as import;
pub use heatsplat_points as points;
pub use heatsplat_render as render;

pub use heatsplat_points::{Point, PointSink, Points, PointsBuilder, TileId, Window, WorldCoord};
pub use heatsplat_render::encode::Format;
pub use heatsplat_render::{
    Backend, CpuBackend, Density, Kernel, Layer, Picture, Ramp, Style, TileSize,
};
