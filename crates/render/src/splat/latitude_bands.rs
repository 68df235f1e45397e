//! Which kernel each row of a window is drawn with.
//!
//! A radius in pixels is the same everywhere. One in metres is more pixels the further a row
//! is from the equator: rows whose radius is nearly the same form a band, which is a window of
//! its own to a backend. Which band a row belongs to follows from where the row is in the world
//! and how large its pixels are, never from the window, so tiles meet bit for bit.

use crate::splat::blend_job::Stamped;
use crate::splat::density::Density;
use crate::splat::lattice;
use crate::splat::{Backend, Job};
use crate::style::blend::Overlap;
use crate::style::kernel::{Kernel, Normalize, Shape};
use crate::style::precision::Precision;
use crate::style::radius::{Length, metres_per_unit};
use heatsplat_points::mercator::WORLD;
use heatsplat_points::{Points, Window};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Where the radius changes by more than this share over 256 rows, two kernels are mixed.
const FAST: f64 = 0.02;

/// From one band to the next the radius grows by this share where bands are told apart by
/// rows alone: half of it is the most that a radius errs, and no density by half an index.
const STEP: f64 = 1.0 / 256.0;

/// The same where a row is mixed of two kernels: the mixture errs by the square of it.
const MIXED_STEP: f64 = 1.0 / 16.0;

/// The same for kernels with an edge, which a mixture doubles.
const EDGED_STEP: f64 = 1.0 / 64.0;

/// The widest radius that is drawn exactly on a picture's own pixels.
const WIDEST_EXACT: f64 = (1 << 24) as f64;

/// What all bands of a picture have in common.
#[derive(Clone, Debug)]
pub(crate) struct Splat {
    pub(crate) overlap: Arc<Overlap>,
    pub(crate) shape: Shape,
    pub(crate) precision: Precision,
    pub(crate) normalize: Normalize,
    pub(crate) length: Length,
    /// Pixels of the window to a CSS pixel.
    pub(crate) ratio: f64,
}

/// Rows that one kernel is drawn for.
#[derive(Debug)]
struct Band {
    first: u32,
    /// What the kernel's density counts in each row, from the first; where the next band
    /// overlaps, both shares add up to 1.
    shares: Vec<f32>,
    kernel: Kernel,
    /// Pixels of the window to one that is drawn: over 1 where no kernel is as wide as wanted.
    coarser: u32,
}

impl Splat {
    /// A kernel whose radius is given in pixels of a window, and how many of its pixels make one
    /// of the picture that it is to be drawn in.
    fn kernel(&self, pixels: f64) -> (Kernel, u32) {
        let widest = match self.precision {
            Precision::Fast => Kernel::MAX_RADIUS,
            Precision::Exact => WIDEST_EXACT,
        };
        let over = (pixels / widest).max(1.0).log2().ceil();
        let coarser = over.min(31.0).exp2();
        let radius = (pixels / coarser).clamp(Kernel::MIN_RADIUS, widest);
        let ratio = self.ratio / coarser;
        let kernel = Kernel::per_css_pixel(self.shape, radius, self.normalize, ratio);
        (kernel.with_precision(self.precision), coarser as u32)
    }

    /// The radius in pixels of a row `y` world units down, and the kernel of exactly that.
    pub(crate) fn at(&self, y: f64, pixel: f64) -> (Kernel, u32) {
        self.kernel(self.pixels(y, pixel))
    }

    /// The kernel of all rows, where they have the same.
    pub(crate) fn everywhere(&self) -> Option<Kernel> {
        match self.length {
            Length::Pixels(n) if !self.is_stamped() => Some(self.kernel(n * self.ratio).0),
            _ => None,
        }
    }

