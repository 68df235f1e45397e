//! The second stage of drawing: the grid of deposited cells is convolved with the kernel. The
//! kernel is a sum of separable terms; each term is applied first along the rows and then along the
//! columns.
//!
//! Each output is one sum in a fixed order of taps, with separate multiplication and addition. So
//! its bits depend neither on the window nor on the block, nor on the width of the machine's
//! vectors. Rows without a deposit are skipped, since they would add zeros. The GPU's version of
//! this stage is `splat_spread.wgsl`.
#![allow(
    clippy::indexing_slicing,
    reason = "taps reach into the margin, which the grid has on all sides"
)]

use super::splat_bin::Bins;
use crate::splat::lattice::Lattice;
use crate::splat::plan::Spread;
use crate::unit_costs::{self as ns, report};

/// The number of outputs of the convolution that are computed together. Their sums fit into six AVX
/// registers.
const BLOCK: usize = 48;

/// The number of columns that the second pass of the convolution, down the columns, handles at a
/// time. At this width the rows that an output reads stay in the fastest cache: 47 rows, for
/// example, take 26 KiB.
const STRIP: usize = 3 * BLOCK;

/// Buffers that a thread reuses from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct SpreadScratch {
    /// The grid's rows after the first pass, which convolves along the rows. Each is as wide as the
    /// picture. After them comes one row of zeros.
    across: Vec<f32>,
    /// The index in `across` at which each row of the grid begins. For a row without a deposit it
    /// is the index of the row of zeros.
    starts: Vec<usize>,
    /// For each row of the convolution's outputs, false if the row is all zero.
    occupied: Vec<bool>,
    /// One row of the grid, with its columns grouped by their position within a pixel. A grid finer
    /// than the picture has several columns for each pixel.
    phases: Vec<f32>,
}

impl SpreadScratch {
    /// For each row of outputs of the last convolution, false if the row is all zero.
    pub(crate) fn occupied(&self) -> &[bool] {
        &self.occupied
    }
}

/// The taps of a separable term along one axis, which are the weights of a convolution, and the
/// positions of the grid cells that they multiply.
#[derive(Clone, Copy)]
struct TermTaps<'a> {
    values: &'a [f32],
    /// The number of grid cells from one output of the convolution to the next.
    step: usize,
    /// The innermost grid cell that the first output of a row or column reads on its left, and the
    /// innermost one on its right. Both are counted from 0 at the leftmost cell that this output
    /// reads.
    inner: [usize; 2],
}

impl<'a> TermTaps<'a> {
    fn new(values: &'a [f32], lattice: Lattice, reach: usize) -> Self {
        let step = lattice.finer() as usize;
        let middle = reach + step / 2;
        let inner = if lattice.centred() {
            [middle, middle]
        } else {
            [middle - 1, middle]
        };
        Self {
            values,
            step,
            inner,
        }
    }

    /// Each tap (a weight of the convolution), with the two grid cells that it multiplies for the
    /// first output, left and right. A tap in the middle multiplies only one cell, so its right
    /// cell is `None`.
    fn pairs(self) -> impl Iterator<Item = (f32, usize, Option<usize>)> + 'a {
        let [left, right] = self.inner;
        self.values
            .iter()
            .enumerate()
            .map(move |(k, &tap)| (tap, left - k, (left < right || k > 0).then_some(right + k)))
    }
}

/// Writes the sum over all terms of (bins ∗ across) ∗ down into `out`, where ∗ is a convolution,
/// and `across` and `down` are the term's weights along the rows and along the columns. The rows of
/// `out` are `width` pixels long.
#[inline(always)]
pub(crate) fn spread(
    bins: &Bins,
    plan: &Spread,
    scratch: &mut SpreadScratch,
    out: &mut [f32],
    width: usize,
) {
    let reach = plan.reach() as usize;
    // A row consists of whole blocks, so that inner loops have a fixed length, and of one more
    // cache line. Without that line, rows could be a power of two apart and would compete for the
    // same part of the cache.
    let stride = width.next_multiple_of(BLOCK) + 16;
    let zeros = bins.height() * stride;
    scratch.across.resize(zeros + stride, 0.0);
    scratch.across[zeros..].fill(0.0);
    let start = |y: usize| {
        if bins.row(y).is_some() {
            y * stride
        } else {
            zeros
        }
    };
    scratch.starts.clear();
    scratch.starts.extend((0..bins.height()).map(start));
    for (i, term) in plan.terms.iter().enumerate() {
        let phases = Phases::new(
            TermTaps::new(&term.across, plan.lattice, reach),
            bins.width(),
        );
        for (y, row) in scratch.across[..zeros].chunks_exact_mut(stride).enumerate() {
            if let Some(source) = bins.row(y) {
                report(source.len(), ns::TERM / 2.0);
                phases.take_apart(source, &mut scratch.phases);
                phases.across(&scratch.phases, row);
            }
        }
        let rows = AcrossRows {
            values: &scratch.across,
            starts: &scratch.starts,
            zeros,
        };
        rows.down(
            TermTaps::new(&term.down, plan.lattice, reach),
            out,
            width,
            (i == 0).then_some(&mut scratch.occupied),
        );
    }
}

/// The layout of a row of the grid whose columns are grouped by their position within a pixel: a
/// grid finer than the picture has several columns for each pixel. In this layout neighbouring
/// outputs read neighbouring numbers.
struct Phases {
    step: usize,
    length: usize,
    /// The tap in the middle of the term, and the index of the grid cell that it multiplies for the
    /// first output. `None` if no tap lies in the middle.
    middle: Option<(f32, usize)>,
    /// All taps but the middle one, each with the indices of the two grid cells, left and right,
    /// that it multiplies for the first output.
    pairs: Vec<(f32, usize, usize)>,
}

