//! A search for the points that add to the value at a coordinate, the nearest first.

use crate::layer::point_query::PointQuery;
use crate::style::kernel::Shape;
use crate::unit_costs::{self as ns, REPORTED_CELLS, report};
use heatsplat_points::mercator::{self, WORLD};
use heatsplat_points::{Point, Points, Window, WorldCoord};
use std::f64::consts::SQRT_2;

/// The Earth's mean radius in metres.
const EARTH: f64 = 6_371_008.8;

/// A point that a search has found, with its distance from the coordinate around which the search
/// looks.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct NearbyPoint {
    /// The point: its position and weight.
    pub point: Point,
    /// The distance on the map from the search's coordinate, in CSS pixels of the query's zoom.
    pub pixels: f64,
    /// The distance on the ground from the search's coordinate, in metres along a great circle.
    pub metres: f64,
}

/// A search for the points within the kernel's reach of a coordinate. It collects the nearest ones.
#[derive(Clone, Debug)]
pub struct NearestPoints {
    at: WorldCoord,
    css_pixel: f64,
    /// The kernel's reach in world units.
    reach: f64,
    /// True if only points in the pixel that contains the coordinate are found: for the kernel
    /// `pixel`.
    in_pixel: bool,
    most: usize,
    found: Vec<(f64, Point)>,
}

impl NearestPoints {
    /// Begins a search at the coordinate of `query` for the `most` nearest points, or fewer if
    /// fewer are in reach.
    pub fn new(query: &PointQuery<'_>, most: usize) -> Self {
        let (kernel, pixel) = query.kernel();
        Self {
            at: query.at(),
            css_pixel: query.css_pixel(),
            // A point in the same pixel is at most the pixel's diagonal away. `add` then leaves out
            // the points of other pixels.
            reach: match kernel.shape() {
                Shape::Pixel => SQRT_2 * pixel,
                _ => kernel.reach() * pixel,
            },
            in_pixel: kernel.shape() == Shape::Pixel,
            most,
            found: Vec::new(),
        }
    }

    /// Adds a point to the found ones, unless it is out of the kernel's reach.
    pub fn add(&mut self, point: Point) {
        let (dx, dy) = (
            (f64::from(point.x) - f64::from(self.at.x)).abs(),
            f64::from(point.y) - f64::from(self.at.y),
        );
        // The distance is taken along the shorter way round the world.
        let distance = dx.min(WORLD - dx).hypot(dy);
        let pixel = |v: u32| (f64::from(v) / self.css_pixel).floor();
        let here = |point: Point, at: WorldCoord| {
            pixel(point.x) == pixel(at.x) && pixel(point.y) == pixel(at.y)
        };
        if distance > self.reach || self.in_pixel && !here(point, self.at) {
            return;
        }
        self.found.push((distance, point));
        if self.found.len() > 2 * self.most + 1024 {
            self.sort();
        }
    }

    /// Adds to the found points all points of an index that are within reach.
    #[must_use]
    pub fn among(mut self, points: &Points) -> Self {
        let side = (2.0 * self.reach / self.css_pixel)
            .ceil()
            .min(f64::from(1 << 24)) as u32
            + 2;
        let half = f64::from(side) / 2.0 * self.css_pixel;
        let (x, y) = (f64::from(self.at.x), f64::from(self.at.y));
        let window = Window::new(x - half, y - half, self.css_pixel, side, side);
        for (run, shift) in points.cells(&window, 0.0).slices() {
            for points in run.chunks(REPORTED_CELLS) {
                report(points.len(), ns::LISTED);
                for point in points {
                    let east = f64::from(point.x) + shift - x;
                    // A window as wide as the world can show a point twice. Only the copy within
                    // half a world of the coordinate is added.
                    if (-WORLD / 2.0..WORLD / 2.0).contains(&east) {
                        self.add(*point);
                    }
                }
            }
        }
        self
    }

    fn sort(&mut self) {
        let place = |(_, p): &(f64, Point)| (p.x, p.y, p.weight.to_bits());
        self.found
            .sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then_with(|| place(a).cmp(&place(b))));
        self.found.truncate(self.most);
    }

    /// Ends the search and returns the found points, the nearest first.
    pub fn finish(mut self) -> Vec<NearbyPoint> {
        self.sort();
        let here = mercator::unproject(self.at);
        let near = |&(distance, point): &(f64, Point)| NearbyPoint {
            point,
            pixels: distance / self.css_pixel,
            metres: great_circle(here, mercator::unproject(point.at())),
        };
        self.found.iter().map(near).collect()
    }
}

/// The distance on the ground in metres between two positions, by the haversine formula. A position
/// is (longitude, latitude) in degrees.
fn great_circle((lon_a, lat_a): (f64, f64), (lon_b, lat_b): (f64, f64)) -> f64 {
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let h = half(lat_a, lat_b)
        + lat_a.to_radians().cos() * lat_b.to_radians().cos() * half(lon_a, lon_b);
    2.0 * EARTH * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::point_set::PointSet;
    use crate::style::Style;

    #[test]
    fn the_nearest_come_first_with_their_distances_across_the_date_line_too() {
        let points =
            Points::from_lon_lat((0..3000).map(|i| (-180.0 + f64::from(i) * 0.001, 0.0, i as f32)))
                .unwrap();
        let at = mercator::project(179.9995, 0.0).unwrap();
        let style = Style::default();
        let query = PointQuery::new(at, 10.0, &style);
        let found = NearestPoints::new(&query, 4).among(&points).finish();
        let weights: Vec<_> = found.iter().map(|near| near.point.weight).collect();
        assert_eq!(weights, [0.0, 1.0, 2.0, 3.0]);
        for (i, near) in found.iter().enumerate() {
            let degrees = 0.0005 + 0.001 * i as f64;
            let metres = EARTH * degrees.to_radians();
            assert!((near.metres - metres).abs() < 0.02, "{near:?}");
            let pixels = degrees / 360.0 * 256.0 * 1024.0;
            assert!((near.pixels - pixels).abs() < 1e-4, "{near:?}");
        }
        let all = NearestPoints::new(&query, 5000).among(&points).finish();
        assert_eq!(all.len(), query.run(&PointSet::new(points)).count);
    }
}
