//! The third stage of drawing, for wide kernels only. The convolution's output is one number for
//! each cell of a grid; a cell is several pixels wide. The numbers are the coefficients of a cubic
//! B-spline, which is evaluated at the pixels.
//!
//! Each pixel is one sum in a fixed order, first down and then across, so its bits don't depend on
//! the window. The GPU's version of this stage is `splat_refine.wgsl`.

use crate::splat::lattice::{Lattice, REFINE_TAPS as TAPS};

/// The position of a picture on a coarse grid, and the spline's weights, by which a pixel is
/// computed from the grid cells around it.
pub(crate) struct Refine {
    /// The number of pixels along a grid cell's side.
    step: usize,
    /// The number of columns of pixels between the left edge of the first grid cell and the
    /// picture's left edge, and the number of rows of pixels between the top edge of that cell and
    /// the picture's top edge.
    phase: (usize, usize),
    /// The number of grid cells in a row, including the margin.
    stride: usize,
    /// The weights of five grid cells for each pixel of a grid cell along an axis. The middle
    /// weight belongs to the cell that contains the pixel.
    weights: Vec<[f32; TAPS]>,
}

/// Buffers that a thread reuses from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct RefineRows {
    /// The row of grid cells that is made for a row of pixels: the weighted sum of the five rows of
    /// grid cells around it.
    cells: Vec<f32>,
    /// The pixels of one row, grouped by their position within a grid cell.
    places: Vec<f32>,
    /// The pixels of one row from left to right: all pixels of the row's grid cells. The first and
    /// the last of these cells may have pixels that lie beside the picture.
    pixels: Vec<f32>,
}

impl Refine {
    /// The position of a picture whose top left corner lies `phase` pixels (across, down) from the
    /// corner of a grid cell. The grid has `stride` cells in a row.
    pub(crate) fn new(lattice: Lattice, phase: (u32, u32), stride: usize) -> Self {
        Self {
            step: lattice.coarser() as usize,
            phase: (phase.0 as usize, phase.1 as usize),
            stride,
            weights: lattice.refine_weights(),
        }
    }

    /// Computes a picture from a coarse grid, and writes it into `out`, whose rows are `width`
    /// pixels long. `cells` has the grid's rows one after the other. Rows for which `occupied` is
    /// false are zero.
    #[inline(always)]
    pub(crate) fn refine(
        &self,
        cells: &[f32],
        occupied: &[bool],
        rows: &mut RefineRows,
        out: &mut [f32],
        width: usize,
    ) {
        let inner = self.stride - (TAPS - 1);
        rows.cells.resize(self.stride, 0.0);
        rows.places.resize(inner * self.step, 0.0);
        rows.pixels.resize(inner * self.step, 0.0);
        for (y, pixels) in out.chunks_exact_mut(width).enumerate() {
            let (row, place) = (
                (y + self.phase.1) / self.step,
                (y + self.phase.1) % self.step,
            );
            let seen = occupied.get(row..row + TAPS).unwrap_or_default();
            let five = cells.get(row * self.stride..(row + TAPS) * self.stride);
            let (true, Some(five), Some(weights)) =
                (seen.contains(&true), five, self.weights.get(place))
            else {
                pixels.fill(0.0);
                continue;
            };
            let row = |k: usize| five.get(k * self.stride..(k + 1) * self.stride);
            sum(row, weights, &mut rows.cells);
            self.across(rows);
            if let Some(seen) = rows.pixels.get(self.phase.0..self.phase.0 + width) {
                pixels.copy_from_slice(seen);
            }
        }
    }

    /// Evaluates a row of grid cells at its pixels: first grouped by the pixels' position within a
    /// grid cell, then interleaved into their order from left to right.
    #[inline(always)]
    fn across(&self, rows: &mut RefineRows) {
        let inner = rows.pixels.len() / self.step;
        let cells = |k: usize| rows.cells.get(k..k + inner);
        for (weights, places) in self.weights.iter().zip(rows.places.chunks_exact_mut(inner)) {
            sum(cells, weights, places);
        }
        match self.step {
            2 => interleave::<2>(&rows.places, &mut rows.pixels),
            4 => interleave::<4>(&rows.places, &mut rows.pixels),
            8 => interleave::<8>(&rows.places, &mut rows.pixels),
            16 => interleave::<16>(&rows.places, &mut rows.pixels),
            _ => interleave::<32>(&rows.places, &mut rows.pixels),
        }
    }
}

/// Writes the weighted sum of five rows into `out`. `row` returns a row by its number from 0 to 4,
/// or `None` for a row of zeros.
#[inline(always)]
fn sum<'a>(row: impl Fn(usize) -> Option<&'a [f32]>, weights: &[f32; TAPS], out: &mut [f32]) {
    let [a, b, c, d, e] = std::array::from_fn(|k| row(k).unwrap_or_default());
    let [wa, wb, wc, wd, we] = *weights;
    let rows = a.iter().zip(b).zip(c).zip(d).zip(e);
    for (to, ((((a, b), c), d), e)) in out.iter_mut().zip(rows) {
        *to = wa * a + wb * b + wc * c + wd * d + we * e;
    }
}

/// Interleaves `STEP` rows, which `rows` has one after the other: first come the first numbers of
/// all rows, then the second numbers of all rows, and so on.
#[inline(always)]
#[allow(
    clippy::indexing_slicing,
    reason = "each of the rows has `length` numbers"
)]
fn interleave<const STEP: usize>(rows: &[f32], out: &mut [f32]) {
    let length = rows.len() / STEP;
    let rows: [&[f32]; STEP] =
        std::array::from_fn(|k| rows.get(k * length..(k + 1) * length).unwrap_or_default());
    let (out, _) = out.as_chunks_mut::<STEP>();
    for (i, block) in out.iter_mut().enumerate().take(length) {
        for (to, row) in block.iter_mut().zip(rows) {
            *to = row[i];
        }
    }
}
