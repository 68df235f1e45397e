//! Splatting: cells in, densities or colour indices out.

pub(crate) mod blend_job;
pub(crate) mod cpu;
pub(crate) mod density;
pub(crate) mod discs;
#[cfg(feature = "gpu")]
pub mod gpu;
pub(crate) mod kernel_spec;
mod latitude_bands;
pub(crate) mod lattice;
pub(crate) mod plan;
mod spline;
pub(crate) mod stamp;
pub(crate) mod tiling;
pub(crate) mod timing;
pub(crate) mod view;

use crate::scale::normalizer::Normalizer;
use crate::splat::blend_job::BlendJob;
use crate::splat::density::{Density, Picture};
use crate::style::kernel::Kernel;
use heatsplat_points::{Points, Window};

/// One picture to splat.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The points.
    pub points: &'a Points,
    /// The pixels.
    pub window: Window,
    /// The kernel, its radius in the window's pixels.
    pub kernel: Kernel,
    /// True for a strip of a picture: a few rows, for a radius that changes with them.
    pub strip: bool,
}

/// A device that splats and colours pictures. All backends give the same ones: densities to
/// 1e-5 of the peak, indices to one step.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// The backend's name on the command line and in reports.
    fn name(&self) -> &str;

    /// The number of jobs that it is best given at a time: more than one where each round trip
    /// takes long.
    fn batch(&self) -> usize {
        1
    }

    /// Counters and gauges of its work, each with a name of one word; empty where it has none.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// The density of each job, in their order.
    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density>;

    /// Passes a job's density, rows from the north, to a function, which spares a copy where that
    /// turns it into something else at once.
    fn with_density(&self, job: &Job<'_>, consume: &mut dyn FnMut(&[f32])) {
        for density in self.densities(&[*job]) {
            consume(&density.values);
        }
    }

    /// The density of splats that don't simply add up, or of shapes that backends don't draw: all
    /// backends draw these on the CPU.
    fn blend(&self, job: &BlendJob<'_>) -> Density;

    /// The colour indices of each job, in their order.
    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture>;
}
