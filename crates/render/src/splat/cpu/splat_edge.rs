//! Kernels that no short sum of separable terms can replace: the grid is convolved with the
//! kernel's stamp, a table of weights (taps), by FFT.
//!
//! The transform's rounding errors spread over the whole grid; in double precision they stay below
//! a step of any colour scale. All numbers are real, which saves half of the work: two rows are
//! transformed together, as the real and the imaginary part of one complex row, and only half of a
//! spectrum's columns are needed, since the other half are their conjugates. If cells lie on the
//! pixels' corners too, the grid of centres and the grid of corners are transformed separately, and
//! the sum of their spectra is transformed back.
#![allow(
    clippy::indexing_slicing,
    reason = "the buffers have room for `height` rows and half() columns"
)]

use super::splat_bin::Bins;
use crate::memo::Memo;
use crate::splat::stamp::KernelStamp;
use crate::unit_costs::{self as ns, report};
use rustfft::{Fft, FftPlanner, num_complex::Complex64};
use std::ops::Range;
use std::sync::Arc;

/// A density of at most this fraction of (Σ |weight| of all deposited cells) · (the stamp's middle
/// tap) is rounding noise and becomes 0.
const NOISE: f64 = 1e-13;

/// The number of grid sizes for which the Fourier transform of a kernel's stamp is cached.
const SIZES: usize = 16;

/// The cached Fourier transforms of a kernel's stamp, by the width and height of the grid.
#[derive(Debug)]
pub(crate) struct Spectra(Memo<(usize, usize), Spectrum>);

impl Default for Spectra {
    fn default() -> Self {
        Self(Memo::new(SIZES))
    }
}

/// The Fourier transform of a kernel's stamp on a grid of one size, and the FFT plans of that size.
/// The taps on the pixels' centres are an even function, so their transform is real.
struct Spectrum {
    width: usize,
    height: usize,
    /// The Fourier transform of the stamp's weights on the pixels' centres. Only the first `width /
    /// 2 + 1` columns are stored, since the others mirror them.
    values: Vec<f64>,
    /// The Fourier transform of the stamp's weights on the pixels' corners; empty for a grid of
    /// centres alone.
    corners: Vec<Complex64>,
    /// The forward and the inverse FFT for rows of the grid.
    rows: [Arc<dyn Fft<f64>>; 2],
    /// The forward and the inverse FFT for columns of the grid.
    columns: [Arc<dyn Fft<f64>>; 2],
}

/// Buffers that a thread reuses from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct EdgeScratch {
    /// The grid's rows in pairs. Each pair is one complex row: its first row is the real part, its
    /// second row the imaginary part.
    rows: Vec<Complex64>,
    /// The spectrum of the grid, column by column.
    columns: Vec<Complex64>,
    /// The spectrum of the cells on the pixels' centres, multiplied by the stamp's spectrum. It
    /// stays here while the cells on the pixels' corners are transformed.
    centres: Vec<Complex64>,
    /// The memory in which the FFT library stores intermediate results.
    beside: Vec<Complex64>,
}

impl Spectra {
    fn get(&self, stamp: &KernelStamp, width: usize, height: usize) -> Arc<Spectrum> {
        let make = || Spectrum::new(stamp, width, height);
        self.0.get_or_compute(&(width, height), make)
    }
}

impl Spectrum {
    fn new(stamp: &KernelStamp, width: usize, height: usize) -> Self {
        let mut planner = FftPlanner::new();
        let mut made = Self {
            width,
            height,
            values: Vec::new(),
            corners: Vec::new(),
            rows: [
                planner.plan_fft_forward(width),
                planner.plan_fft_inverse(width),
            ],
            columns: [
                planner.plan_fft_forward(height),
                planner.plan_fft_inverse(height),
            ],
        };
        // A forward and an inverse FFT together multiply by the grid's size, and `forward` doubles
        // both this spectrum and the grid's. The scale undoes all of that.
        let scale = 0.25 / (width * height) as f64;
        let rows = stamp.deposit.rows();
        let mut scratch = EdgeScratch::default();

        let around = |i: usize, n: usize| i.min(n - i);
        let row = |y: usize| {
            let at = move |x: usize| stamp.at(around(x, width), rows * around(y, height));
            Some((0..width).map(at))
        };
        made.forward(height, row, &mut scratch);
        made.values = scratch.columns.iter().map(|c| c.re * scale).collect();
        if rows > 1 {
            // A pixel's centre is half a pixel from two corners in each direction: its own lower
            // right corner, and that of the pixel before.
            let around = |i: usize, n: usize| i.saturating_sub(1).min((n - i) % n);
            let row = |y: usize| {
                let at = move |x: usize| stamp.at(around(x, width), 2 * around(y, height) + 1);
                Some((0..width).map(at))
            };
            made.forward(height, row, &mut scratch);
            made.corners = scratch.columns.iter().map(|c| c * scale).collect();
        }
        made
    }

