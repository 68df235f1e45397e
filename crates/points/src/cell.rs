//! Points that lie together become one cell.

use crate::point::Point;

/// Whether two positions share their top `level` bits: one pixel of the world drawn
/// 2^`level` pixels wide.
#[inline]
pub(crate) fn same(a: &Point, b: &Point, level: u32) -> bool {
    ((a.x ^ b.x) | (a.y ^ b.y)).leading_zeros() >= level
}

/// A cell in the making: the summed weight of its points at their mean position, each
/// weighted by |weight| (or alike where all weights are 0).
///
/// Sums are in f64 and positions relative to the first, so nothing is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heap {
    first: Point,
    entries: u32,
    count: u32,
    weight: f64,
    mass: f64,
    /// Σ |weight| · offset along x and y.
    moment: (f64, f64),
    /// Σ count · offset.
    plain: (f64, f64),
}

impl Heap {
    /// A heap of one point or cell that stands for `count` points.
    #[inline]
    pub(crate) fn new(first: Point, count: u32) -> Self {
        let weight = f64::from(first.weight);
        Self {
            first,
            entries: 1,
            count,
            weight,
            mass: weight.abs(),
            moment: (0.0, 0.0),
            plain: (0.0, 0.0),
        }
    }

    /// Whether an entry belongs to the same cell of a level.
    #[inline]
    pub(crate) fn takes(&self, entry: &Point, level: u32) -> bool {
        same(&self.first, entry, level)
    }

    /// Adds a point or cell that stands for `count` points.
    #[inline]
    pub(crate) fn add(&mut self, entry: &Point, count: u32) {
        let offset = |a: u32, origin: u32| f64::from(a) - f64::from(origin);
        let (dx, dy) = (offset(entry.x, self.first.x), offset(entry.y, self.first.y));
        let (weight, times) = (f64::from(entry.weight), f64::from(count));
        self.entries = 2;
        self.count = self.count.saturating_add(count);
        self.weight += weight;
        self.mass += weight.abs();
        self.moment.0 += weight.abs() * dx;
        self.moment.1 += weight.abs() * dy;
        self.plain.0 += times * dx;
        self.plain.1 += times * dy;
    }

    /// The cell, and how many points it stands for.
    #[inline]
    pub(crate) fn finish(&self) -> (Point, u32) {
        if self.entries == 1 {
            return (self.first, self.count);
        }
        let ((x, y), by) = if self.mass > 0.0 {
            (self.moment, self.mass)
        } else {
            (self.plain, f64::from(self.count))
        };
        let place = |origin: u32, sum: f64| (f64::from(origin) + sum / by).round() as u32;
        let weight = self.weight.clamp(f64::from(f32::MIN), f64::from(f32::MAX));
        let cell = Point {
            x: place(self.first.x, x),
            y: place(self.first.y, y),
            weight: weight as f32,
        };
        (cell, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(points: &[(Point, u32)]) -> (Point, u32) {
        let mut heap = Heap::new(points[0].0, points[0].1);
        for (p, n) in &points[1..] {
            heap.add(p, *n);
        }
        heap.finish()
    }

    #[test]
    fn a_cell_lies_at_the_weighted_mean() {
        let at = |x, weight| Point { x, y: 8, weight };
        let cell = merge(&[(at(10, 1.0), 1), (at(20, 3.0), 1), (at(18, 0.0), 1)]);
        assert_eq!(cell, (at(18, 4.0), 3)); // 17.5 rounds to 18
        assert_eq!(merge(&[(at(10, -1.0), 1), (at(20, 1.0), 1)]).0, at(15, 0.0));
        let cell = merge(&[(at(10, 0.0), 3), (at(20, 0.0), 1)]);
        assert_eq!(cell, (at(13, 0.0), 4)); // 12.5 rounds to 13
    }
}
