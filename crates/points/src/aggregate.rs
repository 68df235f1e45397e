//! Aggregation of points into cells: each cell is one weighted point that stands for several points
//! of a small square.

use crate::point::Point;
use crate::zorder;

/// A builder of a cell, for points whose weights are not negative. The cell's weight is the sum of
/// the points' weights. Its position is the points' mean position, weighted by |weight|, or
/// unweighted if all weights are 0.
///
/// Weights and positions are summed in f64. Positions are summed as offsets from the first point,
/// since small integers are summed without rounding errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellBuilder {
    first: Point,
    entries: u32,
    count: u32,
    weight: f64,
    mass: f64,
    /// The sum Σ |weight| · (position − position of the first point), as (x, y) in world units. The
    /// cell's position follows from it, unless all weights are 0.
    moment: (f64, f64),
    /// The sum Σ count · (position − position of the first point), as (x, y) in world units; an
    /// entry's count is the number of points that it stands for. If all weights are 0, the cell's
    /// position follows from this sum.
    plain: (f64, f64),
}

impl CellBuilder {
    /// Makes a builder that begins with `first`: a single point (`count` is 1), or a finer cell
    /// that stands for `count` points.
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

    /// Returns true if `entry` lies in the same square as the builder's first point. The squares
    /// are the pixels of the world drawn 2^`level` pixels wide.
    #[inline]
    pub(crate) fn contains(&self, entry: &Point, level: u32) -> bool {
        self.first.shares(entry, level)
    }

    /// Adds `entry`: a single point (`count` is 1), or a finer cell that stands for `count` points.
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

    /// Returns the finished cell, and the number of points that it stands for.
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

/// A builder of a cell for points of which some have negative weights. It preserves two sums: the
/// net weight, Σ weight, and its moment, Σ weight · position. [`CellBuilder`] puts a cell at the
/// mean position weighted by |weight|; where weights nearly cancel, that would be far from the
/// centre of the net weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedCellBuilder {
    first: Point,
    count: u32,
    weight: f64,
    /// The sum Σ weight · (position − position of the first point), as (x, y) with lengths in world
    /// units.
    moment: (f64, f64),
}

impl SignedCellBuilder {
    /// Makes a builder that begins with `first`: a single point (`count` is 1), or a finer cell
    /// that stands for `count` points.
    pub(crate) fn new(first: Point, count: u32) -> Self {
        Self {
            first,
            count,
            weight: f64::from(first.weight),
            moment: (0.0, 0.0),
        }
    }

    /// Returns true if `entry` lies in the same square as the builder's first point. The squares
    /// are the pixels of the world drawn 2^`level` pixels wide.
    pub(crate) fn contains(&self, entry: &Point, level: u32) -> bool {
        self.first.shares(entry, level)
    }

    /// Adds `entry`: a single point (`count` is 1), or a finer cell that stands for `count` points.
    pub(crate) fn add(&mut self, entry: &Point, count: u32) {
        let offset = |a: u32, origin: u32| f64::from(a) - f64::from(origin);
        let weight = f64::from(entry.weight);
        self.count = self.count.saturating_add(count);
        self.weight += weight;
        self.moment.0 += weight * offset(entry.x, self.first.x);
        self.moment.1 += weight * offset(entry.y, self.first.y);
    }

    /// Returns one or two finished cells in Z-order, each with the number of points that it stands
    /// for. The points lie in one pixel of the world drawn 2^`level` pixels wide. If the centre of
    /// the net weight lies in that pixel too, one cell at the centre is enough. Otherwise there are
    /// two cells: one in the middle of the pixel, which stands for all the points, and a second one
    /// beside it, which stands for none. The sum of the two cells has the net weight and its
    /// moment.
    pub(crate) fn finish(&self, level: u32) -> Vec<(Point, u32)> {
        let weight = self.weight.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
        let length = self.moment.0.hypot(self.moment.1);
        if length == 0.0 {
            return vec![(
                Point {
                    weight,
                    ..self.first
                },
                self.count,
            )];
        }
        let place = |origin: u32, by: f64| (f64::from(origin) + by).round();
        let (x, y) = (
            place(self.first.x, self.moment.0 / self.weight),
            place(self.first.y, self.moment.1 / self.weight),
        );
        let world = 0.0..=f64::from(u32::MAX);
        if world.contains(&x) && world.contains(&y) {
            let (x, y) = (x as u32, y as u32);
            let cell = Point { x, y, weight };
            if self.contains(&cell, level) {
                return vec![(cell, self.count)];
            }
        }
        self.two(level)
    }