    /// The number of a spectrum's columns that are computed. The other columns are their
    /// conjugates.
    fn half(&self) -> usize {
        self.width / 2 + 1
    }

    /// Computes a grid's Fourier transform, multiplied by 2, into the columns of `scratch`. `row`
    /// returns the numbers of a row, or `None` for a row of zeros. All rows from row `filled` on
    /// are zero.
    #[inline(always)]
    fn forward<I: Iterator<Item = f64>>(
        &self,
        filled: usize,
        row: impl Fn(usize) -> Option<I>,
        scratch: &mut EdgeScratch,
    ) {
        let [rows, _] = &self.rows;
        let [columns, _] = &self.columns;
        let pairs = filled.div_ceil(2);
        room(&mut scratch.rows, pairs * self.width);
        room(&mut scratch.columns, self.half() * self.height);
        scratch.columns.fill(Complex64::default());
        let need = rows
            .get_inplace_scratch_len()
            .max(columns.get_inplace_scratch_len());
        room(&mut scratch.beside, need);

        let mut first = 0; // of the pairs that wait for their turn
        for pair in 0..pairs {
            let (upper, lower) = (
                row(pair),
                row(pair + pairs).filter(|_| pair + pairs < filled),
            );
            if upper.is_none() && lower.is_none() {
                self.take_apart(first..pair, pairs, scratch);
                first = pair + 1;
                continue;
            }
            report(self.width, self.transform_cost());
            let target = &mut scratch.rows[pair * self.width..(pair + 1) * self.width];
            target.fill(Complex64::default());
            for (c, v) in target.iter_mut().zip(upper.into_iter().flatten()) {
                c.re = v;
            }
            for (c, v) in target.iter_mut().zip(lower.into_iter().flatten()) {
                c.im = v;
            }
            rows.process_with_scratch(target, &mut scratch.beside);
        }
        self.take_apart(first..pairs, pairs, scratch);
        self.transform_columns(columns, scratch);
    }

    /// Fourier-transforms the columns of `scratch`, a few of them by each call of the library.
    #[inline(always)]
    fn transform_columns(&self, columns: &Arc<dyn Fft<f64>>, scratch: &mut EdgeScratch) {
        for some in scratch.columns.chunks_mut(BLOCK * self.height) {
            report(some.len(), self.transform_cost());
            columns.process_with_scratch(some, &mut scratch.beside);
        }
    }

    /// The time, in nanoseconds, that each number of the grid takes to be Fourier-transformed along
    /// one axis, forwards or backwards. A grid goes through four such transforms, each of half as
    /// many complex numbers, since two rows become one.
    fn transform_cost(&self) -> f64 {
        ns::TRANSFORM / 2.0 * ((self.width * self.height) as f64).log2()
    }

    /// Splits the Fourier transform of each pair of rows into the transforms of its two rows,
    /// multiplied by 2, and writes them into the columns of `scratch`. `which` is the range of
    /// pairs, counted from 0. The second row of a pair is `pairs` rows below the first.
    #[inline(always)]
    fn take_apart(&self, which: Range<usize>, pairs: usize, scratch: &mut EdgeScratch) {
        let EdgeScratch { rows, columns, .. } = scratch;
        let (width, height) = (self.width, self.height);
        for from in (0..self.half()).step_by(BLOCK) {
            let some = from..self.half().min(from + BLOCK);
            let columns = &mut columns[from * height..some.end * height];
            for pair in which.clone() {
                let row = &rows[pair * width..(pair + 1) * width];
                let lower = (pair + pairs < height).then_some(pair + pairs);
                for (k, column) in some.clone().zip(columns.chunks_exact_mut(height)) {
                    let (z, c) = (row[k], row[if k == 0 { 0 } else { width - k }].conj());
                    column[pair] = z + c;
                    if let Some(lower) = lower {
                        column[lower] = Complex64::new(z.im - c.im, c.re - z.re);
                    }
                }
            }
        }
    }

