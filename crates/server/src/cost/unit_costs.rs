//! Nanoseconds per unit of work, measured on one core of an AMD EPYC of 2023 by
//! `cargo bench --bench estimates`.

/// One byte of a condition, compared with one point. Measured are 0.3 for texts, 2 for short
/// numbers with `or` between them, and more for conditions so short that reading the column takes
/// longest.
pub(super) const FILTERED: f64 = 3.0;
/// A point that is summed for a value, and, below, a point that is sorted by its distance.
pub(super) const SUMMED: f64 = 10.0;
pub(super) const LISTED: f64 = 100.0;
/// A pixel of any picture.
pub(super) const PIXEL: f64 = 10.0;
/// A cell that is laid on a grid, or counted in its pixel.
pub(super) const LAID: f64 = 6.0;
/// A cell of a grid that is convolved with one separable term.
pub(super) const TERM: f64 = 2.5;
/// A cell of a transform; it takes this time once for each unit of the binary logarithm of the
/// number of cells.
pub(super) const TRANSFORM: f64 = 0.7;
/// A value of a kernel that is sampled and filtered when the kernel is prepared.
pub(super) const SAMPLED: f64 = 30.0;
/// A cell that is compared with its neighbours, and, below, a row of one of a cell's discs.
pub(super) const GATHERED: f64 = 40.0;
pub(super) const ROW: f64 = 7.0;
/// A pixel of the small stamp of a narrow kernel around a cell.
pub(super) const DIRECT: f64 = 0.2;
/// For stamps that are evaluated at a point's exact position: a pixel of one, the start of one, and
/// a power of e, of which a gaussian needs one for each row and column.
pub(super) const EVALUATED: f64 = 0.6;
pub(super) const BEGUN: f64 = 40.0;
pub(super) const POWER: f64 = 25.0;
/// For points that are drawn with `precision=exact`: a pixel, and a column of a gaussian.
pub(super) const EXACT: f64 = 0.6;
pub(super) const EXPONENTIAL: f64 = 5.0;
/// For pictures of stamps: a position where points may lie (one or several in each pixel), a pixel
/// of a new stamp of a kernel, a pixel of a new marker, and a pixel of a stamp or marker that is
/// added to the picture.
pub(super) const PLACE: f64 = 2.0;
pub(super) const MADE: f64 = 40.0;
pub(super) const INKED: f64 = 40.0;
pub(super) const STAMPED: f64 = 0.5;
/// A pixel that is blurred once.
pub(super) const BLURRED: f64 = 10.0;
