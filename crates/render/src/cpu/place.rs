//! Where on a grid a cell lies.

use heatsplat_points::{Point, Window};

/// A cell's bin, and where in it the cell lies, −½ to ½.
#[derive(Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) column: u32,
    pub(crate) row: u32,
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// 0 for a cell off the grid.
    pub(crate) weight: f32,
}

/// The way from the world to the bins of a grid.
pub(crate) enum Place {
    Dyadic(Dyadic),
    Any(Any),
}

impl Place {
    /// The way to the pixels of a window, in a copy of the world `shift` world units east.
    ///
    /// Only cells in bins that have neighbours on all sides are on the grid.
    pub(crate) fn new(window: &Window, shift: f64) -> Self {
        let (left, top) = (window.left() - shift, window.top());
        let (width, height) = (window.width() - 1, window.height() - 1);
        let bits = window.pixel().log2();
        let whole = |v: f64| v.fract() == 0.0;
        if whole(bits) && bits >= 0.0 && whole(left) && whole(top) {
            let bits = bits as u32;
            let spare = bits.saturating_sub(FRACTION);
            return Self::Dyadic(Dyadic {
                spare,
                left: (left as i64 >> spare) as u32,
                top: (top as i64 >> spare) as u32,
                bits: bits - spare,
                width,
                height,
            });
        }
        let per_pixel = window.pixel().recip();
        Self::Any(Any {
            per_pixel,
            left: left * per_pixel,
            top: top * per_pixel,
            right: f64::from(width),
            bottom: f64::from(height),
        })
    }
}

/// Bits kept of a position within its bin: a millionth of a pixel, and room for a grid
/// that is wider than the world.
const FRACTION: u32 = 20;

/// Bins whose sides are a power of two, as those of every zoom are: integers tell all.
pub(crate) struct Dyadic {
    /// Bits of positions that are dropped.
    spare: u32,
    left: u32,
    top: u32,
    /// Of a position within its bin.
    bits: u32,
    width: u32,
    height: u32,
}

impl Dyadic {
    #[inline(always)]
    pub(crate) fn place(&self, cell: &Point) -> Placed {
        let x = (cell.x >> self.spare).wrapping_sub(self.left);
        let y = (cell.y >> self.spare).wrapping_sub(self.top);
        let (column, row) = (x >> self.bits, y >> self.bits);
        let mask = (1u32 << self.bits) - 1;
        let scale = f32::from_bits((127 - self.bits) << 23);
        // few enough bits to be exact
        let part = |v: u32| (v & mask) as i32 as f32 * scale - 0.5;
        let inside =
            (column.wrapping_sub(1) < self.width - 1) & (row.wrapping_sub(1) < self.height - 1);
        Placed {
            column: if inside { column } else { 1 },
            row: if inside { row } else { 1 },
            x: part(x),
            y: part(y),
            weight: if inside { cell.weight } else { 0.0 },
        }
    }
}

/// Bins of any side.
pub(crate) struct Any {
    per_pixel: f64,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Any {
    #[inline(always)]
    pub(crate) fn place(&self, cell: &Point) -> Placed {
        let x = f64::from(cell.x) * self.per_pixel - self.left;
        let y = f64::from(cell.y) * self.per_pixel - self.top;
        let inside = (x >= 1.0) & (x < self.right) & (y >= 1.0) & (y < self.bottom);
        // cells off the grid add nothing to its corner
        let (x, y) = if inside { (x, y) } else { (1.0, 1.0) };
        let (column, row) = (x as i32, y as i32);
        Placed {
            column: column as u32,
            row: row as u32,
            x: (x - f64::from(column)) as f32 - 0.5,
            y: (y - f64::from(row)) as f32 - 0.5,
            weight: if inside { cell.weight } else { 0.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Integers and floating point agree, so that maps of any scale look like tiles.
        #[test]
        fn both_ways_lead_to_the_same_bin(x: u32, y: u32, z in 0u8..17, at in (0.0..1.0f64, 0.0..1.0f64)) {
            let cell = Point { x, y, weight: 2.0 };
            let shift = |v: u32, by: f64| (i64::from(v) >> (32 - z)) - (by * 290.0) as i64;
            let window = Window::at_level(z, shift(x, at.0), shift(y, at.1), 300, 300);
            let Place::Dyadic(exact) = Place::new(&window, 0.0) else {
                panic!("pixels of a zoom are a power of two wide");
            };
            let close = Any {
                per_pixel: window.pixel().recip(),
                left: window.left() / window.pixel(),
                top: window.top() / window.pixel(),
                right: 299.0,
                bottom: 299.0,
            };
            let (a, b) = (exact.place(&cell), close.place(&cell));
            prop_assert_eq!((a.column, a.row, a.weight), (b.column, b.row, b.weight));
            if a.weight > 0.0 {
                prop_assert!((a.x - b.x).abs() < 2e-6 && (a.y - b.y).abs() < 2e-6);
            }
        }
    }
}
