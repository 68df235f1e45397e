//! The part of the world that an export covers.

use heatsplat_points::{TileId, Window, WindowError, mercator};
use std::ops::RangeInclusive;

/// A box of the map; its east may lie beyond 180° to reach across the date line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    degrees: [f64; 4],
    /// Left, top, right, bottom in world units.
    edges: [f64; 4],
}

/// A box that can't be.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct AreaError(#[from] WindowError);

impl Area {
    /// The box between west, south, east and north, in degrees.
    ///
    /// # Errors
    /// Bounds that are no degrees, or inside out, or wholly outside the Mercator square.
    pub fn new(degrees: [f64; 4]) -> Result<Self, AreaError> {
        Window::around(degrees, 1, 1)?;
        let [west, south, east, north] = degrees;
        Ok(Self {
            degrees,
            edges: [
                mercator::unwrapped_x(west),
                mercator::clamped_y(north),
                mercator::unwrapped_x(east),
                mercator::clamped_y(south),
            ],
        })
    }

    /// West, south, east, north.
    pub fn degrees(&self) -> [f64; 4] {
        self.degrees
    }

    /// Whether the box and a tile have some of the map in common.
    pub(crate) fn touches(&self, tile: TileId) -> bool {
        let [left, top, right, bottom] = self.edges;
        let window = Window::tile(tile, 1);
        // the worlds east and west of ours are the same one
        let across = [-1.0, 0.0, 1.0].iter().any(|worlds| {
            let shift = worlds * mercator::WORLD;
            window.left() + shift < right && window.right() + shift > left
        });
        across && window.top() < bottom && window.bottom() > top
    }

    /// The columns and rows of a zoom's tiles that the box touches. Columns may go beyond the
    /// last one: the world goes on there.
    pub(crate) fn tiles(&self, z: u8) -> (RangeInclusive<i64>, RangeInclusive<i64>) {
        let side = mercator::WORLD / (1u64 << z) as f64;
        let span = |low: f64, high: f64| {
            let first = (low / side).floor() as i64;
            // a box that ends where a tile begins doesn't touch that tile
            first..=((high / side).ceil() as i64 - 1).max(first)
        };
        let [left, top, right, bottom] = self.edges;
        (span(left, right), span(top, bottom))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_touch_their_tiles() {
        let touched = |degrees| {
            let area = Area::new(degrees).unwrap();
            let all = (0..4).flat_map(|x| (0..4).map(move |y| (x, y)));
            let touches = |&(x, y): &(u32, u32)| area.touches(TileId::new(2, x, y).unwrap());
            all.filter(touches).collect::<Vec<_>>()
        };
        assert_eq!(touched([1.0, 1.0, 89.0, 60.0]), [(2, 1)]);
        assert_eq!(
            touched([-1.0, -1.0, 1.0, 1.0]),
            [(1, 1), (1, 2), (2, 1), (2, 2)]
        );
        // edges are of the tile west and north of them alone
        assert_eq!(touched([0.0, 0.0, 90.0, 10.0]), [(2, 1)]);
        assert_eq!(touched([170.0, 1.0, 190.0, 2.0]), [(0, 1), (3, 1)]);
        assert!(Area::new([10.0, 0.0, -10.0, 5.0]).is_err());
    }

    #[test]
    fn columns_and_rows() {
        let area = Area::new([170.0, -1.0, 190.0, 1.0]).unwrap();
        assert_eq!(area.tiles(2), (3..=4, 1..=2));
        assert_eq!(area.tiles(0), (0..=1, 0..=0));
        let world = Area::new([-180.0, -85.06, 180.0, 85.06]).unwrap();
        assert_eq!(world.tiles(1), (0..=1, 0..=1));
    }
}
