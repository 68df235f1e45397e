//! Tiles that contain points: all of a zoom, or some that represent them.
//!
//! A deep zoom of many points has nearly as many tiles as there are points. Statistics of such a
//! zoom are measured in few tiles, so looking at all of them would take longer than everything
//! else.

use crate::cancel;
use crate::point::Point;
use crate::points::Points;
use crate::read_error::ReadError;
use crate::tile::TileId;
use crate::window::Window;

/// The number of tiles that the search for the densest tiles takes of each zoom: the densest ones.
/// Only inside these it looks for tiles of the next zoom. A choice.
const FOLLOWED: usize = 256;

/// The search for the densest tiles begins at the deepest zoom that has at most this many tiles
/// with points. There the weights of all tiles are summed.
const FIRST: u64 = 1 << 16;

/// The number of points, every n-th one in Z-order, whose tiles are picked to represent all tiles
/// but the densest: a choice. Statistics are measured in 36 of the picked tiles (`SPREAD` in the
/// crate `render`), so each of the 36 is chosen out of some 28.
const PICKS: usize = 1024;

/// A tile that contains points, and the sum of the weights in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TileWeight {
    /// The address of the tile: its zoom, column and row.
    pub tile: TileId,
    /// The sum of |weight| over the tile's cells. If weights have both signs, it may be less than
    /// the sum over the tile's points, since a cell has the net weight of its points.
    pub mass: f64,
    /// The number of tiles that this tile stands for: 1 unless it represents others.
    pub times: f64,
}

impl Points {
    /// Returns the tiles of zoom `z` that contain points, in Z-order. A `z` above
    /// [`MAX_ZOOM`](crate::MAX_ZOOM) is treated as `MAX_ZOOM`.
    pub fn occupied_tiles(&self, z: u8) -> Vec<TileWeight> {
        let z = z.min(crate::MAX_ZOOM);
        let world = Window::at_level(z, 0, 0, 1 << z, 1 << z);
        self.tiles_within(&world, z)
    }

    /// Returns the tiles of zoom `z` that represent all tiles that contain points: all of them if
    /// there are at most `most`. Otherwise they are the densest tiles, or nearly the densest, and
    /// some of the other tiles, each of which stands for several ([`TileWeight::times`]). Equal
    /// points always give the same tiles. A `z` above [`MAX_ZOOM`](crate::MAX_ZOOM) is treated as
    /// `MAX_ZOOM`.
    ///
    /// It takes some milliseconds where not all tiles are looked at, however many points there are.
    /// If the points are not in memory, the stack is unwound if they can't be read.
    pub fn representative_tiles(&self, z: u8, most: u64) -> Vec<TileWeight> {
        let z = z.min(crate::MAX_ZOOM);
        let all = self.occupied(u32::from(z));
        if all <= most.max(FIRST) {
            return self.occupied_tiles(z);
        }
        let mut tiles = self.densest_tiles(z);
        match self.picked_tiles(z, all, &tiles) {
            Ok(others) => tiles.extend(others),
            Err(error) => cancel::unreadable(error),
        }
        tiles
    }

    /// Returns the [`FOLLOWED`] densest tiles of a zoom. One that lies in a sparse region may be
    /// missed, since regions are chosen at lower zooms.
    fn densest_tiles(&self, z: u8) -> Vec<TileWeight> {
        let is_first = |zoom: &u8| self.occupied(u32::from(*zoom)) <= FIRST;
        let first = (0..=z).rev().find(is_first).unwrap_or(0);
        let mut tiles = self.occupied_tiles(first);
        keep_densest(&mut tiles);
        for zoom in first + 1..=z {
            let parts = |tile: &TileWeight| self.tiles_within(&Window::tile(tile.tile, 2), zoom);
            tiles = tiles.iter().flat_map(parts).collect();
            keep_densest(&mut tiles);
        }
        tiles
    }

    /// Returns tiles of a zoom that represent all tiles but the `densest`: the tiles of every n-th
    /// point in Z-order, [`PICKS`] points in all. A tile with many points is picked more often than
    /// others, so the more points it has, the fewer tiles each pick stands for. `all` is the number
    /// of all tiles with points.
    fn picked_tiles(
        &self,
        z: u8,
        all: u64,
        densest: &[TileWeight],
    ) -> Result<Vec<TileWeight>, ReadError> {
        let mut known: Vec<TileId> = densest.iter().map(|t| t.tile).collect();
        known.sort_unstable();
        let mut picked: Vec<TileWeight> = Vec::new();
        for point in self.every(self.summary().count.div_ceil(PICKS))? {
            let tile = tile_of(&point, z);
            let Some(tile) = tile.filter(|tile| known.binary_search(tile).is_err()) else {
                continue;
            };
            let times = 1.0 / self.tile_range(tile)?.len().max(1) as f64;
            match picked.last_mut() {
                Some(last) if last.tile == tile => last.times += times,
                _ => {
                    let within = self.tiles_within(&Window::tile(tile, 1), z);
                    let mass = within.iter().map(|t| t.mass).sum();
                    picked.push(TileWeight { tile, mass, times });
                }
            }
        }
        let sum: f64 = picked.iter().map(|t| t.times).sum();
        let others = all.saturating_sub(known.len() as u64) as f64;
        picked.iter_mut().for_each(|t| t.times *= others / sum);
        Ok(picked)
    }

