//! The first stage of drawing: cells are deposited on a grid. The weight of each cell is divided
//! among the nearest bins, the squares of the grid.
//!
//! The GPU's version of this stage is `splat_bin.wgsl`.
#![allow(
    clippy::indexing_slicing,
    reason = "arrays of a batch have BATCH numbers, and slots are counted modulo SLOTS"
)]

use super::place::{BinLocator, BinPosition};
use crate::splat::spline;
use crate::splat::stamp::Deposit;
use crate::splat::timing::{Phase, lap};
use crate::unit_costs::{self as ns, REPORTED_CELLS, report};
use heatsplat_points::{Cells, Point, Points, Window};

/// The grid on which cells are deposited: a window, a margin around it, and a little padding.
#[derive(Debug, Default)]
pub(crate) struct Bins {
    /// The window without the margin, and the kind of grid and spline. `None` before the first use.
    window: Option<(Window, Deposit)>,
    stride: usize,
    margin: usize,
    width: usize,
    height: usize,
    /// The number of the grid's rows for each row of pixels: 1, or 2 if the grid has the pixels'
    /// corners too.
    rows: usize,
    /// The width of the padding, in pixels: it lies around the window and its margin. With it, a
    /// deposit near the edge, which also changes the bins around it, never leaves the buffer.
    pad: usize,
    values: Vec<f32>,
    /// The sums of the bins in f64, for weights of both signs, which may nearly cancel.
    sums: Vec<f64>,
    /// True for each row in which a cell lies. The cell's deposit reaches the neighbouring rows
    /// too.
    occupied: Vec<bool>,
}

impl Bins {
    /// Makes this the empty grid of a window, with a margin of `margin` pixels on all four sides.
    pub(crate) fn reset(&mut self, window: &Window, margin: u32, deposit: Deposit) {
        self.window = Some((*window, deposit));
        self.margin = margin as usize;
        self.rows = deposit.rows();
        // On a grid turned by 45°, a deposit reaches one corner of a pixel further.
        self.pad = 1 + self.rows;
        self.width = window.width() as usize + 2 * self.margin;
        self.height = self.rows * (window.height() as usize + 2 * self.margin);
        self.stride = (self.width + 2 * self.pad).next_multiple_of(16);
        let rows = self.height + 2 * self.pad * self.rows;
        self.values.clear();
        self.values.resize(self.stride * rows, 0.0);
        self.occupied.clear();
        self.occupied.resize(rows, false);
    }

    /// The number of the grid's columns, one for each pixel, including the margins.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The number of the grid's rows, including the margins. It has one row for each row of pixels,
    /// or two if it has the pixels' corners too.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// The bins of row `y`, counted from the top of the upper margin. `None` for a row that no
    /// deposit reaches.
    #[inline]
    pub(crate) fn row(&self, y: usize) -> Option<&[f32]> {
        let padded = y + self.pad * self.rows;
        // A deposit reaches one row of pixels up and one row down.
        let around = padded - self.rows..padded + self.rows + 1;
        if !self.occupied.get(around)?.contains(&true) {
            return None;
        }
        let from = padded * self.stride + self.pad;
        self.values.get(from..from + self.width)
    }

    /// Deposits the cells that lie in the window or in its margin. `finest` is the greatest side
    /// that a cell may have, in the window's pixels. Returns false if there are no cells.
    #[inline(always)]
    pub(crate) fn deposit(&mut self, points: &Points, finest: f64) -> bool {
        let Some((window, deposit)) = self.window else {
            return false;
        };
        // A cell that lies one pixel outside the grid still deposits on the grid.
        let padded = window.grown((self.margin + self.pad) as u32);
        let cells = points.cells(&window.grown((self.margin + self.pad - 1) as u32), finest);
        lap(Phase::Find);
        if points.summary().weight_min < 0.0 {
            self.deposit_both_signs(&padded, &cells, deposit);
            lap(Phase::Deposit);
            return !cells.is_empty();
        }
        let mut stacks = Stacks::default();
        for (run, shift) in cells.slices() {
            let place = BinLocator::new(&padded, shift);
            match deposit {
                Deposit::Quadratic => {
                    self.deposit_run(&place, run, (spline::quadratic, straight), &mut stacks);
                }
                Deposit::Quincunx => {
                    self.deposit_run(&place, run, (spline::quadratic, turned), &mut stacks);
                }
            }
        }
        self.unload(stacks.bin[0], &stacks.shares[0]);
        lap(Phase::Deposit);
        !cells.is_empty()
    }

