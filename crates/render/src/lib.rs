//! Draws heat maps: turns points into densities, densities into colours, and colours into image
//! files.
//!
//! A density is a picture of numbers. A [`Backend`] draws it: for each point it adds a splat, a
//! small hill around the point's position. The shape and the width of this hill are called the
//! kernel; they belong to the [`Style`]. Callers can read a density and export it as numbers, or
//! have it coloured. [`Layer`] puts everything together: from points and a [`Style`] it makes
//! tiles, maps, legends and values.
//!
//! The modules, in the order in which they build on each other, are `scale` and [`ramp`], `style`,
//! `splat`, [`encode`], [`legend`] and `layer`. A module uses only modules that come before it in
//! this list.
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

pub mod encode;
mod layer;
pub mod legend;
pub mod memo;
pub mod ramp;
mod scale;
mod splat;
mod style;
#[doc(hidden)]
pub mod unit_costs;

/// Sizes and numbers at which the renderer changes its method. They are public for callers that
/// estimate the time of a drawing.
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
pub use layer::paged_counts::UncountedError;
pub use layer::point_query::{KernelSums, PointQuery, PointValue};
pub use layer::point_set::{NEGATIVE_SHARE, PointSet};
pub use layer::projected::{ProjectedError, ProjectedLayer};
pub use layer::quantity::Quantity;
pub use layer::request::PictureRequest;
pub use layer::sampling::sample;
pub use layer::shared_statistics::SharedStatistics;
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
pub use style::keys::ValuesKey;
pub use style::marker::{Marker, MarkerImage, MarkerImageError, MarkerShape};
pub use style::measure::{Comparison, Measure};
pub use style::precision::Precision;
pub use style::radius::{Length, Radius};
pub use style::text::StyleError;
