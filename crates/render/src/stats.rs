//! What densities a layer has at a zoom: the ground that colour scales stand on.

use crate::backend::{Backend, Job};
use crate::kernel::Kernel;
use heatsplat_points::{MAX_ZOOM, Points, TileId, TileWeight, Window};
use std::thread;

/// Bins per octave of the logarithmic histogram.
const PER_OCTAVE_BITS: u32 = 5;
const SHIFT: u32 = 23 - PER_OCTAVE_BITS;

/// A histogram of positive densities in logarithmic bins (32 an octave, 2 % wide).
///
/// Densities that are zero or negative are "nothing" and not counted.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Number of the first bin in `bins`.
    first: u32,
    bins: Vec<f64>,
    total: f64,
    max: f32,
}

impl Statistics {
    /// Counts densities, each as `times` pixels.
    pub fn add(&mut self, densities: &[f32], times: f64) {
        for &d in densities {
            if d > 0.0 && d.is_finite() {
                self.count(d.to_bits() >> SHIFT, times);
                self.max = self.max.max(d);
            }
        }
    }

    fn count(&mut self, bin: u32, times: f64) {
        if self.bins.is_empty() {
            self.first = bin;
        }
        if bin < self.first {
            let missing = (self.first - bin) as usize;
            self.bins.splice(0..0, std::iter::repeat_n(0.0, missing));
            self.first = bin;
        }
        let place = (bin - self.first) as usize;
        if place >= self.bins.len() {
            self.bins.resize(place + 1, 0.0);
        }
        if let Some(bin) = self.bins.get_mut(place) {
            *bin += times;
            self.total += times;
        }
    }

    /// Counts what another has counted too.
    fn merge(&mut self, other: &Self) {
        for (i, &n) in other.bins.iter().enumerate() {
            if n > 0.0 {
                self.count(other.first + i as u32, n);
            }
        }
        self.max = self.max.max(other.max);
    }

    /// The greatest density seen; 0 where nothing was.
    pub fn max(&self) -> f64 {
        f64::from(self.max)
    }

    /// Whether no positive density was seen.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// The density that `percent` of all counted pixels stay below, 0 to 100.
    ///
    /// Within a bin it is interpolated, so the error is well under the bin's 2 %.
    pub fn percentile(&self, percent: f64) -> f64 {
        let wanted = (percent / 100.0).clamp(0.0, 1.0) * self.total;
        let mut below = 0.0;
        for (i, &n) in self.bins.iter().enumerate() {
            if n > 0.0 && below + n >= wanted {
                let (low, high) = self.edges(i);
                return (low + (high - low) * ((wanted - below) / n)).min(self.max());
            }
            below += n;
        }
        self.max()
    }

    /// The cumulative share of pixels at the upper edge of each bin between two
    /// densities, as (density, share of what lies between them).
    pub fn cumulative(&self, low: f64, high: f64) -> Vec<(f64, f64)> {
        let mut curve = vec![(low, 0.0)];
        let mut sum = 0.0;
        for (i, &n) in self.bins.iter().enumerate() {
            let (from, to) = self.edges(i);
            let (inner_from, inner_to) = (from.max(low), to.min(high));
            if n > 0.0 && inner_to > inner_from {
                if curve.last().is_some_and(|&(v, _)| v < inner_from) {
                    curve.push((inner_from, sum));
                }
                sum += n * (inner_to - inner_from) / (to - from);
                curve.push((inner_to, sum));
            }
        }
        if sum > 0.0 {
            curve.iter_mut().for_each(|(_, share)| *share /= sum);
        }
        curve
    }

    fn edges(&self, i: usize) -> (f64, f64) {
        let edge = |bin: u32| f64::from(f32::from_bits(bin << SHIFT));
        let bin = self.first + i as u32;
        let high = edge(bin + 1);
        (
            edge(bin),
            if high.is_finite() {
                high
            } else {
                f64::from(f32::MAX)
            },
        )
    }
}

/// Tiles that statistics are measured in: the densest …
const DENSEST: usize = 12;
/// … and as many again, spread evenly over the rest.
const SPREAD: usize = 36;

