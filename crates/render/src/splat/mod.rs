//! Splatting: adding the kernel of each point to a picture, which gives densities or colour
//! indices.

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

/// A picture to draw, with its points and its kernel.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The points whose kernels are added up.
    pub points: &'a Points,
    /// The rectangle of pixels that the picture shows.
    pub window: Window,
    /// The kernel, whose radius is in the window's pixels.
    pub kernel: Kernel,
    /// True if the window is a strip of a picture: a few rows with one kernel, where other rows of
    /// the picture have other radii. A backend then draws blocks of the picture that have fewer
    /// rows.
    pub strip: bool,
}

/// A device that draws densities and coloured pictures. The results of all backends agree:
/// densities differ by at most 1e-5 of the peak, colour indices by at most 1.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// The backend's name in command-line options and in reports.
    fn name(&self) -> &str;

    /// The backend's name with everything else that the last bits of its pictures depend on: for a
    /// device, its driver and the driver's version. Backends with the same identity draw the same
    /// pictures, so ETags contain it.
    fn identity(&self) -> String {
        self.name().to_owned()
    }

    /// The number of pictures so far that the CPU drew in place of the backend's device, because
    /// the device had failed. The last bits of such a picture may differ from those of the device's
    /// picture. If the number is the same before and after a drawing, the backend has drawn the
    /// picture as it always does.
    fn fallbacks(&self) -> u64 {
        0
    }

    /// The number of jobs in one call of `densities` or `pictures` at which drawing takes the least
    /// time per job. It is more than 1 if a round trip to the device takes long.
    fn batch(&self) -> usize {
        1
    }

    /// Counters and gauges of the backend's work, as pairs of a one-word name and a value. A
    /// backend without counters returns none.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// The backend that measures the statistics of layers that this one draws: the CPU, so that a
    /// scale never depends on a device, nor on its health.
    fn measurer(&self) -> &dyn Backend {
        cpu::CpuBackend::shared()
    }

    /// Draws the density of each job; the result has the order of `jobs`.
    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density>;

    /// Calls `consume` once, with the values of a job's density, row by row from the north. Unlike
    /// [`densities`](Self::densities), it needs no copy of the values on a backend that has them in
    /// a buffer of its own.
    fn with_density(&self, job: &Job<'_>, consume: &mut dyn FnMut(&[f32])) {
        for density in self.densities(&[*job]) {
            consume(&density.values);
        }
    }

    /// Draws the density of splats that don't simply add up, or whose kernel shape imitates that of
    /// another heat-map program. All backends draw these on the CPU.
    fn blend(&self, job: &BlendJob<'_>) -> Density;

    /// Draws the colour indices of each job; the result has the order of `jobs`.
    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture>;
}