    /// The one job that a window's density is, where the kernel is the same everywhere.
    pub(crate) fn job<'a>(&self, points: &'a Points, window: Window) -> Option<Job<'a>> {
        Some(Job {
            points,
            window,
            kernel: self.everywhere()?,
            strip: false,
        })
    }

    /// Whether stamps are drawn, and not one of a backend's own kernels.
    fn is_stamped(&self) -> bool {
        is_stamped(&self.overlap, self.shape, self.precision)
    }

    fn pixels(&self, y: f64, pixel: f64) -> f64 {
        match self.length {
            Length::Pixels(n) => n * self.ratio,
            Length::Metres(n) => n / (metres_per_unit(y) * pixel),
        }
    }

    /// The kernel where the radius has the fewest pixels: nearest to the equator.
    pub(crate) fn narrowest(&self, window: &Window) -> Kernel {
        let (top, bottom) = (window.top(), window.bottom());
        self.at((WORLD / 2.0).clamp(top, bottom.max(top)), window.pixel())
            .0
    }

    /// The greatest radius in a window, in its pixels.
    pub(crate) fn widest(&self, window: &Window) -> f64 {
        self.pixels(window.top(), window.pixel())
            .max(self.pixels(window.bottom(), window.pixel()))
            .max(Kernel::MIN_RADIUS)
    }

    /// The density of points that have a radius of their own in CSS pixels, or none.
    pub(crate) fn density_of(
        &self,
        parts: &[(Option<f64>, &Points)],
        window: Window,
        by: &dyn Backend,
    ) -> Density {
        if !self.overlap.is_plain() {
            // all at one go: each covers all others
            let middle = window.top() + f64::from(window.height()) / 2.0 * window.pixel();
            let radius = |own: &Option<f64>| {
                let wanted = own.map_or(self.length, Length::Pixels);
                let splat = Self {
                    length: wanted,
                    ..self.clone()
                };
                splat.at(middle, window.pixel()).0.radius()
            };
            return by.stamped(&Stamped {
                parts: parts
                    .iter()
                    .map(|(own, points)| (*points, radius(own)))
                    .collect(),
                window,
                shape: self.shape,
                overlap: &self.overlap,
                ratio: self.ratio,
            });
        }
        let mut whole = Density::empty(window.width(), window.height());
        for (own, points) in parts {
            let splat = Self {
                length: own.map_or(self.length, Length::Pixels),
                ..self.clone()
            };
            let part = splat.density(points, window, by);
            whole.zip(&part, |all, part| all + part);
        }
        whole
    }

    /// The density of a window.
    pub(crate) fn density(&self, points: &Points, window: Window, by: &dyn Backend) -> Density {
        let empty = || Density::empty(window.width(), window.height());
        if let Some(job) = self.job(points, window) {
            return by.densities(&[job]).pop().unwrap_or_else(empty);
        }
        if self.is_stamped() {
            return self.stamped(points, window, by);
        }
        let bands = self.bands(&window);
        let jobs: Vec<Job<'_>> = bands
            .iter()
            .map(|band| Job {
                points,
                window: band.drawn(&window).0,
                kernel: band.kernel,
                strip: true,
            })
            .collect();
        let mut whole = empty();
        for (band, density) in bands.iter().zip(by.densities(&jobs)) {
            band.add_to(&mut whole, &density, &window);
        }
        whole
    }

    /// The same by stamps.
    fn stamped(&self, points: &Points, window: Window, by: &dyn Backend) -> Density {
        let draw = |window: Window, kernel: Kernel, ratio: f64| {
            let mut density = by.stamped(&Stamped {
                parts: vec![(points, kernel.radius())],
                window,
                shape: self.shape,
                overlap: &self.overlap,
                ratio,
            });
            if self.overlap.is_plain() && kernel.height() != 1.0 {
                let height = kernel.height() as f32;
                density.values.iter_mut().for_each(|v| *v *= height);
            }
            density
        };
        if let Length::Pixels(n) = self.length {
            return draw(window, self.kernel(n * self.ratio).0, self.ratio);
        }
        let mut whole = Density::empty(window.width(), window.height());
        for band in self.bands(&window) {
            let ratio = self.ratio / f64::from(band.coarser);
            let drawn = draw(band.drawn(&window).0, band.kernel, ratio);
            band.add_to(&mut whole, &drawn, &window);
        }
        whole
    }

    /// The windows that a picture is drawn in, each with its kernel: one, or the bands of a radius in
    /// metres.
    pub(crate) fn strips(&self, window: &Window) -> Vec<(Window, Kernel)> {
        if let Length::Pixels(n) = self.length {
            return vec![(*window, self.kernel(n * self.ratio).0)];
        }
        let bands = self.bands(window).into_iter();
        bands.map(|b| (b.drawn(window).0, b.kernel)).collect()
    }

    /// The bands of a window for a radius in metres.
    fn bands(&self, window: &Window) -> Vec<Band> {
        let pixel = window.pixel();
        if self.precision == Precision::Exact {
            return self.rows(window);
        }
        // the radius grows by sin φ · 2π/WORLD a unit
        let mixed = TAU * 256.0 * pixel / WORLD > FAST;
        let step = match (mixed, lattice::follows(self.shape)) {
            (true, true) => MIXED_STEP,
            (true, false) => EDGED_STEP,
            (false, _) => STEP,
        };
        let mut done: Vec<Band> = Vec::new();
        let mut open: Vec<(i64, Band)> = Vec::new();
        for row in 0..window.height() {
            let y = window.top() + (f64::from(row) + 0.5) * pixel;
            let place = self.pixels(y, pixel).ln() / step;
            let (node, share) = if mixed {
                (place.floor(), (place - place.floor()) as f32)
            } else {
                (place.round(), 0.0)
            };
            let wanted = [(node as i64, 1.0 - share), (node as i64 + 1, share)];
            let wanted = wanted.iter().filter(|(_, share)| *share > 0.0);
            let (still, closed): (Vec<_>, Vec<_>) = open
                .into_iter()
                .partition(|(n, _)| wanted.clone().any(|(w, _)| w == n));
            done.extend(closed.into_iter().map(|(_, band)| band));
            open = still;
            for &(node, share) in wanted {
                if let Some((_, band)) = open.iter_mut().find(|(n, _)| *n == node) {
                    band.shares.push(share);
                    continue;
                }
                let (kernel, coarser) = self.kernel((node as f64 * step).exp());
                let band = Band {
                    first: row,
                    shares: vec![share],
                    kernel,
                    coarser,
                };
                open.push((node, band));
            }
        }
        done.extend(open.into_iter().map(|(_, band)| band));
        done
    }

    /// A band for each row, with the kernel of exactly its radius.
    fn rows(&self, window: &Window) -> Vec<Band> {
        let row = |first: u32| {
            let y = window.top() + (f64::from(first) + 0.5) * window.pixel();
            let (kernel, coarser) = self.at(y, window.pixel());
            Band {
                first,
                shares: vec![1.0],
                kernel,
                coarser,
            }
        };
        (0..window.height()).map(row).collect()
    }
}

