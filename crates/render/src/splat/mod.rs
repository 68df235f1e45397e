//! What a backend does: cells in, densities or colour indices out.

pub(crate) mod blend_job;
pub(crate) mod cpu;
pub(crate) mod density;
pub(crate) mod discs;
#[cfg(feature = "gpu")]
pub mod gpu;
pub(crate) mod latitude_bands;
pub(crate) mod lattice;
pub(crate) mod plan;
pub(crate) mod spline;
pub(crate) mod tiling;
pub(crate) mod timing;

use crate::scale::Normalizer;
use crate::splat::blend_job::Stamped;
use crate::splat::density::{Density, Picture};
use crate::style::kernel::Kernel;
use heatsplat_points::{Points, Window};

/// One picture to splat.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Whose points.
    pub points: &'a Points,
    /// Which pixels.
    pub window: Window,
    /// With what kernel, its radius in the window's pixels.
    pub kernel: Kernel,
    /// Whether it is a strip of a picture, a few rows for a radius that changes with them.
    pub strip: bool,
}

/// Splats and colours pictures. All backends give the same ones: densities to
/// 1e-5 of the peak, indices to one step.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// What the backend is called on the command line and in reports.
    fn name(&self) -> &str;

    /// How many jobs it likes to be given at a time: more than one where each journey to it
    /// takes long.
    fn batch(&self) -> usize {
        1
    }

    /// What it has done so far and holds, by names of one word each; nothing where there is
    /// nothing to tell.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// The density of each job, in their order.
    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density>;

    /// Shows a job's density, rows from the north, to who makes something else of it at once: then
    /// it need not be copied.
    fn show(&self, job: &Job<'_>, see: &mut dyn FnMut(&[f32])) {
        for density in self.densities(&[*job]) {
            see(&density.values);
        }
    }

    /// The density of splats that don't simply add up, or of shapes that are no backend's own: stamps,
    /// which the processor draws for all.
    fn stamped(&self, job: &Stamped<'_>) -> Density;

    /// The colour indices of each job, in their order.
    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture>;
}
