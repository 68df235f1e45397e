//! Second stage: the grid is convolved, row by row and then column by column.
//!
//! Each output is one sum in a fixed order of taps, with separate multiplication
//! and addition, so its bits do not depend on the window, the block it is computed
//! in or the width of the machine's vectors. The GPU's twin is `splat_spread.wgsl`.

use super::splat_bin::Bins;
use crate::plan::{Spread, Term};

/// Outputs computed together: four AVX registers of sums.
const BLOCK: usize = 32;

/// Buffers that a thread keeps from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    across: Vec<f32>,
}

/// Writes Σ over the terms of (bins ∗ across) ∗ down into `out`, `width` × `height`.
#[inline(always)]
pub(crate) fn spread(
    bins: &Bins,
    plan: &Spread,
    scratch: &mut Scratch,
    out: &mut [f32],
    width: usize,
) {
    out.fill(0.0);
    // whole blocks, so that the inner loops have a fixed length
    let stride = width.next_multiple_of(BLOCK);
    scratch.across.clear();
    scratch.across.resize((bins.height() + 1) * stride, 0.0);
    for term in &plan.terms {
        let (rows, nothing) = scratch.across.split_at_mut(bins.height() * stride);
        for (y, row) in rows.chunks_exact_mut(stride).enumerate() {
            if let Some(source) = bins.row(y) {
                across(source, &term.across, row);
            }
        }
        let rows: Vec<Option<&[f32]>> = rows
            .chunks_exact(stride)
            .enumerate()
            .map(|(y, row)| bins.row(y).map(|_| row))
            .collect();
        down(&rows, nothing, term, out, width);
    }
}

/// One row: out[x] = Σ taps[k] · (in[x + reach − k] + in[x + reach + k]).
#[inline(always)]
fn across(source: &[f32], taps: &[f32], out: &mut [f32]) {
    let reach = taps.len() - 1;
    let width = source.len() - 2 * reach;
    for (i, block) in out.chunks_exact_mut(BLOCK).enumerate() {
        // the last block is moved back to end with the row; a row shorter than a block is padded
        let from = i * BLOCK;
        let mut padded = [0.0f32; BLOCK];
        if from + BLOCK <= width {
            convolve_block(&source[from..from + BLOCK + 2 * reach], taps, &mut padded);
        } else {
            for (k, v) in padded.iter_mut().enumerate().take(width - from) {
                *v = convolve_one(&source[from + k..from + k + 2 * reach + 1], taps);
            }
        }
        block.copy_from_slice(&padded);
    }
}

#[inline(always)]
fn convolve_block(source: &[f32], taps: &[f32], out: &mut [f32; BLOCK]) {
    let reach = taps.len() - 1;
    let mut sums = [0.0f32; BLOCK];
    for (sum, v) in sums.iter_mut().zip(&source[reach..reach + BLOCK]) {
        *sum = taps[0] * v;
    }
    for (k, &tap) in taps.iter().enumerate().skip(1) {
        let left = &source[reach - k..reach - k + BLOCK];
        let right = &source[reach + k..reach + k + BLOCK];
        for i in 0..BLOCK {
            sums[i] += tap * (left[i] + right[i]);
        }
    }
    *out = sums;
}

#[inline(always)]
fn convolve_one(source: &[f32], taps: &[f32]) -> f32 {
    let reach = taps.len() - 1;
    let mut sum = taps[0] * source[reach];
    for (k, &tap) in taps.iter().enumerate().skip(1) {
        sum += tap * (source[reach - k] + source[reach + k]);
    }
    sum
}

/// All columns: out[y] += Σ taps[k] · (rows[y + reach − k] + rows[y + reach + k]).
///
/// Rows without deposit are left out of the sums: they would add zeros.
#[inline(always)]
fn down(rows: &[Option<&[f32]>], nothing: &[f32], term: &Term, out: &mut [f32], width: usize) {
    let taps = &term.down;
    let reach = taps.len() - 1;
    for (y, out_row) in out.chunks_exact_mut(width).enumerate() {
        let seen = &rows[y..y + 2 * reach + 1];
        let mut pairs: Vec<(f32, &[f32], &[f32])> = Vec::with_capacity(reach + 1);
        if let Some(middle) = seen[reach] {
            pairs.push((taps[0], middle, nothing));
        }
        for (k, &tap) in taps.iter().enumerate().skip(1) {
            let (above, below) = (seen[reach - k], seen[reach + k]);
            if above.is_some() || below.is_some() {
                pairs.push((tap, above.unwrap_or(nothing), below.unwrap_or(nothing)));
            }
        }
        if pairs.is_empty() {
            continue;
        }
        for (i, block) in out_row.chunks_mut(BLOCK).enumerate() {
            let from = i * BLOCK;
            let mut sums = [0.0f32; BLOCK];
            for &(tap, above, below) in &pairs {
                let (above, below) = (&above[from..from + BLOCK], &below[from..from + BLOCK]);
                for i in 0..BLOCK {
                    sums[i] += tap * (above[i] + below[i]);
                }
            }
            for (o, s) in block.iter_mut().zip(sums) {
                *o += s;
            }
        }
    }
}
