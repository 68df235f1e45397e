//! The third stage, for wide kernels: the convolution's outputs lie on cells several pixels wide
//! and are the coefficients of a cubic B-spline, which is evaluated at the pixels.
//!
//! Each pixel is one sum in a fixed order, first down and then across, so its bits do not
//! depend on the window. The GPU's twin is `splat_refine.wgsl`.

use crate::splat::lattice::{Lattice, REFINE_TAPS as TAPS};

/// The layout of a picture on a coarse grid's cells, with the spline's weights.
pub(crate) struct Refine {
    /// Pixels along a cell's side.
    step: usize,
    /// Columns and rows of pixels from the corner of the first cell to the picture's corner.
    phase: (usize, usize),
    /// Cells in a row, the margin included.
    stride: usize,
    /// The weights of five cells for each pixel of a cell along an axis; the middle one is the
    /// weight of the pixel's own cell.
    weights: Vec<[f32; TAPS]>,
}

/// Buffers that a thread keeps from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct RefineRows {
    /// A row of cells.
    cells: Vec<f32>,
    /// The pixels of the row, grouped by their place within a cell.
    places: Vec<f32>,
    /// The pixels of the row in their order, with those of its outer cells that lie beside the
    /// picture.
    pixels: Vec<f32>,
}

impl Refine {
    /// The layout of pictures whose corner is `phase` pixels into a cell, with `stride` cells a
    /// row.
    pub(crate) fn new(lattice: Lattice, phase: (u32, u32), stride: usize) -> Self {
        Self {
            step: lattice.coarser() as usize,
            phase: (phase.0 as usize, phase.1 as usize),
            stride,
            weights: lattice.refine_weights(),
        }
    }

    /// Writes a picture `width` pixels wide into `out`. Rows of cells that are not `occupied` hold
    /// zeros.
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

    /// Evaluates a row of cells at its pixels: first grouped by the pixels' place within a cell,
    /// then interleaved in their order.
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

/// Writes the weighted sum of five rows into `out`.
#[inline(always)]
fn sum<'a>(row: impl Fn(usize) -> Option<&'a [f32]>, weights: &[f32; TAPS], out: &mut [f32]) {
    let [a, b, c, d, e] = std::array::from_fn(|k| row(k).unwrap_or_default());
    let [wa, wb, wc, wd, we] = *weights;
    let rows = a.iter().zip(b).zip(c).zip(d).zip(e);
    for (to, ((((a, b), c), d), e)) in out.iter_mut().zip(rows) {
        *to = wa * a + wb * b + wc * c + wd * d + we * e;
    }
}

/// Interleaves `STEP` rows: the first of each, then the second of each, and so on.
#[inline(always)]
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
