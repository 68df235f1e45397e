//! Finds the cells that are drawn with a kernel that has an edge. Cells are coarse, unless a cell
//! is so heavy that it matters on which side of the edge each of its points lies. Such a cell is
//! replaced by finer ones.
//!
//! A cell is heavy or light in comparison with the weight around it. The weight around a cell is
//! summed in squares that are counted from the corner of the world, so neighbouring pictures use
//! the same cells.

use crate::unit_costs::{self as ns, REPORTED_CELLS, report};
use heatsplat_points::mercator::WORLD;
use heatsplat_points::{Cells, Point, Points, Window};

/// The greatest error in a density that a cell may cause because it is drawn at its mean position,
/// as a fraction of the weight around the cell. The worst case is a lone cell whose points lie in
/// two of its corners. Near a lone cell the density's peak is the greater part of that weight, so
/// the error is at most 1/256 of the peak.
const LIMIT: f64 = 1.0 / 256.0;

/// The greatest weight of a light cell, as a fraction of the weight around it. Light cells are
/// deposited on a grid, which blurs their kernels' edges. A light cell has many others around it,
/// spread over an area and not along a line, so this blur isn't visible in their sum.
const LIGHT: f64 = 1.0 / 128.0;

/// The number of bits of a world coordinate.
const BITS: u32 = 32;

/// The greatest number of levels by which one step divides a cell: five levels make 32 × 32 finer
/// cells of it. (The cells of each level are half as wide as those of the level before.)
const MOST_BITS: f64 = 5.0;

/// A kernel's requirements for the cells that are read. Lengths are in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// The distance in pixels from a point at which its kernel ends.
    pub(crate) reach: f64,
    /// The side, in pixels, of the coarsest cells that may stand for points.
    pub(crate) cell: f64,
    /// True if light cells are separated from the others, so that they can be drawn on a grid. A
    /// cell is light if its weight is at most [`LIGHT`] times the weight around it.
    pub(crate) light: bool,
    /// The greatest jump of the kernel's slope, in kernel heights per pixel: see `Discs::bend`.
    pub(crate) bend: f64,
}

impl Needs {
    /// The width in pixels, rounded up, of the margin around a window in which cells still affect
    /// the window's pixels.
    fn margin(&self) -> f64 {
        (self.reach + self.cell).ceil() + 1.0
    }
}

/// The weight around each position of a window, against which a cell counts as heavy or light. It
/// is the sum of |weight| in nine squares: the one in which the position lies, and the eight around
/// that one.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// The side, in world units, of each of the squares in which weight is summed.
    side: f64,
    /// The column and the row of the first square in which weight is summed, counted from the
    /// corner of the world.
    first: (f64, f64),
    columns: usize,
    /// The sum of |weight| in each square, row by row. After the method `spread` it is the sum in
    /// the square and the eight around it.
    sums: Vec<f64>,
    rows: Vec<f64>,
}

impl Around {
    /// Sums |weight| in squares over a window and its surroundings. From these sums the method `at`
    /// finds the weight around each cell that affects the window.
    fn reset(&mut self, points: &Points, window: &Window, needs: &Needs) {
        let pixel = window.pixel();
        let side = (needs.reach * pixel / 2.0).log2().floor().exp2();
        // Squares are at least a pixel wide; otherwise there would be more squares than pixels.
        self.side = side.clamp(pixel.log2().ceil().exp2().clamp(1.0, WORLD), WORLD);
        let margin = needs.margin() + 2.0 * self.side / pixel;
        let seen = window.grown(margin.ceil() as u32);
        let square = |edge: f64| (edge / self.side).floor();
        self.first = (square(seen.left()), square(seen.top()));
        self.columns = (square(seen.right()) - self.first.0) as usize + 1;
        let rows = (square(seen.bottom()) - self.first.1) as usize + 1;
        self.sums.clear();
        self.sums.resize(self.columns * rows, 0.0);
        // With weights of both signs, the squares are summed from cells as fine as those that are
        // drawn. In cells as large as a square, weights might cancel, and then no cell would be
        // light in comparison.
        let finest = match points.summary().weight_min < 0.0 {
            true => needs.cell,
            false => self.side / pixel,
        };
        for (run, shift) in points.cells(&seen, finest).slices() {
            for cells in run.chunks(REPORTED_CELLS) {
                report(cells.len(), ns::SUMMED);
                for cell in cells {
                    if let Some(sum) = self.index(cell, shift).and_then(|i| self.sums.get_mut(i)) {
                        *sum += f64::from(cell.weight.abs());
                    }
                }
            }
        }
        self.spread();
    }

