//! Boxes in degrees: west, south, east, north.
//!
//! West lies from −180 to 180, and east from west to west + 360: a box that reaches across ±180°
//! has an east beyond 180, as [`Window::around`](crate::Window::around) takes it.

use crate::mercator::{self, MAX_LATITUDE};
use crate::point::Point;

/// The whole map.
pub const WORLD: [f64; 4] = [-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE];

/// Bits of a position below those that tell its column.
const SHIFT: u32 = 22;

/// The least and the greatest x in each of 1,024 columns of the world: a gap between points that is
/// wider than a column (0.35°) is known to the last bit.
pub(crate) struct Columns {
    /// The other way round where a column is empty.
    ends: Vec<(u32, u32)>,
    /// The column that points are being added to, and its ends; neighbours in Z-order share it.
    open: usize,
    least: u32,
    greatest: u32,
}

impl Columns {
    pub(crate) fn new() -> Self {
        Self {
            ends: vec![(u32::MAX, 0); 1 << (32 - SHIFT)],
            open: 0,
            least: u32::MAX,
            greatest: 0,
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, point: &Point) {
        let column = (point.x >> SHIFT) as usize;
        if column != self.open {
            self.close();
            self.open = column;
        }
        self.least = self.least.min(point.x);
        self.greatest = self.greatest.max(point.x);
    }

    fn close(&mut self) {
        if let Some((least, greatest)) = self.ends.get_mut(self.open) {
            *least = self.least.min(*least);
            *greatest = self.greatest.max(*greatest);
        }
        (self.least, self.greatest) = (u32::MAX, 0);
    }

    /// West and east of the smallest interval that holds all points, in world units: the widest gap
    /// is left out. The east is beyond the world where the interval reaches across ±180°.
    pub(crate) fn interval(mut self) -> Option<(f64, f64)> {
        self.close();
        let full = self.ends.iter().filter(|(least, most)| least <= most);
        let full: Vec<(u32, u32)> = full.copied().collect();
        let (&(first, _), &(_, last)) = (full.first()?, full.last()?);
        let (first, last) = (f64::from(first), f64::from(last));
        let mut widest = first + mercator::WORLD - last;
        let mut interval = (first, last);
        for pair in full.windows(2) {
            let &[(_, before), (after, _)] = pair else {
                continue;
            };
            let (before, after) = (f64::from(before), f64::from(after));
            // of equal gaps that at ±180° is left out, where maps are cut
            if after - before > widest {
                widest = after - before;
                interval = (after, before + mercator::WORLD);
            }
        }
        Some(interval)
    }
}

/// The smallest box that holds two.
pub fn union(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    let [west, south, east, north] = a;
    let joined = [0.0, -360.0, 360.0].map(|turn| (west.min(b[0] + turn), east.max(b[2] + turn)));
    let width = |(west, east): (f64, f64)| east - west;
    let (west, east) = joined
        .into_iter()
        .reduce(|best, other| {
            if width(other) < width(best) {
                other
            } else {
                best
            }
        })
        .unwrap_or((west, east));
    let [west, east] = turned(west, east);
    [west, south.min(b[1]), east, north.max(b[3])]
}

/// A box with room around it, so that it has an area and most of what is drawn around its points
/// is in it.
pub fn with_room([west, south, east, north]: [f64; 4]) -> [f64; 4] {
    let room = |low: f64, high: f64| ((high - low) * 0.05).max(0.01);
    let (x, y) = (room(west, east), room(south, north));
    on_the_map([west - x, south - y, east + x, north + y])
}

/// A box with its west from −180 to 180 and latitudes that the map has; all longitudes where it
/// goes round the world.
pub fn on_the_map([west, south, east, north]: [f64; 4]) -> [f64; 4] {
    let [west, east] = turned(west, east);
    [west, latitude(south), east, latitude(north)]
}

/// The box as formats have it that know no east beyond 180: all longitudes where it reaches
/// across ±180°.
pub fn within_180([west, south, east, north]: [f64; 4]) -> [f64; 4] {
    let (west, east) = if west < -180.0 || east > 180.0 {
        (-180.0, 180.0)
    } else {
        (west, east)
    };
    [west, latitude(south), east, latitude(north)]
}

/// Longitude and latitude of a box's middle, and a zoom, as TileJSON has a map's centre.
pub fn middle([west, south, east, north]: [f64; 4], zoom: f64) -> [f64; 3] {
    let [lon, _] = turned((west + east) / 2.0, (west + east) / 2.0);
    [lon, (south + north) / 2.0, zoom]
}

/// An interval of longitudes with its west on the map; the map's own where it is all of them.
fn turned(west: f64, east: f64) -> [f64; 2] {
    if east - west >= 360.0 {
        return [-180.0, 180.0];
    }
    let turns = ((west + 180.0) / 360.0).floor() * 360.0;
    [west - turns, east - turns]
}

fn latitude(degrees: f64) -> f64 {
    degrees.clamp(-MAX_LATITUDE, MAX_LATITUDE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Points;
    use proptest::prelude::*;

    fn bounds(longitudes: &[f64]) -> [f64; 4] {
        let points = longitudes.iter().map(|&lon| (lon, 10.0, 1.0));
        let points = Points::from_lon_lat(points).unwrap();
        points.summary().bounds.unwrap()
    }

    fn assert_interval(longitudes: &[f64], [west, east]: [f64; 2]) {
        let found = bounds(longitudes);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(
            near(found[0], west) && near(found[2], east),
            "{longitudes:?}: {found:?}, not {west} to {east}"
        );
    }

    #[test]
    fn points_on_both_sides_of_180_are_neighbours() {
        assert_interval(&[179.8, -179.9, 178.0], [178.0, 180.1]);
        assert_interval(&[-179.0, 100.0, -170.5], [100.0, 189.5]);
        assert_interval(&[5.0], [5.0, 5.0]);
        assert_interval(&[180.0, 179.0], [179.0, 180.0]);
        // two gaps of the same width: the map's own cut is left out
        assert_interval(&[-90.0, 90.0], [-90.0, 90.0]);
        // near each other, in one column, and far off
        assert_interval(&[10.0, 10.01, 10.02, -10.0], [-10.0, 10.02]);
    }

    #[test]
    fn boxes_are_joined_the_short_way() {
        let box_of = |west: f64, east: f64| [west, 0.0, east, 1.0];
        assert_eq!(
            union(box_of(170.0, 175.0), box_of(-178.0, -170.0)),
            box_of(170.0, 190.0)
        );
        assert_eq!(
            union(box_of(-178.0, -170.0), box_of(170.0, 185.0)),
            box_of(170.0, 190.0)
        );
        assert_eq!(
            union(box_of(0.0, 10.0), box_of(20.0, 30.0)),
            box_of(0.0, 30.0)
        );
        assert_eq!(
            union(box_of(0.0, 200.0), box_of(190.0, 370.0)),
            box_of(-180.0, 180.0)
        );
        assert_eq!(
            union([1.0, 2.0, 3.0, 4.0], [2.0, -5.0, 2.5, 9.0]),
            [1.0, -5.0, 3.0, 9.0]
        );
    }

    #[test]
    fn room_goes_round_the_world_once_at_most() {
        let [west, _, east, _] = with_room([-179.9, -18.0, -170.0, -16.0]);
        assert!(
            (west - 179.605).abs() < 1e-9 && (east - 190.495).abs() < 1e-9,
            "{west} {east}"
        );
        assert_eq!(with_room([-170.0, -80.0, 185.0, 80.0]), WORLD);
        assert_eq!(with_room([-179.9, 85.05, -170.0, 85.05])[3], MAX_LATITUDE);
        assert_eq!(
            within_180([170.0, 0.0, 190.0, 1.0]),
            [-180.0, 0.0, 180.0, 1.0]
        );
        assert_eq!(
            within_180([-181.0, 0.0, 19.0, 89.0]),
            [-180.0, 0.0, 180.0, MAX_LATITUDE]
        );
        assert_eq!(within_180([1.0, 2.0, 3.0, 4.0]), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(middle([170.0, 0.0, 200.0, 1.0], 3.0), [-175.0, 0.5, 3.0]);
    }

    proptest! {
        /// Against every gap there is.
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
            let [west, _, east, _] = bounds(&all);
            prop_assert!((-180.0..=180.0).contains(&west) && west <= east);
            prop_assert!((360.0 - widest - (east - west)).abs() < 1e-6, "{west} {east} {widest}");
            let inside = |lon: f64| (lon - west + 1e-6).rem_euclid(360.0) <= east - west + 2e-6;
            prop_assert!(all.iter().all(|&lon| inside(lon)));
        }
    }
}
