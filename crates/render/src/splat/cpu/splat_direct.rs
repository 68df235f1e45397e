//! Kernels of a small radius: the kernel is evaluated around every cell, at the cell's true
//! position.
//!
//! The GPU's version of this stage is `splat_direct.wgsl`.

use super::place::{BinLocator, BinPosition};
use crate::style::kernel::{Kernel, Shape};
use crate::unit_costs::{self as ns, REPORTED_CELLS, report};
use heatsplat_points::{Cells, Point, Window};

/// Writes the sum of all cells' splats into `out`, one f32 for each pixel of the window.
#[inline(always)]
pub(crate) fn stamp(window: &Window, cells: &Cells<'_>, kernel: &Kernel, out: &mut [f32]) {
    out.fill(0.0);
    // Each kernel gets the smallest array that holds its pixels.
    macro_rules! add {
        ($power:ident, $w:literal, $rows:literal) => {
            NarrowStamp::<$power, $w, $rows>::new(kernel).add_all(window, cells, out)
        };
    }
    match (kernel.shape(), margin(kernel)) {
        (Shape::Gaussian, 0 | 1) => add!(GAUSSIAN, 4, 3),
        (Shape::Gaussian, 2) => add!(GAUSSIAN, 8, 5),
        (Shape::Gaussian, 3) => add!(GAUSSIAN, 8, 7),
        (Shape::Triweight, 0 | 1) => add!(TRIWEIGHT, 4, 3),
        (Shape::Triweight, 2 | 3) => add!(TRIWEIGHT, 8, 7),
        (Shape::Quartic, 0 | 1) => add!(QUARTIC, 4, 3),
        (Shape::Quartic, 2 | 3) => add!(QUARTIC, 8, 7),
        (Shape::Quartic, 4 | 5) => add!(QUARTIC, 16, 11),
        (Shape::Triangular, 0 | 1) => add!(CONE, 4, 3),
        (Shape::Triangular, 2 | 3) => add!(CONE, 8, 7),
        (Shape::Triangular, 4..=7) => add!(CONE, 16, 15),
        (Shape::Triangular, 8..=11) => add!(CONE, 24, 23),
        (Shape::Triangular, 12..=15) => add!(CONE, 32, 31),
        // No other kernel has the plan *direct*.
        _ => add!(OTHER, 32, 31),
    }
}

/// A number that stands for a shape. The numbers of `QUARTIC` and `TRIWEIGHT` are the powers of 1 −
/// u² in their formulas.
const GAUSSIAN: i32 = 0;
const CONE: i32 = 1;
const QUARTIC: i32 = 2;
const TRIWEIGHT: i32 = 3;
const OTHER: i32 = -1;

/// The number of pixels that a kernel reaches to each side of the pixel that contains a cell.
fn margin(kernel: &Kernel) -> usize {
    (kernel.reach() + 0.5).floor() as usize
}

/// A kernel that is evaluated in `ROWS` rows of `ROWS` pixels. `POWER` is the number that stands
/// for its shape, like [`GAUSSIAN`]. Rows are stored in arrays of `W` numbers, which is more than
/// `ROWS`; the rest of each array is 0.
struct NarrowStamp<const POWER: i32, const W: usize, const ROWS: usize> {
    shape: Shape,
    height: f32,
    /// 1 divided by the kernel's radius in pixels.
    scale: f32,
    /// A table of the gaussian along one axis, for linear interpolation; empty for other shapes. An
    /// entry stands for one position of a cell within its pixel; the `STEPS + 1` positions are
    /// evenly spaced from the west (or north) edge of the pixel to the opposite edge. An entry has
    /// two arrays with a number for each of the `ROWS` pixels along the axis: the gaussian's value
    /// there, and the change of this value when the cell moves by one step.
    gaussian: Vec<[[f32; W]; 2]>,
}

/// The number of values in a gaussian's table without its last entry: `STEPS` entries of `W`
/// values. There are as many slopes. The number is a choice: the table stays in the first-level
/// cache, and interpolation between its entries is wrong by less than 1/100,000 of the peak.
const TABLE: usize = 4096;

/// The number of cells whose places in the picture are computed before any of the cells is added.
const BATCH: usize = 64;

impl<const POWER: i32, const W: usize, const ROWS: usize> NarrowStamp<POWER, W, ROWS> {
    /// The number of pixels that a kernel reaches to each side of the pixel that contains a cell.
    const MARGIN: usize = ROWS / 2;
    /// The number of steps between one edge of a pixel and the opposite edge. The table has an
    /// entry for each end of a step, so it has `STEPS + 1` entries.
    const STEPS: usize = TABLE / W;

    fn new(kernel: &Kernel) -> Self {
        let taps = |step: usize| {
            let at = step as f64 / Self::STEPS as f64 - 0.5;
            let u = |i| (i as f64 - Self::MARGIN as f64 - at) / kernel.radius();
            let value = |i| {
                if i < ROWS {
                    (-4.5 * u(i) * u(i)).exp()
                } else {
                    0.0
                }
            };
            let slope = |i| value(i) * 9.0 * u(i) / kernel.radius() / Self::STEPS as f64;
            [
                std::array::from_fn(|i| value(i) as f32),
                std::array::from_fn(|i| slope(i) as f32),
            ]
        };
        Self {
            shape: kernel.shape(),
            height: kernel.height() as f32,
            scale: kernel.radius().recip() as f32,
            gaussian: (0..=Self::STEPS)
                .filter(|_| POWER == GAUSSIAN)
                .map(taps)
                .collect(),
        }
    }

