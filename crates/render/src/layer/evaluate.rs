//! The numbers that a picture shows: a measure, taken from densities.
//!
//! A measure is a few densities and a formula over them, pixel by pixel; so every backend can
//! draw every measure. What has no value (a mean where no point is near) is NaN.

use crate::layer::point_set::PointSet;
use crate::scale::Normalizer;
use crate::splat::cpu;
use crate::splat::density::{Density, Picture};
use crate::splat::latitude_bands::Splat;
use crate::splat::timing::{Stage, lap};
use crate::splat::{Backend, Job};
use crate::style::Style;
use crate::style::kernel::Normalize;
use crate::style::measure::{Comparison, Measure, Nature};
use crate::style::radius::metres_per_unit;
use heatsplat_points::{Points, Window};
use pulp::{Arch, Simd, WithSimd};
use std::sync::Arc;

/// Means and quotients are shown where Σ K of the points is at least this: what a gaussian is at
/// its radius. Nearer to the rim a mean would be a quotient of two nearly nothings.
pub(crate) const SUPPORT: f64 = 1.0 / 90.0;

/// The share of a scale's end below which a difference is nothing.
const NOTHING: f64 = 1e-5;

/// The numbers of a window, `ratio` pixels to a CSS pixel: what a style measures of a set, NaN
/// where it has no value.
pub fn density(
    set: &PointSet,
    style: &Style,
    window: Window,
    ratio: u32,
    by: &dyn Backend,
) -> Density {
    Field::new(style, window, f64::from(ratio)).of(set, by)
}

/// The same, shown to who makes something else of it at once.
pub(crate) fn show(
    set: &PointSet,
    style: &Style,
    window: Window,
    ratio: u32,
    by: &dyn Backend,
    see: &mut dyn FnMut(&[f32]),
) {
    let field = Field::new(style, window, f64::from(ratio));
    match field.job(set) {
        Some(job) => by.show(&job, see),
        None => see(&field.of(set, by).values),
    }
}

/// The same as colour indices on a scale.
pub fn picture(
    set: &PointSet,
    style: &Style,
    window: Window,
    ratio: u32,
    scale: &Normalizer,
    by: &dyn Backend,
) -> Picture {
    let field = Field::new(style, window, f64::from(ratio));
    if let Some(job) = field.job(set) {
        let empty = || Picture::empty(window.width(), window.height());
        return by.pictures(&[(job, scale)]).pop().unwrap_or_else(empty);
    }
    colored(&field.of(set, by), scale, set.nature(style.measure))
}

/// Numbers as colour indices on a scale.
pub(crate) fn colored(numbers: &Density, scale: &Normalizer, nature: Nature) -> Picture {
    let mut indices = cpu::indices(scale.steps(), &numbers.values);
    if nature == Nature::Signed {
        // where neither side is, a difference of 0 is no news, nor is what rounding leaves of it
        let (low, high) = scale.domain();
        let nothing = (NOTHING * high.max(-low)) as f32;
        let each = indices.iter_mut().zip(&numbers.values);
        each.filter(|(_, v)| v.abs() <= nothing)
            .for_each(|(i, _)| *i = 0);
    }
    lap(Stage::Scale);
    Picture {
        width: numbers.width,
        height: numbers.height,
        indices,
    }
}

/// One measure of one window.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) measure: Measure,
    pub(crate) splat: Splat,
    pub(crate) window: Window,
}

impl Field {
    /// What a style shows in a window with `ratio` pixels to a CSS pixel.
    pub(crate) fn new(style: &Style, window: Window, ratio: f64) -> Self {
        Self {
            measure: style.measure,
            splat: style.splat(window.pixel(), ratio),
            window,
        }
    }

