//! Measures the statistics of a layer's values in a sample of its tiles. Equal points always give
//! the same sample.

use crate::layer::evaluate::MeasureEval;
use crate::layer::point_set::PointSet;
use crate::scale::histogram::Statistics;
use crate::splat::Backend;
use heatsplat_points::{MAX_ZOOM, TileId, TileWeight, Window, cancel};
use std::thread;

/// The number of densest tiles, by the sum of |weight| in a tile, that are measured in any case.
pub const DENSEST: usize = 12;
/// The number of tiles that are measured besides the [`DENSEST`]. All other tiles are sorted from
/// dense to sparse, and every n-th of them is picked; n is chosen so that this many are picked.
pub const SPREAD: usize = 36;

/// The greatest number of tiles with points, at one zoom, up to which all of them are looked at.
/// That takes some 50 ms. If a zoom has more, some tiles are looked at, of which each represents
/// several, and the tiles to measure are picked from these. The number is a choice.
const LOOKED_AT: u64 = 1 << 19;

/// A tile to measure, and the number of tiles that it stands for.
pub(crate) type SampledTile = (TileId, f64);

/// The zoom of the tiles that are measured for a level.
fn zoom_of(level: u8) -> u8 {
    level.saturating_sub(8).min(MAX_ZOOM)
}

/// The tiles in which the values at a level are measured, picked by [`sample`]. They depend on the
/// points and the level, not on the style.
pub(crate) fn sampled_tiles(set: &PointSet, level: u8) -> Vec<SampledTile> {
    let z = zoom_of(level);
    let mut occupied = set.points().representative_tiles(z, LOOKED_AT);
    if let Some((_, other)) = set.versus() {
        occupied.extend(other.points().representative_tiles(z, LOOKED_AT));
        occupied.sort_unstable_by_key(|t| t.tile);
        occupied.dedup_by_key(|t| t.tile);
    }
    sample(occupied, DENSEST, SPREAD)
}

/// Measures the statistics of the values at a level, at which the world is 2^`level` CSS pixels
/// wide.
///
/// `tiles` are the [`sampled_tiles`] of the level; `evaluation` makes the evaluation of the measure
/// for the window of a tile. The values of each tile are counted as often as there are tiles that
/// it stands for.
///
/// The tiles are drawn by threads that this function starts, not by rayon's global pool. Callers
/// may be workers of that pool: if all of them waited here, work queued on the pool would never
/// begin.
pub(crate) fn measure(
    set: &PointSet,
    tiles: &[SampledTile],
    level: u8,
    evaluation: impl Fn(Window) -> MeasureEval + Sync,
    backend: &dyn Backend,
) -> Statistics {
    let size = 1u32 << (level - zoom_of(level)).min(9);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let part = |first: usize| {
        let mut statistics = Statistics::default();
        for (tile, times) in tiles.iter().skip(first).step_by(threads) {
            let evaluation = evaluation(Window::tile(*tile, size));
            let density = evaluation.density(set, backend);
            statistics.add(set.value_kind(evaluation.measure), &density.values, *times);
        }
        statistics
    };
    let work = &cancel::inherit();
    thread::scope(|scope| {
        let part = &part;
        let others: Vec<_> = (1..threads)
            .map(|i| scope.spawn(move || work.run(|| part(i))))
            .collect();
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

/// Picks the tiles to measure. Each comes with the number of tiles that it stands for.
///
/// * If there are at most `densest` + `spread` tiles, all are picked, each for itself.
/// * Otherwise the `densest` tiles with the greatest sum of |weight| are picked, each for itself.
///   The others are sorted from dense to sparse, and every n-th of them is picked, `spread` tiles
///   in all. Each of these stands for n tiles; n need not be a whole number.
///
/// A tile in `tiles` that stands for several ([`TileWeight::times`]) takes as many places in
/// the order from dense to sparse.
pub fn sample(mut tiles: Vec<TileWeight>, densest: usize, spread: usize) -> Vec<(TileId, f64)> {
    let few = tiles.len() <= densest + spread;
    let rest = if few {
        Vec::new()
    } else {
        tiles.sort_unstable_by(|a, b| b.mass.total_cmp(&a.mass).then(a.tile.cmp(&b.tile)));
        tiles.split_off(densest)
    };
    let step = rest.iter().map(|t| t.times).sum::<f64>() / spread.max(1) as f64;
    let mut wanted = (0..spread).map(|i| (i as f64 + 0.5) * step).peekable();
    let mut even = Vec::new();
    let mut before = 0.0;
    for tile in &rest {
        before += tile.times;
        while wanted.next_if(|place| *place < before).is_some() {
            even.push(tile.tile);
        }
    }
    // The number is rounded to a multiple of 1/64: sums of such numbers are exact, so they don't
    // depend on the order of the tiles.
    let times = (step * 64.0).round() / 64.0;
    let alone = tiles.iter().map(|t| (t.tile, 1.0));
    alone.chain(even.into_iter().map(|t| (t, times))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_that_stands_for_several_takes_their_places() {
        let tile = |i: u32, times: f64| TileWeight {
            tile: TileId::new(12, i, 7).unwrap(),
            mass: f64::from(1000 - i),
            times,
        };
        let each = sample((0..1000).map(|i| tile(i, 1.0)).collect(), 12, 36);
        assert_eq!(each.len(), 48);
        // The tiles at equal steps, as an index into the sorted tiles gives them.
        let step = 988.0 / 36.0;
        for (i, (found, times)) in each[12..].iter().enumerate() {
            let place = 12 + ((i as f64 + 0.5) * step) as u32;
            assert_eq!((found.x(), *times), (place, (step * 64.0).round() / 64.0));
        }
        // Each of the tiles after the densest stands for four.
        let few = (0..12).map(|i| tile(i, 1.0));
        let some = few.chain((12..1000).step_by(4).map(|i| tile(i, 4.0)));
        let some = sample(some.collect(), 12, 36);
        assert_eq!(some.len(), 48);
        for ((a, times), (b, of_each)) in some.iter().zip(&each) {
            assert_eq!(times, of_each);
            assert!(a.x() <= b.x() && b.x() < a.x() + 4, "{a:?} {b:?}");
        }
    }
}
