//! First stage: cells are deposited on the pixel grid.
//!
//! The GPU's twin is `splat_bin.wgsl`.

use crate::spline;
use heatsplat_points::{Cells, Point, Window};

/// Spare pixels around the grid, so that a 3 × 3 deposit never leaves it.
const PAD: usize = 2;

/// The grid that cells are deposited on: a window, a margin, and a little padding.
#[derive(Debug, Default)]
pub(crate) struct Bins {
    /// Without the margin.
    window: Option<Window>,
    stride: usize,
    margin: usize,
    width: usize,
    height: usize,
    values: Vec<f32>,
    /// Which rows hold anything.
    occupied: Vec<bool>,
}

impl Bins {
    /// Makes this the empty grid of a window with a margin on all sides.
    pub(crate) fn reset(&mut self, window: &Window, margin: u32) {
        self.window = Some(*window);
        self.margin = margin as usize;
        self.width = window.width() as usize + 2 * self.margin;
        self.height = window.height() as usize + 2 * self.margin;
        self.stride = (self.width + 2 * PAD).next_multiple_of(16);
        let rows = self.height + 2 * PAD;
        self.values.clear();
        self.values.resize(self.stride * rows, 0.0);
        self.occupied.clear();
        self.occupied.resize(rows, false);
    }

    /// Pixels in a row, margins included.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Rows, margins included.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// A row, counted from the top of the upper margin; `None` where nothing is.
    #[inline]
    pub(crate) fn row(&self, y: usize) -> Option<&[f32]> {
        let from = (y + PAD) * self.stride + PAD;
        if !*self.occupied.get(y + PAD)? {
            return None;
        }
        self.values.get(from..from + self.width)
    }

    /// Deposits the cells a window sees. Cells too far outside to matter are left out.
    #[inline(always)]
    pub(crate) fn deposit(&mut self, cells: &Cells<'_>, linear: bool) {
        let Some(window) = self.window else { return };
        for (run, shift) in cells.slices() {
            if linear {
                self.deposit_run(&window, run, shift, spline::linear);
            } else {
                self.deposit_run(&window, run, shift, spline::quadratic);
            }
        }
    }

    #[inline(always)]
    fn deposit_run(
        &mut self,
        window: &Window,
        run: &[Point],
        shift: f64,
        weights: impl Fn(f32) -> [f32; 3],
    ) {
        let per_pixel = window.pixel().recip();
        let origin = (self.margin + PAD) as f64;
        let grid = Grid {
            per_pixel,
            // exact on the pixel grids of all zooms: differences are dyadic, the factor a power of two
            left: (window.left() - shift) * per_pixel - origin,
            top: window.top() * per_pixel - origin,
            right: (self.width + 2 * PAD - 1) as f64,
            bottom: (self.height + 2 * PAD - 1) as f64,
        };
        let mut batch = Batch::default();
        for cells in run.chunks(BATCH) {
            for (i, cell) in cells.iter().enumerate() {
                grid.place(cell, &weights, &mut batch, i);
            }
            self.add(&batch, cells.len());
        }
    }

    /// Adds the first cells of a batch to the grid.
    #[inline(always)]
    fn add(&mut self, batch: &Batch, count: usize) {
        for i in 0..count.min(BATCH) {
            let row = batch.row[i] as usize;
            let first = row * self.stride + batch.column[i] as usize;
            for (j, down) in batch.down.iter().enumerate() {
                let from = first + j * self.stride;
                if let Some(bins) = self.values.get_mut(from..from + 3) {
                    for (bin, across) in bins.iter_mut().zip(&batch.across) {
                        *bin += down[i] * across[i];
                    }
                }
            }
            if let Some(rows) = self.occupied.get_mut(row..row + 3) {
                rows.fill(true);
            }
        }
    }
}

/// Cells are placed so many at a time and then added: placing is long chains of
/// arithmetic that the processor can do side by side only if nothing comes between.
const BATCH: usize = 32;

/// Where cells go and with what weights, before they are added.
#[derive(Default)]
struct Batch {
    /// The leftmost of the three columns.
    column: [u32; BATCH],
    /// The uppermost of the three rows.
    row: [u32; BATCH],
    across: [[f32; BATCH]; 3],
    /// Times the cell's weight; all 0 for a cell off the grid.
    down: [[f32; BATCH]; 3],
}

/// The world → grid cells.
struct Grid {
    per_pixel: f64,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Grid {
    #[inline(always)]
    fn place(&self, cell: &Point, weights: &impl Fn(f32) -> [f32; 3], batch: &mut Batch, i: usize) {
        let x = f64::from(cell.x) * self.per_pixel - self.left;
        let y = f64::from(cell.y) * self.per_pixel - self.top;
        let inside = (x >= 1.0) & (x < self.right) & (y >= 1.0) & (y < self.bottom);
        // cells off the grid add nothing to its corner
        let (x, y) = if inside { (x, y) } else { (1.0, 1.0) };
        let weight = if inside { cell.weight } else { 0.0 };
        let (column, row) = (x as i32, y as i32);
        let across = weights((x - f64::from(column)) as f32 - 0.5);
        let down = weights((y - f64::from(row)) as f32 - 0.5);
        batch.column[i] = (column - 1) as u32;
        batch.row[i] = (row - 1) as u32;
        for k in 0..3 {
            batch.across[k][i] = across[k];
            batch.down[k][i] = down[k] * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::{Points, TileId};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Conservation: what tiles of a zoom hold on their own pixels is all there is.
        #[test]
        fn tiles_share_all_weight(
            places in prop::collection::vec((any::<u32>(), 1u32 << 26..u32::MAX - (1 << 26), -2.0..5.0f32), 1..300),
            z in 0u8..3, linear: bool, finest in prop_oneof![Just(0.0), Just(1.0)],
        ) {
            let points: Vec<Point> =
                places.iter().map(|&(x, y, weight)| Point { x, y, weight }).collect();
            let index = Points::from_slice(&points);
            let mut bins = Bins::default();
            let mut sum = 0.0;
            for (x, y) in (0..1 << z).flat_map(|y| (0..1 << z).map(move |x| (x, y))) {
                let window = Window::tile(TileId::new(z, x, y).unwrap(), 256);
                bins.reset(&window, 0);
                bins.deposit(&index.cells(&window.grown(1), finest), linear);
                sum += (0..bins.height())
                    .filter_map(|y| bins.row(y))
                    .flatten()
                    .map(|&v| f64::from(v))
                    .sum::<f64>();
            }
            let weight: f64 = points.iter().map(|p| f64::from(p.weight)).sum();
            let size: f64 = points.iter().map(|p| f64::from(p.weight.abs())).sum();
            prop_assert!((sum - weight).abs() <= 1e-5 * size, "{sum} of {weight}");
        }
    }
}
