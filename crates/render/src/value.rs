//! What a layer measures at one coordinate, exactly.

use crate::cpu::CpuBackend;
use crate::field::{self, SUPPORT, per_km2};
use crate::kernel::{Kernel, Shape};
use crate::measure::{Comparison, Measure};
use crate::point_set::PointSet;
use crate::style::Style;
use heatsplat_points::mercator::WORLD;
use heatsplat_points::{Point, Points, Window, WorldCoord};

/// What a layer's numbers are at a coordinate, in f64 from the points themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Value {
    /// What the style measures; `None` where it has no value: a mean where no point is near.
    pub value: Option<f64>,
    /// How many points with a weight lie within the kernel's reach.
    pub count: usize,
    /// Their mean weight, each counting as much as the kernel gives it; `None` without points.
    pub mean: Option<f64>,
}

/// Sums over the points in reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    /// Σ weight · K
    pub weight: f64,
    /// Σ K
    pub kernel: f64,
    /// How many points.
    pub count: usize,
}

impl Sums {
    /// Adds a point, which may stand for `count` of them, at a distance in pixels; nothing beyond
    /// the kernel's reach, and nothing of a point without a weight.
    pub fn add(&mut self, kernel: &Kernel, distance: f64, point: &Point, count: usize) {
        if distance <= kernel.reach() && point.has_weight() {
            let k = kernel.at(distance);
            self.weight += f64::from(point.weight) * k;
            self.kernel += count as f64 * k;
            self.count += count;
        }
    }

    /// All points of an index around a coordinate, `pixel` world units being one of the kernel's.
    ///
    /// Costs as much as there are points in reach: no cell stands for any of them.
    fn around(points: &Points, at: WorldCoord, kernel: &Kernel, pixel: f64) -> Self {
        if kernel.shape() == Shape::Pixel {
            return Self::within(points, at, kernel, pixel);
        }
        let side = (2.0 * kernel.reach()).ceil() as u32 + 2;
        let half = f64::from(side) / 2.0;
        let (x, y) = (f64::from(at.x), f64::from(at.y));
        let window = Window::new(x - half * pixel, y - half * pixel, pixel, side, side);
        let mut sums = Self::default();
        for (run, shift) in points.cells(&window, 0.0).slices() {
            for p in run {
                let (dx, dy) = (f64::from(p.x) + shift - x, f64::from(p.y) - y);
                sums.add(kernel, dx.hypot(dy) / pixel, p, 1);
            }
        }
        sums
    }
}

impl Sums {
    /// The points in the pixel that a coordinate lies in.
    fn within(points: &Points, at: WorldCoord, kernel: &Kernel, pixel: f64) -> Self {
        let corner = |v: u32| (f64::from(v) / pixel).floor() * pixel;
        let (left, top) = (corner(at.x), corner(at.y));
        let window = Window::new(left, top, pixel, 1, 1);
        let mut sums = Self::default();
        for (run, shift) in points.cells(&window, 0.0).slices() {
            let inside = |v: f64, from: f64| v >= from && v < from + pixel;
            let here =
                |p: &&Point| inside(f64::from(p.x) + shift, left) && inside(f64::from(p.y), top);
            for p in run.iter().filter(here) {
                sums.add(kernel, 0.0, p, 1);
            }
        }
        sums
    }
}

impl Value {
    /// What a style measures of a set at a coordinate, as zoom `z` sees it.
    pub fn at(set: &PointSet, at: WorldCoord, z: f64, style: &Style) -> Self {
        let (kernel, pixel) = Self::kernel(at, z, style);
        let sums = |set: &PointSet| Sums::around(set.points(), at, &kernel, pixel);
        let versus = set.versus().map(|(how, other)| (how, sums(other)));
        let value = Self::of(sums(set), versus, at, z, style);
        if !style.is_stamped() && set.by_radius().is_empty() {
            return value;
        }
        // no sum, but what a pixel there would say
        let css_pixel = WORLD / (z + 8.0).exp2();
        let corner = |at: u32| f64::from(at) - css_pixel / 2.0;
        let pixel = Window::new(corner(at.x), corner(at.y), css_pixel, 1, 1);
        let drawn = field::density(set, style, pixel, 1, &CpuBackend::new());
        let number = drawn.values.first().copied().filter(|v| !v.is_nan());
        Self {
            value: number.map(f64::from),
            ..value
        }
    }

    /// The kernel at a coordinate, and how many world units one of its pixels is.
    pub fn kernel(at: WorldCoord, z: f64, style: &Style) -> (Kernel, f64) {
        let css_pixel = WORLD / (z + 8.0).exp2();
        let splat = style.splat(css_pixel, 1.0);
        let (kernel, coarser) = splat.at(f64::from(at.y), css_pixel);
        (kernel, css_pixel * f64::from(coarser))
    }

    /// The value that sums make, alone or against those of another set.
    pub fn of(
        sums: Sums,
        versus: Option<(Comparison, Sums)>,
        at: WorldCoord,
        z: f64,
        style: &Style,
    ) -> Self {
        let css_pixel = WORLD / (z + 8.0).exp2();
        let height = Self::kernel(at, z, style).0.height();
        let supported = |s: &Sums| s.kernel / height >= SUPPORT;
        let measure = |s: &Sums| match style.measure {
            Measure::Sum => Some(s.weight),
            Measure::Count => Some(s.kernel),
            Measure::Mean => supported(s).then(|| s.weight / s.kernel),
            Measure::SumPerKm2 => Some(s.weight * per_km2(f64::from(at.y), css_pixel)),
            Measure::CountPerKm2 => Some(s.kernel * per_km2(f64::from(at.y), css_pixel)),
        };
        let value = match versus {
            None => measure(&sums),
            Some((Comparison::Minus, other)) => {
                let difference = measure(&sums).zip(measure(&other)).map(|(a, b)| a - b);
                difference.filter(|_| sums.count + other.count > 0)
            }
            Some((Comparison::Over, other)) => measure(&sums)
                .zip(measure(&other))
                .filter(|_| supported(&other))
                .map(|(a, b)| a / b),
        };
        Self {
            value,
            count: sums.count,
            mean: (sums.count > 0).then(|| sums.weight / sums.kernel),
        }
    }
}
