//! A scale that follows the neighbourhood: country and city both show, and no edge does.
//!
//! The world is cut into neighbourhoods of 512 CSS pixels a side. Each has its own equalised
//! histogram, from a drawing at a quarter of the resolution; a pixel's position is that of the
//! four nearest, mixed as their centres are near. The idea is Strava's (their 2017 heat map).
//! Neighbourhoods without anything have no say.

use crate::density::{Density, Picture};
use crate::field::Field;
use crate::layer::{Layer, Remembered};
use crate::style::{StatisticsKey, Style};
use heatsplat_points::Window;
use heatsplat_points::mercator::WORLD;
use pulp::{Arch, Simd, WithSimd};
use std::sync::Arc;

/// The side of a neighbourhood in CSS pixels, as a power of two.
const SIDE_BITS: u8 = 9;

/// CSS pixels to one that the distribution is measured in, as a power of two.
const COARSE_BITS: u8 = 2;

/// Bins an octave of a curve, as a power of two; positions between are on straight lines.
const BIN_BITS: u32 = 5;
const SHIFT: u32 = 23 - BIN_BITS;

/// Pixels that are passed together where nothing is.
const BLOCK: usize = 32;

/// Curves that layers remember, by level, style and neighbourhood.
#[derive(Debug, Default)]
pub(crate) struct LocalScales(Remembered<(u8, StatisticsKey, u32, u32), Curve>);

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

    /// The share at the lower edge of a bin.
    fn share(&self, bin: u32) -> f32 {
        let Some(place) = bin.checked_sub(self.first) else {
            return 0.0;
        };
        self.shares.get(place as usize).copied().unwrap_or(1.0)
    }
}

impl LocalScales {
    /// The colour indices of a window's densities.
    pub(crate) fn colorize(
        &self,
        layer: &Layer,
        densities: &Density,
        window: &Window,
        level: u8,
        style: &Style,
    ) -> Picture {
        let side = WORLD / f64::from(count(level));
        let width = (densities.width as usize).max(1);
        let mut picture = Picture::empty(densities.width, densities.height);
        // where a pixel lies between the centres of the neighbourhoods west and east of it
        let columns = between(window.left(), window.pixel(), densities.width, side);
        let lines = between(window.top(), window.pixel(), densities.height, side);
        let rows = picture.indices.chunks_exact_mut(width);
        let mut known: Vec<((i64, i64), Between)> = Vec::new();
        let mut table = Table::default();
        let arch = Arch::new();
        for ((row, values), &(north, down)) in
            rows.zip(densities.values.chunks_exact(width)).zip(&lines)
        {
            let mut from = 0;
            for part in columns.chunk_by(|a, b| a.0 == b.0) {
                let pixels = from..from + part.len();
                from = pixels.end;
                let (Some(row), Some(values)) = (row.get_mut(pixels.clone()), values.get(pixels))
                else {
                    continue;
                };
                let Some(bins) = arch.dispatch(Look(values)) else {
                    continue; // nothing is there
                };
                let west = part.first().map_or(0, |(west, _)| *west);
                let place = known.iter().position(|(at, _)| *at == (west, north));
                let place = place.unwrap_or_else(|| {
                    let curve = |x, y| self.curve(layer, level, style, x, y);
                    let four = [(0, 0), (0, 1), (1, 0), (1, 1)];
                    let four = four.map(|(x, y)| curve(west + x, north + y));
                    known.push(((west, north), Between::new(four)));
                    known.len() - 1
                });
                let Some((_, between)) = known.get(place) else {
                    continue;
                };
                arch.dispatch(Colored {
                    table: &mut table,
                    curves: (bins, between, down),
                    densities: values,
                    across: part,
                    indices: row,
                });
            }
        }
        picture
    }