    /// The one density that the field is, where it is no more than that: a backend then has
    /// all it needs to draw the picture at one go.
    pub(crate) fn job<'a>(&self, set: &'a PointSet) -> Option<Job<'a>> {
        let plain = set.versus().is_none()
            && set.by_radius().is_empty()
            && set.nature(self.measure) == Nature::Amount
            && !self.measure.is_per_area();
        if !plain {
            return None;
        }
        if self.measure.counts() {
            return self.splat.job(set.counts(), self.window);
        }
        match set.summed() {
            (points, 1.0) => self.splat.job(points, self.window),
            _ => None,
        }
    }

    /// Draws it, row by row from the north.
    pub(crate) fn of(&self, set: &PointSet, by: &dyn Backend) -> Density {
        let mut field = self.alone(set, by);
        match set.versus() {
            None => {}
            Some((Comparison::Minus, other)) => {
                let other = self.alone(other, by);
                field.zip(&other, |a, b| a - b);
            }
            Some((Comparison::Over, other)) => {
                let support = self.support(other, by);
                let other = self.alone(other, by);
                field.zip(&other, |a, b| if b == 0.0 { f32::NAN } else { a / b });
                field.zip(&support, masked);
            }
        }
        field
    }

    /// The measure of a set's own points.
    fn alone(&self, set: &PointSet, by: &dyn Backend) -> Density {
        if self.measure == Measure::Mean {
            return self.mean(set, by);
        }
        let mut field = self.splatted(&self.splat, set, self.measure.counts(), by);
        if self.measure.is_per_area() {
            let css_pixel = self.window.pixel() * self.splat.ratio;
            let width = (field.width as usize).max(1);
            for (row, values) in field.values.chunks_exact_mut(width).enumerate() {
                let y = self.window.top() + (row as f64 + 0.5) * self.window.pixel();
                let per_km2 = per_km2(y, css_pixel) as f32;
                values.iter_mut().for_each(|v| *v *= per_km2);
            }
        }
        field
    }

    fn mean(&self, set: &PointSet, by: &dyn Backend) -> Density {
        let support = self.support(set, by);
        let summary = set.points().summary();
        let (least, most) = (summary.weight_min, summary.weight_max);
        if least == most {
            // the mean of equals is what they are, to the last bit
            let mut field = support;
            let mean = |s: &mut f32| *s = masked(least, *s);
            field.values.iter_mut().for_each(mean);
            return field;
        }
        let mut field = support;
        let (points, factor) = set.summed();
        let whole = set.by_radius().is_empty();
        let mut divide = |sums: &[f32]| {
            Arch::new().dispatch(Quotients {
                sums,
                counts: &mut field.values,
                factor: if whole { factor } else { 1.0 },
                weights: (least, most),
            });
        };
        let splat = self.splat();
        match splat.job(points, self.window) {
            Some(job) if whole => by.show(&job, &mut divide),
            _ if whole => divide(&splat.density(points, self.window, by).values),
            _ => divide(&self.splatted(&splat, set, false, by).values),
        }
        field
    }

    /// Σ K with K(0) = 1: how much there is to take a mean of.
    fn support(&self, set: &PointSet, by: &dyn Backend) -> Density {
        self.splatted(&self.splat(), set, true, by)
    }

    /// The density of a set's points, weighed or counted, each with its own radius if it has one.
    fn splatted(&self, splat: &Splat, set: &PointSet, count: bool, by: &dyn Backend) -> Density {
        let points = |set: &'_ PointSet| -> Arc<Points> {
            Arc::clone(if count { set.counts() } else { set.points() })
        };
        if set.by_radius().is_empty() {
            let (points, factor) = if count {
                (set.counts(), 1.0)
            } else {
                set.summed()
            };
            let mut density = splat.density(points, self.window, by);
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
        splat.density_of(&parts, self.window, by)
    }

    /// The splat with K(0) = 1.
    fn splat(&self) -> Splat {
        Splat {
            normalize: Normalize::Peak,
            ..self.splat.clone()
        }
    }
}

/// Counts on their way to means, compiled for each vector width.
struct Quotients<'a> {
    sums: &'a [f32],
    counts: &'a mut [f32],
    /// What sums are multiplied by.
    factor: f32,
    /// The least and the greatest.
    weights: (f32, f32),
}

impl WithSimd for Quotients<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (least, most) = self.weights;
        for (count, sum) in self.counts.iter_mut().zip(self.sums) {
            // far out on a kernel's rim both are small: rounding must not lead out of the weights
            let mean = sum / *count * self.factor;
            *count = masked(mean.max(least).min(most), *count);
        }
    }
}

/// How many square CSS pixels a km² of ground has, at a row `y` world units down.
pub(crate) fn per_km2(y: f64, css_pixel: f64) -> f64 {
    let km = metres_per_unit(y) * css_pixel / 1000.0;
    (km * km).recip()
}

#[inline(always)]
fn masked(value: f32, support: f32) -> f32 {
    // the least f32 that is enough, so that pixels are compared as they are, many at a time
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
