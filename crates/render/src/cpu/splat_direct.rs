//! Small radii: the kernel is evaluated around every cell, at its true position.
//!
//! The GPU's twin is `splat_direct.wgsl`.

use crate::kernel::{Kernel, Shape};
use heatsplat_points::{Cells, Window};

/// The widest stamp: see [`crate::plan::direct_below`].
const WIDEST: usize = 16;

/// Adds every cell's splat to `out`, one f32 per pixel of the window.
#[inline(always)]
pub(crate) fn stamp(window: &Window, cells: &Cells<'_>, kernel: &Kernel, out: &mut [f32]) {
    out.fill(0.0);
    let stamp = Stamp::of(kernel);
    let per_pixel = window.pixel().recip();
    let margin = stamp.margin as f64;
    let (width, height) = (window.width() as usize, window.height() as usize);
    let (right, bottom) = (width as f64 + margin, height as f64 + margin);
    for (run, shift) in cells.slices() {
        let (left, top) = (
            (window.left() - shift) * per_pixel,
            window.top() * per_pixel,
        );
        for cell in run {
            let x = f64::from(cell.x) * per_pixel - left;
            let y = f64::from(cell.y) * per_pixel - top;
            if !(x > -margin && x < right && y > -margin && y < bottom) {
                continue;
            }
            let (column, row) = (x.floor(), y.floor());
            // from the centre of the pixel that holds the cell to the cell, −½ to ½
            let at = ((x - column) as f32 - 0.5, (y - row) as f32 - 0.5);
            let rows = stamp.clip(row as i64, height);
            let columns = stamp.clip(column as i64, width);
            let across = stamp.across(at.0);
            for j in rows {
                let weights = stamp.row(at.1, j, &across);
                let y = (row as i64 + j as i64 - stamp.margin as i64) as usize;
                let x = (column as i64 + columns.start as i64 - stamp.margin as i64) as usize;
                let from = y * width + x;
                if let Some(target) = out.get_mut(from..from + columns.len()) {
                    for (t, w) in target.iter_mut().zip(&weights[columns.clone()]) {
                        *t += cell.weight * w;
                    }
                }
            }
        }
    }
}

/// A kernel made ready for evaluation around a pixel.
struct Stamp {
    shape: Shape,
    height: f32,
    /// 1 / radius
    scale: f32,
    /// Pixels to each side of the one that holds the cell.
    margin: usize,
}

impl Stamp {
    fn of(kernel: &Kernel) -> Self {
        Self {
            shape: kernel.shape(),
            height: kernel.height() as f32,
            scale: kernel.radius().recip() as f32,
            margin: ((kernel.reach() + 0.5).ceil() as usize).min(WIDEST / 2 - 1),
        }
    }

    /// Which of the stamp's rows or columns lie on a picture of `size` pixels.
    #[inline(always)]
    fn clip(&self, middle: i64, size: usize) -> std::ops::Range<usize> {
        let first = middle - self.margin as i64;
        let end = (size as i64 - first).clamp(0, 2 * self.margin as i64 + 1);
        (-first).clamp(0, end) as usize..end as usize
    }

    #[inline(always)]
    fn offset(&self, i: usize, at: f32) -> f32 {
        i as f32 - self.margin as f32 - at
    }

    /// What a row's pixels have in common for all rows: a gaussian's factor, else u² along x.
    #[inline(always)]
    fn across(&self, at: f32) -> [f32; WIDEST] {
        std::array::from_fn(|i| {
            let u = self.offset(i, at) * self.scale;
            if self.shape == Shape::Gaussian {
                gaussian(u * u)
            } else {
                u * u
            }
        })
    }

    /// The kernel along row `j` of the stamp.
    #[inline(always)]
    fn row(&self, y: f32, j: usize, across: &[f32; WIDEST]) -> [f32; WIDEST] {
        let v = self.offset(j, y) * self.scale;
        let v2 = v * v;
        let mut out = *across;
        let inner = |u2: f32| (1.0 - (u2 + v2)).max(0.0);
        match self.shape {
            Shape::Gaussian => {
                let factor = self.height * gaussian(v2);
                out.iter_mut().for_each(|o| *o *= factor);
            }
            Shape::Quartic => out
                .iter_mut()
                .for_each(|o| *o = self.height * inner(*o) * inner(*o)),
            Shape::Triweight => out
                .iter_mut()
                .for_each(|o| *o = self.height * inner(*o) * inner(*o) * inner(*o)),
            Shape::Epanechnikov => out.iter_mut().for_each(|o| *o = self.height * inner(*o)),
            Shape::Triangular => {
                out.iter_mut()
                    .for_each(|o| *o = self.height * (1.0 - (*o + v2).sqrt()).max(0.0));
            }
            // which are drawn in other ways
            Shape::Uniform
            | Shape::Pixel
            | Shape::Cubic
            | Shape::Plateau(_)
            | Shape::Shadow(_)
            | Shape::Cone(_) => {
                out.iter_mut().for_each(|o| {
                    let u = f64::from((*o + v2).sqrt());
                    *o = self.height * self.shape.profile(u) as f32;
                });
            }
        }
        out
    }
}

#[inline(always)]
fn gaussian(u2: f32) -> f32 {
    (-4.5 * u2).exp()
}
