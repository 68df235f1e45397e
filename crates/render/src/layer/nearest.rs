//! Which points a value is made of: the nearest of those within the kernel's reach.

use crate::layer::point_query::Value;
use crate::style::Style;
use crate::style::kernel::Shape;
use heatsplat_points::mercator::{self, WORLD};
use heatsplat_points::{Point, Points, Window, WorldCoord};
use std::f64::consts::SQRT_2;

/// The Earth's mean radius in metres.
const EARTH: f64 = 6_371_008.8;

/// A point near a coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Near {
    /// The point itself.
    pub point: Point,
    /// How far it is, in CSS pixels of the zoom.
    pub pixels: f64,
    /// How far it is on the ground, along a great circle.
    pub metres: f64,
}

/// The nearest points to a coordinate of those that matter there.
#[derive(Clone, Debug)]
pub struct Nearest {
    at: WorldCoord,
    css_pixel: f64,
    /// In world units.
    reach: f64,
    /// Whether only the points of the coordinate's own pixel matter.
    in_pixel: bool,
    most: usize,
    found: Vec<(f64, Point)>,
}

impl Nearest {
    /// Looks for at most `most` points around a coordinate, as zoom `z` and a style see it.
    pub fn new(at: WorldCoord, z: f64, style: &Style, most: usize) -> Self {
        let (kernel, pixel) = Value::kernel(at, z, style);
        Self {
            at,
            css_pixel: WORLD / (z + 8.0).exp2(),
            // to the far corner of a pixel, whose own points are told below
            reach: match kernel.shape() {
                Shape::Pixel => SQRT_2 * pixel,
                _ => kernel.reach() * pixel,
            },
            in_pixel: kernel.shape() == Shape::Pixel,
            most,
            found: Vec::new(),
        }
    }

    /// Looks at a point; those beyond the kernel's reach are none.
    pub fn add(&mut self, point: Point) {
        let (dx, dy) = (
            (f64::from(point.x) - f64::from(self.at.x)).abs(),
            f64::from(point.y) - f64::from(self.at.y),
        );
        // The shorter way round the world.
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

    /// Looks at all points of an index.
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
            for point in run {
                let east = f64::from(point.x) + shift - x;
                // a window as wide as the world has points from both sides: once is enough
                if (-WORLD / 2.0..WORLD / 2.0).contains(&east) {
                    self.add(*point);
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

    /// Those that were found, the nearest first.
    pub fn finish(mut self) -> Vec<Near> {
        self.sort();
        let here = mercator::unproject(self.at);
        let near = |&(distance, point): &(f64, Point)| Near {
            point,
            pixels: distance / self.css_pixel,
            metres: great_circle(here, mercator::unproject(point.at())),
        };
        self.found.iter().map(near).collect()
    }
}

/// Metres between two places in degrees, by the haversine formula.
fn great_circle((lon_a, lat_a): (f64, f64), (lon_b, lat_b): (f64, f64)) -> f64 {
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let h = half(lat_a, lat_b)
        + lat_a.to_radians().cos() * lat_b.to_radians().cos() * half(lon_a, lon_b);
    2.0 * EARTH * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_with_their_distances_across_the_date_line_too() {
        let points =
            Points::from_lon_lat((0..3000).map(|i| (-180.0 + f64::from(i) * 0.001, 0.0, i as f32)))
                .unwrap();
        let at = mercator::project(179.9995, 0.0).unwrap();
        let found = Nearest::new(at, 10.0, &Style::default(), 4)
            .among(&points)
            .finish();
        let weights: Vec<_> = found.iter().map(|near| near.point.weight).collect();
        assert_eq!(weights, [0.0, 1.0, 2.0, 3.0]);
        for (i, near) in found.iter().enumerate() {
            let degrees = 0.0005 + 0.001 * i as f64;
            let metres = EARTH * degrees.to_radians();
            assert!((near.metres - metres).abs() < 0.02, "{near:?}");
            let pixels = degrees / 360.0 * 256.0 * 1024.0;
            assert!((near.pixels - pixels).abs() < 1e-4, "{near:?}");
        }
        let all = Nearest::new(at, 10.0, &Style::default(), 5000)
            .among(&points)
            .finish();
        assert_eq!(
            all.len(),
            Value::at(&points_of(&points), at, 10.0, &Style::default()).count
        );
    }

    fn points_of(points: &Points) -> crate::layer::point_set::PointSet {
        crate::layer::point_set::PointSet::new(Points::from_slice(points.as_slice()))
    }
}
