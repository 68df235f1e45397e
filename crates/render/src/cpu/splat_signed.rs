//! Weights of both signs of which next to nothing is left: every point's kernel at its true
//! position, in f64.
//!
//! Elsewhere a splat errs by a share of what it weighs, which is a share of the peak where weights
//! add up; where they cancel it can be all that is left. The GPU has no such way and leaves these
//! pictures to the processor.

use crate::kernel::{Kernel, Shape, softened};
use heatsplat_points::{Cells, Points, Window};
use pulp::{Simd, WithSimd};

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

/// Buffers that a thread keeps from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    sums: Vec<f64>,
    /// Of a row's pixels: the square of the distance along it, in radii.
    squares: Vec<f64>,
    /// The same pixels' factors of a gaussian.
    factors: Vec<f64>,
}

/// Writes Σ weight · K into `out`, one f32 a pixel of the window; compiled for each vector width.
pub(crate) struct Evaluate<'a> {
    pub(crate) window: &'a Window,
    pub(crate) cells: &'a Cells<'a>,
    pub(crate) kernel: &'a Kernel,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) out: &'a mut [f32],
}

impl WithSimd for Evaluate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        evaluate(self.window, self.cells, self.kernel, self.scratch, self.out);
    }
}

#[inline(always)]
fn evaluate(
    window: &Window,
    cells: &Cells<'_>,
    kernel: &Kernel,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let reach = kernel.reach() + 1.0;
    let (per_pixel, per_radius) = (window.pixel().recip(), kernel.radius().recip());
    let width = window.width() as usize;
    scratch.sums.clear();
    scratch.sums.resize(out.len(), 0.0);
    for (run, shift) in cells.slices() {
        for cell in run.iter().filter(|cell| cell.weight != 0.0) {
            // from the window's corner, in pixels: a difference of two that floats hold exactly
            let x = (f64::from(cell.x) - (window.left() - shift)) * per_pixel;
            let y = (f64::from(cell.y) - window.top()) * per_pixel;
            let seen = |at: f64, side: u32| {
                let clip = |at: f64| at.clamp(0.0, f64::from(side)) as usize;
                clip(at - reach)..clip(at + reach + 1.0)
            };
            let (columns, rows) = (seen(x, window.width()), seen(y, window.height()));
            let square = |pixel: usize, at: f64| ((pixel as f64 + 0.5 - at) * per_radius).powi(2);
            scratch.squares.clear();
            scratch
                .squares
                .extend(columns.clone().map(|i| square(i, x)));
            if kernel.shape() == Shape::Gaussian {
                scratch.factors.clear();
                let factor = |u2: &f64| (-4.5 * u2).exp();
                scratch.factors.extend(scratch.squares.iter().map(factor));
            }
            let height = f64::from(cell.weight) * kernel.height();
            for j in rows {
                let from = j * width + columns.start;
                if let Some(sums) = scratch.sums.get_mut(from..from + columns.len()) {
                    let row = Row {
                        squares: &scratch.squares,
                        square: square(j, y),
                        factors: &scratch.factors,
                        sums,
                    };
                    row.add(kernel, height);
                }
            }
        }
    }
    for (out, sum) in out.iter_mut().zip(&scratch.sums) {
        *out = *sum as f32;
    }
}

/// One row of pixels about a point.
struct Row<'a> {
    /// Squares of the distance in radii: along the row, and of the row itself.
    squares: &'a [f64],
    square: f64,
    /// What a gaussian is along the row.
    factors: &'a [f64],
    sums: &'a mut [f64],
}

impl Row<'_> {
    /// Adds a kernel of this height to the row.
    #[inline(always)]
    fn add(self, kernel: &Kernel, height: f64) {
        let radius = kernel.radius();
        let inner = |u2: f64| (1.0 - u2).max(0.0);
        match kernel.shape() {
            Shape::Gaussian => {
                let end = Shape::Gaussian.reach().powi(2);
                let height = height * (-4.5 * self.square).exp();
                let pixels = self.sums.iter_mut().zip(self.squares).zip(self.factors);
                for ((sum, u2), factor) in pixels {
                    *sum += if u2 + self.square <= end {
                        height * factor
                    } else {
                        0.0
                    };
                }
            }
            Shape::Quartic => self.each(height, |u2| inner(u2) * inner(u2)),
            Shape::Triweight => self.each(height, |u2| inner(u2) * inner(u2) * inner(u2)),
            Shape::Epanechnikov => self.each(height, inner),
            Shape::Triangular => self.each(height, |u2| (1.0 - u2.sqrt()).max(0.0)),
            Shape::Uniform => self.each(height, |u2| softened(u2.sqrt() * radius, radius)),
            other => self.each(height, |u2| other.profile(u2.sqrt())),
        }
    }

    #[inline(always)]
    fn each(self, height: f64, kernel: impl Fn(f64) -> f64) {
        for (sum, u2) in self.sums.iter_mut().zip(self.squares) {
            *sum += height * kernel(u2 + self.square);
        }
    }
}
