//! Timing of tiles: drawn one after the other, and many at once.

use cpu_time::ProcessTime;
use heatsplat::render::{Phase, Timings};
use heatsplat::{Layer, TileId};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The timing of one kind of tiles.
pub(super) struct TileTiming {
    pub(super) kind: String,
    /// Number of different tiles that were drawn in turn, and, below, number of drawings.
    pub(super) tiles: usize,
    pub(super) turns: usize,
    /// Milliseconds to draw a tile while no other is drawn: by the clock, and, below, of CPU time.
    pub(super) wall: Quartiles,
    pub(super) cpu: Quartiles,
    /// Mean milliseconds of each stage, for a tile that is drawn while no other is.
    pub(super) stages: Vec<(Phase, f64)>,
    /// Mean bytes of an encoded tile.
    pub(super) bytes: usize,
    /// Tiles a second with all threads at work, and, below, milliseconds of CPU time for each tile.
    pub(super) rate: f64,
    pub(super) rate_cpu: f64,
}

/// Median, and lower and upper quartile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quartiles {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
}

impl Quartiles {
    fn from_values(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        let at = |share: usize| all.get(all.len() * share / 4).copied().unwrap_or(0.0);
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}

/// Times the drawing of some tiles of a layer: one by one for `time`, then many at once for `time`.
/// The latter are drawn by `threads` threads, by default one for each core.
pub(super) fn tiles(
    layer: &Layer,
    kind: String,
    tiles: &[TileId],
    time: Duration,
    threads: Option<usize>,
) -> TileTiming {
    let draw = |turn: usize| {
        let tile = tiles.get(turn % tiles.len().max(1)).copied();
        let tile = tile.unwrap_or(TileId::WORLD);
        let drawn = layer.tile(tile).png();
        drawn.map_or(0, |bytes| bytes.len())
    };
    // A few tiles are drawn before the clock runs: scales are measured, shaders compiled, and
    // points sent to the device.
    let warm = tiles.len().min(8);
    (0..warm).for_each(|turn| {
        draw(turn);
    });
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    let mut spent = [0.0; Phase::ALL.len()];
    let mut bytes = 0;
    let start = Instant::now();
    while wall.is_empty() || start.elapsed() < time {
        let (before, begin) = (ProcessTime::now(), Instant::now());
        let (length, stages) = Timings::measure(|| draw(wall.len()));
        wall.push(begin.elapsed().as_secs_f64() * 1e3);
        cpu.push(before.elapsed().as_secs_f64() * 1e3);
        for (sum, (_, took)) in spent.iter_mut().zip(stages.all()) {
            *sum += took.as_secs_f64() * 1e3;
        }
        bytes += length;
    }
    let turns = wall.len();
    let (rate, rate_cpu) = together(time, threads, draw);
    let each = Phase::ALL.into_iter().zip(spent);
    TileTiming {
        kind,
        tiles: tiles.len(),
        turns,
        wall: Quartiles::from_values(wall),
        cpu: Quartiles::from_values(cpu),
        stages: each
            .filter(|(_, sum)| *sum > 0.0)
            .map(|(stage, sum)| (stage, sum / turns as f64))
            .collect(),
        bytes: bytes / turns,
        rate,
        rate_cpu,
    }
}

/// Tiles a second that many threads draw, and milliseconds of CPU time for each tile.
fn together(
    time: Duration,
    threads: Option<usize>,
    draw: impl Fn(usize) -> usize + Sync,
) -> (f64, f64) {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or_else(cores);
    let done = AtomicUsize::new(0);
    let (cpu, start) = (ProcessTime::now(), Instant::now());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed() < time {
                    draw(done.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    let done = done.into_inner().max(1) as f64;
    (done / wall, cpu * 1e3 / done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_the_middle_half() {
        let spread = Quartiles::from_values((0..100).rev().map(f64::from).collect());
        assert_eq!((spread.low, spread.median, spread.high), (25.0, 50.0, 75.0));
        assert_eq!(Quartiles::from_values(vec![3.0]).median, 3.0);
    }
}
