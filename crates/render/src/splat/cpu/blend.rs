//! Blend modes in floating point, and the kernel shapes that imitate other heat-map programs. The
//! kernel's values at the pixels around a point are called its stamp. All points in one subpixel, a
//! small square of a pixel, share a stamp (`sites.rs`), which is added to the picture.
//!
//! The CPU draws these pictures for the GPU backend too, since the order of splats matters. Blend
//! modes in 8 bits are in `blend_u8.rs`.

use super::blend_u8::{over, plus, stamp_markers};
use super::sites::{SubpixelWindow, overlapping_rows, split};
use crate::splat::blend_job::BlendJob;
use crate::splat::density::Density;
use crate::style::blend::{BlendMode, CoverOpacity, MAX_REACH};
use crate::style::kernel::Shape;
use crate::unit_costs::{self as ns, report};

/// The greatest opacity of a splat. An opacity of 1 would make the logarithm of 1 − opacity
/// infinite. The difference from 1 is less than half a colour step.
const OPAQUE: f64 = 1.0 - 1.0 / 1024.0;

/// Draws the density of a job whose splats are combined by a blend mode.
pub(crate) fn draw(job: &BlendJob<'_>) -> Density {
    match job.blend {
        // Kernel shapes that only other heat maps have come here too; their splats simply add.
        BlendMode::Add => add_sites(job, phases_for, |sum, weight| sum + weight),
        BlendMode::Set => {
            let (phases, once) = (|_: f64| 1, |_: f64, _: f64| 1.0);
            add_sites(job, phases, once)
        }
        BlendMode::Cover(opacity) => cover(job, opacity),
        BlendMode::Over(stamp) => stamp_markers(job, stamp, over),
        BlendMode::Plus(stamp) => stamp_markers(job, stamp, plus),
        BlendMode::Reach(weight) => reach(job, *weight),
    }
}

/// The number of subpixels along each side of a pixel, for a kernel's radius in pixels. A wide
/// kernel changes little within a pixel, so it needs fewer subpixels.
fn phases_for(radius: f64) -> u32 {
    match radius {
        r if r < 8.0 => 8,
        r if r < 24.0 => 4,
        r if r < 64.0 => 2,
        _ => 1,
    }
}

/// The stamps of a kernel: its values at the pixels around a point. There is one stamp for each
/// opacity and each subpixel in which the point may lie. A stamp is made when it is first used.
struct StampCache {
    /// The number of subpixels along each side of a pixel. A stamp is made for each subpixel.
    phases: u32,
    /// The number of pixels from the middle pixel of a stamp, a table of the kernel's values around
    /// a point, to its edge.
    margin: i64,
    /// The width and height, in pixels, of a stamp: a table of the kernel's values around a point.
    side: usize,
    stamps: Vec<Option<Vec<f32>>>,
}

impl StampCache {
    fn new(phases: u32, reach: f64) -> Self {
        let margin = reach.ceil() as i64 + 1;
        let count = 256 * (phases * phases) as usize;
        Self {
            phases,
            margin,
            side: 2 * margin as usize + 1,
            stamps: (0..count).map(|_| None).collect(),
        }
    }

    /// The job's window, divided into subpixels. There is a stamp, a table of the kernel's values,
    /// for each position of a subpixel in its pixel.
    fn subpixels(&self, job: &BlendJob<'_>) -> SubpixelWindow {
        SubpixelWindow {
            window: job.window,
            phases: self.phases,
            shift: (0.0, 0.0),
            margin: self.margin as u32 + 1,
            sorted: true,
        }
    }

    /// Adds the kernel's stamp, its values at the pixels around one subpixel, to a picture that is
    /// `width` pixels wide. The tuple has the column and the row of the subpixel, counted in
    /// subpixels from the picture's top left corner, and the opacity, 0 to 255, of its points.
    /// `value` computes the stamp's value at a distance in pixels from the subpixel. The stamp is
    /// multiplied by `times`.
    fn add(
        &mut self,
        picture: &mut [f32],
        width: usize,
        (x, y, opacity): (i64, i64, u8),
        times: f32,
        value: impl Fn(f64) -> f64,
    ) {
        let (x, phase_x) = split(x, self.phases);
        let (y, phase_y) = split(y, self.phases);
        let (margin, side) = (self.margin, self.side);
        let stamp = self.get(opacity, (phase_x, phase_y), value);
        report(stamp.len().min(picture.len()), ns::STAMPED);
        for (to, from) in overlapping_rows(picture, width, stamp, side, (x - margin, y - margin)) {
            to.iter_mut().zip(from).for_each(|(t, s)| *t += times * s);
        }
    }

    /// The stamp, a table of the kernel's values, for an opacity and a subpixel; `phase` is the
    /// subpixel's column and row within its pixel. The stamp is made when it is first used: `value`
    /// computes the kernel's value at a distance in pixels.
    fn get(&mut self, opacity: u8, phase: (u32, u32), value: impl Fn(f64) -> f64) -> &[f32] {
        let of_phase = (phase.1 * self.phases + phase.0) as usize;
        let place = usize::from(opacity) * (self.phases * self.phases) as usize + of_phase;
        let (phases, margin, side) = (f64::from(self.phases), self.margin, self.side);
        let make = || {
            // The offset of the subpixel's centre from the centre of its pixel, in pixels.
            let offset = |phase: u32| (f64::from(phase) + 0.5) / phases - 0.5;
            let (dx, dy) = (offset(phase.0), offset(phase.1));
            let at = |i: usize, d: f64| (i as i64 - margin) as f64 - d;
            let pixel = |i: usize| value(at(i % side, dx).hypot(at(i / side, dy))) as f32;
            report(side * side, ns::MADE);
            (0..side * side).map(pixel).collect()
        };
        match self.stamps.get_mut(place) {
            Some(stamp) => stamp.get_or_insert_with(make),
            None => &[],
        }
    }
}