    /// Deposits cells one by one, in their order, into the sums in f64. Then copies the sums into
    /// the bins. `padded` is the window with its margin and its padding.
    #[inline(never)]
    fn deposit_both_signs(&mut self, padded: &Window, cells: &Cells<'_>, deposit: Deposit) {
        self.sums.clear();
        self.sums.resize(self.values.len(), 0.0);
        for (run, shift) in cells.slices() {
            let place = BinLocator::new(padded, shift);
            for cells in run.chunks(REPORTED_CELLS) {
                report(cells.len(), ns::LAID);
                for cell in cells {
                    let placed = place.place(cell);
                    if placed.weight == 0.0 {
                        continue;
                    }
                    match deposit {
                        Deposit::Quadratic => self.sum_up(placed, spline::quadratic),
                        Deposit::Quincunx => self.sum_up(turned(placed), spline::quadratic),
                    }
                }
            }
        }
        for (value, sum) in self.values.iter_mut().zip(&self.sums) {
            *value = *sum as f32;
        }
    }

    /// Divides a cell's weight among its bin and the eight bins around it, and adds each part to
    /// the sum of its bin. `shares` computes the fractions of three neighbouring bins along an axis
    /// from the cell's position along this axis.
    fn sum_up(&mut self, placed: BinPosition, shares: impl Fn(f32) -> [f32; 3]) {
        let (column, row) = (placed.column as usize, placed.row as usize);
        let Some(occupied) = self.occupied.get_mut(row) else {
            return;
        };
        *occupied = true;
        let across = shares(placed.x).map(f64::from);
        let down = shares(placed.y).map(|share| f64::from(share) * f64::from(placed.weight));
        let middle = row * self.stride + column;
        let corner = row % 2;
        for (j, down) in down.into_iter().enumerate() {
            for (i, across) in across.into_iter().enumerate() {
                // The number of columns to the right of the leftmost bin, and the number of rows
                // below the topmost bin.
                let (right, rows) = if self.rows > 1 {
                    // A step along the first diagonal goes right and down, a step along the second
                    // left and down.
                    ((2 + corner + i - j) / 2, i + j)
                } else {
                    (i, j)
                };
                let first = middle.checked_sub(self.stride * self.rows + 1);
                let bin = first.map(|first| first + rows * self.stride + right);
                if let Some(sum) = bin.and_then(|bin| self.sums.get_mut(bin)) {
                    *sum += across * down;
                }
            }
        }
    }

    /// Deposits cells by quadratic B-splines. Each entry of `stretches` describes consecutive cells
    /// in one copy of the world: the shift of this copy to the east in world units, and the index
    /// in `cells` of the first cell that is no longer in this copy.
    #[inline(always)]
    pub(crate) fn deposit_gathered(&mut self, cells: &[Point], stretches: &[(f64, usize)]) {
        let Some((window, _)) = self.window else {
            return;
        };
        let padded = window.grown((self.margin + self.pad) as u32);
        let mut stacks = Stacks::default();
        let mut from = 0;
        for &(shift, end) in stretches {
            if let Some(stretch) = cells.get(from..end) {
                let place = BinLocator::new(&padded, shift);
                let way = (spline::quadratic, straight);
                self.deposit_run(&place, stretch, way, &mut stacks);
            }
            from = end;
        }
        self.unload(stacks.bin[0], &stacks.shares[0]);
    }

    #[inline(always)]
    fn deposit_run(
        &mut self,
        place: &BinLocator,
        run: &[Point],
        (weights, turn): (
            impl Fn(f32) -> [f32; 3],
            impl Fn(BinPosition) -> BinPosition,
        ),
        stacks: &mut Stacks,
    ) {
        let mut batch = DepositBatch::default();
        for cells in run.chunks(REPORTED_CELLS) {
            report(cells.len(), ns::LAID);
            for cells in cells.chunks(BATCH) {
                match place {
                    BinLocator::Dyadic(grid) => {
                        batch.fill(cells, &weights, |cell| turn(grid.place(cell)))
                    }
                    BinLocator::General(grid) => {
                        batch.fill(cells, &weights, |cell| turn(grid.place(cell)))
                    }
                }
                self.add(&batch, cells.len(), stacks);
            }
        }
    }

