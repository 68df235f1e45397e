//! Computes in which bin of a grid a cell lies, and where in the bin. A bin is one square of the
//! grid, often a pixel.

use heatsplat_points::{Point, Window};

/// The bin in which a cell lies, and the cell's position (x, y) from the bin's centre: −½ to ½ of a
/// bin along each axis.
#[derive(Clone, Copy, Default)]
pub(crate) struct BinPosition {
    pub(crate) column: u32,
    pub(crate) row: u32,
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// The weight of the cell; 0 for a cell outside the grid.
    pub(crate) weight: f32,
}

/// A mapping from world coordinates to the bins of a grid.
pub(crate) enum BinLocator {
    Dyadic(Dyadic),
    General(General),
}

impl BinLocator {
    /// The mapping from the cells of one copy of the world to the pixels of a window. The copy lies
    /// `shift` world units east of the first.
    ///
    /// A cell counts as on the grid only if its bin has neighbouring bins on all sides.
    pub(crate) fn new(window: &Window, shift: f64) -> Self {
        let (left, top) = (window.left() - shift, window.top());
        if let Some(dyadic) = Dyadic::new(window, left) {
            return Self::Dyadic(dyadic);
        }
        let per_pixel = window.pixel().recip();
        Self::General(General {
            per_pixel,
            left: left * per_pixel,
            top: top * per_pixel,
            right: f64::from(window.width() - 1),
            bottom: f64::from(window.height() - 1),
        })
    }

    /// The bin in which a cell lies, and the cell's position in the bin.
    pub(crate) fn place(&self, cell: &Point) -> BinPosition {
        match self {
            Self::Dyadic(grid) => grid.place(cell),
            Self::General(grid) => grid.place(cell),
        }
    }
}

/// The greatest number of bits that give a position within its bin. Twenty bits are a millionth of
/// a bin. The other twelve of the 32 bits count bins, so a grid may be wider than the world.
const FRACTION: u32 = 20;

/// A mapping to bins whose sides are a power of two in world units, as the pixels of every zoom
/// are. Integers locate cells in these bins exactly.
pub(crate) struct Dyadic {
    /// The number of low bits of a world coordinate that the mapping drops.
    spare: u32,
    /// The number of bits that give a position within a bin.
    bits: u32,
    across: BinAxis,
    down: BinAxis,
}

/// The bins along x or along y. Positions are counted in steps: a step is one world unit, or
/// several if low bits are dropped. Numbers of steps have 32 bits and wrap.
struct BinAxis {
    /// The position at which the grid begins, counted in the steps of the axis from the edge of the
    /// world.
    origin: u32,
    /// The number of steps from `origin` to the first position that lies both on the grid and in
    /// this copy of the world.
    first: u32,
    /// The number of steps that lie both on the grid and in this copy of the world. A step that
    /// would reach the grid only because its number wraps isn't counted.
    span: u32,
}

impl BinAxis {
    /// An axis of `bins` bins. The first bin begins at step `low`, counted from the edge of this
    /// copy of the world; each bin is 2^`bits` steps wide, and the world is `world` steps wide. The
    /// first and the last bin lack a neighbour, so cells in them count as off the grid. `None` if
    /// numbers of steps would wrap within the grid.
    fn new(low: i64, bins: u32, bits: u32, world: i64) -> Option<Self> {
        let bin = 1i64 << bits;
        if i64::from(bins) * bin > 1 << 32 {
            return None;
        }
        let first = bin.max(-low);
        let end = ((i64::from(bins) - 1) * bin).min(world - low);
        Some(Self {
            origin: low as u32,
            first: first as u32,
            span: (end - first).max(0) as u32,
        })
    }

    /// The number of steps from the beginning of the grid to the coordinate `at`, and true if the
    /// coordinate lies on the grid. `at` is counted from the edge of the world, in steps too. The
    /// number of steps to a coordinate off the grid means nothing.
    #[inline(always)]
    fn place(&self, at: u32) -> (u32, bool) {
        let from = at.wrapping_sub(self.origin);
        (from, from.wrapping_sub(self.first) < self.span)
    }
}

impl Dyadic {
    /// The mapping to the pixels of `window`, whose left edge lies `left` world units east of the
    /// edge of the copy of the world that is mapped. `None` in three cases:
    ///
    /// * The side of a pixel is no power of two in world units.
    /// * The window's corner is no whole number of world units.
    /// * The grid is too wide.
    fn new(window: &Window, left: f64) -> Option<Self> {
        let bits = window.pixel().log2();
        let whole = |v: f64| v.fract() == 0.0;
        if !(whole(bits) && bits >= 0.0 && whole(left) && whole(window.top())) {
            return None;
        }
        let bits = bits as u32;
        let spare = bits.saturating_sub(FRACTION);
        let bits = bits - spare;
        // A coordinate has 32 bits; if more would have to be dropped, there is no mapping.
        let world = 1i64 << 32u32.checked_sub(spare)?;
        let axis = |low: f64, bins| BinAxis::new(low as i64 >> spare, bins, bits, world);
        Some(Self {
            spare,
            bits,
            across: axis(left, window.width())?,
            down: axis(window.top(), window.height())?,
        })
    }

