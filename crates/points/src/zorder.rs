//! The Z-order curve, also called Morton curve. A position's number along the curve, its key, has
//! the bits of x and y in turn, the bit of y before the bit of x.
//!
//! Keys are not stored. To compare two positions, the code compares x or y, whichever differs in
//! the higher bit. The result is the order of the keys and takes only a few instructions.

use crate::point::Point;
use std::cmp::Ordering;
use std::ops::Range;

/// Compares points in Z-order, and points at one position by weight. Only identical points are
/// equal, so the sorted points don't depend on the order of the input.
#[inline]
pub(crate) fn compare(a: &Point, b: &Point) -> Ordering {
    let dx = a.x ^ b.x;
    let dy = a.y ^ b.y;
    if dx | dy == 0 {
        return a.weight.total_cmp(&b.weight);
    }
    // The highest set bit of dx lies above the highest of dy exactly if dx > dy and dx ^ dy > dy.
    if dx > dy && (dx ^ dy) > dy {
        a.x.cmp(&b.x)
    } else {
        a.y.cmp(&b.y)
    }
}

/// Interleaves two numbers of up to 16 bits: bit i of x becomes bit 2i, and bit i of y becomes bit
/// 2i + 1.
#[inline]
pub(crate) fn interleave(x: u32, y: u32) -> u32 {
    spread(x) | spread(y) << 1
}

fn spread(v: u32) -> u32 {
    let v = (v | v << 8) & 0x00ff_00ff;
    let v = (v | v << 4) & 0x0f0f_0f0f;
    let v = (v | v << 2) & 0x3333_3333;
    (v | v << 1) & 0x5555_5555
}

/// Returns the key of a point's position: its number along the curve.
#[inline]
pub(crate) fn key(p: &Point) -> u64 {
    spread_wide(p.x) | spread_wide(p.y) << 1
}

/// Returns the position (x, y) of a given key: the inverse of [`key`].
#[inline]
pub(crate) fn position(key: u64) -> (u32, u32) {
    (gather_wide(key), gather_wide(key >> 1))
}