    /// Deposits the first `count` cells of a batch. The deposits in the bin of the last of these
    /// cells stay in `stacks`, since the next batch may have more cells of this bin.
    #[inline(always)]
    fn add(&mut self, batch: &DepositBatch, count: usize, stacks: &mut Stacks) {
        let mut at = 0;
        let mut bin = stacks.bin[0];
        let mut shares = stacks.shares[0];
        for i in 0..count.min(BATCH) {
            // This has no branch, since the number of cells in a bin can't be predicted.
            let same = batch.bin[i] == bin;
            at += usize::from(!same);
            bin = batch.bin[i];
            let keep = if same { u32::MAX } else { 0 };
            for (sums, down) in shares.iter_mut().zip(batch.down[i]) {
                for (sum, across) in sums.iter_mut().zip(batch.across[i]) {
                    *sum = f32::from_bits(sum.to_bits() & keep) + down * across;
                }
            }
            stacks.bin[at % SLOTS] = bin;
            stacks.shares[at % SLOTS] = shares;
        }
        for i in 0..at.min(SLOTS) {
            self.unload(stacks.bin[i], &stacks.shares[i]);
        }
        stacks.bin[0] = bin;
        stacks.shares[0] = shares;
    }

    /// Adds the deposits of all cells of one bin, which are already summed in `shares`, to this bin
    /// and to the eight bins around it.
    #[inline(always)]
    fn unload(&mut self, bin: Bin, shares: &Shares) {
        if self.rows > 1 {
            self.unload_turned(bin, shares);
            return;
        }
        let (column, row) = (bin.column(), bin.row());
        let Some(occupied) = self.occupied.get_mut(row) else {
            return;
        };
        *occupied = true;
        let first = row.saturating_sub(1) * self.stride + column.saturating_sub(1);
        for (j, shares) in shares.iter().enumerate() {
            // This is `add_to`, written out: a call takes 7 % longer.
            let from = first + j * self.stride;
            if let Some(bins) = self.values.get_mut(from..from + 3) {
                for (bin, share) in bins.iter_mut().zip(shares) {
                    *bin += share;
                }
            }
        }
    }

    /// Adds the deposits of all cells of one bin, which are already summed in `shares`, to this bin
    /// and to the eight bins around it on a grid turned by 45°.
    #[inline(always)]
    fn unload_turned(&mut self, bin: Bin, shares: &Shares) {
        let (column, row) = (bin.column(), bin.row());
        let Some(occupied) = self.occupied.get_mut(row) else {
            return;
        };
        *occupied = true;
        // The deposits are added row by row of the grid. A step along the first diagonal goes right
        // and down, a step along the second left and down.
        let [above, level, below] = shares;
        let corner = row % 2;
        let middle = row * self.stride + column;
        let Some(first) = middle.checked_sub(2 * self.stride + 1) else {
            return; // above everything that is read
        };
        self.add_to(first + 1, &[above[0]]);
        self.add_to(first + self.stride + corner, &[level[0], above[1]]);
        self.add_to(first + 2 * self.stride, &[below[0], level[1], above[2]]);
        self.add_to(first + 3 * self.stride + corner, &[below[1], level[2]]);
        self.add_to(first + 4 * self.stride + 1, &[below[2]]);
    }

    /// Adds `N` numbers to `N` neighbouring bins of a row, from the index `from` on.
    #[inline(always)]
    fn add_to<const N: usize>(&mut self, from: usize, shares: &[f32; N]) {
        if let Some(bins) = self.values.get_mut(from..from + N) {
            for (bin, share) in bins.iter_mut().zip(shares) {
                *bin += share;
            }
        }
    }
}

/// Returns a cell's position in the picture as its position on the grid, unchanged. It is used for
/// a grid of the pixels' centres, whose axes are those of the picture; a grid turned by 45° needs
/// [`turned`].
#[inline(always)]
fn straight(placed: BinPosition) -> BinPosition {
    placed
}

/// Converts a cell's position in its pixel into a position in a grid of the pixels' centres and
/// corners, which is turned by 45°. The x axis goes down to the right and the y axis down to the
/// left. Each row of pixels has two rows of the grid.
#[inline(always)]
fn turned(placed: BinPosition) -> BinPosition {
    let (across, down) = (placed.x + placed.y, placed.y - placed.x);
    // The number is rounded to −1, 0 or 1 without a function call.
    let nearest = |v: f32| (v + 1.5) as i32 - 1;
    let (i, j) = (nearest(across), nearest(down));
    BinPosition {
        column: placed.column.wrapping_add_signed((i - j) >> 1),
        row: (2 * placed.row).wrapping_add_signed(i + j),
        x: across - i as f32,
        y: down - j as f32,
        weight: placed.weight,
    }
}

/// A bin's column and row in one number, with 16 bits each. These suffice, since a grid is at most
/// some thousand bins wide: it belongs to a block of a picture, on the finest lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bin(u32);

impl Bin {
    /// The value for "no bin": no grid has a row with this number.
    const NONE: Self = Self(u32::MAX);

