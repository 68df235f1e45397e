//! Pictures of weights of both signs that nearly cancel. For these pictures every point's kernel is
//! evaluated at the point's true position, in f64 (`splat_exact.rs`).
//!
//! The error of the other plans is a fraction of the sum of all |weight|. If weights add up, that
//! is a fraction of the peak. If they cancel, the error can exceed the density. The GPU has no such
//! shader and leaves these pictures to the CPU.

use crate::style::kernel::Kernel;
use heatsplat_points::{Points, Window};

/// A limit for `Points::remaining`, the fraction of Σ |weight| that remains when weights are summed
/// in cells about as wide as a kernel. Below this limit, weights count as cancelling.
const CANCELLING: f64 = 1.0 / 256.0;

/// The widths of the cells in which weights are summed, divided by the kernel's radius. For each
/// width, the fraction of Σ |weight| that remains in the sums is compared with [`CANCELLING`].
const WIDTHS: [f64; 3] = [0.25, 1.0, 4.0];

/// The greatest number of pixels, summed over the kernels of all points, up to which each point's
/// kernel is evaluated where weights nearly cancel. A kernel counts at most the pixels of a tile.
pub const MOST_PIXELS: f64 = (1 << 25) as f64;

/// The number of pixels of a 256 px tile. In the sum that is compared with [`MOST_PIXELS`], no
/// kernel counts for more.
const TILE: f64 = 65_536.0;

/// Returns true if weights cancel under a kernel, anywhere in the world. The result follows from
/// the points, the kernel and the size of a pixel, never from the window's position, so
/// neighbouring tiles agree.
pub(crate) fn cancel(points: &Points, kernel: &Kernel, window: &Window) -> bool {
    let left = |width: &f64| {
        let side = window.pixel() * kernel.radius() * width;
        points.remaining(32 - side.max(1.0).log2().floor().min(32.0) as u32)
    };
    points.summary().weight_min < 0.0 && WIDTHS.iter().any(|width| left(width) < CANCELLING)
}

/// Returns true if the kernels of all points together have at most [`MOST_PIXELS`] pixels.
pub(crate) fn is_affordable(points: &Points, kernel: &Kernel) -> bool {
    let pixels = (2.0 * kernel.reach() + 2.0).powi(2).min(TILE);
    points.summary().count as f64 * pixels <= MOST_PIXELS
}
