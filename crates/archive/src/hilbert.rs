//! The Hilbert curve, in whose order tiles are stored, and the *tile ids* of PMTiles version 3,
//! which number all tiles along it.
//!
//! A tile's id counts the tiles of all zooms, from 0 for the tile of the whole world: the ids of a
//! zoom begin where the ids of the zoom before end. A tile's *position* counts only the tiles of
//! its own zoom, from 0 too. Within a zoom, tiles with consecutive positions are neighbours on the
//! map. The curve visits the four quarters of a tile one after the other, so the descendants of a
//! tile at a deeper zoom have consecutive positions, and consecutive ids.

use heatsplat_points::TileId;

/// The number of tiles in all zooms before `z`, which is also the tile id of the first tile of zoom
/// `z`.
pub(crate) fn first_of_zoom(z: u8) -> u64 {
    ((1u64 << (2 * u32::from(z))) - 1) / 3
}

/// The tile id of a tile, counted through all zooms from 0 for the tile of the whole world.
pub(crate) fn number(tile: TileId) -> u64 {
    first_of_zoom(tile.z()) + index(tile)
}

/// The tile with the tile id `number`; `None` if the id belongs to a zoom deeper than heatsplat's
/// deepest one.
pub(crate) fn tile(number: u64) -> Option<TileId> {
    let z = (0..=heatsplat_points::MAX_ZOOM).find(|&z| number < first_of_zoom(z + 1))?;
    Some(tile_in_zoom(z, number - first_of_zoom(z)))
}

/// The position of a tile on the Hilbert curve of its own zoom, counted from 0.
fn index(tile: TileId) -> u64 {
    let (mut x, mut y) = (tile.x(), tile.y());
    let mut index = 0;
    for bit in (0..tile.z()).rev() {
        let (right, low) = (x >> bit & 1, y >> bit & 1);
        index = index << 2 | u64::from((3 * right) ^ low);
        (x, y) = mirrored(x, y, right, low, u32::MAX);
    }
    index
}

/// The tile at the position `index`, counted from 0, on the Hilbert curve of zoom `z`.
pub(crate) fn tile_in_zoom(z: u8, index: u64) -> TileId {
    let (mut x, mut y) = (0u32, 0u32);
    for bit in 0..z {
        let quarter = (index >> (2 * u32::from(bit))) as u32 & 3;
        let right = quarter >> 1;
        let low = (quarter ^ right) & 1;
        (x, y) = mirrored(x, y, right, low, (1 << bit) - 1);
        x |= right << bit;
        y |= low << bit;
    }
    // The numbers x and y have at most z bits each, so the tile is valid.
    TileId::new(z, x, y).unwrap_or(TileId::WORLD)
}

/// Mirrors the coordinates `x` and `y` of a tile within a quarter, as the curve is mirrored in this
/// quarter: at a diagonal in the two northern quarters, and not at all in the two southern ones.
/// `right` is 1 in an eastern quarter, and `low` is 1 in a southern one. `mask` has a 1 for each
/// bit that a coordinate within the quarter can have.
fn mirrored(x: u32, y: u32, right: u32, low: u32, mask: u32) -> (u32, u32) {
    match (low, right) {
        (1, _) => (x, y),
        (_, 0) => (y, x),
        (_, _) => (!y & mask, !x & mask),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected numbers are from the table in the specification of PMTiles.
    #[test]
    fn numbers_are_the_specifications() {
        for ((z, x, y), expected) in [
            ((0, 0, 0), 0),
            ((1, 0, 0), 1),
            ((1, 0, 1), 2),
            ((1, 1, 1), 3),
            ((1, 1, 0), 4),
            ((2, 0, 0), 5),
            ((12, 3423, 1763), 19_078_479),
        ] {
            assert_eq!(number(TileId::new(z, x, y).unwrap()), expected);
        }
    }

    #[test]
    fn the_curve_goes_from_neighbour_to_neighbour_and_back_again() {
        for z in 0..6u8 {
            let mut last: Option<TileId> = None;
            for i in 0..1u64 << (2 * z) {
                let here = tile_in_zoom(z, i);
                assert_eq!(number(here), first_of_zoom(z) + i);
                assert_eq!(tile(first_of_zoom(z) + i), Some(here));
                if let Some(last) = last {
                    assert_eq!(here.x().abs_diff(last.x()) + here.y().abs_diff(last.y()), 1);
                }
                last = Some(here);
                // The four quarters of a tile have consecutive numbers.
                let parent = tile_in_zoom(z.saturating_sub(1), i >> 2);
                assert!(z == 0 || (parent.x(), parent.y()) == (here.x() / 2, here.y() / 2));
            }
        }
        let deep = TileId::new(24, 9_000_001, 15_999_999).unwrap();
        assert_eq!(tile(number(deep)), Some(deep));
    }
}