    /// Turns the spectrum in the columns of `scratch` back into `pairs` complex rows. The real part
    /// of complex row i is the grid's row `first` + i, and the imaginary part is the grid's row
    /// `first` + i + `pairs`.
    #[inline(always)]
    fn inverse(&self, first: usize, pairs: usize, scratch: &mut EdgeScratch) {
        let [_, rows] = &self.rows;
        let [_, columns] = &self.columns;
        let need = rows
            .get_inplace_scratch_len()
            .max(columns.get_inplace_scratch_len());
        room(&mut scratch.beside, need);
        self.transform_columns(columns, scratch);
        room(&mut scratch.rows, pairs * self.width);
        let (width, height) = (self.width, self.height);
        for from in (0..self.half()).step_by(BLOCK) {
            let some = from..self.half().min(from + BLOCK);
            let columns = &scratch.columns[from * height..some.end * height];
            for (pair, row) in scratch.rows.chunks_exact_mut(width).enumerate() {
                let upper = first + pair;
                let lower = (upper + pairs < height).then_some(upper + pairs);
                for (k, column) in some.clone().zip(columns.chunks_exact(height)) {
                    let a = column[upper];
                    let b = lower.map_or(Complex64::default(), |lower| column[lower]);
                    // The mirror image is written first. The first and the middle column are their
                    // own mirror images, so they keep the value that is written second.
                    row[if k == 0 { 0 } else { width - k }] =
                        Complex64::new(a.re + b.im, b.re - a.im);
                    row[k] = Complex64::new(a.re - b.im, a.im + b.re);
                }
            }
        }
        for some in scratch.rows.chunks_mut(BLOCK * width) {
            report(some.len(), self.transform_cost());
            rows.process_with_scratch(some, &mut scratch.beside);
        }
    }
}

/// Writes the convolution of the grid `bins` with the kernel's stamp into the picture `out`, whose
/// rows are `width` pixels long.
#[inline(always)]
pub(crate) fn convolve(
    bins: &Bins,
    stamp: &KernelStamp,
    spectra: &Spectra,
    scratch: &mut EdgeScratch,
    out: &mut [f32],
    width: usize,
) {
    let reach = stamp.reach() as usize;
    let pairs = (out.len() / width).div_ceil(2);
    let each = stamp.deposit.rows();
    let (columns, rows) = (bins.width(), bins.height() / each);
    let spectrum = spectra.get(stamp, good_size(columns), good_size(rows));

    let row = |y: usize| Some(bins.row(y)?.iter().copied().map(f64::from));
    spectrum.forward(rows, |y| row(each * y), scratch);
    for (c, factor) in scratch.columns.iter_mut().zip(&spectrum.values) {
        *c *= factor;
    }
    if !spectrum.corners.is_empty() {
        std::mem::swap(&mut scratch.columns, &mut scratch.centres);
        spectrum.forward(rows, |y| row(each * y + 1), scratch);
        let both = scratch.columns.iter_mut().zip(&scratch.centres);
        for ((c, centres), factor) in both.zip(&spectrum.corners) {
            *c = centres + *c * factor;
        }
    }
    // The picture begins below the upper margin, which has `reach` rows.
    spectrum.inverse(reach, pairs, scratch);

    let occupied = (0..bins.height()).filter_map(|y| bins.row(y));
    let weight: f64 = occupied.map(magnitude).sum();
    let noise = weight * NOISE * stamp.at(0, 0);
    let clean = |v: f64| if v.abs() <= noise { 0.0 } else { v as f32 };
    let (upper, lower) = out.split_at_mut(pairs * width);
    let made = || {
        scratch
            .rows
            .chunks_exact(spectrum.width)
            .map(|row| &row[reach..])
    };
    for (target, source) in upper.chunks_exact_mut(width).zip(made()) {
        target
            .iter_mut()
            .zip(source)
            .for_each(|(t, c)| *t = clean(c.re));
    }
    for (target, source) in lower.chunks_exact_mut(width).zip(made()) {
        target
            .iter_mut()
            .zip(source)
            .for_each(|(t, c)| *t = clean(c.im));
    }
}

/// The number of columns or rows that are transformed or transposed together: as many as fit into
/// the cache.
const BLOCK: usize = 16;

/// The sum of |v| over a row. It is added in eight separate sums, since with a single sum each
/// addition would have to wait for the one before it.
#[inline(always)]
fn magnitude(row: &[f32]) -> f64 {
    let mut lanes = [0.0f64; 8];
    for some in row.chunks(lanes.len()) {
        for (lane, v) in lanes.iter_mut().zip(some) {
            *lane += f64::from(v.abs());
        }
    }
    lanes.iter().sum()
}

/// Sets the length of a buffer. The buffer's contents are not defined afterwards.
fn room(buffer: &mut Vec<Complex64>, length: usize) {
    buffer.resize(length, Complex64::default());
}

/// The least size from n on that is efficient for an FFT: a number 2ᵃ · 3ᵇ · 5ᶜ that is a multiple
/// of 4.
fn good_size(n: usize) -> usize {
    let smooth = |mut m: usize| {
        for p in [2, 3, 5] {
            while m.is_multiple_of(p) {
                m /= p;
            }
        }
        m == 1
    };
    (n..)
        .find(|&m| m.is_multiple_of(4) && smooth(m))
        .unwrap_or(n)
}
