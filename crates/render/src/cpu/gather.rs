//! Cells for kernels with an edge: coarse ones, and finer ones where a cell weighs so much that
//! it matters on which side of the edge each of its points lies.
//!
//! What a cell weighs is compared with what lies around it, in squares that are counted from the
//! corner of the world. So neighbouring pictures see the same cells.

use heatsplat_points::mercator::WORLD;
use heatsplat_points::{Point, Points, Window};

/// A lone cell may be off by this share of the weight around it, if its points lie in two of its
/// corners: less than 1/256 of the peak, which is most of the weight around a lone cell.
const LIMIT: f64 = 1.0 / 256.0;

/// A cell with less than this share of the weight around it is light: many such lie about it,
/// spread over an area and not along a line, and what a grid blurs of each is not seen in the sum.
const LIGHT: f64 = 1.0 / 128.0;

/// Bits of a position.
const BITS: u32 = 32;

/// The most bits by which a cell is cut at a time along each axis.
const MOST_BITS: f64 = 5.0;

/// What a kernel asks of its cells; lengths in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// How far the kernel reaches.
    pub(crate) reach: f64,
    /// The coarsest cells that light points may be gathered in.
    pub(crate) cell: f64,
    /// Whether light cells are told from the others.
    pub(crate) light: bool,
    /// By how much the kernel's slope changes at its edge: shares of its height a pixel.
    pub(crate) bend: f64,
}

/// The weight around each place: of the square that it is in and the eight around that.
#[derive(Debug, Default)]
pub(crate) struct Around {
    side: f64,
    first: (f64, f64),
    columns: usize,
    sums: Vec<f64>,
    rows: Vec<f64>,
}

impl Around {
    /// Adds up what lies around a window.
    fn reset(&mut self, points: &Points, window: &Window, reach: f64) {
        let pixel = window.pixel();
        self.side = (reach * pixel / 2.0)
            .log2()
            .floor()
            .exp2()
            .clamp(1.0, WORLD);
        let margin = reach + self.side / pixel + 2.0;
        let seen = window.grown(margin.ceil() as u32);
        let square = |edge: f64| (edge / self.side).floor();
        self.first = (square(seen.left()), square(seen.top()));
        self.columns = (square(seen.right()) - self.first.0) as usize + 1;
        let rows = (square(seen.bottom()) - self.first.1) as usize + 1;
        self.sums.clear();
        self.sums.resize(self.columns * rows, 0.0);
        for (run, shift) in points.cells(&seen, self.side / pixel).slices() {
            for cell in run {
                if let Some(sum) = self.index(cell, shift).and_then(|i| self.sums.get_mut(i)) {
                    *sum += f64::from(cell.weight.abs());
                }
            }
        }
        self.spread();
    }

    /// Which square a cell lies in.
    #[inline(always)]
    fn index(&self, cell: &Point, shift: f64) -> Option<usize> {
        let column = ((f64::from(cell.x) + shift) / self.side).floor() - self.first.0;
        let row = (f64::from(cell.y) / self.side).floor() - self.first.1;
        let inside = column >= 0.0 && column < self.columns as f64 && row >= 0.0;
        inside.then(|| row as usize * self.columns + column as usize)
    }

    /// Makes each square's sum that of three by three.
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

    #[inline(always)]
    fn at(&self, cell: &Point, shift: f64) -> f64 {
        let sum = self.index(cell, shift).and_then(|i| self.sums.get(i));
        sum.copied().unwrap_or(0.0)
    }
}

/// Hands each cell that a window needs on, how far east the world is shifted for it, and whether
/// it is light.
#[inline(always)]
pub(crate) fn gather(
    points: &Points,
    window: &Window,
    needs: &Needs,
    around: &mut Around,
    mut take: impl FnMut(&Point, f64, bool),
) {
    let pixel = window.pixel();
    let seen = window.grown((needs.reach + needs.cell).ceil() as u32 + 1);
    let level = BITS - (needs.cell * pixel).log2().floor().clamp(0.0, 32.0) as u32;
    let cells = points.cells(&seen, needs.cell);
    if cells.is_empty() {
        return;
    }
    around.reset(points, window, needs.reach);
    // what a cell may weigh for its side to be short enough
    let most = |level: u32| LIMIT * 8f64.sqrt() / (needs.bend * side(level) / pixel);
    let least = if needs.light { LIGHT } else { -1.0 };
    for ((run, shift), counts) in cells.slices().zip(cells.counts()) {
        for group in run.chunk_by(|a, b| same(a, b, level)) {
            let Some(first) = group.first() else { continue };
            let weight: f64 = group.iter().map(|c| f64::from(c.weight.abs())).sum();
            let near = around.at(first, shift);
            let light = weight <= near * least;
            if light || counts.is_none() || weight <= near * most(level) {
                group.iter().for_each(|cell| take(cell, shift, light));
            } else {
                let mut take = |cell: &Point| take(cell, shift, false);
                let most = |level| near * most(level);
                cut(points, first, (level, weight), &most, &mut take);
            }
        }
    }
}

/// Hands on the cells that the one at a place is made of, each light enough for its side or a point.
fn cut(
    points: &Points,
    place: &Point,
    (level, weight): (u32, f64),
    most: &dyn Fn(u32) -> f64,
    take: &mut dyn FnMut(&Point),
) {
    // so fine that it would do if one cell had all of it
    let bits = (weight / most(level)).log2().ceil();
    let finer = (level + bits.clamp(1.0, MOST_BITS) as u32).min(BITS);
    let corner = |v: u32| f64::from(v) - f64::from(v) % side(level);
    let count = 1 << (finer - level);
    let window = Window::new(corner(place.x), corner(place.y), side(finer), count, count);
    let cells = points.cells(&window, 1.0);
    for ((run, _), counts) in cells.slices().zip(cells.counts()) {
        for group in run.chunk_by(|a, b| same(a, b, finer)) {
            let Some(first) = group.first().filter(|c| same(c, place, level)) else {
                continue;
            };
            let weight: f64 = group.iter().map(|c| f64::from(c.weight.abs())).sum();
            if counts.is_none() || finer == BITS || weight <= most(finer) {
                group.iter().for_each(&mut *take);
            } else {
                cut(points, first, (finer, weight), most, take);
            }
        }
    }
}

/// The side of a level's cells in world units.
fn side(level: u32) -> f64 {
    f64::from(BITS - level).exp2()
}

/// Whether two positions lie in one cell of a level.
#[inline(always)]
fn same(a: &Point, b: &Point, level: u32) -> bool {
    ((a.x ^ b.x) | (a.y ^ b.y)).leading_zeros() >= level
}
