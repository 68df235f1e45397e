//! The search for the smallest interval of longitudes that holds all points of a set, also across
//! ±180°.

use crate::mercator::WORLD;
use crate::point::Point;

/// The number of low bits of an x coordinate that don't matter for its column. The upper 10 bits
/// are the number of the column, one of 1,024.
const SHIFT: u32 = 22;

/// The least and greatest x of the points in each of 1,024 columns of the world: vertical strips of
/// equal width. A gap without
/// points that is wider than a column (0.35°) reaches from the greatest x of one column to the
/// least x of the next column with points, so its exact ends are known.
#[derive(Debug)]
pub(crate) struct LongitudeColumns {
    /// The (least, greatest) x of the points in each column. In a column without points the least
    /// is greater than the greatest.
    ends: Vec<(u32, u32)>,
    /// The column of the point added last, as an index in `ends`. Points are added in Z-order, so
    /// successive points are often in the same column. The least and the greatest x in this column
    /// are therefore collected in `least` and `greatest`, and stored in `ends` when a point of
    /// another column is added.
    current: usize,
    least: u32,
    greatest: u32,
}

impl LongitudeColumns {
    pub(crate) fn new() -> Self {
        Self {
            ends: vec![(u32::MAX, 0); 1 << (32 - SHIFT)],
            current: 0,
            least: u32::MAX,
            greatest: 0,
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, point: &Point) {
        let column = (point.x >> SHIFT) as usize;
        if column != self.current {
            self.store_current();
            self.current = column;
        }
        self.least = self.least.min(point.x);
        self.greatest = self.greatest.max(point.x);
    }

    fn store_current(&mut self) {
        if let Some((least, greatest)) = self.ends.get_mut(self.current) {
            *least = self.least.min(*least);
            *greatest = self.greatest.max(*greatest);
        }
        (self.least, self.greatest) = (u32::MAX, 0);
    }

    /// Returns the west and east end, in world units, of the smallest interval that holds all
    /// points: the whole circle of longitudes without its widest gap between points. The east end
    /// is greater than the world's side if the interval crosses ±180°. Returns `None` if there are
    /// no points.
    pub(crate) fn interval(mut self) -> Option<(f64, f64)> {
        self.store_current();
        let full = self.ends.iter().filter(|(least, most)| least <= most);
        let full: Vec<(u32, u32)> = full.copied().collect();
        let (&(first, _), &(_, last)) = (full.first()?, full.last()?);
        let (first, last) = (f64::from(first), f64::from(last));
        let mut widest = first + WORLD - last;
        let mut interval = (first, last);
        for pair in full.windows(2) {
            let &[(_, before), (after, _)] = pair else {
                continue;
            };
            let (before, after) = (f64::from(before), f64::from(after));
            // The interval leaves out the gap at ±180°, where maps are cut, unless another gap is
            // wider.
            if after - before > widest {
                widest = after - before;
                interval = (after, before + WORLD);
            }
        }
        Some(interval)
    }
}

#[cfg(test)]
mod tests {
    use crate::Points;
    use proptest::prelude::*;

    fn interval(longitudes: &[f64]) -> [f64; 2] {
        let points = longitudes.iter().map(|&lon| (lon, 10.0, 1.0));
        let points = Points::from_lon_lat(points).unwrap();
        let bounds = points.summary().bounds.unwrap();
        [bounds.west(), bounds.east()]
    }

    fn assert_interval(longitudes: &[f64], [west, east]: [f64; 2]) {
        let found = interval(longitudes);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(
            near(found[0], west) && near(found[1], east),
            "{longitudes:?}: {found:?}, not {west} to {east}"
        );
    }

    #[test]
    fn points_on_both_sides_of_180_are_neighbours() {
        assert_interval(&[179.8, -179.9, 178.0], [178.0, 180.1]);
        assert_interval(&[-179.0, 100.0, -170.5], [100.0, 189.5]);
        assert_interval(&[5.0], [5.0, 5.0]);
        assert_interval(&[180.0, 179.0], [179.0, 180.0]);
        // Of two equally wide gaps, the interval leaves out the one at ±180°.
        assert_interval(&[-90.0, 90.0], [-90.0, 90.0]);
        // Three points are in one column, and another is far away.
        assert_interval(&[10.0, 10.01, 10.02, -10.0], [-10.0, 10.02]);
    }

    proptest! {
        /// Compares the interval with the one that a search through all gaps between sorted
        /// longitudes finds.
        #[test]
        fn the_widest_gap_is_left_out(
            longitudes in prop::collection::vec(-180.0..180.0f64, 1..40),
            near in prop::collection::vec((0u8..6, -0.2..0.2f64), 0..40),
        ) {
            let near = near.into_iter().map(|(at, off)| f64::from(at) * 60.0 + 180.0 + off);
            let all: Vec<f64> = longitudes.into_iter().chain(near).collect();
            let mut sorted: Vec<f64> = all.iter().map(|lon| (lon + 180.0).rem_euclid(360.0)).collect();
            sorted.sort_by(f64::total_cmp);
            let after = sorted.iter().skip(1).copied().chain([sorted[0] + 360.0]);
            let widest = sorted.iter().zip(after).map(|(a, b)| b - a).fold(0.0, f64::max);
            let [west, east] = interval(&all);
            prop_assert!((-180.0..=180.0).contains(&west) && west <= east);
            prop_assert!((360.0 - widest - (east - west)).abs() < 1e-6, "{west} {east} {widest}");
            let inside = |lon: f64| (lon - west + 1e-6).rem_euclid(360.0) <= east - west + 2e-6;
            prop_assert!(all.iter().all(|&lon| inside(lon)));
        }
    }
}