    /// Divides the net weight of the points between two cells in the pixel, so that its moment, Σ
    /// weight · position, is preserved. Returns only one cell if the moment about the pixel's
    /// middle is 0, or if the pixel is less than four world units wide and so too small for two
    /// cells.
    fn two(&self, level: u32) -> Vec<(Point, u32)> {
        let side = 1u64 << (32 - level.min(32));
        let half = (side / 2) as u32;
        let middle = |at: u32| at & !((side - 1) as u32) | half;
        let (x, y) = (middle(self.first.x), middle(self.first.y));
        let from = |a: u32, origin: u32| f64::from(a) - f64::from(origin);
        let moment = (
            self.moment.0 + self.weight * from(self.first.x, x),
            self.moment.1 + self.weight * from(self.first.y, y),
        );
        // The second cell lies a quarter of the pixel's side from the middle, in the direction of
        // the moment.
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
        let cell = |(x, y): (u32, u32), weight: f64| Point {
            x,
            y,
            weight: weight as f32,
        };
        let mut cells = vec![(cell((x, y), self.weight - beside), self.count)];
        if beside != 0.0 {
            cells.push((cell(at, beside), 0));
            cells.sort_by(|a, b| zorder::compare(&a.0, &b.0));
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(points: &[(Point, u32)]) -> (Point, u32) {
        let mut heap = CellBuilder::new(points[0].0, points[0].1);
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
    fn net_weights_keep_their_weight_and_moment() {
        let at = |x, weight| Point { x, y: 8, weight };
        let net = |points: &[Point]| {
            let mut net = SignedCellBuilder::new(points[0], 1);
            points[1..].iter().for_each(|p| net.add(p, 1));
            net
        };
        // The centre of the net weight lies in the cell, which is 4,096 world units wide.
        let one = net(&[at(10, 1e8), at(10, -1e8), at(600, 1.0), at(700, 3.0)]);
        assert_eq!(one.finish(20), [(at(675, 4.0), 4)]);
        let one = net(&[at(10, 2.0), at(10, -2.0), at(10, -0.0)]);
        assert_eq!(one.finish(20), [(at(10, 0.0), 3)]);
        // The centre of the net weight lies outside of the cell.
        let two = net(&[at(10, 1e8), at(30, -1e8), at(600, 1.0)]).finish(20);
        let sum = |of: &dyn Fn(&Point) -> f64| {
            let each = two.iter().map(|(p, _)| f64::from(p.weight) * of(p));
            each.sum::<f64>()
        };
        assert_eq!(two.len(), 2);
        assert_eq!(two.iter().map(|(_, count)| count).sum::<u32>(), 3);
        assert!(two.iter().all(|(p, _)| p.shares(&at(0, 0.0), 20)));
        let moment = 1e8 * 10.0 - 1e8 * 30.0 + 600.0;
        assert!((sum(&|_| 1.0) - 1.0).abs() < 0.5);
        assert!((sum(&|p| f64::from(p.x)) / moment - 1.0).abs() < 1e-3);
        let has_weight = |points: &[Point]| net(points).finish(20)[0].0.has_weight();
        assert!(!has_weight(&[at(10, -0.0), at(12, -0.0)]));
        assert!(has_weight(&[at(10, 0.0), at(12, -0.0)]));
    }
}
