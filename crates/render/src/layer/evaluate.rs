//! Evaluates measures: turns densities into the values of a picture.
//!
//! A measure is a formula over one to four densities, applied pixel by pixel. A backend only splats
//! densities, so every backend can draw every measure. NaN stands for a pixel without a value, for
//! example in a picture of means where no point is near.

use crate::layer::point_set::PointSet;
use crate::scale::normalizer::Normalizer;
use crate::scale::value_kind::ValueKind;
use crate::splat::cpu;
use crate::splat::density::{Density, Picture};
use crate::splat::kernel_spec::KernelSpec;
use crate::splat::timing::{Phase, lap};
use crate::splat::view::{PlaneGround, View};
use crate::splat::{Backend, Job};
use crate::style::Style;
use crate::style::kernel::Normalize;
use crate::style::measure::{Comparison, Measure};
use heatsplat_points::mercator::metres_per_unit;
use heatsplat_points::{Points, Window};
use pulp::{Arch, Simd, WithSimd};
use std::sync::Arc;

/// The least Σ K, with kernels scaled to K(0) = 1, at which a mean or a quotient has a value. One
/// point with a gaussian kernel has this Σ K at the distance of the radius. Further out, a mean
/// would be a quotient of two numbers that are nearly 0.
pub(crate) const SUPPORT: f64 = 1.0 / 90.0;

/// The limit below which a difference is drawn as 0, as a fraction of the greatest absolute value
/// on the scale. It is a choice, well above rounding errors.
const NEGLIGIBLE: f64 = 1e-5;

/// Draws a view as numbers: the value of the style's measure for a set of points at each pixel. NaN
/// stands for no value.
pub fn density(set: &PointSet, style: &Style, view: &View, by: &dyn Backend) -> Density {
    let mut density = MeasureEval::for_view(style, view).density(set, by);
    let nothing = set.value_kind(style.measure()).nothing();
    view.clear_beside(&mut density.values, nothing);
    density
}

/// Draws a view as numbers and calls `consume` with them, row by row from the north. If the
/// backend's own buffer holds these numbers, they are not copied. Columns of the view that don't
/// show the map are not cleared.
pub(crate) fn with_density(
    set: &PointSet,
    style: &Style,
    view: &View,
    by: &dyn Backend,
    consume: &mut dyn FnMut(&[f32]),
) {
    let evaluation = MeasureEval::for_view(style, view);
    match evaluation.job(set) {
        Some(job) => by.with_density(&job, consume),
        None => consume(&evaluation.density(set, by).values),
    }
}

/// Draws a view as colour indices. `scale` turns the values into indices.
pub fn picture(
    set: &PointSet,
    style: &Style,
    view: &View,
    scale: &Normalizer,
    by: &dyn Backend,
) -> Picture {
    let evaluation = MeasureEval::for_view(style, view);
    let mut picture = if let Some(job) = evaluation.job(set) {
        let empty = || Picture::empty(job.window.width(), job.window.height());
        by.pictures(&[(job, scale)]).pop().unwrap_or_else(empty)
    } else {
        let kind = set.value_kind(style.measure());
        colorize(&evaluation.density(set, by), scale, kind)
    };
    view.clear_beside(&mut picture.indices, 0);
    picture
}

/// Turns values of the kind `kind` into colour indices by a scale. Differences that are nearly 0
/// get the index of empty pixels, 0.
pub(crate) fn colorize(density: &Density, scale: &Normalizer, kind: ValueKind) -> Picture {
    let mut indices = cpu::indices(scale.threshold_table(), &density.values);
    if kind == ValueKind::Signed {
        // Where neither set has points near, the difference is 0, or nearly 0 through rounding
        // errors. Such pixels are empty.
        let (low, high) = scale.domain();
        let nothing = (NEGLIGIBLE * high.max(-low)) as f32;
        let each = indices.iter_mut().zip(&density.values);
        each.filter(|(_, v)| v.abs() <= nothing)
            .for_each(|(i, _)| *i = 0);
    }
    lap(Phase::Scale);
    Picture {
        width: density.width,
        height: density.height,
        indices,
    }
}

