//! Kernels with an edge or a cusp: the grid is convolved with their stamp by FFT.
//!
//! Double precision keeps the rounding noise of the transform, which spreads over
//! the whole grid, below anything a colour scale can show. The upper and the
//! lower half of the picture ride together as the real and the imaginary part of
//! one transform: the stamp is real, so they come out apart again.

use super::splat_bin::Bins;
use crate::plan::Stamp;
use rustfft::{Fft, FftPlanner, num_complex::Complex64};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Densities below this share of all deposited weight are the transform's noise.
const NOISE: f64 = 1e-13;

/// A stamp's transforms, by the size of the grid.
#[derive(Debug, Default)]
pub(crate) struct Spectra(Mutex<HashMap<(usize, usize), Arc<Spectrum>>>);

/// The stamp's transform (real, for the stamp is even) and the plans for its grid.
struct Spectrum {
    width: usize,
    height: usize,
    values: Vec<f64>,
    rows: [Arc<dyn Fft<f64>>; 2],
    columns: [Arc<dyn Fft<f64>>; 2],
}

impl std::fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spectrum({} × {})", self.width, self.height)
    }
}

impl Spectra {
    fn get(&self, stamp: &Stamp, width: usize, height: usize) -> Arc<Spectrum> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > 16 {
            known.clear();
        }
        known
            .entry((width, height))
            .or_insert_with(|| Arc::new(Spectrum::of(stamp, width, height)))
            .clone()
    }
}

impl Spectrum {
    fn of(stamp: &Stamp, width: usize, height: usize) -> Self {
        let mut planner = FftPlanner::new();
        let mut made = Self {
            width,
            height,
            values: Vec::new(),
            rows: [
                planner.plan_fft_forward(width),
                planner.plan_fft_inverse(width),
            ],
            columns: [
                planner.plan_fft_forward(height),
                planner.plan_fft_inverse(height),
            ],
        };
        let around = |i: usize, n: usize| i.min(n - i);
        let mut image: Vec<Complex64> = (0..width * height)
            .map(|i| stamp.at(around(i % width, width), around(i / width, height)))
            .map(|v| Complex64::new(v, 0.0))
            .collect();
        image = made.forward(image, height);
        // the inverse transform leaves a factor of the grid's size
        let scale = 1.0 / (width * height) as f64;
        made.values = image.iter().map(|c| c.re * scale).collect();
        made
    }

    /// Both directions' transform; the result is stored column by column.
    /// Rows from `filled` on must be zero: they are not transformed.
    fn forward(&self, mut grid: Vec<Complex64>, filled: usize) -> Vec<Complex64> {
        let [rows, _] = &self.rows;
        let [columns, _] = &self.columns;
        rows.process(&mut grid[..filled * self.width]);
        let mut turned = transpose(&grid, self.width, self.height);
        columns.process(&mut turned);
        turned
    }

    /// Back again from the column order; only the first `wanted` rows are finished.
    fn inverse(&self, mut turned: Vec<Complex64>, wanted: usize) -> Vec<Complex64> {
        let [_, rows] = &self.rows;
        let [_, columns] = &self.columns;
        columns.process(&mut turned);
        let mut grid = transpose(&turned, self.height, self.width);
        rows.process(&mut grid[..wanted * self.width]);
        grid
    }
}

/// Writes bins ∗ stamp into `out`, rows of `width`.
pub(crate) fn convolve(
    bins: &Bins,
    stamp: &Stamp,
    spectra: &Spectra,
    out: &mut [f32],
    width: usize,
) {
    let reach = stamp.reach() as usize;
    let rows = out.len() / width;
    let half = rows.div_ceil(2);
    let filled = half + 2 * reach;
    let spectrum = spectra.get(stamp, good_size(bins.width()), good_size(filled));

    let mut grid = vec![Complex64::default(); spectrum.width * spectrum.height];
    let mut weight = 0.0;
    for (y, target) in grid
        .chunks_exact_mut(spectrum.width)
        .take(filled)
        .enumerate()
    {
        let (upper, lower) = (bins.row(y), bins.row(y + half));
        for (x, c) in target.iter_mut().enumerate().take(bins.width()) {
            let at = |row: Option<&[f32]>| f64::from(row.map_or(0.0, |r| r[x]));
            *c = Complex64::new(at(upper), at(lower));
            weight += c.re.abs() + c.im.abs();
        }
    }
    let mut turned = spectrum.forward(grid, filled);
    let columns = turned.chunks_exact_mut(spectrum.height);
    for (column, factors) in columns.zip(spectrum.values.chunks_exact(spectrum.height)) {
        column.iter_mut().zip(factors).for_each(|(c, f)| *c *= f);
    }
    // a margin's worth of rows at the top is only there to be read
    let grid = spectrum.inverse(turned, half + reach);

    let noise = weight * NOISE * stamp.at(0, 0);
    let clean = |v: f64| if v.abs() <= noise { 0.0 } else { v as f32 };
    for (y, source) in grid
        .chunks_exact(spectrum.width)
        .skip(reach)
        .take(half)
        .enumerate()
    {
        let source = &source[reach..reach + width];
        for (lower, part) in [(false, y), (true, y + half)] {
            let Some(target) = out.get_mut(part * width..(part + 1) * width) else {
                continue;
            };
            for (t, c) in target.iter_mut().zip(source) {
                *t = clean(if lower { c.im } else { c.re });
            }
        }
    }
}

/// The least size ≥ n that an FFT likes: 2ᵃ · 3ᵇ · 5ᶜ, and a multiple of 4.
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

/// In blocks that fit the cache.
fn transpose(from: &[Complex64], width: usize, height: usize) -> Vec<Complex64> {
    const BLOCK: usize = 16;
    let mut to = vec![Complex64::default(); from.len()];
    for y0 in (0..height).step_by(BLOCK) {
        for x0 in (0..width).step_by(BLOCK) {
            for x in x0..(x0 + BLOCK).min(width) {
                for y in y0..(y0 + BLOCK).min(height) {
                    to[x * height + y] = from[y * width + x];
                }
            }
        }
    }
    to
}
