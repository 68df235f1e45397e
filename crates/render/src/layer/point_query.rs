//! What a layer measures at one coordinate, exactly.

use crate::layer::evaluate::{self, SUPPORT, per_km2};
use crate::layer::point_set::PointSet;
use crate::splat::cpu::CpuBackend;
use crate::style::Style;
use crate::style::kernel::{Kernel, Shape};
use crate::style::measure::{Comparison, Measure};
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

    /// Adds a point as a coordinate sees it, in the copy of the world that lies `east` units on,
    /// `pixel` world units being one of the kernel's pixels.
    pub fn add_from(
        &mut self,
        at: WorldCoord,
        (kernel, pixel): (&Kernel, f64),
        point: &Point,
        east: f64,
        count: usize,
    ) {
        let (x, y) = (f64::from(point.x) + east, f64::from(point.y));
        let (at_x, at_y) = (f64::from(at.x), f64::from(at.y));
        if kernel.shape() != Shape::Pixel {
            let distance = (x - at_x).hypot(y - at_y) / pixel;
            return self.add(kernel, distance, point, count);
        }
        let same = |a: f64, b: f64| (a / pixel).floor() == (b / pixel).floor();
        if same(x, at_x) && same(y, at_y) {
            self.add(kernel, 0.0, point, count);
        }
    }

    /// All points of an index around a coordinate, `pixel` world units being one of the kernel's.
    ///
    /// Costs as much as there are points in reach: no cell stands for any of them.
    fn around(points: &Points, at: WorldCoord, kernel: &Kernel, pixel: f64) -> Self {
        let side = (2.0 * kernel.reach()).ceil() as u32 + 2;
        let half = f64::from(side) / 2.0;
        let (x, y) = (f64::from(at.x), f64::from(at.y));
        let window = Window::new(x - half * pixel, y - half * pixel, pixel, side, side);
        let mut sums = Self::default();
        for (run, shift) in points.cells(&window, 0.0).slices() {
            for point in run {
                sums.add_from(at, (kernel, pixel), point, shift, 1);
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
        let pixel = Self::pixel(at, z, style);
        let drawn = evaluate::density(set, style, pixel, 1, &CpuBackend::new());
        let number = drawn.values.first().copied().filter(|v| !v.is_nan());
        Self {
            value: number.map(f64::from),
            ..value
        }
    }

    /// The pixel that says what is at a coordinate: around it, or that of the zoom's own grid where
    /// points count in the pixels that they lie in.
    pub fn pixel(at: WorldCoord, z: f64, style: &Style) -> Window {
        let pixel = WORLD / (z + 8.0).exp2();
        let corner = |at: u32| match style.shape {
            Shape::Pixel => (f64::from(at) / pixel).floor() * pixel,
            _ => f64::from(at) - pixel / 2.0,
        };
        Window::new(corner(at.x), corner(at.y), pixel, 1, 1)
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
