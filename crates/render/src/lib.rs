//! Cells → density → colour → bytes: the heart of heatsplat.
//!
//! Density is a value of its own: it is splatted by a [`Backend`], can be looked
//! at, summed and exported, and only then becomes colour. [`Layer`] puts it all
//! together: points and a [`Style`] in, tiles, maps, legends and values out.
#![forbid(unsafe_code)]

mod backend;
mod block;
mod canvas;
mod cpu;
mod density;
pub mod encode;
#[cfg(feature = "gpu")]
pub mod gpu;
mod kernel;
mod lattice;
mod layer;
pub mod legend;
mod named;
pub mod opacity;
mod plan;
pub mod ramp;
pub mod ramps;
mod scale;
mod spline;
mod stats;
mod steps;
mod style;
mod value;

pub use backend::{Backend, Job};
pub use cpu::CpuBackend;
pub use density::{Density, Picture};
pub use kernel::{Kernel, Normalize, Shape};
pub use layer::{Layer, TileSize};
pub use ramp::Ramp;
pub use scale::{Domain, Normalizer, Scale, Transform};
pub use stats::{Statistics, sample};
pub use style::{Radius, Style, StyleError};
pub use value::Value;
