//! Measures how long tiles take: drawn one after the other, and drawn by many threads at the same
//! time.

use cpu_time::ProcessTime;
use heatsplat::render::{Phase, Timings};
use heatsplat::{Layer, TileId};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The measurements of one kind of tiles.
pub(super) struct TileTiming {
    pub(super) kind: String,
    /// The number of different tiles that were drawn in turn.
    pub(super) tiles: usize,
    /// The number of drawings: each tile may be drawn several times.
    pub(super) turns: usize,
    /// The milliseconds that a tile takes while no other tile is drawn, by the clock.
    pub(super) wall: Quartiles,
    /// The milliseconds of CPU time that a tile takes while no other tile is drawn.
    pub(super) cpu: Quartiles,
    /// The mean milliseconds that each stage of drawing takes, while no other tile is drawn.
    pub(super) stages: Vec<(Phase, f64)>,
    /// The mean size in bytes of an encoded tile.
    pub(super) bytes: usize,
    /// The number of tiles a second that all threads draw together.
    pub(super) rate: f64,
    /// The milliseconds of CPU time that a tile takes while all threads draw.
    pub(super) rate_cpu: f64,
}

/// The lower quartile, the median and the upper quartile of measurements.
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

/// Measures the drawing of `tiles`. First they are drawn one after the other for the duration
/// `time`, then by `threads` threads at once for as long. By default there is a thread for each
/// core.
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
    // A few tiles are drawn before the measurement, since the first ones take longer: scales are
    // measured, shaders are compiled, and points are sent to the device.
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

/// Draws tiles by several threads. Returns the number of tiles a second, and the milliseconds of
/// CPU time for a tile.
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