    /// Returns the tiles of a zoom that contain points, in a window whose pixels are these tiles.
    fn tiles_within(&self, window: &Window, z: u8) -> Vec<TileWeight> {
        let mut tiles: Vec<TileWeight> = Vec::new();
        for cell in self.cells(window, 1.0).slices().flat_map(|(run, _)| run) {
            let (x, y) = (f64::from(cell.x), f64::from(cell.y));
            let inside = (window.left()..window.right()).contains(&x)
                && (window.top()..window.bottom()).contains(&y);
            let Some(tile) = tile_of(cell, z).filter(|_| inside) else {
                continue;
            };
            let mass = f64::from(cell.weight.abs());
            match tiles.last_mut() {
                Some(last) if last.tile == tile => last.mass += mass,
                _ => tiles.push(TileWeight {
                    tile,
                    mass,
                    times: 1.0,
                }),
            }
        }
        tiles
    }
}

/// Returns the tile of zoom `z` in which a point lies.
fn tile_of(point: &Point, z: u8) -> Option<TileId> {
    let place = |v: u32| v.checked_shr(32 - u32::from(z)).unwrap_or(0);
    TileId::new(z, place(point.x), place(point.y)).ok()
}

/// Removes all tiles but the [`FOLLOWED`] ones with the greatest mass.
fn keep_densest(tiles: &mut Vec<TileWeight>) {
    tiles.sort_unstable_by(|a, b| b.mass.total_cmp(&a.mass).then(a.tile.cmp(&b.tile)));
    tiles.truncate(FOLLOWED);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scattered(n: u32, spread: u32) -> Points {
        let mix = |i: u32| i.wrapping_mul(2_654_435_769).rotate_left(11) ^ i;
        let point = |i: u32| {
            // A third of the points is in crowds, which are the denser the smaller they are.
            let crowd = if i.is_multiple_of(3) {
                1 + (mix(i) >> 3) % spread
            } else {
                0
            };
            Point {
                x: (0x4000_0000 * (crowd % 4)).wrapping_add(mix(i) >> crowd),
                y: (0x1234_5678 * (crowd % 7)).wrapping_add(mix(mix(i) ^ 77) >> crowd),
                weight: (i % 4) as f32 + 0.5,
            }
        };
        Points::from_slice(&(0..n).map(point).collect::<Vec<_>>())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn occupied_tiles_are_counted_without_a_look_at_them(
            n in 0u32..3000, spread in 1u32..20, z in 0u8..31,
        ) {
            let points = scattered(n, spread);
            let all = points.occupied_tiles(z);
            // Tiles end at the deepest zoom; cells are divided further.
            let level = u32::from(z.min(crate::MAX_ZOOM));
            prop_assert_eq!(points.occupied(level), all.len() as u64);
            prop_assert_eq!(points.representative_tiles(z, 0), all);
        }
    }

    #[test]
    fn the_densest_tiles_and_the_distribution_of_the_others_are_those_of_all_tiles() {
        let points = scattered(400_000, 14);
        for z in [9u8, 12, 16, 22] {
            let mut all = points.occupied_tiles(z);
            let found = points.representative_tiles(z, 0);
            assert!(
                all.len() > 1 << 16 && found.len() <= FOLLOWED + PICKS,
                "{z}"
            );
            all.sort_by(|a, b| b.mass.total_cmp(&a.mass).then(a.tile.cmp(&b.tile)));
            // Statistics measure the twelve densest in any case. Where tiles have two points, the
            // search may find others of nearly the same weight.
            let dense = |tiles: &[TileWeight]| tiles[..12].iter().map(|t| t.mass).sum::<f64>();
            assert_eq!(found[0], all[0], "{z}");
            assert!(dense(&found) > 0.9 * dense(&all), "{z}");
            let times: f64 = found.iter().map(|t| t.times).sum();
            assert!(
                (times / all.len() as f64 - 1.0).abs() < 1e-9,
                "{z}: {times}"
            );
            let mass: f64 = found.iter().map(|t| t.mass * t.times).sum();
            let whole: f64 = all.iter().map(|t| t.mass).sum();
            assert!((mass / whole - 1.0).abs() < 0.15, "{z}: {mass} of {whole}");
            // Quantiles of the distribution differ by at most one step in ten of the share.
            for share in [0.01, 0.1, 0.5, 0.9] {
                let at = all[(share * all.len() as f64) as usize].mass;
                let above: f64 = found.iter().filter(|t| t.mass > at).map(|t| t.times).sum();
                let below: f64 = found.iter().filter(|t| t.mass < at).map(|t| t.times).sum();
                let (above, below) = (above / times, below / times);
                let off = 0.1 * share + 0.03;
                assert!(above < share + off, "{z} {share}: {above}");
                assert!(below < 1.0 - share + off, "{z} {share}: {below}");
            }
        }
    }
}
