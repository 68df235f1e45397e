//! Cells → density → colour → bytes: the heart of heatsplat.
//!
//! A density is a picture of numbers, and a value in its own right. A [`Backend`] splats it;
//! callers can read it, sum it and export it; only then does it become colour. [`Layer`] puts
//! everything together: from points and a [`Style`] it makes tiles, maps, legends and values.
//!
//! The modules form layers. Each uses only those before it in this list: `scale` and [`ramp`],
//! `style`, `splat`, [`encode`], [`legend`], `layer`.
#![forbid(unsafe_code)]

pub mod encode;
mod layer;
pub mod legend;
pub mod memo;
pub mod ramp;
mod scale;
mod splat;
mod style;

/// Limits at which the renderer changes its method, for callers that estimate drawing times.
pub mod limits {
    pub use crate::layer::sampling::{DENSEST, SPREAD};
    pub use crate::splat::cpu::MOST_PIXELS;
    pub use crate::splat::discs::LEAST_ON_GRID;
    pub use crate::splat::kernel_spec::WIDEST_EXACT;
    pub use crate::splat::tiling::BLOCK;
}

pub use layer::Layer;
pub use layer::category::{Category, MAX_CATEGORIES};
pub use layer::evaluate;
pub use layer::nearest::{NearbyPoint, NearestPoints};
pub use layer::point_query::{KernelSums, PointQuery, PointValue};
pub use layer::point_set::{NEGATIVE_SHARE, PointSet};
pub use layer::request::PictureRequest;
pub use layer::sampling::sample;
pub use ramp::{Ramp, collection as ramps, opacity};
pub use scale::Scale;
pub use scale::domain::Domain;
pub use scale::histogram::Statistics;
pub use scale::level::Level;
pub use scale::normalizer::Normalizer;
pub use scale::parse_error::ParseStyleError;
pub use scale::transform::{Gamma, Transform};
pub use scale::value_kind::ValueKind;
pub use splat::blend_job::BlendJob;
pub use splat::cpu::CpuBackend;
pub use splat::density::{Density, Picture};
#[cfg(feature = "gpu")]
pub use splat::gpu;
pub use splat::timing::{Phase, Timings};
pub use splat::view::{TileSize, View, height_to_width};
pub use splat::{Backend, Job};
pub use style::Style;
pub use style::blend::{BlendMode, CoverOpacity, MarkerStamp};
pub use style::kernel::{Decay, Kernel, Normalize, Shape, Share};
pub use style::keys::StatisticsKey;
pub use style::marker::{Marker, MarkerImage, MarkerImageError, MarkerShape};
pub use style::measure::{Comparison, Measure};
pub use style::precision::Precision;
pub use style::radius::{Length, Radius};
pub use style::text::StyleError;
