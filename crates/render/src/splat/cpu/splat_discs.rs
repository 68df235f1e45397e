//! Kernels with an edge. They are sums of paraboloids over discs, which are added by running sums
//! along the rows of a picture.
//!
//! In a row of pixels, a paraboloid around a cell at ξ is w · (h² − (x − ξ)²) between two pixels.
//! It is a polynomial in x with three coefficients; w follows from the cell's weight, and h is half
//! the disc's width in this row. The coefficients are added at the pixel where the paraboloid
//! begins and subtracted where it ends. Then one pass over the row sums them up from left to right
//! and evaluates the polynomial at each pixel. The cost is proportional to the number of rows that
//! a disc reaches, and every cell is at its true position. The GPU has no such shader: these
//! pictures are always drawn by the CPU.
//!
//! Light cells, whose weight is small in comparison with the weight around them, are convolved on a
//! grid instead. All of them together cost one transform: see [`gather`].
#![allow(
    clippy::indexing_slicing,
    reason = "spans are cut to the picture before they are added"
)]

use super::gather::{self, Around, Needs};
use super::splat_bin::Bins;
use crate::splat::discs::{Disc, Discs};
use crate::splat::stamp::KernelStamp;
use crate::splat::timing::{Phase, lap};
use crate::unit_costs::{self as ns, report};
use heatsplat_points::{Point, Points, Window};

/// The change from one pixel of a row to the next, as four numbers: the changes of the polynomial's
/// three coefficients, and the change of the number of discs that cover the pixel.
type CoefficientChange = [f64; 4];

/// The number of a disc's rows that are computed together.
const ROWS: usize = 8;

/// Buffers that a thread reuses from picture to picture.
#[derive(Debug, Default)]
pub(crate) struct DiscsScratch {
    around: Around,
    cells: Vec<CellCenter>,
    light: Light,
    rows: Vec<CoefficientChange>,
    occupied: Vec<bool>,
}

/// The light cells, whose weight is small in comparison with the weight around them. Each entry of
/// `stretches` describes consecutive cells in one copy of the world: the shift of this copy to the
/// east in world units, and the index in `cells` of the first cell that is no longer in this copy.
#[derive(Debug, Default)]
struct Light {
    cells: Vec<Point>,
    stretches: Vec<(f64, usize)>,
}

/// A cell's position, in pixels from the picture's top left corner, and its weight.
#[derive(Clone, Copy, Debug)]
struct CellCenter {
    x: f64,
    y: f64,
    weight: f64,
}

impl DiscsScratch {
    /// Finds the cells that affect a window. Stores light cells, whose weight is small in
    /// comparison with the weight around them, apart from the others.
    #[inline(always)]
    pub(crate) fn gather(&mut self, points: &Points, window: &Window, needs: &Needs) {
        let Self {
            around,
            cells,
            light,
            ..
        } = self;
        let per_pixel = window.pixel().recip();
        let (left, top) = (window.left(), window.top());
        cells.clear();
        light.cells.clear();
        light.stretches.clear();
        gather::gather(points, window, needs, around, |cell, shift, is_light| {
            if is_light {
                light.add(cell, shift);
            } else {
                cells.push(CellCenter {
                    x: (f64::from(cell.x) + shift - left) * per_pixel,
                    y: (f64::from(cell.y) - top) * per_pixel,
                    weight: f64::from(cell.weight),
                });
            }
        });
        lap(Phase::Find);
    }

    /// Deposits the light cells, whose weight is small in comparison with the weight around them,
    /// on the grid `bins`. Returns false if there are none.
    #[inline(always)]
    pub(crate) fn lay(&self, window: &Window, stamp: &KernelStamp, bins: &mut Bins) -> bool {
        if self.light.cells.is_empty() {
            return false;
        }
        bins.reset(window, stamp.reach(), stamp.deposit);
        bins.deposit_gathered(&self.light.cells, &self.light.stretches);
        lap(Phase::Deposit);
        true
    }

    /// Adds the splats of all cells that are not light to `out`, the density of a window.
    #[inline(always)]
    pub(crate) fn add(&mut self, window: &Window, discs: &Discs, out: &mut [f32]) {
        let (width, height) = (window.width() as usize, window.height() as usize);
        // All rows are zero before the cells are added, and are set to zero again when the
        // densities are finished.
        let stride = width + 1;
        self.rows
            .resize(stride * height, CoefficientChange::default());
        self.occupied.clear();
        self.occupied.resize(height, false);
        let mut target = ChangeRows {
            width: width as f64,
            height: height as f64,
            middle: (width / 2) as f64,
            stride,
            rows: &mut self.rows,
            occupied: &mut self.occupied,
        };
        for cell in &self.cells {
            for disc in &discs.discs {
                let rows = (2.0 * disc.radius + 1.0).min(target.height);
                report(1, rows * ns::ROW);
                target.add(cell, disc);
            }
        }
        for (y, row) in out.chunks_exact_mut(width.max(1)).enumerate() {
            target.finish(y, row);
        }
    }
}

