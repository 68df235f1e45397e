//! Local histogram equalisation, `scale=local`: a pixel's colour shows its rank among the non-empty
//! pixels around it. So both cities and the country show detail.
//!
//! The world is cut into neighbourhoods, squares of 512 × 512 CSS pixels. Each neighbourhood is
//! drawn once at a quarter of the resolution, and a cumulative histogram is made of the densities
//! of this coarse drawing. The histogram turns a density into a position on the ramp: the fraction
//! of the drawing's non-empty pixels that have a lower density.
//!
//! A pixel takes this position from the histograms of the four neighbourhoods with the nearest
//! centres, and interpolates between the four positions bilinearly. So no edges show. A
//! neighbourhood without points takes the histogram of another of the four. The method is that of
//! Strava's heat map of 2017.

use crate::layer::Layer;
use crate::layer::evaluate::MeasureEval;
use crate::memo::Memo;
use crate::memo::budget::MemoryBudget;
use crate::splat::density::Picture;
use crate::splat::timing::{Phase, lap};
use crate::style::Style;
use crate::style::keys::ValuesKey;
use crate::unit_costs::report;
use heatsplat_points::Window;
use heatsplat_points::mercator::WORLD;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;
use std::sync::Arc;

/// The side of a neighbourhood in CSS pixels, as an exponent of two: 2⁹ = 512.
const SIDE_BITS: u8 = 9;

/// The side of a pixel of the coarse drawing that histograms are made from, in CSS pixels, as an
/// exponent of two: 2² = 4.
const COARSE_BITS: u8 = 2;

/// The number of a histogram's bins per doubling of the density, as an exponent of two: 2⁵ = 32.
/// Within a bin the histogram is interpolated linearly.
const BIN_BITS: u32 = 5;
const SHIFT: u32 = 23 - BIN_BITS;

/// The number of pixels whose colour indices are looked up by one call. One test skips all of them
/// if their densities are all 0.
const BLOCK: usize = 32;

/// The number of bins of a look-up table. At 8 bytes each the table takes 16 KiB, so it stays in
/// the processor's first-level cache.
const BINS: usize = 2048;

/// The number of steps into which the distance between the centres of two neighbourhoods is
/// divided. With steps the interpolation can be computed in whole numbers.
const STEPS: u32 = 1024;

/// The caches of a layer's histograms and look-up tables, by level, style and neighbourhood. A
/// table combines the histograms of four neighbourhoods: its own, and its neighbours to the south,
/// to the east and to the south-east.
#[derive(Debug)]
pub(crate) struct LocalScales {
    histograms: Memo<Key, CumulativeHistogram>,
    tables: Memo<Key, QuadTable>,
}

type Key = (u8, ValuesKey, i64, i64);

/// A neighbourhood's cumulative histogram: for the lower edge of each of its logarithmic bins, the
/// fraction of the neighbourhood's non-empty pixels that have a lower density.
#[derive(Debug, Default)]
struct CumulativeHistogram {
    first: u32,
    /// The fraction of the neighbourhood's non-empty pixels whose densities lie below the lower
    /// edge of each bin, and after these fractions a 1, for the upper edge of the last bin. Empty
    /// if all densities are 0.
    shares: Vec<f32>,
}

impl CumulativeHistogram {
    fn new(densities: &[f32]) -> Self {
        let positive = || densities.iter().filter(|d| **d > 0.0 && d.is_finite());
        let bins = || positive().map(|d| d.to_bits() >> SHIFT);
        let (Some(first), Some(last)) = (bins().min(), bins().max()) else {
            return Self::default();
        };
        let mut counts = vec![0u32; (last - first) as usize + 2];
        for bin in bins() {
            // The pixel is counted at the next place, since it lies below the upper edge of its
            // bin, which is the lower edge of the next.
            if let Some(count) = counts.get_mut((bin - first) as usize + 1) {
                *count += 1;
            }
        }
        let total = positive().count() as f32;
        let mut sum = 0;
        let share = |n: u32| {
            sum += n;
            sum as f32 / total
        };
        Self {
            first,
            shares: counts.into_iter().map(share).collect(),
        }
    }

    /// The fraction of the neighbourhood's non-empty pixels that have a lower density than the
    /// density whose bits as an f32 are `bits`.
    fn at(&self, bits: u32) -> f32 {
        let (low, high) = (self.share(bits >> SHIFT), self.share((bits >> SHIFT) + 1));
        let within = (bits & ((1 << SHIFT) - 1)) as f32 / (1u32 << SHIFT) as f32;
        low + (high - low) * within
    }

