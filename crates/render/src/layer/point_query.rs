//! Point queries: the exact value of a layer at one coordinate, as a sum over the points in reach.
//! A pixel is drawn instead only if splats don't simply add up, or if points have their own radii.

use crate::layer::evaluate::{self, SUPPORT, per_km2};
use crate::layer::point_set::PointSet;
use crate::splat::cpu::CpuBackend;
use crate::splat::kernel_spec::KernelSpec;
use crate::style::Style;
use crate::style::kernel::{Kernel, Shape};
use crate::style::measure::{Comparison, Measure};
use crate::unit_costs::{self as ns, REPORTED_CELLS, report};
use heatsplat_points::mercator::WORLD;
use heatsplat_points::{Point, Points, Window, WorldCoord};

/// A query for the value that a style shows at a coordinate and a zoom.
#[derive(Clone, Copy, Debug)]
pub struct PointQuery<'a> {
    at: WorldCoord,
    zoom: f64,
    style: &'a Style,
}

/// The answer to a [`PointQuery`]. The count and the mean are computed in f64 from the points
/// themselves, and so is the value, unless it must be read from a drawn pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PointValue {
    /// The value of the style's measure. `None` where the measure has no value, for example where
    /// the style shows means and no point is near.
    pub value: Option<f64>,
    /// The number of points that have a weight and lie within the kernel's reach.
    pub count: usize,
    /// The mean weight of the points that `count` counts, in which each point counts by its
    /// kernel's value at the coordinate. `None` if there are no such points.
    pub mean: Option<f64>,
}

/// Sums over the points that lie within a kernel's reach of a coordinate. [`PointQuery::value`]
/// turns them into the query's answer, so a caller may read the points from elsewhere. K is the
/// kernel's value at a point's distance.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelSums {
    /// Σ weight · K: the kernel's values, each multiplied by the weight of its point.
    pub weight: f64,
    /// Σ K. A point that stands for several points is counted several times.
    pub kernel: f64,
    /// The number of points within reach. A point that stands for several points is counted several
    /// times.
    pub count: usize,
}

impl KernelSums {
    /// Adds a point that lies `distance` from the coordinate, in the pixels in which the kernel's
    /// radius is counted. The point stands for `count` points. A point beyond the kernel's reach,
    /// or without a weight, adds nothing.
    pub fn add(&mut self, kernel: &Kernel, distance: f64, point: &Point, count: usize) {
        if distance <= kernel.reach() && point.has_weight() {
            let k = kernel.at(distance);
            self.weight += f64::from(point.weight) * k;
            self.kernel += count as f64 * k;
            self.count += count;
        }
    }

    /// Adds a point at its distance from the coordinate `at`. The second parameter is the kernel,
    /// and the width, in world units, of the pixels in which the kernel's radius is counted. `east`
    /// world units are added to the point's x: 0, or the offset of a copy of the world to the east
    /// or west. The point stands for `count` points.
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

    /// Sums over all points of an index that lie within the kernel's reach of a coordinate. A pixel
    /// of the kernel is `pixel` world units wide.
    ///
    /// Each point is added by itself, and not cells that stand for several points. So the result is
    /// exact, and the time grows with the number of points in reach.
    fn around(points: &Points, at: WorldCoord, kernel: &Kernel, pixel: f64) -> Self {
        let side = (2.0 * kernel.reach()).ceil() as u32 + 2;
        let half = f64::from(side) / 2.0;
        let (x, y) = (f64::from(at.x), f64::from(at.y));
        let window = Window::new(x - half * pixel, y - half * pixel, pixel, side, side);
        let mut sums = Self::default();
        for (run, shift) in points.cells(&window, 0.0).slices() {
            for points in run.chunks(REPORTED_CELLS) {
                report(points.len(), ns::SUMMED);
                for point in points {
                    sums.add_from(at, (kernel, pixel), point, shift, 1);
                }
            }
        }
        sums
    }
}

impl<'a> PointQuery<'a> {
    /// Makes a query at a coordinate. The zoom is counted for tiles of 256 CSS pixels, and may be
    /// fractional.
    pub fn new(at: WorldCoord, zoom: f64, style: &'a Style) -> Self {
        Self { at, zoom, style }
    }

    /// The coordinate of the query.
    pub fn at(&self) -> WorldCoord {
        self.at
    }

    /// The width, in world units, of a CSS pixel at the query's zoom.
    pub(crate) fn css_pixel(&self) -> f64 {
        WORLD / (self.zoom + 8.0).exp2()
    }

    /// Returns the value of a set of points at the query's coordinate.
    pub fn run(&self, set: &PointSet) -> PointValue {
        let (kernel, pixel) = self.kernel();
        let sums = |set: &PointSet| KernelSums::around(set.points(), self.at, &kernel, pixel);
        let versus = set.versus().map(|(how, other)| (how, sums(other)));
        let value = self.value(sums(set), versus);
        if !self.style.is_stamped() && set.by_radius().is_empty() {
            return value;
        }
        // Splats that don't simply add, and points with own radii, have values that are no sums
        // over one kernel. So the pixel at the coordinate is drawn.
        let view = self.pixel().into();
        let drawn = evaluate::density(set, self.style, &view, &CpuBackend::new());
        let number = drawn.values.first().copied().filter(|v| !v.is_nan());
        PointValue {
            value: number.map(f64::from),
            ..value
        }
    }

    /// A window of one pixel that shows the query's value. It is a CSS pixel centred on the
    /// coordinate or, for [`Shape::Pixel`], the pixel of the zoom's tiles that contains the
    /// coordinate.
    pub fn pixel(&self) -> Window {
        let pixel = self.css_pixel();
        let corner = |at: u32| match self.style.shape() {
            Shape::Pixel => (f64::from(at) / pixel).floor() * pixel,
            _ => f64::from(at) - pixel / 2.0,
        };
        Window::new(corner(self.at.x), corner(self.at.y), pixel, 1, 1)
    }

    /// The kernel of the query's style at the coordinate, and the width, in world units, of the
    /// pixels in which the kernel's radius is counted.
    pub fn kernel(&self) -> (Kernel, f64) {
        let css_pixel = self.css_pixel();
        let spec = KernelSpec::new(self.style, css_pixel, 1.0);
        let (kernel, coarser) = spec.kernel_at(f64::from(self.at.y), css_pixel);
        (kernel, css_pixel * f64::from(coarser))
    }

    /// Turns sums over a set's points into the query's answer. If the set is compared with a second
    /// one, `versus` has the kind of comparison and the sums over the second set.
    pub fn value(&self, sums: KernelSums, versus: Option<(Comparison, KernelSums)>) -> PointValue {
        let (y, css_pixel) = (f64::from(self.at.y), self.css_pixel());
        let height = self.kernel().0.height();
        let supported = |s: &KernelSums| s.kernel / height >= SUPPORT;
        let measure = |s: &KernelSums| match self.style.measure() {
            Measure::Sum => Some(s.weight),
            Measure::Count => Some(s.kernel),
            Measure::Mean => supported(s).then(|| s.weight / s.kernel),
            Measure::SumPerKm2 => Some(s.weight * per_km2(y, css_pixel)),
            Measure::CountPerKm2 => Some(s.kernel * per_km2(y, css_pixel)),
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
        PointValue {
            value,
            count: sums.count,
            mean: (sums.count > 0).then(|| sums.weight / sums.kernel),
        }
    }
}
