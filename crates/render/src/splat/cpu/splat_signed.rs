//! Weights of both signs of which next to nothing is left: every point's kernel is evaluated at its
//! true position, in f64 (`splat_exact.rs`).
//!
//! Elsewhere a splat errs by a share of what it weighs, which is a share of the peak where weights
//! add up; where they cancel it can be all that is left. The GPU has no such way and leaves these
//! pictures to the processor.

use crate::style::kernel::Kernel;
use heatsplat_points::{Points, Window};

/// Weights of which less than this share is left about a kernel's width cancel.
const CANCELLING: f64 = 1.0 / 256.0;

/// Widths of cells, in radii, within which they may.
const WIDTHS: [f64; 3] = [0.25, 1.0, 4.0];

/// Pixels of all points' kernels, as far as a tile sees them, up to which each is evaluated.
const MOST_PIXELS: f64 = (1 << 25) as f64;

/// A tile's pixels.
const TILE: f64 = 65_536.0;

/// Whether weights cancel under a kernel, anywhere: this follows from the points, the kernel and
/// how large pixels are, never from the window, so that neighbouring tiles agree.
pub(crate) fn cancel(points: &Points, kernel: &Kernel, window: &Window) -> bool {
    let left = |width: &f64| {
        let side = window.pixel() * kernel.radius() * width;
        points.remaining(32 - side.max(1.0).log2().floor().min(32.0) as u32)
    };
    points.summary().weight_min < 0.0 && WIDTHS.iter().any(|width| left(width) < CANCELLING)
}

/// Whether there are few enough points for each to be evaluated.
pub(crate) fn is_affordable(points: &Points, kernel: &Kernel) -> bool {
    let pixels = (2.0 * kernel.reach() + 2.0).powi(2).min(TILE);
    points.summary().count as f64 * pixels <= MOST_PIXELS
}