    /// The fraction of the neighbourhood's non-empty pixels whose densities are below the lower
    /// edge of a bin.
    fn share(&self, bin: u32) -> f32 {
        let Some(place) = bin.checked_sub(self.first) else {
            return 0.0;
        };
        self.shares.get(place as usize).copied().unwrap_or(1.0)
    }
}

impl LocalScales {
    /// Makes empty caches: one of at most `capacity` histograms and one of at most `capacity`
    /// tables. The bytes of both caches are counted in `budget`.
    pub(crate) fn new(capacity: usize, budget: &Arc<MemoryBudget>) -> Self {
        let histogram = |(_, key, ..): &Key, histogram: &CumulativeHistogram| {
            key.text_bytes() + size_of_val(histogram.shares.as_slice())
        };
        let table =
            |(_, key, ..): &Key, table: &QuadTable| key.text_bytes() + size_of_val(&*table.entries);
        Self {
            histograms: Memo::counted(capacity, budget, histogram),
            tables: Memo::counted(capacity, budget, table),
        }
    }

    /// Turns the densities of a window's pixels into colour indices, by the histograms of the
    /// neighbourhoods of a level.
    pub(crate) fn colorize(
        &self,
        layer: &Layer,
        densities: &[f32],
        window: &Window,
        level: u8,
        style: &Style,
    ) -> Picture {
        let side = WORLD / f64::from(count(level));
        let width = (window.width() as usize).max(1);
        let mut picture = Picture::empty(window.width(), window.height());
        // For each column and each row of pixels: the neighbourhood whose centre lies before it,
        // that is west or north of it, and its distance from that centre.
        let columns = between(window.left(), window.pixel(), window.width(), side);
        let lines = between(window.top(), window.pixel(), window.height(), side);
        let runs = columns.runs();
        let rows = picture.indices.chunks_exact_mut(width);
        let mut known: Vec<((i64, i64), Arc<QuadTable>)> = Vec::new();
        let arch = Arch::new();
        let places = lines.befores.iter().zip(&lines.steps);
        for ((row, values), (&north, &down)) in rows.zip(densities.chunks_exact(width)).zip(places)
        {
            report(width, 1.0);
            for (west, pixels) in &runs {
                let across = columns.steps.get(pixels.clone());
                let values = values.get(pixels.clone());
                let row = row.get_mut(pixels.clone());
                let (Some(row), Some(values), Some(across)) = (row, values, across) else {
                    continue;
                };
                let place = known.iter().position(|(at, _)| *at == (*west, north));
                if place.is_none() && !arch.dispatch(AnyPositive(values)) {
                    continue; // All are 0, and such neighbourhoods aren't measured.
                }
                let place = place.unwrap_or_else(|| {
                    let table = self.table(layer, level, style, *west, north);
                    known.push(((*west, north), table));
                    known.len() - 1
                });
                let Some((_, table)) = known.get(place) else {
                    continue;
                };
                arch.dispatch(ColorizeRun {
                    table,
                    down,
                    densities: values,
                    across,
                    indices: row,
                });
            }
        }
        lap(Phase::Scale);
        picture
    }

    /// The look-up table of four neighbourhoods of a level: the one in column `x` and row `y`, and
    /// its neighbours to the south, to the east and to the south-east.
    fn table(&self, layer: &Layer, level: u8, style: &Style, x: i64, y: i64) -> Arc<QuadTable> {
        let x = x.rem_euclid(i64::from(count(level)));
        let key = (level, style.statistics_key(level), x, y);
        self.tables.get_or_compute(&key, || {
            let four = [(0, 0), (0, 1), (1, 0), (1, 1)];
            QuadTable::new(four.map(|(dx, dy)| self.histogram(layer, level, style, x + dx, y + dy)))
        })
    }

    /// The histogram of the neighbourhood in column `x` and row `y` of a level. Columns continue
    /// round the world. Rows beyond the map's edges have an empty histogram.
    fn histogram(
        &self,
        layer: &Layer,
        level: u8,
        style: &Style,
        x: i64,
        y: i64,
    ) -> Arc<CumulativeHistogram> {
        let count = i64::from(count(level));
        if !(0..count).contains(&y) {
            return Arc::default();
        }
        let x = x.rem_euclid(count);
        let key = (level, style.statistics_key(level), x, y);
        self.histograms.get_or_compute(&key, || {
            let coarse = level - COARSE_BITS;
            let side = (1i64 << coarse) / count;
            let window = Window::at_level(coarse, x * side, y * side, side as u32, side as u32);
            let ratio = f64::from(1 << COARSE_BITS).recip();
            let style = style.for_statistics(level);
            let evaluation = MeasureEval::new(&style, window, ratio);
            let density = evaluation.density(layer.data(), layer.backend().measurer());
            CumulativeHistogram::new(&density.values)
        })
    }
}

