//! Gathers cells for kernels with an edge: coarse ones, and finer ones where a coarse cell is so
//! heavy that it matters on which side of the edge each of its points lies.
//!
//! A cell's weight is compared with the weight around it, in squares that are counted from the
//! corner of the world. So neighbouring pictures have the same cells.

use heatsplat_points::mercator::WORLD;
use heatsplat_points::{Cells, Point, Points, Window};

/// The most that a lone cell may err, as a share of the weight around it, if its points lie in two
/// of its corners. Around a lone cell the peak is most of that weight, so the error is 1/256 of the
/// peak at most.
const LIMIT: f64 = 1.0 / 256.0;

/// The share of the weight around it up to which a cell counts as light. Many such cells lie around
/// it then, over an area and not along a line, so that the blur of a grid does not show in their
/// sum.
const LIGHT: f64 = 1.0 / 128.0;

/// The number of bits of a coordinate.
const BITS: u32 = 32;

/// The most bits by which a cell is split at a time along each axis: into 32 × 32 cells.
const MOST_BITS: f64 = 5.0;

/// The needs of a kernel that cells are gathered for; lengths are in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// The distance at which the kernel ends.
    pub(crate) reach: f64,
    /// The side of the coarsest cells that points are read in.
    pub(crate) cell: f64,
    /// True to tell light cells from the others, so that they can be drawn on a grid.
    pub(crate) light: bool,
    /// The greatest jump of the kernel's slope, in shares of the kernel's height per pixel: see
    /// `Discs::bend`.
    pub(crate) bend: f64,
}

impl Needs {
    /// The distance around a window, in whole pixels, within which cells reach it.
    fn margin(&self) -> f64 {
        (self.reach + self.cell).ceil() + 1.0
    }
}

/// The weight around each position of a window. The weight around a position is the sum of |weight|
/// in the square that it lies in and in the eight squares around that one.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// The side of a square in world units.
    side: f64,
    /// The column and row of the first square, counted from the corner of the world.
    first: (f64, f64),
    columns: usize,
    /// The sum of each square, row by row.
    sums: Vec<f64>,
    rows: Vec<f64>,
}

impl Around {
    /// Computes the weight around each cell that a window needs.
    fn reset(&mut self, points: &Points, window: &Window, needs: &Needs) {
        let pixel = window.pixel();
        let side = (needs.reach * pixel / 2.0).log2().floor().exp2();
        // Squares are a pixel wide at least: there would be more finer ones than pixels.
        self.side = side.clamp(pixel.log2().ceil().exp2().clamp(1.0, WORLD), WORLD);
        let margin = needs.margin() + 2.0 * self.side / pixel;
        let seen = window.grown(margin.ceil() as u32);
        let square = |edge: f64| (edge / self.side).floor();
        self.first = (square(seen.left()), square(seen.top()));
        self.columns = (square(seen.right()) - self.first.0) as usize + 1;
        let rows = (square(seen.bottom()) - self.first.1) as usize + 1;
        self.sums.clear();
        self.sums.resize(self.columns * rows, 0.0);
        // Weights of both signs are read in cells as fine as those to be drawn: in a square-sized
        // cell they may cancel, and no cell would be light beside it.
        let finest = match points.summary().weight_min < 0.0 {
            true => needs.cell,
            false => self.side / pixel,
        };
        for (run, shift) in points.cells(&seen, finest).slices() {
            for cell in run {
                if let Some(sum) = self.index(cell, shift).and_then(|i| self.sums.get_mut(i)) {
                    *sum += f64::from(cell.weight.abs());
                }
            }
        }
        self.spread();
    }

    /// The index of the square that a cell lies in; it may be beyond the last square. `None` for a
    /// cell north, west or east of the squares.
    #[inline(always)]
    fn index(&self, cell: &Point, shift: f64) -> Option<usize> {
        let column = ((f64::from(cell.x) + shift) / self.side).floor() - self.first.0;
        let row = (f64::from(cell.y) / self.side).floor() - self.first.1;
        let inside = column >= 0.0 && column < self.columns as f64 && row >= 0.0;
        inside.then(|| row as usize * self.columns + column as usize)
    }