    #[inline(always)]
    pub(crate) fn place(&self, cell: &Point) -> BinPosition {
        let (x, in_x) = self.across.place(cell.x >> self.spare);
        let (y, in_y) = self.down.place(cell.y >> self.spare);
        let mask = (1u32 << self.bits) - 1;
        let scale = f32::from_bits((127 - self.bits) << 23);
        // The position has few enough bits to be exact as an f32.
        let part = |v: u32| (v & mask) as i32 as f32 * scale - 0.5;
        let inside = in_x & in_y;
        BinPosition {
            column: if inside { x >> self.bits } else { 1 },
            row: if inside { y >> self.bits } else { 1 },
            x: part(x),
            y: part(y),
            weight: if inside { cell.weight } else { 0.0 },
        }
    }
}

/// A mapping to bins of any side. Positions are computed in f64.
pub(crate) struct General {
    per_pixel: f64,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl General {
    #[inline(always)]
    pub(crate) fn place(&self, cell: &Point) -> BinPosition {
        let x = f64::from(cell.x) * self.per_pixel - self.left;
        let y = f64::from(cell.y) * self.per_pixel - self.top;
        let inside = (x >= 1.0) & (x < self.right) & (y >= 1.0) & (y < self.bottom);
        // A cell outside the grid is put into a bin in the grid's corner, where it adds nothing,
        // since its weight is 0.
        let (x, y) = if inside { (x, y) } else { (1.0, 1.0) };
        let (column, row) = (x as i32, y as i32);
        BinPosition {
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

    /// A coordinate that is near an end of the world in two of three cases.
    fn at_an_end() -> impl Strategy<Value = u32> {
        prop_oneof![
            0u32..1 << 20,
            (0u32..1 << 20).prop_map(|v| u32::MAX - v),
            any::<u32>()
        ]
    }

    proptest! {
        /// The mapping in integers and the mapping in floating point agree, so maps at any scale
        /// look like tiles.
        #[test]
        fn both_ways_lead_to_the_same_bin(x: u32, y: u32, z in 0u8..17, at in (0.0..1.0f64, 0.0..1.0f64)) {
            let cell = Point { x, y, weight: 2.0 };
            let shift = |v: u32, by: f64| (i64::from(v) >> (32 - z)) - (by * 290.0) as i64;
            let window = Window::at_level(z, shift(x, at.0), shift(y, at.1), 300, 300);
            let BinLocator::Dyadic(exact) = BinLocator::new(&window, 0.0) else {
                panic!("pixels of a zoom are a power of two wide");
            };
            let close = General {
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

        /// In each copy of the world that the grid reaches, a cell is on the grid exactly once. A
        /// number of 32 bits that wraps never puts a cell on the grid, not even near ±180° or a
        /// pole.
        #[test]
        fn a_cell_is_on_the_grid_where_it_is(
            x in at_an_end(), y in at_an_end(), z in 0u8..34, shift in -2i8..3,
            from in (-4200i64..4200, -4200i64..4200), east: bool, south: bool,
            width in 3u32..4200, height in 3u32..4200,
        ) {
            let level = 1i64 << z;
            let left = from.0 + if east { level } else { 0 };
            let top = from.1 + if south { level } else { 0 };
            let window = Window::at_level(z, left, top, width, height);
            let shift = f64::from(shift) * 4_294_967_296.0;
            let at = |v: f64, low: f64| ((v - low) / window.pixel()).floor();
            let column = at(f64::from(x) + shift, window.left());
            let row = at(f64::from(y), window.top());
            let on = |v: f64, n: u32| v >= 1.0 && v < f64::from(n) - 1.0;
            let placed = match BinLocator::new(&window, shift) {
                BinLocator::Dyadic(grid) => grid.place(&Point { x, y, weight: 2.0 }),
                BinLocator::General(grid) => grid.place(&Point { x, y, weight: 2.0 }),
            };
            prop_assert_eq!(placed.weight > 0.0, on(column, width) && on(row, height));
            if placed.weight > 0.0 {
                prop_assert_eq!((f64::from(placed.column), f64::from(placed.row)), (column, row));
            }
        }
    }
}
