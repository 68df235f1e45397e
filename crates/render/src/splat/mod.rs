//! Splatting: the way from cells to densities or colour indices.

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

/// A picture to splat, with the points and the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The points to splat.
    pub points: &'a Points,
    /// The pixels of the picture.
    pub window: Window,
    /// The kernel, whose radius is in the window's pixels.
    pub kernel: Kernel,
    /// True for a strip of a picture: a few rows that share a kernel, where the radius changes from
    /// row to row.
    pub strip: bool,
}

/// A device that splats and colours pictures. The pictures of all backends agree: densities to 1e-5
/// of the peak, colour indices to 1.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// The backend's name on the command line and in reports.
    fn name(&self) -> &str;

    /// The number of jobs to pass in one call for the best speed: more than 1 where a round trip to
    /// the device takes long.
    fn batch(&self) -> usize {
        1
    }

    /// Counters and gauges of the backend's work, each with a name of one word; empty for a backend
    /// without any.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// The density of each job, in the order of `jobs`.
    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density>;

    /// Calls `consume` with a job's density, row by row from the north. This spares a copy where
    /// `consume` turns the density into something else at once.
    fn with_density(&self, job: &Job<'_>, consume: &mut dyn FnMut(&[f32])) {
        for density in self.densities(&[*job]) {
            consume(&density.values);
        }
    }

    /// The density of splats that don't simply add up, or whose shape only other heat maps have.
    /// All backends draw these on the CPU.
    fn blend(&self, job: &BlendJob<'_>) -> Density;

    /// The colour indices of each job, in the order of `jobs`.
    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture>;
}