/// The number of neighbourhoods along a side of the world at a level.
fn count(level: u8) -> u32 {
    1 << level.saturating_sub(SIDE_BITS).min(24)
}

/// The positions of a picture's columns of pixels, or of its rows, between the centres of
/// neighbourhoods.
struct Between {
    /// For each column or row of pixels, the number of the last neighbourhood whose centre doesn't
    /// lie beyond it. Neighbourhoods are counted from the west or the north.
    befores: Vec<i64>,
    /// For each column or row of pixels, the distance from the centre of the neighbourhood in
    /// `befores`: 0 to 1023, in steps of 1/1024 of the distance between two centres.
    steps: Vec<u32>,
}

impl Between {
    /// Divides the picture's columns or rows of pixels into ranges. Each range lies between the
    /// centres of the same two neighbourhoods, and comes with the number of the first of the two.
    fn runs(&self) -> Vec<(i64, Range<usize>)> {
        let mut end = 0;
        let parts = self.befores.chunk_by(|a, b| a == b);
        let run = |part: &[i64]| {
            let first = end;
            end += part.len();
            Some((*part.first()?, first..end))
        };
        parts.filter_map(run).collect()
    }
}

/// Finds the positions of `n` columns or rows of pixels between the centres of neighbourhoods. The
/// first pixel begins at `edge`. A pixel is `pixel` wide, and a neighbourhood `side`; all lengths
/// are in world units.
fn between(edge: f64, pixel: f64, n: u32, side: f64) -> Between {
    let steps = f64::from(STEPS);
    // The conversion to whole numbers rounds towards 0. This number is added before it and
    // subtracted after it, so that negative numbers are rounded down, too. No window lies as many
    // steps west of the world.
    const FAR: i64 = 1 << 40;
    let (first, each) = (edge / side - 0.5, pixel / side);
    let at: Vec<i64> = (0..n)
        .map(|i| (first + (f64::from(i) + 0.5) * each) * steps)
        .map(|at| (at + FAR as f64) as i64 - FAR)
        .collect();
    Between {
        befores: at
            .iter()
            .map(|at| at.div_euclid(i64::from(STEPS)))
            .collect(),
        steps: at
            .iter()
            .map(|at| at.rem_euclid(i64::from(STEPS)) as u32)
            .collect(),
    }
}

/// A look-up table that combines the histograms of four neighbourhoods. One look-up finds the
/// positions on the ramp that a density has by all four histograms.
#[derive(Debug)]
struct QuadTable {
    /// The number of bits by which a density's bits, as an f32, are shifted to the right to get the
    /// number of the density's bin.
    shift: u32,
    /// The numbers of the first and the last bin of the look-up table.
    ends: [u32; 2],
    /// The entry of each bin: the positions on the ramp that the density in the bin's middle has by
    /// the four histograms. A position, 0 to 1, is multiplied by 255 · 16 and takes 16 bits. From
    /// the lowest bits on the positions are north-west, south-west, north-east and south-east.
    entries: Box<[u64; BINS]>,
}

impl QuadTable {
    /// Makes the table of four histograms, in this order: north-west, south-west, north-east and
    /// south-east.
    fn new(four: [Arc<CumulativeHistogram>; 4]) -> Self {
        let some = || four.iter().filter(|c| !c.shares.is_empty());
        let first = some().map(|c| c.first).min().unwrap_or(0);
        let last = some().map(|c| c.first + c.shares.len() as u32 - 2).max();
        let (first, last) = (
            first << SHIFT,
            (last.unwrap_or(0) << SHIFT) | ((1 << SHIFT) - 1),
        );
        // The bins are as fine as they can be if `BINS` of them must reach from `first` to `last`.
        let ends = |shift| [first >> shift, last >> shift];
        let fits = |shift: &u32| {
            let [first, last] = ends(*shift);
            last - first < BINS as u32
        };
        let shift = (1..31).find(fits).unwrap_or(31);
        // A neighbourhood without points takes the histogram of the one south or north of it. If
        // this has no points either, it takes a histogram of the two in the east or west.
        let [nw, sw, ne, se] = four.each_ref();
        let first_filled = |all: [&Arc<CumulativeHistogram>; 4]| {
            let mut some = all.iter().filter(|c| !c.shares.is_empty());
            Arc::clone(some.next().unwrap_or(&all[0]))
        };
        let four = [
            first_filled([nw, sw, ne, se]),
            first_filled([sw, nw, se, ne]),
            first_filled([ne, se, nw, sw]),
            first_filled([se, ne, sw, nw]),
        ];
        let [first, last] = ends(shift);
        let mut entries = Box::new([0; BINS]);
        for (entry, bin) in entries.iter_mut().zip(first..=last) {
            let middle = (bin << shift) + (1 << (shift - 1));
            let position = |histogram: &Arc<CumulativeHistogram>| {
                (histogram.at(middle) * 255.0 * 16.0).round() as u64
            };
            // The last histogram's position gets the highest 16 bits.
            *entry = four
                .iter()
                .rev()
                .fold(0, |all, histogram| all << 16 | position(histogram));
        }
        Self {
            shift,
            ends: [first, last],
            entries,
        }
    }

