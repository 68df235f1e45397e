//! The coordinates of a raster's pixels.

use crate::raster_extent::RasterExtent;
use heatsplat_points::LonLatBox;

/// The affine map from columns and rows of pixels to coordinates. Columns are counted from the
/// west and rows from the north, unless the map turns them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PixelGrid {
    /// The coordinates of the corner of the first pixel at which the raster begins: the
    /// north-western one, unless the map turns the raster.
    pub(super) corner: (f64, f64),
    /// The difference in x and y from a pixel to the next one in its row.
    pub(super) across: (f64, f64),
    /// The difference in x and y from a pixel to the next one in its column.
    pub(super) down: (f64, f64),
}

impl PixelGrid {
    /// The grid of a raster whose pixels fill a box. The first row is the northern one.
    pub(super) fn over(extent: RasterExtent, (width, height): (u64, u64)) -> Self {
        Self {
            corner: (extent.west, extent.north),
            across: ((extent.east - extent.west) / width as f64, 0.0),
            down: (0.0, (extent.south - extent.north) / height as f64),
        }
    }

    /// The coordinates of the point that is `column` pixels to the right of the first pixel's
    /// corner and `row` pixels below it.
    pub(super) fn place(&self, column: f64, row: f64) -> (f64, f64) {
        (
            self.corner.0 + column * self.across.0 + row * self.down.0,
            self.corner.1 + column * self.across.1 + row * self.down.1,
        )
    }

    /// The coordinates of the middle of a pixel, whose column and row are counted from 0.
    pub(super) fn middle(&self, column: u64, row: u64) -> (f64, f64) {
        self.place(column as f64 + 0.5, row as f64 + 0.5)
    }

    /// Returns false only if no part of a rectangle of pixels can lie in the box `within`. The grid
    /// must be in degrees. `columns` are the rectangle's first column and the column after its last
    /// one, and `rows` are its first row and the row after its last one.
    pub(super) fn may_touch(
        &self,
        within: LonLatBox,
        columns: (u64, u64),
        rows: (u64, u64),
    ) -> bool {
        let corner = |column: u64, row: u64| self.place(column as f64, row as f64);
        let corners = [
            corner(columns.0, rows.0),
            corner(columns.1, rows.0),
            corner(columns.0, rows.1),
            corner(columns.1, rows.1),
        ];
        let range = |of: fn((f64, f64)) -> f64| {
            let all = corners.map(of);
            let least = all.into_iter().fold(f64::INFINITY, f64::min);
            (least, all.into_iter().fold(f64::NEG_INFINITY, f64::max))
        };
        within.may_touch(range(|corner| corner.0), range(|corner| corner.1))
    }

    /// Returns true if the coordinates of pixels are finite and differ from pixel to pixel.
    pub(super) fn is_usable(&self) -> bool {
        let [a, b, c, d] = [self.across.0, self.down.0, self.across.1, self.down.1];
        let area = a * d - b * c;
        area.is_finite() && area != 0.0 && self.corner.0.is_finite() && self.corner.1.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles_and_blocks() {
        let extent: RasterExtent = "10,40,14,50".parse().unwrap();
        let grid = PixelGrid::over(extent, (4, 5));
        assert_eq!(grid.middle(0, 0), (10.5, 49.0));
        assert_eq!(grid.middle(3, 4), (13.5, 41.0));
        let within: LonLatBox = "12.5,40,13,41".parse().unwrap();
        assert!(grid.may_touch(within, (2, 4), (4, 5)));
        assert!(!grid.may_touch(within, (0, 2), (4, 5)));
        assert!(!grid.may_touch(within, (2, 4), (0, 4)));
        assert!(grid.is_usable());
        let flat = PixelGrid {
            down: (2.0, 0.0),
            ..grid
        };
        assert!(!flat.is_usable());
    }
}
