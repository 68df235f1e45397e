//! A scale that follows the neighbourhood: country and city both show, and no edge does.
//!
//! The world is cut into neighbourhoods of 512 CSS pixels a side. Each has its own equalised
//! histogram, from a drawing at a quarter of the resolution; a pixel's position is that of the
//! four nearest, mixed as their centres are near. The idea is Strava's (their 2017 heat map).
//! Neighbourhoods without anything have no say.

use crate::layer::evaluate::Field;
use crate::layer::{Layer, Remembered};
use crate::splat::density::Picture;
use crate::splat::timing::{Stage, lap};
use crate::style::{StatisticsKey, Style};
use heatsplat_points::Window;
use heatsplat_points::mercator::WORLD;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;
use std::sync::Arc;

/// The side of a neighbourhood in CSS pixels, as a power of two.
const SIDE_BITS: u8 = 9;

/// CSS pixels to one that the distribution is measured in, as a power of two.
const COARSE_BITS: u8 = 2;

/// Bins an octave of a curve, as a power of two; positions between are on straight lines.
const BIN_BITS: u32 = 5;
const SHIFT: u32 = 23 - BIN_BITS;

/// Pixels that are looked up together, or passed where nothing is.
const BLOCK: usize = 32;

/// The bins of a table, which is to stay in the fastest cache.
const BINS: usize = 2048;

/// Steps of a pixel's way from one neighbourhood's centre to the next.
const STEPS: u32 = 1024;

/// What layers remember, by level, style and neighbourhood: curves, and the tables between each
/// and its three neighbours south and east.
#[derive(Debug, Default)]
pub(crate) struct LocalScales {
    curves: Remembered<Key, Curve>,
    tables: Remembered<Key, Table>,
}

type Key = (u8, StatisticsKey, i64, i64);

/// The share of a neighbourhood's pixels with less density, at the edges of logarithmic bins.
#[derive(Debug, Default)]
struct Curve {
    first: u32,
    /// Empty where nothing is.
    shares: Vec<f32>,
}