    /// The curve of neighbourhood (x, y) of a level; x goes round the world.
    fn curve(&self, layer: &Layer, level: u8, style: &Style, x: i64, y: i64) -> Arc<Curve> {
        let count = count(level);
        let x = x.rem_euclid(i64::from(count)) as u32;
        let Some(y) = u32::try_from(y).ok().filter(|y| *y < count) else {
            return Arc::default();
        };
        self.0
            .get_or_make((level, style.statistics_key(level), x, y), || {
                let coarse = level - COARSE_BITS;
                let side = (1u32 << coarse) / count;
                let at = |n: u32| i64::from(n) * i64::from(side);
                let window = Window::at_level(coarse, at(x), at(y), side, side);
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

/// For each of `n` pixels from an edge on: the neighbourhood whose centre is before its own
/// centre, and the share of the way to the next.
fn between(edge: f64, pixel: f64, n: u32, side: f64) -> Vec<(i64, f32)> {
    (0..n)
        .map(|i| (edge + (f64::from(i) + 0.5) * pixel) / side - 0.5)
        .map(|at| (at.floor() as i64, (at - at.floor()) as f32))
        .collect()
}

/// The bins that the densities of a stretch of pixels lie in.
#[derive(Clone, Copy)]
struct Bins {
    first: u32,
    last: u32,
}

impl Bins {
    /// `None` where no density is positive.
    #[inline(always)]
    fn of(values: &[f32]) -> Option<Self> {
        // positive floats are in the order of their bits; what is not positive is 0
        let bits = || values.iter().map(|d| d.max(0.0).to_bits());
        let most = bits().fold(0, u32::max);
        // less one, so that zeros are the greatest
        let least = bits().fold(u32::MAX, |least, b| least.min(b.wrapping_sub(1)));
        let first = least.wrapping_add(1) >> SHIFT;
        (most > 0).then_some(Self {
            first,
            last: most >> SHIFT,
        })
    }
}

/// The curves of four neighbourhoods as positions, times 255, at the edges of the same bins:
/// north-west, south-west, north-east, south-east.
#[derive(Debug)]
struct Between {
    first: u32,
    edges: [Vec<f32>; 4],
}

impl Between {
    fn new(four: [Arc<Curve>; 4]) -> Self {
        let some = || four.iter().filter(|c| !c.shares.is_empty());
        let first = some().map(|c| c.first).min().unwrap_or(0);
        // two edges at least, also of a curve of nothing
        let last = some().map(|c| c.first + c.shares.len() as u32).max();
        let last = last.unwrap_or(0).max(first + 2);
        let edges = |curve: &Curve| {
            let bins = first..last;
            bins.map(|bin| 255.0 * curve.share(bin)).collect()
        };
        // a neighbourhood without anything has no say: the one south or north of it has its,
        // and then the side that has any
        let [nw, sw, ne, se] = four.each_ref();
        let of = |own, beside: [&Arc<Curve>; 3]| {
            let all = std::iter::once(own).chain(beside);
            let mut some = all.filter(|c: &&Arc<Curve>| !c.shares.is_empty());
            edges(some.next().unwrap_or(own))
        };
        let edges = [
            of(nw, [sw, ne, se]),
            of(sw, [nw, se, ne]),
            of(ne, [se, nw, sw]),
            of(se, [ne, sw, nw]),
        ];
        Self { first, edges }
    }
}

/// [`Bins::of`], compiled for each vector width.
struct Look<'a>(&'a [f32]);

impl WithSimd for Look<'_> {
    type Output = Option<Bins>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<Bins> {
        Bins::of(self.0)
    }
}

/// A stretch of a row on its way to colour indices, likewise.
struct Colored<'a> {
    table: &'a mut Table,
    curves: (Bins, &'a Between, f32),
    densities: &'a [f32],
    across: &'a [(i64, f32)],
    indices: &'a mut [u8],
}

impl WithSimd for Colored<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (bins, between, down) = self.curves;
        self.table.fill(bins, between, down);
        let pixels = self.densities.chunks(BLOCK).zip(self.across.chunks(BLOCK));
        for (indices, (densities, across)) in self.indices.chunks_mut(BLOCK).zip(pixels) {
            if densities.iter().fold(0.0, |most: f32, d| most.max(*d)) > 0.0 {
                self.table.indices(densities, across, indices);
            }
        }
    }
}

/// Positions, times 255, at the edges of bins, for one row of pixels between four
/// neighbourhoods.
#[derive(Debug, Default)]
struct Table {
    first: u32,
    /// The least and the greatest density, as bits, that lie in its bins.
    bits: [u32; 2],
    /// At the western neighbourhoods' centre.
    west: Vec<f32>,
    /// How much more it is at the eastern ones'.
    more: Vec<f32>,
}

impl Table {
    /// For bins, of the curves a share of the way `down` from the northern to the southern.
    #[inline(always)]
    fn fill(&mut self, bins: Bins, between: &Between, down: f32) {
        let [nw, sw, ne, se] = &between.edges;
        // beyond a curve's ends all are like its ends
        let last = (nw.len() as u32).saturating_sub(2);
        let place = |bin: u32| bin.saturating_sub(between.first).min(last);
        let (from, to) = (place(bins.first), place(bins.last) + 2);
        let part = |edges| <[f32]>::get(edges, from as usize..to as usize).unwrap_or_default();
        let (nw, sw, ne, se) = (part(nw), part(sw), part(ne), part(se));
        self.west.resize(nw.len(), 0.0);
        self.more.resize(nw.len(), 0.0);
        let edges = self.west.iter_mut().zip(&mut self.more);
        for ((((west, more), nw), sw), (ne, se)) in edges.zip(nw).zip(sw).zip(ne.iter().zip(se)) {
            *west = nw + (sw - nw) * down;
            *more = ne + (se - ne) * down - *west;
        }
        let first = between.first + from;
        self.first = first;
        self.bits = [first << SHIFT, ((between.first + to - 1) << SHIFT) - 1];
    }

    /// The colour indices of densities, the eastern neighbourhoods having the shares `across`.
    #[inline(always)]
    fn indices(&self, densities: &[f32], across: &[(i64, f32)], indices: &mut [u8]) {
        let [least, most] = self.bits;
        for ((index, density), &(_, across)) in indices.iter_mut().zip(densities).zip(across) {
            let bits = density.max(0.0).to_bits();
            let inside = bits.clamp(least, most);
            let bin = ((inside >> SHIFT) - self.first) as usize;
            let edges = (self.west.get(bin..bin + 2), self.more.get(bin..bin + 2));
            let (Some(&[a, b]), Some(&[da, db])) = edges else {
                continue; // there is one
            };
            let within = (inside & ((1 << SHIFT) - 1)) as f32 * (1.0 / (1u32 << SHIFT) as f32);
            let (low, high) = (a + da * across, b + db * across);
            let position = low + (high - low) * within + 0.5;
            // without a branch, since what is nothing is anyone's guess
            *index = position as u8 * u8::from(bits > 0);
        }
    }
}