    /// The index of the square in which a cell lies. The cell's copy of the world lies `shift`
    /// world units east of the first copy. `None` for a cell north, west or east of all squares;
    /// for a cell south of them, the index is beyond the last square.
    #[inline(always)]
    fn index(&self, cell: &Point, shift: f64) -> Option<usize> {
        let column = ((f64::from(cell.x) + shift) / self.side).floor() - self.first.0;
        let row = (f64::from(cell.y) / self.side).floor() - self.first.1;
        let inside = column >= 0.0 && column < self.columns as f64 && row >= 0.0;
        inside.then(|| row as usize * self.columns + column as usize)
    }

    /// Replaces the sum of each square by the sum over that square and the eight around it.
    fn spread(&mut self) {
        let three = |v: &[f64], i: usize, step: usize| {
            let at = |i: Option<usize>| i.and_then(|i| v.get(i)).unwrap_or(&0.0);
            at(Some(i)) + at(i.checked_sub(step)) + at(Some(i + step))
        };
        self.rows.clear();
        for row in self.sums.chunks_exact(self.columns) {
            self.rows.extend((0..row.len()).map(|i| three(row, i, 1)));
        }
        for (i, sum) in self.sums.iter_mut().enumerate() {
            *sum = three(&self.rows, i, self.columns);
        }
    }

    /// The weight around a cell; `None` for a cell that is too far away to affect the window. The
    /// cell's copy of the world lies `shift` world units east of the first copy.
    #[inline(always)]
    fn at(&self, cell: &Point, shift: f64) -> Option<f64> {
        self.sums.get(self.index(cell, shift)?).copied()
    }
}

/// Splits heavy cells, and calls `take` for each cell that then affects a window. The arguments of
/// `take` are:
///
/// * the cell
/// * the distance in world units by which the cell's copy of the world is shifted to the east
/// * true if the cell is light: if its weight is small in comparison with the weight around it
#[inline(always)]
pub(crate) fn gather(
    points: &Points,
    window: &Window,
    needs: &Needs,
    around: &mut Around,
    mut take: impl FnMut(&Point, f64, bool),
) {
    let pixel = window.pixel();
    let seen = window.grown(needs.margin() as u32);
    let level = BITS - (needs.cell * pixel).log2().floor().clamp(0.0, 32.0) as u32;
    let cells = points.cells(&seen, needs.cell);
    if cells.is_empty() {
        return;
    }
    if needs.light || cells.batches().any(|batch| batch.counts.is_some()) {
        around.reset(points, window, needs);
    }
    // The greatest weight of a cell that isn't split, as a fraction of the weight around it, by the
    // cell's level.
    let most = |level: u32| LIMIT * 8f64.sqrt() / (needs.bend * side(level) / pixel);
    let mut unreported = 0;
    each_cell(&cells, level, |place, key, parts, shift| {
        unreported += 1;
        if unreported == REPORTED_CELLS {
            report(unreported, ns::GATHERED);
            unreported = 0;
        }
        let whole = are_points(parts);
        if whole && !needs.light {
            hand_on(parts, &mut |cell| take(cell, shift, false));
            return;
        }
        let Some(near) = around.at(place, shift) else {
            return;
        };
        let weight = weight(parts);
        let light = needs.light && weight <= near * LIGHT;
        if light || whole || weight <= near * most(level) {
            hand_on(parts, &mut |cell| take(cell, shift, light));
        } else {
            let most = |level| near * most(level);
            cut(points, key, (level, weight), &most, &mut |cell| {
                take(cell, shift, false);
            });
        }
    });
}

/// The points, or the finer cells, of one cell, as far as they lie in one batch of a search.
#[derive(Clone, Copy)]
struct CellPart<'a> {
    cells: &'a [Point],
    /// True if the part consists of points, false if it consists of cells of the pyramid.
    whole: bool,
}

/// The square in which all parts of a cell lie: that of a level around a point.
#[derive(Clone, Copy)]
struct CellKey<'a> {
    point: &'a Point,
    level: u32,
    /// True if the square is one of the index from which the cells were made, in another
    /// projection; false if it is one of the picture's world.
    of_origin: bool,
}

impl CellKey<'_> {
    fn holds(&self, other: &CellKey<'_>) -> bool {
        self.point.shares(other.point, self.level)
    }
}

