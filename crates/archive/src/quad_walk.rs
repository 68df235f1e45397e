//! Which tiles show something: a walk down the quadtree along the Hilbert curve.
//!
//! A quad that no point's kernel reaches has no tile, so whole empty oceans are passed by one
//! look, and nothing is ever listed: the walk holds the path to where it is.

use crate::area::Area;
use crate::hilbert;
use heatsplat_points::{Point, Points, TileId, Window};

/// Pixels of a look at a quad: the search for points takes what is eight pixels wide as a whole.
const LOOK: u32 = 256;

/// Some neighbouring tiles of a zoom that are drawn as one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quad {
    /// The tile of a lower zoom that is where they are.
    pub(crate) root: TileId,
    /// Their own zoom.
    pub(crate) z: u8,
    /// The first tile's place on their zoom's curve.
    first: u64,
}

impl Quad {
    /// Tiles a side.
    pub(crate) fn side(self) -> u32 {
        1 << (self.z - self.root.z())
    }

    /// The tiles along the curve, each with its number and where it is in the quad.
    pub(crate) fn tiles(self) -> impl Iterator<Item = (TileId, u64, [u32; 2])> {
        let side = self.side();
        let all = self.first..self.first + u64::from(side) * u64::from(side);
        all.map(move |index| {
            let tile = hilbert::at(self.z, index);
            let at = [tile.x() % side, tile.y() % side];
            (tile, hilbert::before(self.z) + index, at)
        })
    }

    /// The number after the last tile's.
    pub(crate) fn end(self) -> u64 {
        hilbert::before(self.z) + self.first + (1u64 << (2 * (self.z - self.root.z())))
    }
}

/// The quads of one zoom that may show something, along the curve.
pub(crate) struct Walk<'a, M> {
    /// Sets of points; each may show something.
    points: Vec<&'a Points>,
    area: Option<Area>,
    z: u8,
    /// The zoom of the quads' roots.
    depth: u8,
    /// How far around a tile's place points matter, in world units.
    margin: M,
    /// Where to begin: quads that end before this number are passed.
    from: u64,
    /// Quads still to look at, the next one last: their zoom, and place on its curve.
    todo: Vec<(u8, u64)>,
}

impl<'a, M: Fn(TileId) -> f64> Walk<'a, M> {
    /// Quads of `side` tiles a side; `margin` says how far kernels reach there, in world units.
    pub(crate) fn new(
        points: Vec<&'a Points>,
        area: Option<Area>,
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

    fn shows(&self, tile: TileId) -> bool {
        if self.area.is_some_and(|area| !area.touches(tile)) {
            return false;
        }
        let own = Window::tile(tile, LOOK);
        let margin = (self.margin)(tile);
        let side = own.right() - own.left() + 2.0 * margin;
        let (left, top) = (own.left() - margin, own.top() - margin);
        let look = Window::new(left, top, side / f64::from(LOOK), LOOK, LOOK);
        let inside = |point: &Point, shift: f64| {
            let (x, y) = (f64::from(point.x) + shift, f64::from(point.y));
            (left..=look.right()).contains(&x) && (top..=look.bottom()).contains(&y)
        };
        self.points.iter().any(|points| {
            let cells = points.cells(&look, 0.0);
            // a few points are found together though only some of them are inside
            cells
                .slices()
                .any(|(run, shift)| run.iter().any(|point| inside(point, shift)))
        })
    }
}

impl<M: Fn(TileId) -> f64> Iterator for Walk<'_, M> {
    type Item = Quad;

    fn next(&mut self) -> Option<Quad> {
        while let Some((z, index)) = self.todo.pop() {
            let below = 2 * u32::from(self.z - z);
            let end = hilbert::before(self.z) + ((index + 1) << below);
            let root = hilbert::at(z, index);
            if end <= self.from || !self.shows(root) {
                continue;
            }
            if z == self.depth {
                return Some(Quad {
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
                let walk = |from| Walk::new(vec![&points], None, z, side, margin, from);
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
                // the rest of a walk is the walk from there
                let Some(middle) = quads.get(quads.len() / 2) else {
                    panic!("no quads");
                };
                let rest = walk(middle.end());
                assert!(rest.eq(quads[quads.len() / 2 + 1..].iter().copied()));
            }
        }
        // the ocean is passed
        assert!(Walk::new(vec![&points], None, 7, 1, |_| 0.0, 0).count() <= 400);
    }
}