fn spread_wide(v: u32) -> u64 {
    let v = u64::from(v);
    let v = (v | v << 16) & 0x0000_ffff_0000_ffff;
    let v = (v | v << 8) & 0x00ff_00ff_00ff_00ff;
    let v = (v | v << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let v = (v | v << 2) & 0x3333_3333_3333_3333;
    (v | v << 1) & 0x5555_5555_5555_5555
}

fn gather_wide(v: u64) -> u32 {
    let v = v & 0x5555_5555_5555_5555;
    let v = (v | v >> 1) & 0x3333_3333_3333_3333;
    let v = (v | v >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    let v = (v | v >> 4) & 0x00ff_00ff_00ff_00ff;
    let v = (v | v >> 8) & 0x0000_ffff_0000_ffff;
    (v | v >> 16) as u32
}

/// A quad: a square of the quadtree, which has all positions that share the top `depth` bits of x
/// and of y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quad {
    /// The depth in the quadtree: at 0 the quad is the whole world, and at 32 a single position.
    pub depth: u32,
    /// The top `depth` bits of x, which all positions in the quad share.
    pub x: u32,
    /// The top `depth` bits of y, which all positions in the quad share.
    pub y: u32,
}

impl Quad {
    /// The quad of the whole world.
    pub const WORLD: Self = Self {
        depth: 0,
        x: 0,
        y: 0,
    };

    /// Returns the keys of the first and of the last position in the quad; see [`Point::z_key`].
    pub fn keys(self) -> (u64, u64) {
        let corner = Point {
            x: self.x.checked_shl(32 - self.depth).unwrap_or(0),
            y: self.y.checked_shl(32 - self.depth).unwrap_or(0),
            weight: 0.0,
        };
        let first = key(&corner);
        let positions = u64::MAX.checked_shr(2 * self.depth).unwrap_or(0);
        (first, first | positions)
    }

    /// Returns true if `other` lies in the quad, or if the two are equal.
    pub fn contains(self, other: Self) -> bool {
        let deeper = other.depth.checked_sub(self.depth);
        let above = |v: u32, by: u32| v.checked_shr(by).unwrap_or(0);
        deeper.is_some_and(|by| above(other.x, by) == self.x && above(other.y, by) == self.y)
    }

    /// Returns the quad of a depth of at most 32 in which a point lies.
    pub(crate) fn around(point: &Point, depth: u32) -> Self {
        let depth = depth.min(32);
        let top = |v: u32| v.checked_shr(32 - depth).unwrap_or(0);
        Self {
            depth,
            x: top(point.x),
            y: top(point.y),
        }
    }

    /// Returns true if a point lies in the quad.
    #[inline]
    pub(crate) fn holds(self, point: &Point) -> bool {
        let top = |v: u32| v.checked_shr(32 - self.depth).unwrap_or(0);
        top(point.x) == self.x && top(point.y) == self.y
    }

    /// Returns the number, 0 to 3, of the quad in its parent, in Z-order.
    pub(crate) fn quarter(self) -> u32 {
        self.x & 1 | (self.y & 1) << 1
    }

    /// Returns the quad at a smaller `depth` in which this quad lies.
    pub(crate) fn ancestor(self, depth: u32) -> Self {
        let by = self.depth.saturating_sub(depth);
        let above = |v: u32| v.checked_shr(by).unwrap_or(0);
        Self {
            depth: depth.min(self.depth),
            x: above(self.x),
            y: above(self.y),
        }
    }

    /// Returns the west, north, east and south edge in world units. Positions on the east and the
    /// south edge don't belong to the quad.
    #[inline]
    pub fn edges(self) -> (f64, f64, f64, f64) {
        let side = (1u64 << (32 - self.depth)) as f64;
        let (west, north) = (f64::from(self.x) * side, f64::from(self.y) * side);
        (west, north, west + side, north + side)
    }

    /// Returns the quarter of the quad with a number in Z-order: 0 is north-west, 1 north-east, 2
    /// south-west and 3 south-east.
    #[inline]
    pub fn child(self, quarter: u32) -> Self {
        Self {
            depth: self.depth + 1,
            x: self.x << 1 | quarter & 1,
            y: self.y << 1 | quarter >> 1,
        }
    }

    /// Divides the quad's points, which are `points[range]` in Z-order, among its four quarters.
    /// Returns five indices into `points`: quarter `i` has the points from index `i` of the result
    /// up to, but without, index `i + 1`. The first is `range.start` and the last `range.end`.
    #[inline]
    pub fn quarter_borders(self, points: &[Point], range: &Range<usize>) -> [usize; 5] {
        quarter_borders(points, range, self)
    }

    /// Returns the number, 0 to 3, of the quarter in which the point `p` of the quad lies.
    #[inline]
    pub(crate) fn quarter_of(self, p: &Point) -> u32 {
        let bit = 31 - self.depth;
        (p.x >> bit) & 1 | ((p.y >> bit) & 1) << 1
    }
}

/// Divides the points of a quad, `points[range]`, among its four quarters: see
/// [`Quad::quarter_borders`].
#[inline]
pub(crate) fn quarter_borders(points: &[Point], range: &Range<usize>, quad: Quad) -> [usize; 5] {
    let here = points.get(range.clone()).unwrap_or_default();
    let half = here.partition_point(|p| quad.quarter_of(p) < 2);
    let (north, south) = here.split_at(half);
    let first = north.partition_point(|p| quad.quarter_of(p) < 1);
    let third = half + south.partition_point(|p| quad.quarter_of(p) < 3);
    [0, first, half, third, here.len()].map(|i| range.start + i)
}

/// Returns the ranges of the points of the four quarters of a quad, from the borders that
/// [`quarter_borders`] returns.
#[inline]
pub(crate) fn quarters([a, b, c, d, e]: [usize; 5]) -> [Range<usize>; 4] {
    [a..b, b..c, c..d, d..e]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bit_by_bit(p: &Point) -> u64 {
        (0..32).fold(0, |k, i| {
            k | u64::from(p.x >> i & 1) << (2 * i) | u64::from(p.y >> i & 1) << (2 * i + 1)
        })
    }

    proptest! {
        #[test]
        fn compares_like_interleaved_keys(ax: u32, ay: u32, bx: u32, by: u32, shared in 0u32..32) {
            let a = Point { x: ax, y: ay, weight: 1.0 };
            let mix = |a: u32, b: u32| if shared == 0 { b } else { a ^ (b >> shared) };
            let b = Point { x: mix(ax, bx), y: mix(ay, by), weight: 1.0 };
            prop_assert_eq!(compare(&a, &b), key(&a).cmp(&key(&b)));
            prop_assert_eq!(key(&a), bit_by_bit(&a));
            prop_assert_eq!(position(key(&a)), (ax, ay));
        }

        #[test]
        fn interleaving_alternates_the_bits(x in 0u32..65536, y in 0u32..65536) {
            let bit = |v: u32, i: u32| v >> i & 1;
            let key = interleave(x, y);
            prop_assert!((0..16).all(|i| bit(key, 2 * i) == bit(x, i) && bit(key, 2 * i + 1) == bit(y, i)));
        }
    }
}