/// Calls `call` for each cell of level `level` in `cells`; such a cell is 2^(32 − `level`) world
/// units wide, or about as wide if it was made from a cell in another projection. The arguments are
/// a point in the cell, the cell's square, all parts of the cell, and the distance in world units
/// by which its copy of the world is shifted to the east. A cell's parts may lie in several
/// batches, for example cells of the pyramid in one batch and points in the next.
#[inline(always)]
fn each_cell<'c>(
    cells: &'c Cells<'_>,
    level: u32,
    mut call: impl FnMut(&Point, CellKey<'c>, &[CellPart<'c>], f64),
) {
    let mut parts: Vec<CellPart<'c>> = Vec::new();
    let mut begun: Option<(&Point, CellKey<'c>, f64)> = None;
    for batch in cells.batches() {
        let (whole, shift) = (batch.counts.is_none(), batch.shift);
        let (mut keys, level, of_origin) = match batch.origins {
            None => (batch.cells, level, false),
            Some((origins, level)) => (origins, level, true),
        };
        let mut rest = batch.cells;
        while let Some(chunk) = keys.chunk_by(|a, b| a.shares(b, level)).next()
            && let Some((cells, after)) = rest.split_at_checked(chunk.len())
        {
            (keys, rest) = (keys.get(chunk.len()..).unwrap_or_default(), after);
            let (Some(first), Some(point)) = (cells.first(), chunk.first()) else {
                continue;
            };
            let key = CellKey {
                point,
                level,
                of_origin,
            };
            if let Some((place, of, before)) = begun
                && !(before == shift && of.holds(&key))
            {
                call(place, of, &parts, before);
                parts.clear();
                begun = None;
            }
            begun.get_or_insert((first, key, shift));
            parts.push(CellPart { cells, whole });
        }
    }
    if let Some((place, key, shift)) = begun {
        call(place, key, &parts, shift);
    }
}

/// Returns true if a cell consists of points only. Such a cell can't be split.
#[inline(always)]
fn are_points(parts: &[CellPart<'_>]) -> bool {
    parts.iter().all(|part| part.whole)
}

#[inline(always)]
fn weight(parts: &[CellPart<'_>]) -> f64 {
    let cells = parts.iter().flat_map(|part| part.cells);
    cells.map(|cell| f64::from(cell.weight.abs())).sum()
}

#[inline(always)]
fn hand_on(parts: &[CellPart<'_>], take: &mut impl FnMut(&Point)) {
    for part in parts {
        part.cells.iter().for_each(&mut *take);
    }
}

/// Splits the cell of level `level` with the square `key`, and calls `take` for each point and each
/// finer cell that result. A cell of level n is 2^(32 − n) world units wide. `total` is the sum of
/// |weight| in the cell. A finer cell is split again if all of this holds:
///
/// * The sum of |weight| in it is more than `most(its level)`.
/// * It doesn't consist of points only.
/// * It doesn't have the finest level, 32.
fn cut(
    points: &Points,
    key: CellKey<'_>,
    (level, total): (u32, f64),
    most: &dyn Fn(u32) -> f64,
    mut take: &mut dyn FnMut(&Point),
) {
    report(1, ns::GATHERED);
    // A cell of the new level needs no further split even if it has all of the weight, unless
    // `MOST_BITS` limits the level.
    let bits = (total / most(level)).log2().ceil();
    let finer = (level + bits.clamp(1.0, MOST_BITS) as u32).min(BITS);
    let cells = if key.of_origin {
        let finer = (key.level + (finer - level)).min(BITS);
        points.divide(key.point, key.level, finer)
    } else {
        let corner = |v: u32| f64::from(v) - f64::from(v) % side(level);
        let count = 1 << (finer - level);
        let (x, y) = (corner(key.point.x), corner(key.point.y));
        points.cells(&Window::new(x, y, side(finer), count, count), 1.0)
    };
    each_cell(&cells, finer, |_, part, parts, _| {
        if !key.holds(&part) {
            return;
        }
        let weight = weight(parts);
        let is_finest = finer == BITS || part.level == BITS;
        if are_points(parts) || is_finest || weight <= most(finer) {
            hand_on(parts, &mut take);
        } else {
            cut(points, part, (finer, weight), most, take);
        }
    });
}

/// The side, in world units, of the cells of level `level`: 2^(32 − `level`).
fn side(level: u32) -> f64 {
    f64::from(BITS - level).exp2()
}