    #[inline(always)]
    fn new(column: u32, row: u32) -> Self {
        Self(column | row << 16)
    }

    #[inline(always)]
    fn column(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    #[inline(always)]
    fn row(self) -> usize {
        (self.0 >> 16) as usize
    }
}

/// The parts of a weight that go to a bin and to the eight bins around it: three rows of three
/// columns. A fourth column is always 0, since vector registers have four lanes.
type Shares = [[f32; 4]; 3];

/// The summed deposits of several bins, before they are added to the grid. In Z-order the cells of
/// a bin are consecutive. So each bin is added to the grid once, in an order that doesn't depend on
/// the window. The first entry is the bin that is not complete yet: the next cells may lie in it
/// too.
struct Stacks {
    bin: [Bin; SLOTS],
    shares: [Shares; SLOTS],
}

impl Default for Stacks {
    fn default() -> Self {
        Self {
            bin: [Bin::NONE; SLOTS],
            shares: [[[0.0; 4]; 3]; SLOTS],
        }
    }
}

/// The number of cells whose bins are computed before any of the cells is added. The computation is
/// vectorised only if it is a loop of its own.
const BATCH: usize = 64;

/// The number of bins for which [`Stacks`] has room. A batch needs at most one for each cell, and
/// one for the incomplete bin. A power of two makes the index cheap to limit.
const SLOTS: usize = 2 * BATCH;

/// A batch of cells that are not yet deposited: the bin in which each cell lies, and the parts of
/// its weight that this bin and the bins around it get.
struct DepositBatch {
    bin: [Bin; BATCH],
    /// For each cell of the batch, the fractions of its weight that three columns of bins get, and
    /// a fourth number that is 0.
    across: [[f32; 4]; BATCH],
    /// For each cell of the batch, the parts of its weight that three rows of bins get.
    down: [[f32; 3]; BATCH],
}

impl Default for DepositBatch {
    fn default() -> Self {
        Self {
            bin: [Bin::NONE; BATCH],
            across: [[0.0; 4]; BATCH],
            down: [[0.0; 3]; BATCH],
        }
    }
}

impl DepositBatch {
    #[inline(always)]
    fn fill(
        &mut self,
        cells: &[Point],
        weights: &impl Fn(f32) -> [f32; 3],
        place: impl Fn(&Point) -> BinPosition,
    ) {
        let (mut x, mut y, mut weight) = ([0; BATCH], [0; BATCH], [0.0; BATCH]);
        for (i, cell) in cells.iter().enumerate().take(BATCH) {
            (x[i], y[i], weight[i]) = (cell.x, cell.y, cell.weight);
        }
        let mut across = [[0.0; BATCH]; 3];
        let mut down = [[0.0; BATCH]; 3];
        // The loop always handles a whole batch, even if it has fewer cells, since loops of a fixed
        // length are vectorised.
        for i in 0..BATCH {
            let (x, y, weight) = (x[i], y[i], weight[i]);
            let placed = place(&Point { x, y, weight });
            self.bin[i] = Bin::new(placed.column, placed.row);
            let (columns, rows) = (weights(placed.x), weights(placed.y));
            for k in 0..3 {
                across[k][i] = columns[k];
                down[k][i] = rows[k] * placed.weight;
            }
        }
        for i in 0..BATCH {
            self.across[i] = [across[0][i], across[1][i], across[2][i], 0.0];
            self.down[i] = [down[0][i], down[1][i], down[2][i]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::TileId;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// The bins of all tiles of a zoom add up to the total weight.
        #[test]
        fn tiles_share_all_weight(
            places in prop::collection::vec((any::<u32>(), 1u32 << 26..u32::MAX - (1 << 26), -2.0..5.0f32), 1..300),
            signed: bool,
            z in 0u8..3, finest in prop_oneof![Just(0.0), Just(1.0)],
            deposit in prop_oneof![Just(Deposit::Quadratic), Just(Deposit::Quincunx)],
        ) {
            let points: Vec<Point> =
                places.iter().map(|&(x, y, weight)| Point { x, y, weight }).collect();
            let size = |p: Point| Point { weight: if signed { p.weight } else { p.weight.abs() }, ..p };
            let points: Vec<Point> = points.into_iter().map(size).collect();
            let index = Points::from_slice(&points);
            let mut bins = Bins::default();
            let mut sum = 0.0;
            for (x, y) in (0..1 << z).flat_map(|y| (0..1 << z).map(move |x| (x, y))) {
                let window = Window::tile(TileId::new(z, x, y).unwrap(), 256);
                bins.reset(&window, 0, deposit);
                bins.deposit(&index, finest);
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
