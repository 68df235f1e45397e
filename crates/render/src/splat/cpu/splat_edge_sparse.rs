//! Kernels that are convolved with a stamp, where few bins are filled. Each filled bin adds its
//! stamp to the picture, which costs less than a transform of the whole grid then.

use super::splat_bin::Bins;
use crate::splat::stamp::KernelStamp;

/// The number of taps that cost as much as one bin of a transformed grid. Measured are 12 at 8 px
/// and 40 at 64 px, where rows are longer; fewer are chosen, so that stamps never cost more.
const TAPS_A_BIN: usize = 8;

/// A stamp's rows as they lie in a picture.
#[derive(Debug)]
pub(crate) struct StampRows {
    /// The taps of each row on both sides, by the row's distance from the middle in rows of the
    /// grid.
    rows: Vec<Vec<f32>>,
    /// Rows of the grid for each row of pixels: 1 or 2.
    each: usize,
    /// The number of pixels that the stamp reaches to each side.
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

    /// True where a grid has so few filled bins that their stamps cost less than a transform.
    #[inline(always)]
    pub(crate) fn are_cheaper(&self, bins: &Bins) -> bool {
        let taps: usize = self.rows.iter().map(|row| 2 * row.len()).sum();
        // Of every `each` rows of the grid one is a row of pixels, so a bin adds that share of its
        // taps.
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

    /// Writes the convolution of the bins with the stamp into `out`, whose rows are `width` pixels.
    #[inline(always)]
    pub(crate) fn stamp(&self, bins: &Bins, out: &mut [f32], width: usize) {
        out.fill(0.0);
        let occupied = (0..bins.height()).filter_map(|y| Some((y, bins.row(y)?)));
        for (y, row) in occupied {
            for (x, value) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                self.add(x, y, *value, out, width);
            }
        }
    }

    /// Adds the stamp of the bin at (x, y), times `value`, as far as it lies in the picture.
    #[inline(always)]
    fn add(&self, x: usize, y: usize, value: f32, out: &mut [f32], width: usize) {
        let furthest = self.rows.len().saturating_sub(1);
        let height = out.len() / width.max(1);
        // These are rows of pixels, counted from the top of the margin.
        let first = y
            .saturating_sub(furthest)
            .div_ceil(self.each)
            .max(self.reach);
        let end = ((y + furthest) / self.each + 1).min(self.reach + height);
        for pixel in first..end {
            let Some(row) = self.rows.get((self.each * pixel).abs_diff(y)) else {
                continue;
            };
            // A corner lies to the right of its pixel's centre, so where taps are even in number,
            // one more lies to the right. Taps left of the picture are skipped, and those right of
            // it are cut off.
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

    /// Stamps and the transform give the same picture, on both kinds of grid and at the picture's
    /// rim.
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
