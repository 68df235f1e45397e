//! Cells → density → colour → bytes: the heart of heatsplat.
//!
//! Density is a value of its own: it is splatted by a [`Backend`], can be looked
//! at, summed and exported, and only then becomes colour. [`Layer`] puts it all
//! together: points and a [`Style`] in, tiles, maps, legends and values out.
#![forbid(unsafe_code)]

pub mod encode;
mod layer;
pub mod legend;
pub mod ramp;
mod say;
mod scale;
mod splat;
mod style;

pub use layer::categories::{Category, MAX_CATEGORIES};
pub use layer::evaluate as field;
pub use layer::nearest::{Near, Nearest};
pub use layer::point_query::{Sums, Value};
pub use layer::point_set::{NEGATIVE_SHARE, PointSet};
pub use layer::view::{View, height_to_width};
pub use layer::{Layer, TileSize};
pub use ramp::{Ramp, collection as ramps, opacity};
pub use say::say;
pub use scale::histogram::{Statistics, sample};
pub use scale::level::Level;
pub use scale::{Domain, Gamma, Normalizer, Scale, Transform};
pub use splat::blend_job::Stamped;
pub use splat::cpu::CpuBackend;
pub use splat::density::{Density, Picture};
#[cfg(feature = "gpu")]
pub use splat::gpu;
pub use splat::timing::{Stage, Stages};
pub use splat::{Backend, Job};
pub use style::blend::{Cover, Overlap, Stamp};
pub use style::kernel::{Decay, Kernel, Normalize, Shape, Share};
pub use style::marker::{Image, Marker, MarkerShape};
pub use style::measure::{Comparison, Measure, Nature};
pub use style::precision::Precision;
pub use style::radius::{Length, Radius};
pub use style::{StatisticsKey, Style, StyleError};
