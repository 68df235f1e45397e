//! The race of two backends: which of them draws more of a layer's own tiles in a second.
//!
//! Densities are timed. The rest of a tile, its colours and its PNG, is made by the CPU with either
//! backend, and is left out. So a device wins only where it draws faster than all cores together.

use crate::cli::tile_kinds;
use heatsplat::render::PointSet;
use heatsplat::{Backend, Layer, Style, TileId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The zooms whose tiles are drawn in a race. A choice.
const ZOOMS: [u8; 5] = [0, 3, 6, 9, 12];

/// The largest number of dense tiles, and also of sparse tiles, of each zoom in a race (see
/// [`tile_kinds::of_zoom`]). A choice.
const EACH: usize = 3;

/// The number of rounds of a race. In each round both backends draw, one after the other, so that
/// other work on the machine slows both down. A choice.
const TURNS: usize = 3;

/// The least time for which a backend draws in each round. A choice.
const TURN: Duration = Duration::from_millis(100);

/// The largest number of times that a backend draws all tiles of a race in one round, in case that
/// tiles take hardly any time. A choice.
const MOST_LAPS: f64 = 1000.0;

/// The factor by which the rate of a backend must exceed the rate of the one that draws a layer at
/// present, so as to take its place. A choice: more than measurements vary by.
pub(super) const LEAD: f64 = 1.25;

/// The tiles of a layer that backends draw in a race.
pub(in crate::cli) struct RaceTrack {
    set: Arc<PointSet>,
    style: Style,
    tiles: Vec<TileId>,
    /// The number of tiles that each backend draws at the same time.
    threads: usize,
}

/// The result of a race: how many tiles each of the two backends has drawn in a second, and whether
/// a device failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct RaceResult {
    /// The number of tiles a second that the layer's present backend has drawn.
    pub(in crate::cli) present: f64,
    /// The number of tiles a second that the other backend has drawn.
    pub(in crate::cli) other: f64,
    /// True if the device of the present backend failed during the race.
    pub(in crate::cli) present_failed: bool,
    /// True if the device of the other backend failed during the race.
    pub(in crate::cli) other_failed: bool,
}

impl RaceResult {
    /// Returns true if the other backend should draw the layer from its next reading on. It must
    /// not have failed; and it must be faster by the factor [`LEAD`], unless the present backend
    /// has failed.
    pub(in crate::cli) fn changes(&self) -> bool {
        let faster = self.other > LEAD * self.present;
        !self.other_failed && (faster || self.present_failed)
    }
}

impl RaceTrack {
    /// Makes the track of a race from a layer's points and its own style. Each backend draws
    /// `threads` tiles at the same time. `None` if the layer has no points.
    pub(in crate::cli) fn new(set: Arc<PointSet>, style: Style, threads: usize) -> Option<Self> {
        let kinds = ZOOMS.map(|z| tile_kinds::of_zoom(set.points(), z, EACH));
        let tiles: Vec<TileId> = kinds.into_iter().flatten().flat_map(|(_, t)| t).collect();
        (!tiles.is_empty()).then_some(Self {
            set,
            style,
            tiles,
            threads: threads.max(1),
        })
    }

    /// Lets two backends draw the tiles alternately, and measures how fast each is. `None` if
    /// `stop` becomes true meanwhile.
    pub(in crate::cli) fn run(
        &self,
        [present, other]: [&Arc<dyn Backend>; 2],
        stop: &AtomicBool,
    ) -> Option<RaceResult> {
        let layers = [present, other].map(|backend| {
            let (set, style) = (Arc::clone(&self.set), self.style.clone());
            Layer::new("race", set, style, Arc::clone(backend))
        });
        let failures = || [present, other].map(|backend| backend.fallbacks());
        let before = failures();
        // The first lap is not counted: a device gets the points and compiles its shaders.
        let laps = [0, 1].map(|i| {
            let Some(layer) = layers.get(i) else { return 1 };
            self.turn(layer, 1, stop);
            let lap = self.tiles.len() as f64 / self.turn(layer, 1, stop).max(1e-9);
            (TURN.as_secs_f64() / lap).clamp(1.0, MOST_LAPS).ceil() as usize
        });
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..TURNS {
            for ((layer, laps), rates) in layers.iter().zip(laps).zip(&mut rates) {
                rates.push(self.turn(layer, laps, stop));
            }
            if stop.load(Ordering::Relaxed) {
                return None;
            }
        }
        let [present, other] = rates.map(median);
        let after = failures();
        let [present_failed, other_failed] = [0, 1].map(|i| before.get(i) != after.get(i));
        Some(RaceResult {
            present,
            other,
            present_failed,
            other_failed,
        })
    }

    /// Draws all tiles `laps` times. Returns the number of tiles that were drawn per second.
    fn turn(&self, layer: &Layer, laps: usize, stop: &AtomicBool) -> f64 {
        let (start, next) = (Instant::now(), AtomicUsize::new(0));
        let all = laps * self.tiles.len();
        let draw = || {
            while !stop.load(Ordering::Relaxed) {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let tile = self.tiles.get(turn % self.tiles.len());
                let Some(tile) = tile.filter(|_| turn < all) else {
                    break;
                };
                std::hint::black_box(layer.tile(*tile).density());
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(draw);
            }
        });
        all as f64 / start.elapsed().as_secs_f64().max(1e-9)
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_and_no_failure_are_needed() {
        let result = |other, present_failed, other_failed| RaceResult {
            present: 100.0,
            other,
            present_failed,
            other_failed,
        };
        assert!(result(126.0, false, false).changes());
        assert!(!result(124.0, false, false).changes());
        assert!(!result(1e9, false, true).changes());
        assert!(result(1.0, true, false).changes());
        assert!(!result(1.0, true, true).changes());
    }
}
