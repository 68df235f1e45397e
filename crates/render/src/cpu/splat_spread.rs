//! Second stage: the grid is convolved, row by row and then column by column.
//!
//! Each output is one sum in a fixed order of taps, with separate multiplication
//! and addition, so its bits do not depend on the window, the block it is computed
//! in or the width of the machine's vectors. Rows without deposit are left out:
//! they would add zeros. The GPU's twin is `splat_spread.wgsl`.

use super::splat_bin::Bins;
use crate::plan::{Lattice, Spread};

/// Outputs computed together: four AVX registers of sums.
const BLOCK: usize = 32;

/// Buffers that a thread keeps from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The grid's rows after the first pass, each as wide as the picture.
    across: Vec<f32>,
    /// A row of zeros.
    nothing: Vec<f32>,
    /// One row of the grid taken apart by column modulo the lattice's factor.
    phases: Vec<f32>,
}

/// Where the taps of an output lie on the grid.
#[derive(Clone, Copy)]
struct Taps<'a> {
    values: &'a [f32],
    /// The lattice's factor.
    step: usize,
    /// Grid cells from an output's first tap to its two innermost.
    inner: [usize; 2],
}

impl<'a> Taps<'a> {
    fn new(values: &'a [f32], lattice: Lattice, reach: usize) -> Self {
        let step = lattice.factor as usize;
        let middle = reach + step / 2;
        let inner = if lattice.centred() { [middle, middle] } else { [middle - 1, middle] };
        Self { values, step, inner }
    }

    /// The grid cells (left and right, or upper and lower) of tap `k` of output `i`.
    #[inline(always)]
    fn pair(&self, i: usize, k: usize) -> (usize, usize) {
        let [left, right] = self.inner;
        (self.step * i + left - k, self.step * i + right + k)
    }

    /// Whether tap `k` is the middle one, which has no twin.
    #[inline(always)]
    fn lone(&self, k: usize) -> bool {
        k == 0 && self.step == 1
    }
}

/// Writes Σ over the terms of (bins ∗ across) ∗ down into `out`, `width` columns wide.
#[inline(always)]
pub(crate) fn spread(bins: &Bins, plan: &Spread, scratch: &mut Scratch, out: &mut [f32], width: usize) {
    let reach = plan.reach() as usize;
    // whole blocks, so that the inner loops have a fixed length
    let stride = width.next_multiple_of(BLOCK);
    scratch.across.resize(bins.height() * stride, 0.0);
    scratch.nothing.clear();
    scratch.nothing.resize(stride, 0.0);
    out.fill(0.0);
    for term in &plan.terms {
        let taps = Taps::new(&term.across, plan.lattice, reach);
        for (y, row) in scratch.across.chunks_exact_mut(stride).enumerate() {
            if let Some(source) = bins.row(y) {
                across(source, taps, &mut scratch.phases, row);
            }
        }
        let rows: Vec<Option<&[f32]>> = (0..bins.height())
            .zip(scratch.across.chunks_exact(stride))
            .map(|(y, row)| bins.row(y).map(|_| row))
            .collect();
        down(&rows, &scratch.nothing, Taps::new(&term.down, plan.lattice, reach), out, width);
    }
}

/// One row: out[x] = Σ over taps of tap · (left + right).
#[inline(always)]
fn across(source: &[f32], taps: Taps<'_>, phases: &mut Vec<f32>, out: &mut [f32]) {
    let step = taps.step;
    // every column modulo `step` becomes a row of its own, so that neighbouring
    // outputs read neighbouring numbers; room for whole blocks beyond the end
    let length = source.len().div_ceil(step) + BLOCK;
    phases.clear();
    phases.resize(step * length, 0.0);
    for (phase, row) in phases.chunks_exact_mut(length).enumerate() {
        for (to, from) in row.iter_mut().zip(source.iter().skip(phase).step_by(step)) {
            *to = *from;
        }
    }
    for (i, block) in out.chunks_exact_mut(BLOCK).enumerate() {
        let mut sums = [0.0f32; BLOCK];
        let at = |cell: usize| {
            let from = (cell % step) * length + cell / step;
            &phases[from..from + BLOCK]
        };
        for (k, &tap) in taps.values.iter().enumerate() {
            let (left, right) = taps.pair(i * BLOCK, k);
            if taps.lone(k) {
                for (sum, v) in sums.iter_mut().zip(at(left)) {
                    *sum += tap * v;
                }
                continue;
            }
            let (left, right) = (at(left), at(right));
            for j in 0..BLOCK {
                sums[j] += tap * (left[j] + right[j]);
            }
        }
        block.copy_from_slice(&sums);
    }
}

/// All columns: out[y] += Σ over taps of tap · (above + below).
#[inline(always)]
fn down(rows: &[Option<&[f32]>], nothing: &[f32], taps: Taps<'_>, out: &mut [f32], width: usize) {
    let mut seen: Vec<(f32, &[f32], &[f32])> = Vec::with_capacity(taps.values.len());
    for (y, out_row) in out.chunks_exact_mut(width).enumerate() {
        seen.clear();
        for (k, &tap) in taps.values.iter().enumerate() {
            let (above, below) = taps.pair(y, k);
            let (above, below) = (rows[above], if taps.lone(k) { None } else { rows[below] });
            if above.is_some() || below.is_some() {
                seen.push((tap, above.unwrap_or(nothing), below.unwrap_or(nothing)));
            }
        }
        if seen.is_empty() {
            continue;
        }
        for (i, block) in out_row.chunks_mut(BLOCK).enumerate() {
            let part = i * BLOCK..(i + 1) * BLOCK;
            let mut sums = [0.0f32; BLOCK];
            for &(tap, above, below) in &seen {
                let (above, below) = (&above[part.clone()], &below[part.clone()]);
                for j in 0..BLOCK {
                    sums[j] += tap * (above[j] + below[j]);
                }
            }
            for (o, s) in block.iter_mut().zip(sums) {
                *o += s;
            }
        }
    }
}