/// Whether splats are stamped: where they don't simply add up, and where their shape is no
/// backend's own, unless each point is evaluated anyway.
pub(crate) fn is_stamped(overlap: &Overlap, shape: Shape, precision: Precision) -> bool {
    !overlap.is_plain() || shape.is_stamped() && precision == Precision::Fast
}

impl Band {
    /// The window that a backend draws, and how far its corner lies from the band's, in pixels
    /// of the picture.
    fn drawn(&self, window: &Window) -> (Window, (u32, u32)) {
        let rows = window.part(0, self.first, window.width(), self.shares.len() as u32);
        if self.coarser == 1 {
            return (rows, (0, 0));
        }
        let phase = lattice::phase(&rows, self.coarser);
        (rows.coarser(self.coarser, phase).grown(1), phase)
    }

    /// Adds the band's share of each row; what was drawn coarser is made finer on straight lines
    /// (at 128 pixels of radius and more these err by 1/10,000 of the peak).
    fn add_to(&self, whole: &mut Density, drawn: &Density, window: &Window) {
        let width = whole.width as usize;
        let rows = whole.values.chunks_exact_mut(width.max(1));
        let rows = rows.skip(self.first as usize).zip(&self.shares).enumerate();
        if self.coarser == 1 {
            let lines = drawn.values.chunks_exact(width.max(1));
            for ((_, (row, &share)), line) in rows.zip(lines) {
                row.iter_mut()
                    .zip(line)
                    .for_each(|(to, d)| *to += share * d);
            }
            return;
        }
        let (_, phase) = self.drawn(window);
        let line = |pixel: u32, phase: u32| {
            // in drawn pixels from the centre of the first, which lies one before the band's
            let at = (f64::from(pixel + phase) + 0.5) / f64::from(self.coarser) + 0.5;
            (at.floor() as u32, (at - at.floor()) as f32)
        };
        for (y, (row, &share)) in rows {
            let (above, down) = line(y as u32, phase.1);
            for (x, to) in row.iter_mut().enumerate() {
                let (left, across) = line(x as u32, phase.0);
                let mix = |y: u32| {
                    let (a, b) = (drawn.at(left, y), drawn.at(left + 1, y));
                    a + (b - a) * across
                };
                let (a, b) = (mix(above), mix(above + 1));
                *to += share * (a + (b - a) * down);
            }
        }
    }
}
