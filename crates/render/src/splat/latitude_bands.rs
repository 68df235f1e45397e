//! Latitude bands: rows of a window that are drawn with one kernel.
//!
//! A radius in metres covers more pixels the further a row is from the equator. Neighbouring rows
//! whose radii are nearly the same form a band, which a backend draws as a window of its own. The
//! band of a row follows from the row's position in the world and the size of its pixels, never
//! from the window, so neighbouring tiles agree bit for bit.

use crate::splat::density::Density;
use crate::splat::kernel_spec::KernelSpec;
use crate::splat::lattice;
use crate::style::kernel::Kernel;
use crate::style::precision::Precision;
use heatsplat_points::Window;
use heatsplat_points::mercator::WORLD;
use std::f64::consts::TAU;

/// A limit for the relative change of the radius over 256 rows of pixels. If the radius changes
/// faster, the density of each row is mixed from the densities of two kernels. If it changes more
/// slowly, each row has one kernel.
const FAST: f64 = 0.02;

/// The relative growth of the radius from one band to the next if each row has one kernel. A row's
/// radius is wrong by at most half of this, and no density is wrong by half a colour index.
const STEP: f64 = 1.0 / 256.0;

/// The growth of the radius (see [`STEP`]) if each row is mixed from two smooth kernels. The error
/// of the mixture is of the order of the growth's square.
const MIXED_STEP: f64 = 1.0 / 16.0;

/// The growth of the radius (see [`STEP`]) if each row is mixed from two kernels with an edge. Both
/// edges are visible in the mixture, so they must lie close together.
const EDGED_STEP: f64 = 1.0 / 64.0;

/// A band of consecutive rows of a window, which are drawn with one kernel.
#[derive(Debug)]
pub(super) struct LatitudeBand {
    /// The band's first row, counted from 0 at the top of the window.
    first: u32,
    /// The fraction, 0 to 1, that this kernel's density has in a row's density, for each row of the
    /// band. In a row that belongs to two bands, the fractions of the two add up to 1.
    shares: Vec<f32>,
    pub(super) kernel: Kernel,
    /// The side of the pixels on which the band is drawn, in pixels of the window. It is more than
    /// 1 if the radius is greater than a kernel's may be.
    pub(super) coarser: u32,
}

impl KernelSpec {
    /// The bands of a window if the radius is in metres. Bands overlap if rows are mixed from two
    /// kernels.
    pub(super) fn bands(&self, window: &Window) -> Vec<LatitudeBand> {
        let pixel = window.pixel();
        if self.precision == Precision::Exact {
            return self.exact_rows(window);
        }
        // The radius grows by the fraction sin φ · 2π/WORLD for each world unit. The latitude φ is
        // ignored here: sin φ is taken as 1.
        let mixed = TAU * 256.0 * pixel / WORLD > FAST;
        let step = match (mixed, lattice::follows(self.shape)) {
            (true, true) => MIXED_STEP,
            (true, false) => EDGED_STEP,
            (false, _) => STEP,
        };
        let mut done: Vec<LatitudeBand> = Vec::new();
        let mut open: Vec<(i64, LatitudeBand)> = Vec::new();
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
                let (kernel, coarser) = self.kernel_of((node as f64 * step).exp());
                let band = LatitudeBand {
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

    /// One band for each row, with a kernel of exactly the row's radius.
    fn exact_rows(&self, window: &Window) -> Vec<LatitudeBand> {
        let row = |first: u32| {
            let y = window.top() + (f64::from(first) + 0.5) * window.pixel();
            let (kernel, coarser) = self.kernel_at(y, window.pixel());
            LatitudeBand {
                first,
                shares: vec![1.0],
                kernel,
                coarser,
            }
        };
        (0..window.height()).map(row).collect()
    }
}

impl LatitudeBand {
    /// The window that a backend draws for this band; `window` is the picture's own. If the band is
    /// drawn on pixels larger than the picture's, the returned window has one more of the larger
    /// pixels on each side, for interpolation. The second result is the offset (across, down), in
    /// pixels of the picture, of the band's top left corner within the drawn pixel that contains
    /// it.
    pub(super) fn window(&self, window: &Window) -> (Window, (u32, u32)) {
        let rows = window.part(0, self.first, window.width(), self.shares.len() as u32);
        if self.coarser == 1 {
            return (rows, (0, 0));
        }
        let phase = lattice::phase(&rows, self.coarser);
        (rows.coarser(self.coarser, phase).grown(1), phase)
    }

    /// Adds the density `drawn`, which was drawn for this band, to the density `whole` of the
    /// picture, whose window is `window`. Each row is multiplied by the fraction that the band has
    /// in the row. If the pixels of `drawn` are larger than the pixels of `whole`, `drawn` is
    /// interpolated bilinearly; the error is at most 1/10,000 of the peak if the radius has 128 of
    /// the larger pixels or more.
    pub(super) fn add_to(&self, whole: &mut Density, drawn: &Density, window: &Window) {
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
        let (_, phase) = self.window(window);
        let line = |pixel: u32, phase: u32| {
            // The position counts drawn pixels from the centre of the first one, which lies one
            // pixel outside the band.
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
