//! A walk down the quadtree of tiles. It starts at the tile of the whole world and follows the
//! Hilbert curve. It finds the quads that may show something. A quad is a square of neighbouring
//! tiles.
//!
//! A tile that no point's kernel reaches is skipped together with all tiles within it. So an empty
//! ocean costs a single search. The walk stores only its path in the tree, never a list of all
//! tiles.

use crate::hilbert;
use heatsplat_points::{LonLatBox, Point, Points, TileId, Window};

/// The width and height in pixels of the window in which a tile's points are searched for: a
/// choice. The search stops at parts of the world that are under eight of these pixels wide, so a
/// larger number gives a finer search.
const SEARCH_PIXELS: u32 = 256;

/// A quad: a square of neighbouring tiles of one zoom, which are drawn as one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TileQuad {
    /// The tile that covers exactly the quad. Its zoom is at most the zoom of the quad's tiles.
    pub(crate) root: TileId,
    /// The zoom of the tiles that the quad consists of.
    pub(crate) z: u8,
    /// The position of the quad's first tile on the Hilbert curve of zoom `z`, counted from 0.
    first: u64,
}

impl TileQuad {
    /// The number of tiles along a side of the quad.
    pub(crate) fn side(self) -> u32 {
        1 << (self.z - self.root.z())
    }

    /// The tiles of the quad in the order of the Hilbert curve. Each tile comes with its tile id,
    /// and with its column and row within the quad.
    pub(crate) fn tiles(self) -> impl Iterator<Item = (TileId, u64, [u32; 2])> {
        let side = self.side();
        let all = self.first..self.first + u64::from(side) * u64::from(side);
        all.map(move |index| {
            let tile = hilbert::tile_in_zoom(self.z, index);
            let place = [tile.x() % side, tile.y() % side];
            (tile, hilbert::first_of_zoom(self.z) + index, place)
        })
    }

    /// The tile id after that of the quad's last tile.
    pub(crate) fn end(self) -> u64 {
        hilbert::first_of_zoom(self.z) + self.first + (1u64 << (2 * (self.z - self.root.z())))
    }
}

/// An iterator over the quads (squares of tiles) of a zoom that may show something, in the order of
/// the Hilbert curve.
pub(crate) struct QuadWalk<'a, M> {
    /// The points whose kernels show in tiles: one set of points, or two sets in a comparison.
    points: Vec<&'a Points>,
    area: Option<LonLatBox>,
    z: u8,
    /// The zoom at which a single tile covers a whole quad.
    depth: u8,
    /// A function that returns, for a tile, how far kernels reach beyond its edges, in world units.
    margin: M,
    /// The tile id of the first tile that is not drawn yet. Quads that end before it are skipped.
    from: u64,
    /// A stack of the tiles to visit: of each its zoom, and its position on the Hilbert curve of
    /// this zoom.
    todo: Vec<(u8, u64)>,
}

impl<'a, M: Fn(TileId) -> f64> QuadWalk<'a, M> {
    /// Makes a walk over the quads of zoom `z` that have `side` × `side` tiles. `margin` returns,
    /// for a tile, how far kernels reach beyond its edges, in world units. `from` is the tile id of
    /// the first tile that is not drawn yet.
    pub(crate) fn new(
        points: Vec<&'a Points>,
        area: Option<LonLatBox>,
        z: u8,
        side: u32,
        margin: M,
        from: u64,
    ) -> Self {
        Self {
            points,
            area,
            z,
            depth: z.saturating_sub(side.ilog2() as u8),
            margin,
            from,
            todo: vec![(0, 0)],
        }
    }