impl Phases {
    fn new(taps: TermTaps<'_>, width: usize) -> Self {
        // Each group has room for a whole block beyond its end.
        let length = width.div_ceil(taps.step) + BLOCK;
        let place = |cell: usize| (cell % taps.step) * length + cell / taps.step;
        let middle = taps
            .pairs()
            .find(|t| t.2.is_none())
            .map(|(tap, cell, _)| (tap, place(cell)));
        let pairs = taps
            .pairs()
            .filter_map(|(tap, left, right)| Some((tap, place(left), place(right?))))
            .collect();
        Self {
            step: taps.step,
            length,
            middle,
            pairs,
        }
    }

    #[inline(always)]
    fn take_apart(&self, source: &[f32], phases: &mut Vec<f32>) {
        phases.resize(self.step * self.length, 0.0);
        if self.step == 1 {
            let (row, beyond) = phases.split_at_mut(source.len());
            row.copy_from_slice(source);
            beyond.fill(0.0);
            return;
        }
        for (phase, row) in phases.chunks_exact_mut(self.length).enumerate() {
            row.fill(0.0);
            for (to, from) in row
                .iter_mut()
                .zip(source.iter().skip(phase).step_by(self.step))
            {
                *to = *from;
            }
        }
    }

    /// Writes the first pass of a row, the convolution along it: out[x] = Σ over taps of tap ·
    /// (left + right), where left and right are the two grid cells that the tap multiplies.
    #[inline(always)]
    fn across(&self, phases: &[f32], out: &mut [f32]) {
        for (i, block) in out.chunks_exact_mut(BLOCK).enumerate() {
            let from = &phases[i * BLOCK..];
            let mut sums = [0.0f32; BLOCK];
            if let Some((tap, place)) = self.middle {
                add_pair(&mut sums, tap, block_of(from, place), &[0.0; BLOCK]);
            }
            for &(tap, left, right) in &self.pairs {
                add_pair(&mut sums, tap, block_of(from, left), block_of(from, right));
            }
            block.copy_from_slice(&sums);
        }
    }
}

/// The grid's rows after the first pass, from which the second pass computes the outputs: all
/// values, the index at which each row begins, and the index of a row of zeros.
struct AcrossRows<'a> {
    values: &'a [f32],
    starts: &'a [usize],
    zeros: usize,
}

impl AcrossRows<'_> {
    /// Adds the second pass of the convolution, which goes down the columns, to `out`: out[y] += Σ
    /// over taps of tap · (above + below), where above and below are the rows that the tap
    /// multiplies. If `first` is given, `out` is overwritten, and `first` gets false for each row
    /// of outputs that is all zero.
    ///
    /// Columns are handled in strips. So the rows that an output reads stay in the fastest cache
    /// for the next output.
    #[inline(always)]
    fn down(
        &self,
        taps: TermTaps<'_>,
        out: &mut [f32],
        width: usize,
        first: Option<&mut Vec<bool>>,
    ) {
        let mut seen: Vec<(f32, usize, usize)> = Vec::with_capacity(taps.values.len());
        let fresh = first.is_some();
        if let Some(occupied) = first {
            let any = |y: usize| {
                self.seen(taps, y, &mut seen);
                !seen.is_empty()
            };
            occupied.clear();
            occupied.extend((0..out.len() / width).map(any));
        }
        for strip in (0..width).step_by(STRIP) {
            let end = width.min(strip + STRIP);
            for (y, out_row) in out.chunks_exact_mut(width).enumerate() {
                self.seen(taps, y, &mut seen);
                report(end - strip, ns::TERM / 2.0 * taps.step as f64);
                for (i, block) in out_row[strip..end].chunks_mut(BLOCK).enumerate() {
                    let from = &self.values[strip + i * BLOCK..];
                    let mut sums = [0.0f32; BLOCK];
                    for &(tap, above, below) in &seen {
                        add_pair(&mut sums, tap, block_of(from, above), block_of(from, below));
                    }
                    if fresh {
                        block.copy_from_slice(&sums[..block.len()]);
                    } else {
                        block.iter_mut().zip(sums).for_each(|(o, s)| *o += s);
                    }
                }
            }
        }
    }

    /// Collects in `seen` the taps by which output row `y` is computed, without the taps that
    /// multiply only rows of zeros. Each tap comes with the indices in `values` at which its two
    /// rows begin.
    #[inline(always)]
    fn seen(&self, taps: TermTaps<'_>, y: usize, seen: &mut Vec<(f32, usize, usize)>) {
        let from = &self.starts[taps.step * y..];
        seen.clear();
        for (tap, above, below) in taps.pairs() {
            let above = from[above];
            let below = below.map_or(self.zeros, |below| from[below]);
            if above != self.zeros || below != self.zeros {
                seen.push((tap, above, below));
            }
        }
    }
}

#[inline(always)]
fn block_of(row: &[f32], from: usize) -> &[f32; BLOCK] {
    row[from..].first_chunk().unwrap_or(&[0.0; BLOCK])
}

/// Adds tap · (a + b) to `sums`. It is the innermost loop; arrays of a fixed length let the
/// compiler vectorise it.
#[inline(always)]
fn add_pair(sums: &mut [f32; BLOCK], tap: f32, a: &[f32; BLOCK], b: &[f32; BLOCK]) {
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum += tap * (a + b);
    }
}