/// An evaluator of a style's measure at each pixel of a window of the map. It lets a backend draw
/// the densities, and combines them.
#[derive(Clone, Debug)]
pub(crate) struct MeasureEval {
    pub(crate) measure: Measure,
    kernel: KernelSpec,
    window: Window,
    ground: Option<PlaneGround>,
}

impl MeasureEval {
    /// Prepares the evaluation of a style's measure at each pixel of a window. `ratio` is the
    /// number of the window's pixels per CSS pixel.
    pub(crate) fn new(style: &Style, window: Window, ratio: f64) -> Self {
        Self {
            measure: style.measure(),
            kernel: KernelSpec::new(style, window.pixel(), ratio),
            window,
            ground: None,
        }
    }

    /// Prepares the evaluation of a style's measure at each pixel of a view.
    pub(crate) fn for_view(style: &Style, view: &View) -> Self {
        Self {
            measure: style.measure(),
            kernel: KernelSpec::for_view(style, view),
            window: view.window(),
            ground: view.ground(),
        }
    }

    /// The single job by which a backend draws the measure, if the measure is one density. The
    /// backend can then colour the picture at once. `None` if the values need several densities, or
    /// a density must be multiplied by a factor.
    fn job<'a>(&self, set: &'a PointSet) -> Option<Job<'a>> {
        let plain = set.versus().is_none()
            && set.by_radius().is_empty()
            && set.value_kind(self.measure) == ValueKind::Amount
            && !self.measure.is_per_area();
        if !plain {
            return None;
        }
        if self.measure.counts() {
            return self.kernel.job(set.counts(), self.window);
        }
        match set.summed() {
            (points, 1.0) => self.kernel.job(points, self.window),
            _ => None,
        }
    }

    /// Draws the window as numbers: the values at its pixels, row by row from the north.
    pub(crate) fn density(&self, set: &PointSet, by: &dyn Backend) -> Density {
        let mut density = self.uncompared(set, by);
        match set.versus() {
            None => {}
            Some((Comparison::Minus, other)) => {
                let other = self.uncompared(other, by);
                density.zip(&other, |a, b| a - b);
            }
            Some((Comparison::Over, other)) => {
                let support = self.support(other, by);
                let other = self.uncompared(other, by);
                density.zip(&other, |a, b| if b == 0.0 { f32::NAN } else { a / b });
                density.zip(&support, masked);
            }
        }
        density
    }

    /// The values of the set's own points, as if the set were not compared with another.
    fn uncompared(&self, set: &PointSet, by: &dyn Backend) -> Density {
        if self.measure == Measure::Mean {
            return self.mean(set, by);
        }
        let mut density = self.splatted(&self.kernel, set, self.measure.counts(), by);
        if self.measure.is_per_area() {
            let css_pixel = self.window.pixel() * self.kernel.ratio;
            let width = (density.width as usize).max(1);
            for (row, values) in density.values.chunks_exact_mut(width).enumerate() {
                let y = self.window.top() + (row as f64 + 0.5) * self.window.pixel();
                let per_km2 = match self.ground {
                    None => per_km2(y, css_pixel),
                    Some(ground) => (ground.metres_per_unit * css_pixel / 1000.0).powi(-2),
                } as f32;
                values.iter_mut().for_each(|v| *v *= per_km2);
            }
        }
        density
    }

    /// The mean weight of the set's points near each pixel, in which each point counts by its
    /// kernel's value at the pixel.
    fn mean(&self, set: &PointSet, by: &dyn Backend) -> Density {
        let mut density = self.support(set, by);
        let summary = set.points().summary();
        let (least, most) = (summary.weight_min, summary.weight_max);
        if least == most {
            // If all weights are equal, the mean is exactly this weight, wherever it has a value.
            let mean = |s: &mut f32| *s = masked(least, *s);
            density.values.iter_mut().for_each(mean);
            return density;
        }
        let (points, factor) = set.summed();
        let whole = set.by_radius().is_empty();
        let mut divide = |sums: &[f32]| {
            Arch::new().dispatch(Quotients {
                sums,
                counts: &mut density.values,
                factor: if whole { factor } else { 1.0 },
                weights: (least, most),
            });
        };
        let kernel = self.peak_kernel();
        match kernel.job(points, self.window) {
            Some(job) if whole => by.with_density(&job, &mut divide),
            _ if whole => divide(&kernel.density(points, self.window, by).values),
            _ => divide(&self.splatted(&kernel, set, false, by).values),
        }
        density
    }

    /// Σ K with kernels scaled to K(0) = 1, at each pixel. Means and quotients have a value where
    /// it is at least [`SUPPORT`].
    fn support(&self, set: &PointSet, by: &dyn Backend) -> Density {
        self.splatted(&self.peak_kernel(), set, true, by)
    }

    /// The density of the set's own points: Σ K with `count`, otherwise Σ weight · K. Points that
    /// have their own radius are splatted with that radius.
    fn splatted(
        &self,
        kernel: &KernelSpec,
        set: &PointSet,
        count: bool,
        by: &dyn Backend,
    ) -> Density {
        let points = |set: &'_ PointSet| -> Arc<Points> {
            Arc::clone(if count { set.counts() } else { set.points() })
        };
        if set.by_radius().is_empty() {
            let (points, factor) = if count {
                (set.counts(), 1.0)
            } else {
                set.summed()
            };
            let mut density = kernel.density(points, self.window, by);
            if factor != 1.0 {
                density.values.iter_mut().for_each(|v| *v *= factor);
            }
            return density;
        }
        let parts: Vec<_> = set
            .by_radius()
            .iter()
            .map(|(r, part)| (*r, points(part)))
            .collect();
        let parts: Vec<_> = parts.iter().map(|(r, points)| (*r, &**points)).collect();
        kernel.density_by_radius(&parts, self.window, by)
    }

    /// The style's kernel, scaled so that its value at distance 0 is 1.
    fn peak_kernel(&self) -> KernelSpec {
        self.kernel.with_normalize(Normalize::Peak)
    }
}

