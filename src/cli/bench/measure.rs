//! Timing: each tile alone, again and again, and many at once.

use cpu_time::ProcessTime;
use heatsplat::render::{Stage, Stages};
use heatsplat::{Format, Layer, TileId, TileSize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What was measured of some tiles.
pub(super) struct Row {
    pub(super) kind: String,
    /// How many tiles took turns, and how many turns there were.
    pub(super) tiles: usize,
    pub(super) turns: usize,
    /// Milliseconds of a tile drawn alone.
    pub(super) wall: Spread,
    pub(super) cpu: Spread,
    /// Milliseconds of each stage of such a tile, on average.
    pub(super) stages: Vec<(Stage, f64)>,
    /// Bytes of a tile, on average.
    pub(super) bytes: usize,
    /// Tiles a second with all threads at work, and milliseconds of CPU time for each.
    pub(super) rate: f64,
    pub(super) rate_cpu: f64,
}

/// The middle one of all, and what the middle half of them lies between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
}

impl Spread {
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        let at = |share: usize| all.get(all.len() * share / 4).copied().unwrap_or(0.0);
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}

/// Times some tiles of a layer; `threads` are as many as its backend likes, or one for each core.
pub(super) fn row(
    layer: &Layer,
    kind: String,
    tiles: &[TileId],
    time: Duration,
    threads: Option<usize>,
) -> Row {
    let draw = |turn: usize| {
        let tile = tiles.get(turn % tiles.len().max(1)).copied();
        let tile = tile.unwrap_or(TileId::WORLD);
        let drawn = layer.tile_bytes(tile, TileSize::NORMAL, layer.style(), Format::Png);
        drawn.map_or(0, |bytes| bytes.len())
    };
    // scales are measured, shaders compiled and points on the device before the clock runs
    let warm = tiles.len().min(8);
    (0..warm).for_each(|turn| {
        draw(turn);
    });
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    let mut spent = [0.0; Stage::ALL.len()];
    let mut bytes = 0;
    let start = Instant::now();
    while wall.is_empty() || start.elapsed() < time {
        let (before, begin) = (ProcessTime::now(), Instant::now());
        let (length, stages) = Stages::of(|| draw(wall.len()));
        wall.push(begin.elapsed().as_secs_f64() * 1e3);
        cpu.push(before.elapsed().as_secs_f64() * 1e3);
        for (sum, (_, took)) in spent.iter_mut().zip(stages.all()) {
            *sum += took.as_secs_f64() * 1e3;
        }
        bytes += length;
    }
    let turns = wall.len();
    let (rate, rate_cpu) = together(time, threads, draw);
    let each = Stage::ALL.into_iter().zip(spent);
    Row {
        kind,
        tiles: tiles.len(),
        turns,
        wall: Spread::of(wall),
        cpu: Spread::of(cpu),
        stages: each
            .filter(|(_, sum)| *sum > 0.0)
            .map(|(stage, sum)| (stage, sum / turns as f64))
            .collect(),
        bytes: bytes / turns,
        rate,
        rate_cpu,
    }
}

/// Tiles a second by many threads, and milliseconds of CPU time for each.
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
        let spread = Spread::of((0..100).rev().map(f64::from).collect());
        assert_eq!((spread.low, spread.median, spread.high), (25.0, 50.0, 75.0));
        assert_eq!(Spread::of(vec![3.0]).median, 3.0);
    }
}