/// Measures the densities of a level (the world 2^`level` CSS pixels wide).
///
/// Where few tiles hold points, all are measured; else the densest and an even
/// spread of the others from dense to sparse, each of which stands for its
/// share. The choice depends on the points alone, so it is the same whoever asks.
///
/// Threads of its own draw them, one tile at a time, and not those of the pool: who
/// waits for the result may be one of the pool, and so may everyone else.
pub(crate) fn measure(
    points: &Points,
    level: u8,
    kernel: Kernel,
    backend: &dyn Backend,
) -> Statistics {
    let z = level.saturating_sub(8).min(MAX_ZOOM);
    let size = 1u32 << (level - z).min(9);
    let tiles = sample(points.occupied_tiles(z), DENSEST, SPREAD);
    let batch = backend.batch().max(1);
    let threads = if batch > 1 {
        1 // such a backend has its own
    } else {
        thread::available_parallelism().map_or(1, usize::from)
    };
    let part = |first: usize| {
        let mut statistics = Statistics::default();
        let mine: Vec<_> = tiles.iter().skip(first).step_by(threads).collect();
        for tiles in mine.chunks(batch) {
            let job = |&&(tile, _): &&(TileId, f64)| Job {
                points,
                window: Window::tile(tile, size),
                kernel,
            };
            let jobs: Vec<Job<'_>> = tiles.iter().map(job).collect();
            for (density, (_, times)) in backend.densities(&jobs).iter().zip(tiles) {
                statistics.add(&density.values, *times);
            }
        }
        statistics
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|i| scope.spawn(move || part(i))).collect();
        let mut all = part(0);
        for other in others {
            match other.join() {
                Ok(statistics) => all.merge(&statistics),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

/// The tiles to measure, and how many each stands for: the densest, and an even spread of the
/// others from dense to sparse. All of them where they are few.
pub fn sample(mut tiles: Vec<TileWeight>, densest: usize, spread: usize) -> Vec<(TileId, f64)> {
    let few = tiles.len() <= densest + spread;
    let rest = if few {
        Vec::new()
    } else {
        tiles.sort_unstable_by(|a, b| b.mass.total_cmp(&a.mass).then(a.tile.cmp(&b.tile)));
        tiles.split_off(densest)
    };
    let step = rest.len() as f64 / spread.max(1) as f64;
    let even = (0..spread).filter_map(|i| rest.get(((i as f64 + 0.5) * step) as usize));
    // a short binary fraction, so that counts add up to the same in any order
    let times = (step * 64.0).round() / 64.0;
    tiles
        .iter()
        .map(|t| (t.tile, 1.0))
        .chain(even.map(|t| (t.tile, times)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_known_spread() {
        let mut stats = Statistics::default();
        let densities: Vec<f32> = (1..=10_000).map(|i| i as f32).collect();
        stats.add(&densities, 1.0);
        stats.add(&[0.0, -5.0, f32::NAN], 1.0);
        for p in [1.0, 10.0, 50.0, 90.0, 99.0, 99.9] {
            let got = stats.percentile(p);
            assert!((got / (p * 100.0) - 1.0).abs() < 0.03, "p{p}: {got}");
        }
        assert_eq!(stats.max(), 10_000.0);
        assert_eq!(stats.percentile(100.0), 10_000.0);
    }

    #[test]
    fn pixels_may_stand_for_many() {
        let mut stats = Statistics::default();
        stats.add(&[1.0], 99.0);
        stats.add(&[1000.0], 1.0);
        assert!(stats.percentile(98.0) < 1.1);
        assert!(stats.percentile(99.5) > 900.0);
    }

    #[test]
    fn nothing_has_a_maximum_of_zero() {
        let stats = Statistics::default();
        assert_eq!((stats.max(), stats.percentile(99.0)), (0.0, 0.0));
        assert_eq!(stats.cumulative(0.0, 1.0), vec![(0.0, 0.0)]);
    }

    #[test]
    fn the_cumulative_curve_rises_to_one() {
        let mut stats = Statistics::default();
        stats.add(&[0.5, 1.0, 1.0, 70.0], 1.0);
        let curve = stats.cumulative(0.0, stats.max());
        assert!(curve.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        assert!((curve.last().unwrap().1 - 1.0).abs() < 1e-12);
    }
}