/// Adds one stamp, a table of the kernel's values, for each subpixel that has points. `phases`
/// computes the number of subpixels along each side of a pixel from the kernel's radius in pixels.
/// The stamp is multiplied by a factor, which `fold` computes from the weights of the subpixel's
/// points: it gets the factor so far (0 at first) and the next weight, and returns the new factor.
fn add_sites(
    job: &BlendJob<'_>,
    phases: impl Fn(f64) -> u32,
    fold: impl Fn(f64, f64) -> f64,
) -> Density {
    let mut whole = Density::empty(job.window.width(), job.window.height());
    let width = job.window.width() as usize;
    for &(points, radius) in &job.parts {
        let mut stamps = StampCache::new(phases(radius), radius * job.shape.reach());
        let finest = 1.0 / f64::from(stamps.phases);
        let sums = stamps.subpixels(job).folded(points, finest, &fold);
        for (x, y, sum) in sums.filled() {
            let kernel = |d: f64| job.shape.profile(d / radius);
            stamps.add(&mut whole.values, width, (x, y, 1), sum as f32, kernel);
        }
    }
    whole
}

/// Draws the density 1 − Π (1 − opacity · K), a product over all points, where K is the kernel's
/// value at the pixel. `cover` is the rule by which a point's opacity follows from its weight. The
/// product is computed as a sum of logarithms.
fn cover(job: &BlendJob<'_>, cover: &CoverOpacity) -> Density {
    let mut whole = Density::empty(job.window.width(), job.window.height());
    let zoom = job.zoom();
    let opacity = |weight: f32| (cover.opacity(f64::from(weight), zoom) * 255.0).round() as u8;
    let value = |opacity: u8, u: f64| {
        let opacity = f64::from(opacity) / 255.0 * job.shape.profile(u);
        -(-opacity.min(OPAQUE)).ln_1p()
    };
    let width = job.window.width() as usize;
    for &(points, radius) in &job.parts {
        let mut stamps = StampCache::new(phases_for(radius), radius * job.shape.reach());
        for site in stamps.subpixels(job).sites(points, opacity) {
            let of_distance = |d: f64| value(site.opacity, d / radius);
            let (at, times) = ((site.x, site.y, site.opacity), site.count as f32);
            stamps.add(&mut whole.values, width, at, times, of_distance);
        }
    }
    whole.values.iter_mut().for_each(|v| *v = -(-*v).exp_m1());
    whole
}

/// Draws the density Σ weight · K, where K is the kernel's value at the pixel. The points of a
/// pixel become one splat with their summed weight, and a heavier splat has a greater radius. A
/// splat of the weight `unit` has exactly the kernel's radius.
fn reach(job: &BlendJob<'_>, unit: f64) -> Density {
    let mut whole = Density::empty(job.window.width(), job.window.height());
    let (width, height) = (
        i64::from(job.window.width()),
        i64::from(job.window.height()),
    );
    let pixels = SubpixelWindow {
        window: job.window,
        phases: 1,
        shift: (0.0, 0.0),
        margin: MAX_REACH as u32 + 1,
        sorted: true,
    };
    let degree = job.shape.degree();
    for &(points, radius) in &job.parts {
        let sums = pixels.folded(points, 0.5, |sum, weight| sum + weight);
        for (x, y, sum) in sums.filled().filter(|(.., sum)| *sum > 0.0) {
            let far = (radius * (sum / unit).powf(degree.recip())).min(MAX_REACH);
            let side = 2 * far.floor() as i64 + 1;
            let (left, top) = (x - side / 2, y - side / 2);
            for row in top.max(0)..(top + side).min(height) {
                report(side.min(width) as usize, ns::STAMPED);
                let columns = left.max(0)..(left + side).min(width);
                let from = (row * width) as usize;
                let line = columns.start.max(0) as usize..columns.end.max(columns.start) as usize;
                let Some(line) = whole.values.get_mut(from + line.start..from + line.end) else {
                    continue;
                };
                let dy2 = ((row - y) * (row - y)) as f32;
                let scale = (1.0 / far) as f32;
                let (sum, shape) = (sum as f32, job.shape);
                for (column, value) in columns.zip(line) {
                    let dx = (column - x) as f32;
                    let u = (dx * dx + dy2).sqrt() * scale;
                    *value += sum * falling(shape, u);
                }
            }
        }
    }
    whole
}

/// The value of a shape at `u` radii from its middle. For the shapes of HeatCanvas it is computed
/// in f32.
fn falling(shape: Shape, u: f32) -> f32 {
    match shape {
        Shape::Triangular => (1.0 - u).max(0.0),
        Shape::Epanechnikov => (1.0 - u * u).max(0.0),
        Shape::Cubic => (1.0 - u * u * u).max(0.0),
        other => other.profile(f64::from(u)) as f32,
    }
}