    /// Tests whether a tile may show something: it touches the area, if the export is restricted to
    /// one, and the kernel of some point may reach it.
    fn may_show(&self, tile: TileId) -> bool {
        if self.area.is_some_and(|area| !area.touches(tile)) {
            return false;
        }
        let own = Window::tile(tile, SEARCH_PIXELS);
        let margin = (self.margin)(tile);
        let side = own.right() - own.left() + 2.0 * margin;
        let (left, top) = (own.left() - margin, own.top() - margin);
        let pixel = side / f64::from(SEARCH_PIXELS);
        let window = Window::new(left, top, pixel, SEARCH_PIXELS, SEARCH_PIXELS);
        let inside = |point: &Point, shift: f64| {
            let (x, y) = (f64::from(point.x) + shift, f64::from(point.y));
            (left..=window.right()).contains(&x) && (top..=window.bottom()).contains(&y)
        };
        // The search may return points outside the window too, so each point is checked.
        let any = |points: &Points, finest: f64, inside: &dyn Fn(&Point, f64) -> bool| {
            let cells = points.cells(&window, finest);
            cells
                .slices()
                .any(|(run, shift)| run.iter().any(|point| inside(point, shift)))
        };
        // Points of a cell lie at most a pixel away from it. So, where all points would have to be
        // read first, most windows are decided by cells.
        let surely = |cell: &Point, shift: f64| {
            let (x, y) = (f64::from(cell.x) + shift, f64::from(cell.y));
            (left + pixel..=window.right() - pixel).contains(&x)
                && (top + pixel..=window.bottom() - pixel).contains(&y)
        };
        self.points.iter().any(|points| {
            (points.paged().is_some() && any(points, 1.0, &surely)) || any(points, 0.0, &inside)
        })
    }
}

impl<M: Fn(TileId) -> f64> Iterator for QuadWalk<'_, M> {
    type Item = TileQuad;

    fn next(&mut self) -> Option<TileQuad> {
        while let Some((z, index)) = self.todo.pop() {
            let below = 2 * u32::from(self.z - z);
            let end = hilbert::first_of_zoom(self.z) + ((index + 1) << below);
            let root = hilbert::tile_in_zoom(z, index);
            if end <= self.from || !self.may_show(root) {
                continue;
            }
            if z == self.depth {
                return Some(TileQuad {
                    root,
                    z: self.z,
                    first: index << below,
                });
            }
            self.todo
                .extend((0..4).rev().map(|q| (z + 1, index << 2 | q)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::mercator::WORLD;

    #[test]
    fn the_walk_finds_every_tile_that_a_point_reaches_in_order() {
        let points = (0..200).map(|i| {
            let i = f64::from(i);
            ((i * 37.7) % 360.0 - 180.0, (i * 13.1) % 160.0 - 80.0, 1.0)
        });
        let points = Points::from_lon_lat(points).unwrap();
        for z in [0u8, 1, 4, 7] {
            for side in [1, 2, 8] {
                let margin = |_| WORLD / (1u64 << z) as f64 / 8.0;
                let walk = |from| QuadWalk::new(vec![&points], None, z, side, margin, from);
                let quads: Vec<_> = walk(0).collect();
                let found: Vec<_> = quads.iter().flat_map(|q| q.tiles()).collect();
                assert!(found.is_sorted_by(|a, b| a.1 < b.1));
                assert!(
                    found
                        .iter()
                        .all(|(tile, number, _)| hilbert::number(*tile) == *number)
                );
                for occupied in points.occupied_tiles(z) {
                    assert!(found.iter().any(|(tile, ..)| *tile == occupied.tile));
                }
                // A walk that begins after a quad gives exactly the quads that follow it in the
                // whole walk.
                let Some(middle) = quads.get(quads.len() / 2) else {
                    panic!("no quads");
                };
                let rest = walk(middle.end());
                assert!(rest.eq(quads[quads.len() / 2 + 1..].iter().copied()));
            }
        }
        // At most 400 of the 4⁷ tiles of zoom 7 may show something, so empty oceans are skipped.
        assert!(QuadWalk::new(vec![&points], None, 7, 1, |_| 0.0, 0).count() <= 400);
    }
}