    /// Replaces the sum of each square by the sum over the 3 × 3 squares around it.
    fn spread(&mut self) {
        let three = |v: &[f64], i: usize, step: usize| {
            let before = i.checked_sub(step).and_then(|i| v.get(i));
            v[i] + before.unwrap_or(&0.0) + v.get(i + step).unwrap_or(&0.0)
        };
        self.rows.clear();
        for row in self.sums.chunks_exact(self.columns) {
            self.rows.extend((0..row.len()).map(|i| three(row, i, 1)));
        }
        for (i, sum) in self.sums.iter_mut().enumerate() {
            *sum = three(&self.rows, i, self.columns);
        }
    }

    /// The weight around a cell; `None` for a cell that the window does not need.
    #[inline(always)]
    fn at(&self, cell: &Point, shift: f64) -> Option<f64> {
        self.sums.get(self.index(cell, shift)?).copied()
    }
}

/// Calls `take` with each cell that a window needs, the shift of its copy of the world to the east
/// in world units, and true for a light cell.
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
    if needs.light || cells.counts().any(|counts| counts.is_some()) {
        around.reset(points, window, needs);
    }
    // The greatest share of the weight around it that a cell of a level may have and not be cut.
    let most = |level: u32| LIMIT * 8f64.sqrt() / (needs.bend * side(level) / pixel);
    each_cell(&cells, level, |place, parts, shift| {
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
            cut(points, place, (level, weight), &most, &mut |cell| {
                take(cell, shift, false);
            });
        }
    });
}

/// The part of a cell of a level that lies in one run: smaller cells, or points.
#[derive(Clone, Copy)]
struct Part<'a> {
    cells: &'a [Point],
    /// True for points, false for cells of the pyramid.
    whole: bool,
}

/// Calls `call` with every cell of a level: one of its points, all of its parts, and the shift of
/// its copy of the world to the east. The parts may lie in several runs: cells of the pyramid in
/// one, points in the next.
#[inline(always)]
fn each_cell<'a>(cells: &Cells<'a>, level: u32, mut call: impl FnMut(&Point, &[Part<'a>], f64)) {
    let mut parts: Vec<Part<'a>> = Vec::new();
    let mut begun: Option<(&Point, f64)> = None;
    for ((run, shift), counts) in cells.slices().zip(cells.counts()) {
        let whole = counts.is_none();
        for cells in run.chunk_by(|a, b| a.shares(b, level)) {
            let Some(first) = cells.first() else { continue };
            if let Some((place, before)) = begun
                && !(before == shift && place.shares(first, level))
            {
                call(place, &parts, before);
                parts.clear();
                begun = None;
            }
            begun.get_or_insert((first, shift));
            parts.push(Part { cells, whole });
        }
    }
    if let Some((place, shift)) = begun {
        call(place, &parts, shift);
    }
}

/// True for a cell of points alone, which can't be split.
#[inline(always)]
fn are_points(parts: &[Part<'_>]) -> bool {
    parts.iter().all(|part| part.whole)
}

#[inline(always)]
fn weight(parts: &[Part<'_>]) -> f64 {
    let cells = parts.iter().flat_map(|part| part.cells);
    cells.map(|cell| f64::from(cell.weight.abs())).sum()
}

#[inline(always)]
fn hand_on(parts: &[Part<'_>], take: &mut impl FnMut(&Point)) {
    for part in parts {
        part.cells.iter().for_each(&mut *take);
    }
}

/// Cuts the cell at `place` into finer ones, and calls `take` with each. Each is a point, or so
/// light that it need not be cut further: it weighs at most what `most` gives for its level. The
/// cut cell has the weight `total` and the level `level`.
fn cut(
    points: &Points,
    place: &Point,
    (level, total): (u32, f64),
    most: &dyn Fn(u32) -> f64,
    mut take: &mut dyn FnMut(&Point),
) {
    // The finer level would do even if one of its cells had all of the weight.
    let bits = (total / most(level)).log2().ceil();
    let finer = (level + bits.clamp(1.0, MOST_BITS) as u32).min(BITS);
    let corner = |v: u32| f64::from(v) - f64::from(v) % side(level);
    let count = 1 << (finer - level);
    let window = Window::new(corner(place.x), corner(place.y), side(finer), count, count);
    each_cell(&points.cells(&window, 1.0), finer, |first, parts, _| {
        if !first.shares(place, level) {
            return;
        }
        let weight = weight(parts);
        if are_points(parts) || finer == BITS || weight <= most(finer) {
            hand_on(parts, &mut take);
        } else {
            cut(points, first, (finer, weight), most, take);
        }
    });
}

/// The side of a level's cells in world units.
fn side(level: u32) -> f64 {
    f64::from(BITS - level).exp2()
}
