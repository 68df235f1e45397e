//! Cells → density → colour → bytes: the heart of heatsplat.
//!
//! Density is a value of its own: it is splatted by a [`Backend`], can be looked
//! at, summed and exported, and only then becomes colour. [`Layer`] puts it all
//! together: points and a [`Style`] in, tiles, maps, legends and values out.
#![forbid(unsafe_code)]

mod backend;
mod bands;
mod block;
mod canvas;
mod categories;
mod cpu;
mod density;
mod discs;
pub mod encode;
pub mod field;
#[cfg(feature = "gpu")]
pub mod gpu;
mod heat;
pub mod import;
mod isolines;
mod kernel;
mod lattice;
mod layer;
pub mod legend;
mod level;
mod local;
mod marker;
mod measure;
mod named;
mod nearest;
pub mod opacity;
mod overlap;
mod plan;
mod point_set;
mod precision;
mod radius;
pub mod ramp;
pub mod ramps;
mod say;
mod scale;
mod spline;
mod stages;
mod stamped;
mod stats;
mod steps;
mod style;
mod value;
mod view;

pub use backend::{Backend, Job};
pub use categories::{Category, MAX_CATEGORIES};
pub use cpu::CpuBackend;
pub use density::{Density, Picture};
pub use kernel::{Decay, Kernel, Normalize, Shape, Share};
pub use layer::{Layer, TileSize};
pub use level::Level;
pub use marker::{Image, Marker, MarkerShape};
pub use measure::{Comparison, Measure, Nature};
pub use nearest::{Near, Nearest};
pub use overlap::{Cover, Overlap, Stamp};
pub use point_set::{NEGATIVE_SHARE, PointSet};
pub use precision::Precision;
pub use radius::{Length, Radius};
pub use ramp::Ramp;
pub use say::say;
pub use scale::{Domain, Gamma, Normalizer, Scale, Transform};
pub use stages::{Stage, Stages};
pub use stamped::Stamped;
pub use stats::{Statistics, sample};
pub use style::{StatisticsKey, Style, StyleError};
pub use value::{Sums, Value};
pub use view::{View, height_to_width};