impl Light {
    #[inline(always)]
    fn add(&mut self, cell: &Point, shift: f64) {
        self.cells.push(*cell);
        match self.stretches.last_mut() {
            Some((last, end)) if *last == shift => *end += 1,
            _ => self.stretches.push((shift, self.cells.len())),
        }
    }
}

/// The changes of the polynomials' coefficients at each pixel of a picture, row by row. A row has
/// one entry more than pixels, for discs that end at its last pixel.
struct ChangeRows<'a> {
    width: f64,
    height: f64,
    /// The column from which x is counted in the polynomials. It is the middle of the row, so that
    /// x² stays small.
    middle: f64,
    stride: usize,
    rows: &'a mut [CoefficientChange],
    occupied: &'a mut [bool],
}

impl ChangeRows<'_> {
    /// Adds one paraboloid, around the position of a cell, to the changes of the rows that its disc
    /// reaches.
    #[inline(always)]
    fn add(&mut self, &CellCenter { x, y, weight }: &CellCenter, disc: &Disc) {
        let square = disc.radius * disc.radius;
        let first = (y - disc.radius - 0.5).ceil().max(0.0);
        let end = (y + disc.radius + 0.5).floor().min(self.height);
        if !(first < end && x + disc.radius > 0.0 && x - disc.radius < self.width) {
            return;
        }
        let height = weight * disc.factor;
        let at = x - 0.5 - self.middle;
        let mut row = first;
        while row < end {
            // For each of the rows: the square of half the disc's width, the first pixel in the
            // disc, and the first pixel after the disc.
            let mut heights = [0.0f64; ROWS];
            let mut spans = [[0u32; 2]; ROWS];
            for (i, (h, span)) in (0u32..).zip(heights.iter_mut().zip(&mut spans)) {
                let dy = row + f64::from(i) + 0.5 - y;
                *h = square - dy * dy;
                let half = h.max(0.0).sqrt();
                let within = |v: f64| v.max(0.0).min(self.width);
                *span = [within(x - 0.5 - half), within(x - 0.5 + half)].map(ceil);
            }
            let count = (end - row).min(ROWS as f64) as usize;
            for (i, (h, [from, to])) in heights.iter().zip(spans).take(count).enumerate() {
                let change = [height * (h - at * at), 2.0 * height * at, -height, 1.0];
                self.span(row as usize + i, from as usize, to as usize, change);
            }
            row += ROWS as f64;
        }
    }

    /// Adds the polynomial with the coefficients `change` to the pixels of a row from `from` up to,
    /// but not including, `to`.
    #[inline(always)]
    fn span(&mut self, row: usize, from: usize, to: usize, change: CoefficientChange) {
        if from >= to {
            return;
        }
        self.occupied[row] = true;
        let begin = &mut self.rows[row * self.stride + from];
        for (sum, v) in begin.iter_mut().zip(change) {
            *sum += v;
        }
        let end = &mut self.rows[row * self.stride + to];
        for (sum, v) in end.iter_mut().zip(change) {
            *sum -= v;
        }
    }

    /// Sums up the changes of row `y` to densities, adds these to `out`, and sets the changes to
    /// zero.
    #[inline(always)]
    fn finish(&mut self, y: usize, out: &mut [f32]) {
        if !self.occupied.get(y).is_some_and(|any| *any) {
            return;
        }
        let changes = &mut self.rows[y * self.stride..(y + 1) * self.stride];
        let mut sums = CoefficientChange::default();
        for ((pixel, change), x) in out.iter_mut().zip(changes.iter_mut()).zip(0u32..) {
            for (sum, v) in sums.iter_mut().zip(*change) {
                *sum += v;
            }
            // If no disc covers the pixel, the sums consist of rounding errors and are set to 0.
            let any = if sums[3] > 0.5 { 1.0 } else { 0.0 };
            sums[0] *= any;
            sums[1] *= any;
            sums[2] *= any;
            let x = f64::from(x) - self.middle;
            *pixel += (sums[0] + x * (sums[1] + x * sums[2])) as f32;
            *change = CoefficientChange::default();
        }
        if let Some(last) = changes.last_mut() {
            *last = CoefficientChange::default();
        }
    }
}

/// Rounds up a number between 0 and the size of a picture. It needs no call and no check, so loops
/// that use it are vectorised.
#[inline(always)]
fn ceil(v: f64) -> u32 {
    const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5 · 2⁵²: the lowest bits are whole numbers
    let shifted = v + SHIFT;
    let nearest = shifted.to_bits() as u32;
    nearest + u32::from(shifted - SHIFT < v)
}