impl Curve {
    fn of(densities: &[f32]) -> Self {
        let positive = || densities.iter().filter(|d| **d > 0.0 && d.is_finite());
        let bins = || positive().map(|d| d.to_bits() >> SHIFT);
        let (Some(first), Some(last)) = (bins().min(), bins().max()) else {
            return Self::default();
        };
        let mut counts = vec![0u32; (last - first) as usize + 2];
        for bin in bins() {
            // the share at a bin's upper edge
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

    /// The share below a density that has these bits.
    fn at(&self, bits: u32) -> f32 {
        let (low, high) = (self.share(bits >> SHIFT), self.share((bits >> SHIFT) + 1));
        let within = (bits & ((1 << SHIFT) - 1)) as f32 / (1u32 << SHIFT) as f32;
        low + (high - low) * within
    }

    /// The share at the lower edge of a bin.
    fn share(&self, bin: u32) -> f32 {
        let Some(place) = bin.checked_sub(self.first) else {
            return 0.0;
        };
        self.shares.get(place as usize).copied().unwrap_or(1.0)
    }
}

impl LocalScales {
    /// The colour indices of a window's densities, which are as many as its pixels.
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
        // where a pixel lies between the centres of the neighbourhoods west and east of it
        let columns = between(window.left(), window.pixel(), window.width(), side);
        let lines = between(window.top(), window.pixel(), window.height(), side);
        let runs = columns.runs();
        let rows = picture.indices.chunks_exact_mut(width);
        let mut known: Vec<((i64, i64), Arc<Table>)> = Vec::new();
        let arch = Arch::new();
        let places = lines.befores.iter().zip(&lines.steps);
        for ((row, values), (&north, &down)) in rows.zip(densities.chunks_exact(width)).zip(places)
        {
            for (west, pixels) in &runs {
                let across = columns.steps.get(pixels.clone());
                let values = values.get(pixels.clone());
                let row = row.get_mut(pixels.clone());
                let (Some(row), Some(values), Some(across)) = (row, values, across) else {
                    continue;
                };
                let place = known.iter().position(|(at, _)| *at == (*west, north));
                if place.is_none() && !arch.dispatch(Look(values)) {
                    continue; // nothing is there, and neighbourhoods of nothing aren't measured
                }
                let place = place.unwrap_or_else(|| {
                    let table = self.table(layer, level, style, *west, north);
                    known.push(((*west, north), table));
                    known.len() - 1
                });
                let Some((_, table)) = known.get(place) else {
                    continue;
                };
                arch.dispatch(Colored {
                    table,
                    down,
                    densities: values,
                    across,
                    indices: row,
                });
            }
        }
        lap(Stage::Scale);
        picture
    }

    /// The table between neighbourhood (x, y) of a level and those south and east of it.
    fn table(&self, layer: &Layer, level: u8, style: &Style, x: i64, y: i64) -> Arc<Table> {
        let x = x.rem_euclid(i64::from(count(level)));
        self.tables
            .get_or_make((level, style.statistics_key(level), x, y), || {
                let four = [(0, 0), (0, 1), (1, 0), (1, 1)];
                let curve = |(dx, dy)| self.curve(layer, level, style, x + dx, y + dy);
                Arc::new(Table::new(four.map(curve)))
            })
    }

    /// The curve of neighbourhood (x, y) of a level; x goes round the world.
    fn curve(&self, layer: &Layer, level: u8, style: &Style, x: i64, y: i64) -> Arc<Curve> {
        let count = i64::from(count(level));
        if !(0..count).contains(&y) {
            return Arc::default();
        }
        let x = x.rem_euclid(count);
        self.curves
            .get_or_make((level, style.statistics_key(level), x, y), || {
                let coarse = level - COARSE_BITS;
                let side = (1i64 << coarse) / count;
                let window = Window::at_level(coarse, x * side, y * side, side as u32, side as u32);
                let field = Field::new(style, window, f64::from(1 << COARSE_BITS).recip());
                Arc::new(Curve::of(
                    &field.of(layer.set(), layer.backend().as_ref()).values,
                ))
            })
    }
}

/// How many neighbourhoods a level has along a side.
fn count(level: u8) -> u32 {
    1 << level.saturating_sub(SIDE_BITS).min(24)
}

/// Where the pixels of a row or a column lie between neighbourhoods.
struct Between {
    /// The neighbourhood whose centre is before a pixel's own.
    befores: Vec<i64>,
    /// How many steps the pixel is on the way to the next.
    steps: Vec<u32>,
}

impl Between {
    /// Pixels behind the same centre, with its neighbourhood.
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

/// For `n` pixels from an edge on.
fn between(edge: f64, pixel: f64, n: u32, side: f64) -> Between {
    let steps = f64::from(STEPS);
    // rounded down: what is added first is more than any window lies west of the world
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

/// The curves of four neighbourhoods over the same bins of densities: a look-up gives all.
#[derive(Debug)]
struct Table {
    /// Bits of a density that don't tell its bin.
    shift: u32,
    /// The first and the last bin.
    ends: [u32; 2],
    /// The positions, times 255, in the middle of a bin in north-west, south-west, north-east and
    /// south-east, from the lowest 16 bits on: sixteenths.
    entries: Box<[u64; BINS]>,
}

impl Table {
    /// Of north-west, south-west, north-east and south-east.
    fn new(four: [Arc<Curve>; 4]) -> Self {
        let some = || four.iter().filter(|c| !c.shares.is_empty());
        let first = some().map(|c| c.first).min().unwrap_or(0);
        let last = some().map(|c| c.first + c.shares.len() as u32 - 2).max();
        let (first, last) = (
            first << SHIFT,
            (last.unwrap_or(0) << SHIFT) | ((1 << SHIFT) - 1),
        );
        // as fine as there is room for
        let ends = |shift| [first >> shift, last >> shift];
        let fits = |shift: &u32| {
            let [first, last] = ends(*shift);
            last - first < BINS as u32
        };
        let shift = (1..31).find(fits).unwrap_or(31);
        // a neighbourhood without anything has no say: the one south or north of it has its,
        // and then the side that has any
        let [nw, sw, ne, se] = four.each_ref();
        let of = |all: [&Arc<Curve>; 4]| {
            let mut some = all.iter().filter(|c| !c.shares.is_empty());
            Arc::clone(some.next().unwrap_or(&all[0]))
        };
        let four = [
            of([nw, sw, ne, se]),
            of([sw, nw, se, ne]),
            of([ne, se, nw, sw]),
            of([se, ne, sw, nw]),
        ];
        let [first, last] = ends(shift);
        let mut entries = Box::new([0; BINS]);
        for (entry, bin) in entries.iter_mut().zip(first..=last) {
            let middle = (bin << shift) + (1 << (shift - 1));
            let place = |curve: &Arc<Curve>| (curve.at(middle) * 255.0 * 16.0).round() as u64;
            // the last comes to lie highest
            *entry = four
                .iter()
                .rev()
                .fold(0, |all, curve| all << 16 | place(curve));
        }
        Self {
            shift,
            ends: [first, last],
            entries,
        }
    }

    /// The colour indices of a block of densities `down` and `across` steps from the northern
    /// and western neighbourhoods. Loops of a fixed length, which compilers turn into vectors.
    #[inline(always)]
    fn indices(&self, densities: &[f32; BLOCK], down: u32, across: &[u32; BLOCK]) -> [u8; BLOCK] {
        let [first, last] = self.ends;
        let (mut bits, mut bins) = ([0; BLOCK], [0; BLOCK]);
        for i in 0..BLOCK {
            // what is not positive is 0; the bits of what is are in its order
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
            // 255 · 16 · 1024 · 1024 and a half just fit
            let (west, east) = (entries[i] as u32, (entries[i] >> 32) as u32);
            let position = mixed(west) * (STEPS - across[i]) + mixed(east) * across[i];
            let index = (position + (1 << 23)) >> 24;
            // without a branch, since what is nothing is anyone's guess
            indices[i] = if bits[i] > 0 { index as u8 } else { 0 };
        }
        indices
    }
}

/// Whether any density is positive, compiled for each vector width.
struct Look<'a>(&'a [f32]);

impl WithSimd for Look<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        any(self.0)
    }
}

#[inline(always)]
fn any(densities: &[f32]) -> bool {
    // positive floats are in the order of their bits, and faster compared as such
    let bits = densities.iter().map(|d| d.max(0.0).to_bits());
    bits.fold(0, u32::max) > 0
}

/// A stretch of a row on its way to colour indices, likewise.
struct Colored<'a> {
    table: &'a Table,
    down: u32,
    densities: &'a [f32],
    across: &'a [u32],
    indices: &'a mut [u8],
}

impl WithSimd for Colored<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let pixels = self.densities.chunks(BLOCK).zip(self.across.chunks(BLOCK));
        for (indices, (densities, across)) in self.indices.chunks_mut(BLOCK).zip(pixels) {
            if !any(densities) {
                continue;
            }
            // the last block may be short
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