/// The division of sums by counts, pixel by pixel. The quotients, which are means, replace the
/// counts. The code is compiled for each vector width.
struct Quotients<'a> {
    sums: &'a [f32],
    counts: &'a mut [f32],
    /// The factor that each quotient must be multiplied by, because the sums are of scaled weights.
    factor: f32,
    /// The least and the greatest weight of the points. Each mean is clamped to lie between them.
    weights: (f32, f32),
}

impl WithSimd for Quotients<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (least, most) = self.weights;
        for (count, sum) in self.counts.iter_mut().zip(self.sums) {
            // Near the end of a kernel the sum and the count are tiny. Rounding errors must not
            // move their quotient below the least or above the greatest weight.
            let mean = sum / *count * self.factor;
            *count = masked(mean.max(least).min(most), *count);
        }
    }
}

/// The number of square CSS pixels that a square kilometre of ground covers. A CSS pixel is
/// `css_pixel` world units wide. `y` is the position in world units from the map's northern edge;
/// the nearer it is to a pole, the more the projection enlarges the ground.
pub(crate) fn per_km2(y: f64, css_pixel: f64) -> f64 {
    let km = metres_per_unit(y) * css_pixel / 1000.0;
    (km * km).recip()
}

/// Returns `value`, or NaN if `support`, the Σ K at the pixel, is less than [`SUPPORT`].
#[inline(always)]
fn masked(value: f32, support: f32) -> f32 {
    // The least f32 that is not below [`SUPPORT`], an f64. Values are compared with an f32, because
    // vector instructions then compare many at a time.
    const ENOUGH: f32 = {
        let near = SUPPORT as f32;
        if (near as f64) < SUPPORT {
            near.next_up()
        } else {
            near
        }
    };
    if support >= ENOUGH { value } else { f32::NAN }
}
