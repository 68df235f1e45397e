//! Points that lie together become one cell.

use crate::point::Point;
use crate::zorder;

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

/// A cell in the making among points of which some have negative weights: each sign is a heap of
/// its own. A mean position of both would move what is left where they nearly cancel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    first: Point,
    /// Of weights from 0 up, and of those below.
    sides: [Option<Heap>; 2],
}

impl Pair {
    pub(crate) fn new(first: Point, count: u32) -> Self {
        let mut made = Self {
            first,
            sides: [None; 2],
        };
        made.add(&first, count);
        made
    }

    /// Whether an entry belongs to the same cell of a level.
    pub(crate) fn takes(&self, entry: &Point, level: u32) -> bool {
        same(&self.first, entry, level)
    }

    /// Adds a point or cell that stands for `count` points.
    pub(crate) fn add(&mut self, entry: &Point, count: u32) {
        let [above, below] = &mut self.sides;
        let side = if entry.weight < 0.0 { below } else { above };
        match side {
            Some(heap) => heap.add(entry, count),
            None => *side = Some(Heap::new(*entry, count)),
        }
    }

    /// |Σ weight| and Σ |weight|.
    pub(crate) fn left_of(&self) -> (f64, f64) {
        let sides = || self.sides.iter().flatten();
        let weight: f64 = sides().map(|heap| heap.weight).sum();
        (weight.abs(), sides().map(|heap| heap.mass).sum())
    }

    /// The cells of both signs in Z-order, with how many points each stands for.
    pub(crate) fn finish(&self) -> Vec<(Point, u32)> {
        let mut cells: Vec<_> = self.sides.iter().flatten().map(Heap::finish).collect();
        cells.sort_by(|a, b| zorder::compare(&a.0, &b.0));
        cells
    }

    /// The same, and beside them what floats and whole numbers leave of the sum of all weights and
    /// of their moment, where that is anything: two more cells of a level, which stand for no point.
    pub(crate) fn finish_exactly(&self, level: u32) -> Vec<(Point, u32)> {
        let side = 1u64 << (32 - level.min(32));
        let half = (side / 2) as u32;
        let middle = |at: u32| at & !((side - 1) as u32) | half;
        let (x, y) = (middle(self.first.x), middle(self.first.y));
        let from = |p: &Point| {
            let offset = |a: u32, origin: u32| f64::from(a) - f64::from(origin);
            (offset(p.x, x), offset(p.y, y))
        };
        let mut cells = Vec::with_capacity(4);
        let (mut weight, mut moment) = (0.0, (0.0, 0.0));
        for heap in self.sides.iter().flatten() {
            let (cell, count) = heap.finish();
            cells.push((cell, count));
            let (kept, sign) = (f64::from(cell.weight), heap.weight.signum());
            weight += heap.weight - kept;
            let ((x, y), (kept_x, kept_y)) = (from(&heap.first), from(&cell));
            moment.0 += sign * heap.moment.0 + heap.weight * x - kept * kept_x;
            moment.1 += sign * heap.moment.1 + heap.weight * y - kept * kept_y;
        }
        // a quarter of the cell's side from its middle, the way that the moment points
        let (length, arm) = (moment.0.hypot(moment.1), f64::from(half) / 2.0);
        let (mut at, mut beside) = ((x, y), 0.0);
        if length > 0.0 && arm >= 1.0 {
            let step = |moment: f64| (moment / length * arm).round() as i32;
            at = (
                x.wrapping_add_signed(step(moment.0)),
                y.wrapping_add_signed(step(moment.1)),
            );
            beside = length / arm;
        }
        for ((x, y), weight) in [(at, beside), ((x, y), weight - beside)] {
            let weight = weight as f32;
            if weight != 0.0 {
                cells.push((Point { x, y, weight }, 0));
            }
        }
        cells.sort_by(|a, b| zorder::compare(&a.0, &b.0));
        cells
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

    #[test]
    fn a_cell_has_no_weight_only_where_none_of_its_points_has() {
        let at = |x, weight| Point { x, y: 8, weight };
        let none = at(10, -0.0);
        let has_weight = |points: &[Point]| {
            let points: Vec<_> = points.iter().map(|p| (*p, 1)).collect();
            merge(&points).0.has_weight()
        };
        assert!(!has_weight(&[none]) && !has_weight(&[none, none, at(12, -0.0)]));
        assert!(has_weight(&[none, at(10, 0.0)]) && has_weight(&[at(10, 2.0), none]));
        assert!(has_weight(&[at(9, 2.0), none, at(10, -2.0)]));
    }

    #[test]
    fn each_sign_has_a_place_of_its_own_and_loses_nothing() {
        let at = |x, weight| Point { x, y: 8, weight };
        let mut pair = Pair::new(at(10, 1e8), 1);
        for entry in [at(30, -1e8), at(10, 1.0), at(30, -0.25)] {
            assert!(pair.takes(&entry, 20));
            pair.add(&entry, 1);
        }
        assert_eq!(pair.left_of(), (0.75, 200_000_001.25));
        let cells = [at(10, 1e8), at(30, -1e8)].map(|cell| (cell, 2));
        assert_eq!(pair.finish(), cells);
        // where they lie apart there is a moment too
        let mut pair = Pair::new(at(10, 1e8), 1);
        for entry in [at(10, -1e8), at(600, 1.0), at(1000, -0.25), at(1, 0.0)] {
            pair.add(&entry, 1);
        }
        let cells = pair.finish_exactly(20);
        let sum = |of: &dyn Fn(&Point) -> f64| {
            let each = cells.iter().map(|(p, _)| f64::from(p.weight) * of(p));
            each.sum::<f64>()
        };
        assert!((sum(&|_| 1.0) - 0.75).abs() < 1e-6);
        assert!((sum(&|p| f64::from(p.x)) - 350.0).abs() < 1.0);
        assert!((sum(&|p| f64::from(p.y)) - 6.0).abs() < 1.0);
        assert_eq!(cells.iter().map(|(_, count)| count).sum::<u32>(), 5);
        assert!(cells.iter().all(|(p, _)| same(p, &at(0, 0.0), 20)));
        // in cells of one position there is no room for one
        let cells = pair.finish_exactly(32);
        assert!(cells.iter().all(|(p, _)| p.x < 12));
    }
}
