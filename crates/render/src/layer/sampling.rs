//! Measures the statistics of a layer in a sample of tiles, which is always the same.

use crate::layer::evaluate::MeasureEval;
use crate::layer::point_set::PointSet;
use crate::scale::histogram::Statistics;
use crate::splat::Backend;
use heatsplat_points::{MAX_ZOOM, TileId, TileWeight, Window};
use std::thread;

/// The number of tiles with the greatest weight, all of which are measured.
pub const DENSEST: usize = 12;
/// The number of tiles that are measured of all others, spread evenly from dense to sparse.
pub const SPREAD: usize = 36;

/// Measures the values of a level, at which the world is 2^`level` CSS pixels wide.
///
/// If few tiles have points, all of them are measured. Otherwise the densest are measured, and an
/// even spread of the others from dense to sparse, each of which stands for its share of them. The
/// choice depends on the points alone, so it is always the same.
///
/// The tiles are drawn by threads of this function, not by the global rayon pool. Callers may be
/// workers of that pool: if all of its workers waited here, work queued on it would never begin.
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

/// The tiles to measure, each with the number of tiles that it stands for. They are the `densest`
/// densest and `spread` of the others, spread evenly from dense to sparse; or all tiles, if they
/// are no more than that.
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
    // Rounded to a short binary fraction, so that the sum of the counts does not depend on their
    // order.
    let times = (step * 64.0).round() / 64.0;
    tiles
        .iter()
        .map(|t| (t.tile, 1.0))
        .chain(even.map(|t| (t.tile, times)))
        .collect()
}