    /// Returns the colour indices of `BLOCK` neighbouring pixels of one row. The row lies `down`
    /// steps south of the centres of the northern neighbourhoods, and `across` has, for each pixel,
    /// the number of steps by which it lies east of the centres of the western neighbourhoods;
    /// [`STEPS`] steps are the distance between two centres. The loops have a fixed length, so that
    /// the compiler turns them into vector instructions.
    #[inline(always)]
    #[allow(
        clippy::indexing_slicing,
        reason = "blocks have BLOCK numbers, and the remainder by BINS is less than BINS"
    )]
    fn indices(&self, densities: &[f32; BLOCK], down: u32, across: &[u32; BLOCK]) -> [u8; BLOCK] {
        let [first, last] = self.ends;
        let (mut bits, mut bins) = ([0; BLOCK], [0; BLOCK]);
        for i in 0..BLOCK {
            // The bits of positive floats, read as whole numbers, have the order of the floats.
            // Negative numbers and NaN become 0.
            bits[i] = densities[i].max(0.0).to_bits();
            bins[i] = (bits[i] >> self.shift).clamp(first, last) - first;
        }
        let mut entries = [0; BLOCK];
        for i in 0..BLOCK {
            entries[i] = self.entries[bins[i] as usize % BINS];
        }
        let mixed =
            |north_south: u32| (north_south & 0xffff) * (STEPS - down) + (north_south >> 16) * down;
        let mut indices = [0; BLOCK];
        for i in 0..BLOCK {
            // The greatest position, 255 · 16 · 1024 · 1024, just fits into 32 bits together with
            // 2²³, the half of an index that is added for rounding.
            let (west, east) = (entries[i] as u32, (entries[i] >> 32) as u32);
            let position = mixed(west) * (STEPS - across[i]) + mixed(east) * across[i];
            let index = (position + (1 << 23)) >> 24;
            // This must become a selection and not a branch, since the processor can't predict
            // which pixels are empty.
            indices[i] = if bits[i] > 0 { index as u8 } else { 0 };
        }
        indices
    }
}

/// A task that returns true if any density is positive. It is compiled for each vector width.
struct AnyPositive<'a>(&'a [f32]);

impl WithSimd for AnyPositive<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        any_positive(self.0)
    }
}

#[inline(always)]
fn any_positive(densities: &[f32]) -> bool {
    // The bits of positive floats, read as whole numbers, have the order of the floats and are
    // faster to compare.
    let bits = densities.iter().map(|d| d.max(0.0).to_bits());
    bits.fold(0, u32::max) > 0
}

/// The conversion of a part of a row into colour indices. It is compiled for each vector width.
struct ColorizeRun<'a> {
    table: &'a QuadTable,
    down: u32,
    densities: &'a [f32],
    across: &'a [u32],
    indices: &'a mut [u8],
}

impl WithSimd for ColorizeRun<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let pixels = self.densities.chunks(BLOCK).zip(self.across.chunks(BLOCK));
        for (indices, (densities, across)) in self.indices.chunks_mut(BLOCK).zip(pixels) {
            if !any_positive(densities) {
                continue;
            }
            // The last block may have fewer than `BLOCK` pixels. It is filled up with densities of
            // 0.
            let mut block = ([0.0; BLOCK], [0; BLOCK]);
            block
                .0
                .iter_mut()
                .zip(densities)
                .for_each(|(to, d)| *to = *d);
            block.1.iter_mut().zip(across).for_each(|(to, a)| *to = *a);
            let made = self.table.indices(&block.0, self.down, &block.1);
            indices.iter_mut().zip(made).for_each(|(to, i)| *to = i);
        }
    }
}
