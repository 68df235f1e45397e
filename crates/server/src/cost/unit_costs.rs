//! Nanoseconds per unit of work, measured on one core of an AMD EPYC of 2023 by
//! `cargo bench --bench estimates`.

/// A byte of a condition, compared with one point: 0.3 for texts, 2 for short numbers with `or`
/// between them, more for conditions so short that reading the column takes longest.
pub(super) const FILTERED: f64 = 3.0;
/// A point that is summed for a value, and one that is sorted by its distance.
pub(super) const SUMMED: f64 = 10.0;
pub(super) const LISTED: f64 = 100.0;
/// A pixel of a picture, however it is drawn.
pub(super) const PIXEL: f64 = 10.0;
/// A cell that is laid on a grid, or counted in its pixel.
pub(super) const LAID: f64 = 6.0;
/// A cell of a grid, for each separable term.
pub(super) const TERM: f64 = 2.5;
/// A cell of a transform, times the logarithm of how many there are.
pub(super) const TRANSFORM: f64 = 0.7;
/// A value of a kernel that is sampled and filtered.
pub(super) const SAMPLED: f64 = 30.0;
/// A cell that is compared with what lies around it, and a row of one of its discs.
pub(super) const GATHERED: f64 = 40.0;
pub(super) const ROW: f64 = 7.0;
/// A pixel of a small stamp around a cell.
pub(super) const DIRECT: f64 = 0.2;
/// A pixel of a stamp that is evaluated exactly where a point is, what each such stamp begins with,
/// and a power of e for its rows and columns.
pub(super) const EVALUATED: f64 = 0.6;
pub(super) const BEGUN: f64 = 40.0;
pub(super) const POWER: f64 = 25.0;
/// A pixel of a point that is drawn exactly, and a column of a gaussian that is.
pub(super) const EXACT: f64 = 0.6;
pub(super) const EXPONENTIAL: f64 = 5.0;
/// A place that points of a picture of stamps may lie in; a pixel of a stamp that is made, of
/// a marker that is, and of either that is stamped.
pub(super) const PLACE: f64 = 2.0;
pub(super) const MADE: f64 = 40.0;
pub(super) const INKED: f64 = 40.0;
pub(super) const STAMPED: f64 = 0.5;
/// A pixel that is blurred once.
pub(super) const BLURRED: f64 = 10.0;