    #[inline(always)]
    fn add_all(&self, window: &Window, cells: &Cells<'_>, out: &mut [f32]) {
        // The grid is one pixel wider on each side, since the locator leaves out cells in the
        // outermost bins.
        let grid = window.grown(Self::MARGIN as u32 + 1);
        let mut splats = Splats {
            pixel: (1, 1),
            sums: [[0.0; W]; ROWS],
            size: (window.width() as usize, window.height() as usize),
            out,
        };
        for (run, shift) in cells.slices() {
            match BinLocator::new(&grid, shift) {
                BinLocator::Dyadic(grid) => self.add_run(run, |cell| grid.place(cell), &mut splats),
                BinLocator::General(grid) => {
                    self.add_run(run, |cell| grid.place(cell), &mut splats)
                }
            }
        }
        splats.lay();
    }

    #[inline(always)]
    fn add_run(
        &self,
        run: &[Point],
        place: impl Fn(&Point) -> BinPosition,
        splats: &mut Splats<'_, W, ROWS>,
    ) {
        let mut batch = [BinPosition::default(); BATCH];
        for cells in run.chunks(REPORTED_CELLS) {
            report(cells.len(), ns::LAID + (ROWS * ROWS) as f64 * ns::DIRECT);
            for cells in cells.chunks(BATCH) {
                for (placed, cell) in batch.iter_mut().zip(cells) {
                    *placed = place(cell);
                }
                for cell in batch.iter().take(cells.len()) {
                    if splats.pixel != (cell.column, cell.row) {
                        splats.lay();
                        splats.pixel = (cell.column, cell.row);
                    }
                    self.add(cell, &mut splats.sums);
                }
            }
        }
    }

    /// Adds a cell's splat to `sums`, the summed splats of all cells in its pixel.
    #[inline(always)]
    fn add(&self, cell: &BinPosition, sums: &mut [[f32; W]; ROWS]) {
        let across = self.along(cell.x);
        let down = self.along(cell.y);
        let height = cell.weight * self.height;
        for (sums, down) in sums.iter_mut().zip(&down) {
            for (sum, across) in sums.iter_mut().zip(&across) {
                *sum += height * self.value(*across, *down);
            }
        }
    }

    /// Computes a number for each pixel along an axis, from which `value` computes the kernel. The
    /// cell lies `at` pixels from the centre of its own pixel. The number is the gaussian's value
    /// at the pixel or, for other kernels, u², where u is the pixel's distance divided by the
    /// radius.
    #[inline(always)]
    #[allow(
        clippy::indexing_slicing,
        reason = "values and slopes have W numbers each"
    )]
    fn along(&self, at: f32) -> [f32; W] {
        if POWER == GAUSSIAN {
            let place = (at + 0.5) * Self::STEPS as f32;
            let step = (place + 0.5) as i32;
            let beside = place - step as f32;
            if let Some([values, slopes]) = self.gaussian.get(step as usize) {
                return std::array::from_fn(|i| values[i] + slopes[i] * beside);
            }
        }
        std::array::from_fn(|i| {
            let u = (i as f32 - Self::MARGIN as f32 - at) * self.scale;
            u * u
        })
    }

    /// The value, at one pixel, of the kernel with a peak of 1. `across` and `down` are the numbers
    /// that `along` returns for the pixel's column and for its row.
    #[inline(always)]
    fn value(&self, across: f32, down: f32) -> f32 {
        let inner = (1.0 - (across + down)).max(0.0);
        match POWER {
            GAUSSIAN => across * down,
            CONE => (1.0 - (across + down).sqrt()).max(0.0),
            QUARTIC => inner * inner,
            TRIWEIGHT => inner * inner * inner,
            _ => self.shape.profile(f64::from(across + down).sqrt()) as f32,
        }
    }
}

/// A picture that is being drawn. Cells come in Z-order, so all cells of one pixel are consecutive.
/// Their splats are added up first, and the sum is then added to the picture.
struct Splats<'a, const W: usize, const ROWS: usize> {
    /// The column and row of the pixel whose cells are being added up. They are counted from a
    /// corner that lies the kernel's margin and one pixel further west and north than the picture's
    /// corner.
    pixel: (u32, u32),
    sums: [[f32; W]; ROWS],
    /// The picture's width and height in pixels.
    size: (usize, usize),
    out: &'a mut [f32],
}

impl<const W: usize, const ROWS: usize> Splats<'_, W, ROWS> {
    /// Adds the summed splats of the current pixel's cells to the picture, and sets the sums to 0.
    #[inline(always)]
    fn lay(&mut self) {
        let (column, row) = (self.pixel.0 as usize - 1, self.pixel.1 as usize - 1);
        let (width, height) = self.size;
        // These rows and columns of the stamp lie in the picture.
        let twice = ROWS - 1;
        let on = |at: usize, size: usize| twice.saturating_sub(at)..(size + twice - at).min(ROWS);
        let (rows, columns) = (on(row, height), on(column, width));
        let is_whole = columns.len() == ROWS;
        for (j, sums) in self.sums.iter_mut().enumerate() {
            let sums = std::mem::replace(sums, [0.0; W]);
            if !rows.contains(&j) {
                continue;
            }
            let from = (row + j - twice) * width + column + columns.start - twice;
            // The columns beyond the kernel's hold 0, so all `W` columns of a row may be added.
            let whole = self.out.get_mut(from..from + W).filter(|_| is_whole);
            if let Some(target) = whole.and_then(|slice| slice.first_chunk_mut::<W>()) {
                for (target, sum) in target.iter_mut().zip(sums) {
                    *target += sum;
                }
            } else if let Some(target) = self.out.get_mut(from..from + columns.len()) {
                for (target, sum) in target.iter_mut().zip(sums.iter().skip(columns.start)) {
                    *target += sum;
                }
            }
        }
    }
}
