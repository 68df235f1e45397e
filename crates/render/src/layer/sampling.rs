//! Measures the statistics of a layer in a deterministic sample of tiles.

use crate::layer::evaluate::MeasureEval;
use crate::layer::point_set::PointSet;
use crate::scale::histogram::Statistics;
use crate::splat::Backend;
use heatsplat_points::{MAX_ZOOM, TileId, TileWeight, Window};
use std::thread;

/// Tiles with the most weight, all of which are measured.
pub const DENSEST: usize = 12;
/// Tiles that are measured of the rest, spread evenly from dense to sparse.
pub const SPREAD: usize = 36;

/// Measures the values of a level (the world 2^`level` CSS pixels wide).
///
/// Where few tiles hold points, all are measured; else the densest and an even
/// spread of the others from dense to sparse, each of which stands for its
/// share. The choice depends on the points alone, so it is always the same.
///
/// The tiles are drawn by threads of its own, not by the global rayon pool: callers may be
/// workers of that pool, and if all of them waited here, work queued on it would never begin.
pub(crate) fn measure(
    set: &PointSet,
    level: u8,
    evaluation: impl Fn(Window) -> MeasureEval + Sync,
    backend: &dyn Backend,
) -> Statistics {
    let z = level.saturating_sub(8).min(MAX_ZOOM);
    let size = 1u32 << (level - z).min(9);
    let mut occupied = set.points().occupied_tiles(z);
    if let Some((_, other)) = set.versus() {
        occupied.extend(other.points().occupied_tiles(z));
        occupied.sort_unstable_by_key(|t| t.tile);
        occupied.dedup_by_key(|t| t.tile);
    }
    let tiles = sample(occupied, DENSEST, SPREAD);
    let threads = if backend.batch() > 1 {
        8 // They wait while the backend draws for all of them at once.
    } else {
        thread::available_parallelism().map_or(1, usize::from)
    };
    let part = |first: usize| {
        let mut statistics = Statistics::default();
        for (tile, times) in tiles.iter().skip(first).step_by(threads) {
            let evaluation = evaluation(Window::tile(*tile, size));
            let density = evaluation.density(set, backend);
            statistics.add(set.value_kind(evaluation.measure), &density.values, *times);
        }
        statistics
    };
    thread::scope(|scope| {
        let part = &part;
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

/// The tiles to measure, and the number of tiles that each stands for: the densest, and an even
/// spread of the others from dense to sparse. All of them where they are few.
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
    // A short binary fraction, so that counts add up to the same in any order.
    let times = (step * 64.0).round() / 64.0;
    tiles
        .iter()
        .map(|t| (t.tile, 1.0))
        .chain(even.map(|t| (t.tile, times)))
        .collect()
}
