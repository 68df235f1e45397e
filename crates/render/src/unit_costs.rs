//! The nanoseconds that each step of drawing takes, measured on one core of an AMD EPYC of 2023 by
//! `cargo bench --bench estimates`.
//!
//! Estimates multiply these times by the expected numbers of steps of a picture. Drawing multiplies
//! them by the numbers of steps that it does, and reports the products as units of work: see
//! [`heatsplat_points::cancel`].

use heatsplat_points::cancel;

/// The number of cells or rows after which a loop reports its work. So many take some microseconds,
/// in comparison with which the time of a report is negligible.
pub(crate) const REPORTED_CELLS: usize = 1024;

/// Reports `count` steps of `each` nanoseconds as work. If the work must end, the thread's stack is
/// unwound: see [`cancel::check`].
#[inline]
pub(crate) fn report(count: usize, each: f64) {
    cancel::check((count as f64 * each) as u64);
}

/// Nanoseconds for each byte of a filter's text to test one point. Measured were 0.3 for conditions
/// on texts, and 2 for short conditions on numbers that are joined by `or`. For a filter so short
/// that reading the column takes longest, the constant is too small.
pub const FILTERED: f64 = 3.0;
/// Nanoseconds to add one point to a sum, for example to the value at a coordinate.
pub const SUMMED: f64 = 10.0;
/// Nanoseconds to put one point in its place in a sorted list, by its distance for example.
pub const LISTED: f64 = 100.0;
/// Nanoseconds that each pixel of a picture takes, by whatever method it is drawn.
pub const PIXEL: f64 = 10.0;
/// Nanoseconds to prepare one pixel for an image file. It is a part of [`PIXEL`], so drawing
/// reports this part twice, which hardly changes the sum.
pub(crate) const ENCODED: f64 = 1.0;
/// Nanoseconds to deposit one cell on a grid, or to count it in its pixel.
pub const LAID: f64 = 6.0;
/// Nanoseconds to convolve one cell of a grid with one separable term of a kernel.
pub const TERM: f64 = 2.5;
/// Nanoseconds that a Fourier transform takes for each cell of its grid and each doubling of the
/// number of cells: the time is n · log₂ n times this for n cells.
pub const TRANSFORM: f64 = 0.7;
/// Nanoseconds to compute one sample of a kernel and to filter it, when the kernel is prepared.
pub const SAMPLED: f64 = 30.0;
/// Nanoseconds to compare one cell with its neighbours, to find out if it is heavy in comparison
/// with them: kernels with an edge are drawn more finely for such a cell.
pub const GATHERED: f64 = 40.0;
/// Nanoseconds to draw one row of a disc. A kernel with an edge is drawn as a sum of discs.
pub const ROW: f64 = 7.0;
/// Nanoseconds to draw one pixel of a narrow kernel around a cell.
pub const DIRECT: f64 = 0.2;
/// Nanoseconds to evaluate a kernel at one pixel, from a cell's exact position, where weights of
/// both signs cancel.
pub const EVALUATED: f64 = 0.6;
/// Nanoseconds to begin the evaluation of a kernel around one cell, before any of its pixels: see
/// [`EVALUATED`].
pub const BEGUN: f64 = 40.0;
/// Nanoseconds to compute one power of e. A gaussian around a cell needs one for each row and each
/// column of its square.
pub const POWER: f64 = 25.0;
/// Nanoseconds to evaluate a kernel at one pixel with `precision=exact`.
pub const EXACT: f64 = 0.6;
/// Nanoseconds to compute the gaussian along x in one pixel column of its square with
/// `precision=exact`. Each pixel then takes the time of `EXACT`.
pub const EXPONENTIAL: f64 = 5.0;
/// Nanoseconds for each subpixel of a picture whose splats are stamped. A subpixel is a small
/// square of a pixel; all points in one subpixel are drawn as one small picture of the kernel.
pub const PLACE: f64 = 2.0;
/// Nanoseconds to compute one pixel of a new stamp: the kernel's values at the pixels around a
/// point.
pub const MADE: f64 = 40.0;
/// Nanoseconds to draw one pixel of a new image of a marker.
pub const INKED: f64 = 40.0;
/// Nanoseconds to add one pixel of a stamp (a small picture of a kernel) or of a marker's image to
/// the picture.
pub const STAMPED: f64 = 0.5;
/// Nanoseconds to blur one pixel of a picture once.
pub const BLURRED: f64 = 10.0;
