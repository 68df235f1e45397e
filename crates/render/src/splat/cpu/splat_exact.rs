//! Evaluates every point's kernel at its true position, in f64. It is used for `precision=exact`,
//! and for weights of both signs that nearly cancel.
//!
//! The pixels of tiles have sides of a power of two, so the distances between points and pixels
//! don't depend on the window. Points are added in one order, so neighbouring tiles agree bit for
//! bit. With pixels of other sizes, the results of two windows may differ by one rounding of an
//! f32.

use crate::style::kernel::{Kernel, Shape, soft_edge};
use crate::unit_costs::{self as ns, report};
use heatsplat_points::{Cells, Window};
use pulp::{Simd, WithSimd};

/// Buffers that a thread reuses from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct ExactScratch {
    sums: Vec<f64>,
    /// The squared horizontal distance, in pixels, of each pixel of a row from a point.
    squares: Vec<f64>,
    /// The values of a gaussian of height 1 at the distances of `squares`; not used for other
    /// shapes. A gaussian of two coordinates is the product of such a value for x and one for y.
    factors: Vec<f64>,
}

/// A task that writes Σ weight · K into `out`, one f32 for each pixel of the window; K is the
/// kernel's value at the distance between a point and the pixel. It is compiled for each width of
/// vector instructions.
pub(crate) struct Evaluate<'a> {
    pub(crate) window: &'a Window,
    pub(crate) cells: &'a Cells<'a>,
    pub(crate) kernel: &'a Kernel,
    pub(crate) scratch: &'a mut ExactScratch,
    pub(crate) out: &'a mut [f32],
}

impl WithSimd for Evaluate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        evaluate(self.window, self.cells, self.kernel, self.scratch, self.out);
    }
}

/// Writes Σ weight · K into `out`, as [`Evaluate`] does, for callers that are already compiled for
/// a width of vector instructions.
#[inline(always)]
pub(crate) fn evaluate(
    window: &Window,
    cells: &Cells<'_>,
    kernel: &Kernel,
    scratch: &mut ExactScratch,
    out: &mut [f32],
) {
    let reach = kernel.reach() + 1.0;
    let per_pixel = window.pixel().recip();
    let falls = -4.5 / kernel.radius().powi(2);
    let width = window.width() as usize;
    scratch.sums.clear();
    scratch.sums.resize(out.len(), 0.0);
    for (run, shift) in cells.slices() {
        for cell in run.iter().filter(|cell| cell.weight != 0.0) {
            // The position in pixels from the window's corner is computed from the difference of
            // two numbers that an f64 holds exactly.
            let x = (f64::from(cell.x) - (window.left() - shift)) * per_pixel;
            let y = (f64::from(cell.y) - window.top()) * per_pixel;
            let seen = |at: f64, side: u32| {
                let clip = |at: f64| at.clamp(0.0, f64::from(side)) as usize;
                clip(at - reach)..clip(at + reach + 1.0)
            };
            let (columns, rows) = (seen(x, window.width()), seen(y, window.height()));
            if columns.is_empty() || rows.is_empty() {
                continue;
            }
            let factor = if kernel.shape() == Shape::Gaussian {
                ns::EXPONENTIAL
            } else {
                0.0
            };
            let row = columns.len() as f64;
            report(rows.len(), row * ns::EXACT);
            report(1, ns::SUMMED + row * factor);
            let square = |pixel: usize, at: f64| (pixel as f64 + 0.5 - at).powi(2);
            scratch.squares.clear();
            scratch
                .squares
                .extend(columns.clone().map(|i| square(i, x)));
            if kernel.shape() == Shape::Gaussian {
                scratch.factors.clear();
                let factor = |square: &f64| (falls * square).exp();
                scratch.factors.extend(scratch.squares.iter().map(factor));
            }
            let height = f64::from(cell.weight) * kernel.height();
            for j in rows {
                let from = j * width + columns.start;
                if let Some(sums) = scratch.sums.get_mut(from..from + columns.len()) {
                    let row = PixelRow {
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

/// The pixels of one row that a point's kernel reaches.
struct PixelRow<'a> {
    /// The squared horizontal distance, in pixels, of each pixel of the row from the point.
    squares: &'a [f64],
    /// The squared vertical distance, in pixels, of the row from the point.
    square: f64,
    /// The value of a gaussian of height 1 at each of these horizontal distances; not used for
    /// other shapes.
    factors: &'a [f64],
    sums: &'a mut [f64],
}

impl PixelRow<'_> {
    /// Adds a kernel whose peak is `height` to the row.
    #[inline(always)]
    fn add(self, kernel: &Kernel, height: f64) {
        let per_radius = kernel.radius().recip();
        let per_square = kernel.radius().powi(2).recip();
        let inner = |square: f64| (1.0 - square * per_square).max(0.0);
        match kernel.shape() {
            Shape::Gaussian => {
                let end = kernel.reach().powi(2);
                let height = height * (-4.5 * self.square * per_square).exp();
                let pixels = self.sums.iter_mut().zip(self.squares).zip(self.factors);
                for ((sum, square), factor) in pixels {
                    *sum += if square + self.square <= end {
                        height * factor
                    } else {
                        0.0
                    };
                }
            }
            Shape::Quartic => self.each(height, |s| inner(s) * inner(s)),
            Shape::Triweight => self.each(height, |s| inner(s) * inner(s) * inner(s)),
            Shape::Epanechnikov => self.each(height, inner),
            Shape::Triangular => self.each(height, |s| (1.0 - s.sqrt() * per_radius).max(0.0)),
            Shape::Uniform => {
                // This is the soft edge of a uniform kernel, as `softened` computes it, but from
                // the square of the distance.
                let (inner, outer) = soft_edge(kernel.radius());
                let outer = outer * outer;
                let slope = (outer - inner * inner).recip();
                self.each(height, |s| ((outer - s) * slope).clamp(0.0, 1.0));
            }
            other => {
                let radius = kernel.radius();
                self.each(height, |s| other.profile(s.sqrt() / radius));
            }
        }
    }

    #[inline(always)]
    fn each(self, height: f64, kernel: impl Fn(f64) -> f64) {
        for (sum, square) in self.sums.iter_mut().zip(self.squares) {
            *sum += height * kernel(square + self.square);
        }
    }
}
