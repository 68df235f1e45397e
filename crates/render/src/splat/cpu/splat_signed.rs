//! Weights of both signs that nearly cancel: every point's kernel is evaluated at its true
//! position, in f64 (`splat_exact.rs`).
//!
//! The error of other plans is a share of the sum of all |weight|. Where weights add up, this is a
//! share of the peak; where they cancel, it can exceed the density. GPUs have no such stage and
//! leave these pictures to the CPU.

use crate::style::kernel::Kernel;
use heatsplat_points::{Points, Window};

/// The limit of `Points::remaining`: of the share of Σ |weight| that is left when weights are
/// summed in cells about as wide as a kernel. Below the limit, weights count as cancelling.
const CANCELLING: f64 = 1.0 / 256.0;

/// The widths, in radii of the kernel, of the cells in which weights are summed to be compared with
/// [`CANCELLING`].
const WIDTHS: [f64; 3] = [0.25, 1.0, 4.0];

/// The most pixels of all points' kernels in a tile together for which every kernel is evaluated.
pub const MOST_PIXELS: f64 = (1 << 25) as f64;

/// The pixels of a tile (256 × 256), the most that one kernel counts for.
const TILE: f64 = 65_536.0;

/// True where weights cancel under a kernel, anywhere in the world. This follows from the points,
/// the kernel and the size of pixels, never from the window's place, so that neighbouring tiles
/// agree.
pub(crate) fn cancel(points: &Points, kernel: &Kernel, window: &Window) -> bool {
    let left = |width: &f64| {
        let side = window.pixel() * kernel.radius() * width;
        points.remaining(32 - side.max(1.0).log2().floor().min(32.0) as u32)
    };
    points.summary().weight_min < 0.0 && WIDTHS.iter().any(|width| left(width) < CANCELLING)
}

/// True where there are few enough points to evaluate the kernel of each.
pub(crate) fn is_affordable(points: &Points, kernel: &Kernel) -> bool {
    let pixels = (2.0 * kernel.reach() + 2.0).powi(2).min(TILE);
    points.summary().count as f64 * pixels <= MOST_PIXELS
}
