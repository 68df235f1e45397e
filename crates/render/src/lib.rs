//! Cells → density → colour → bytes: the heart of heatsplat.
//!
//! Density is a value of its own: it is splatted by a [`Backend`], can be looked
//! at, summed and exported, and only then becomes colour. [`Layer`] puts it all
//! together: points and a [`Style`] in, tiles, maps, legends and values out.
//!
//! The modules form layers, each of which uses those before it: `scale` and [`ramp`], `style`,
//! `splat`, [`encode`], [`legend`], `layer`.
#![forbid(unsafe_code)]

pub mod encode;
mod layer;
pub mod legend;
pub mod memo;
pub mod ramp;
mod say;
mod scale;
mod splat;
mod style;

/// Limits of the renderer's methods, for estimates of their time.
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
pub use say::say;
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
