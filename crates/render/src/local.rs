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
use std::sync::Arc;

/// The side of a neighbourhood in CSS pixels, as a power of two.
const SIDE_BITS: u8 = 9;

/// CSS pixels to one that the distribution is measured in, as a power of two.
const COARSE_BITS: u8 = 2;

/// Bins an octave of a curve, as a power of two; positions between are on straight lines.
const BIN_BITS: u32 = 5;
const SHIFT: u32 = 23 - BIN_BITS;

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

    /// The position of a density in bin `bin`, `within` of the way to its upper edge.
    fn position(&self, bin: u32, within: f32) -> f32 {
        let place = bin.wrapping_sub(self.first) as usize;
        match (self.shares.get(place), self.shares.get(place + 1)) {
            (Some(a), Some(b)) => a + (b - a) * within,
            _ if bin < self.first => 0.0,
            _ => 1.0,
        }
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
        let mut known: Vec<((i64, i64), Arc<Curve>)> = Vec::new();
        let mut curve = |x: i64, y: i64| {
            if let Some((_, curve)) = known.iter().find(|(at, _)| *at == (x, y)) {
                return Arc::clone(curve);
            }
            let curve = self.curve(layer, level, style, x, y);
            known.push(((x, y), Arc::clone(&curve)));
            curve
        };
        for ((row, values), &(north, down)) in
            rows.zip(densities.values.chunks_exact(width)).zip(&lines)
        {
            if values.iter().all(|d| *d <= 0.0) {
                continue;
            }
            for part in columns.chunk_by(|a, b| a.0 == b.0).scan(0, |from, part| {
                let here = *from;
                *from += part.len();
                Some((here, part))
            }) {
                let (from, part) = part;
                let Some(&(west, _)) = part.first() else {
                    continue;
                };
                let four = [
                    (curve(west, north), 1.0 - down),
                    (curve(west, north + 1), down),
                    (curve(west + 1, north), 1.0 - down),
                    (curve(west + 1, north + 1), down),
                ];
                let pixels = from..from + part.len();
                let (Some(row), Some(values)) = (row.get_mut(pixels.clone()), values.get(pixels))
                else {
                    continue;
                };
                for ((to, &d), &(_, across)) in row.iter_mut().zip(values).zip(part) {
                    if d > 0.0 {
                        *to = index(&four, d, across);
                    }
                }
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

/// Where a density lies for four neighbourhoods: north-west, south-west, north-east, south-east,
/// each with its share down, and `across` the eastern ones' share.
fn index(four: &[(Arc<Curve>, f32); 4], density: f32, across: f32) -> u8 {
    let bits = density.to_bits();
    let within = (bits & ((1 << SHIFT) - 1)) as f32 / (1u32 << SHIFT) as f32;
    let (mut sum, mut weight) = (0.0, 0.0);
    for ((curve, down), side) in four
        .iter()
        .zip([1.0 - across, 1.0 - across, across, across])
    {
        if !curve.shares.is_empty() {
            sum += down * side * curve.position(bits >> SHIFT, within);
            weight += down * side;
        }
    }
    if weight > 0.0 {
        (255.0 * sum / weight).round() as u8
    } else {
        0
    }
}
