//! Convolution of a grid with a kernel's stamp, if few of the grid's bins are filled. The stamp is
//! added to the picture for each filled bin. If there are few of these, this costs less than a
//! Fourier transform of the whole grid.

use super::splat_bin::Bins;
use crate::splat::stamp::KernelStamp;
use crate::unit_costs::{self as ns, report};

/// The number of taps, the weights in a kernel's stamp, that cost as much as one bin of a grid that
/// is Fourier-transformed. Measured were 12 for a radius of 8 px, and 40 for 64 px, where rows are
/// longer. The constant is smaller, so that stamps never cost more than the transform.
const TAPS_A_BIN: usize = 8;

/// The rows of a kernel's stamp, each with its left and its right half in f32, so that one loop
/// adds a row of the stamp to a row of a picture. ([`KernelStamp`] has only one quarter, in f64.)
#[derive(Debug)]
pub(crate) struct StampRows {
    /// The taps (weights) of each row of the stamp, from left to right. Entry i is the row that
    /// lies i rows of the grid above the middle, and also the row below, its mirror image.
    rows: Vec<Vec<f32>>,
    /// The number of the grid's rows for each row of pixels: 1, or 2 if the grid has the pixels'
    /// corners too.
    each: usize,
    /// The number of pixels that the stamp, a table of weights, reaches to each side of its middle.
    reach: usize,
}

impl StampRows {
    pub(crate) fn new(stamp: &KernelStamp) -> Self {
        Self {
            rows: stamp.rows().collect(),
            each: stamp.deposit.rows(),
            reach: stamp.reach() as usize,
        }
    }

    /// Returns true if so few bins of a grid are filled that adding the kernel's stamp for each of
    /// them costs less than a Fourier transform of the grid.
    #[inline(always)]
    pub(crate) fn are_cheaper(&self, bins: &Bins) -> bool {
        let taps: usize = self.rows.iter().map(|row| 2 * row.len()).sum();
        // Only one of `each` rows of the grid is a row of pixels, so a bin adds only one of `each`
        // rows of its taps.
        let most = TAPS_A_BIN * bins.width() * bins.height() * self.each / taps.max(1);
        let mut held = 0;
        for row in (0..bins.height()).filter_map(|y| bins.row(y)) {
            held += row.iter().filter(|v| **v != 0.0).count();
            if held > most {
                return false;
            }
        }
        true
    }

    /// Writes the convolution of the grid `bins` with the kernel's stamp into the picture `out`,
    /// whose rows are `width` pixels long.
    #[inline(always)]
    pub(crate) fn stamp(&self, bins: &Bins, out: &mut [f32], width: usize) {
        out.fill(0.0);
        let occupied = (0..bins.height()).filter_map(|y| Some((y, bins.row(y)?)));
        let taps: usize = self.rows.iter().map(|row| 2 * row.len()).sum();
        for (y, row) in occupied {
            for (x, value) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                report(taps / self.each, ns::STAMPED);
                self.add(x, y, *value, out, width);
            }
        }
    }

    /// Adds the kernel's stamp around the bin in column `x` and row `y`, multiplied by `value`, to
    /// the picture `out`.
    #[inline(always)]
    fn add(&self, x: usize, y: usize, value: f32, out: &mut [f32], width: usize) {
        let furthest = self.rows.len().saturating_sub(1);
        let height = out.len() / width.max(1);
        // Rows of pixels, counted from the top of the margin.
        let first = y
            .saturating_sub(furthest)
            .div_ceil(self.each)
            .max(self.reach);
        let end = ((y + furthest) / self.each + 1).min(self.reach + height);
        for pixel in first..end {
            let Some(row) = self.rows.get((self.each * pixel).abs_diff(y)) else {
                continue;
            };
            // A pixel's corner lies to the right of its centre. So if the number of taps is even,
            // one tap more lies to the right. Taps left of the picture are skipped, and taps right
            // of it are cut off.
            let left = row.len().saturating_sub(1) / 2;
            let from = x.saturating_sub(left).max(self.reach);
            let skipped = from + left - x;
            let line = (pixel - self.reach) * width;
            let target = out.get_mut(line + from - self.reach..line + width);
            let (Some(target), Some(taps)) = (target, row.get(skipped..)) else {
                continue; // It lies beside the picture.
            };
            for (to, tap) in target.iter_mut().zip(taps) {
                *to += value * tap;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::splat_edge::{EdgeScratch, Spectra, convolve};
    use super::*;
    use crate::splat::plan::Plan;
    use crate::style::kernel::{Kernel, Normalize, Shape};
    use heatsplat_points::{Point, Points, TileId, Window};

    /// Adding stamps gives the same picture as the Fourier transform, on both kinds of grid and at
    /// the picture's border.
    #[test]
    fn stamps_are_the_transform() {
        let place = |i: u32| i.wrapping_mul(2_654_435_769);
        let points: Vec<Point> = (0..40)
            .map(|i| Point {
                x: place(i) >> 2,
                y: place(i * i + 7) >> 2,
                weight: 1.0 + (i % 5) as f32,
            })
            .collect();
        let points = Points::from_slice(&points);
        let window = Window::tile(TileId::new(3, 1, 1).unwrap(), 128);
        for (shape, radius) in [
            (Shape::Quartic, 8.3),
            (Shape::Quartic, 12.0),
            (Shape::Triweight, 9.0),
            (Shape::Cubic, 20.5),
        ] {
            let kernel = Kernel::new(shape, radius, Normalize::Peak).unwrap();
            let Plan::Edge(stamp) = Plan::for_kernel(&kernel) else {
                panic!("{kernel:?}")
            };
            let mut bins = Bins::default();
            bins.reset(&window, stamp.reach(), stamp.deposit);
            assert!(bins.deposit(&points, 0.0));
            let (mut stamped, mut transformed) = (vec![1.0; 128 * 128], vec![1.0; 128 * 128]);
            let taps = StampRows::new(&stamp);
            taps.stamp(&bins, &mut stamped, 128);
            let (spectra, mut scratch) = (Spectra::default(), EdgeScratch::default());
            convolve(&bins, &stamp, &spectra, &mut scratch, &mut transformed, 128);
            let peak = transformed.iter().fold(0.0f32, |m, v| m.max(*v));
            assert!(peak > 1.0, "{shape}: {peak}");
            for (i, (a, b)) in stamped.iter().zip(&transformed).enumerate() {
                assert!(
                    (a - b).abs() < 1e-6 * peak,
                    "{shape} at {i}: {a} and not {b}"
                );
            }
        }
    }

    #[test]
    fn a_crowded_grid_is_transformed() {
        let points: Vec<Point> = (0..60_000u32)
            .map(|i| Point {
                x: i.wrapping_mul(2_654_435_769),
                y: i.wrapping_mul(i).wrapping_mul(0x9e37_79b9),
                weight: 1.0,
            })
            .collect();
        let kernel = Kernel::new(Shape::Triweight, 9.0, Normalize::Peak).unwrap();
        let Plan::Edge(stamp) = Plan::for_kernel(&kernel) else {
            panic!("{kernel:?}")
        };
        let mut bins = Bins::default();
        let window = Window::tile(TileId::new(0, 0, 0).unwrap(), 256);
        let taps = StampRows::new(&stamp);
        for (count, cheaper) in [(1, true), (points.len(), false)] {
            bins.reset(&window, stamp.reach(), stamp.deposit);
            bins.deposit(&Points::from_slice(&points[..count]), 0.0);
            assert_eq!(taps.are_cheaper(&bins), cheaper, "{count} points");
        }
    }
}
