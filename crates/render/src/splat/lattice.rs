//! The grid that a smooth kernel is splatted on, and how a picture lies on it.

use crate::splat::discs::LEAST_CONE;
use crate::splat::spline::{self, Degree};
use crate::style::kernel::{Kernel, Shape};
use heatsplat_points::Window;
use std::f64::consts::FRAC_1_SQRT_2;

/// The least radius in grid cells at which a smooth kernel's spline errs by less than
/// 1/256 of the peak, whatever lies where; and that on a grid coarser than the picture, where
/// refining it to pixels errs too (measured; the quartic's curvature jumps at its end). `None`
/// for kernels with an edge or a cusp.
fn least_on_grid(shape: Shape) -> Option<(f64, f64)> {
    match shape {
        Shape::Gaussian => Some((6.0, 8.0)),
        Shape::Triweight => Some((6.25, 8.25)),
        Shape::Quartic => Some((10.5, 10.5)),
        _ => None,
    }
}

/// Radii in pixels below which a kernel is stamped point by point: where a stamp is a handful of
/// pixels.
pub(crate) fn direct_below(shape: Shape) -> f64 {
    match least_on_grid(shape) {
        // one term costs little; narrower than this, of a crowd in a pixel's corner too little
        // is left at its middle beside which a grid would err
        Some((least, _)) if shape == Shape::Gaussian => least / 3.0,
        // many terms on a grid four times as fine cost more than stamps of eleven pixels
        Some((least, _)) => least / 2.0,
        None if shape == Shape::Triangular => LEAST_CONE,
        None => 0.0,
    }
}

/// Whether a spline can follow a kernel of this shape.
pub(crate) fn follows(shape: Shape) -> bool {
    least_on_grid(shape).is_some()
}

/// Whether a kernel that no spline on the pixels' centres follows is followed by one on their
/// centres and corners. Only the quartic gains by it: others are few terms where they are narrow.
pub(crate) fn needs_quincunx(kernel: &Kernel) -> bool {
    let least = least_on_grid(kernel.shape()).map_or(0.0, |(least, _)| least);
    let gains = least * FRAC_1_SQRT_2..least;
    kernel.shape() == Shape::Quartic && gains.contains(&kernel.radius())
}

/// The coarsest grid, in pixels a cell.
const COARSEST: f64 = 32.0;

/// The grid that cells are deposited on: finer than the picture where the radius is small,
/// so that a spline can follow the kernel; coarser where it is large, since a wide kernel
/// leaves nothing that a coarse grid could not hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lattice {
    finer: u32,
    coarser: u32,
}

impl Lattice {
    /// As fine as the picture.
    pub(crate) const PIXELS: Self = Self {
        finer: 1,
        coarser: 1,
    };

    /// The coarsest one on which the kernel's spline is true.
    pub(crate) fn for_kernel(kernel: &Kernel) -> Self {
        let Some((least, least_coarse)) = least_on_grid(kernel.shape()) else {
            return Self::PIXELS;
        };
        let coarser = kernel.radius() / least_coarse;
        Self {
            finer: (least / kernel.radius()).max(1.0).log2().ceil().exp2() as u32,
            coarser: coarser.clamp(1.0, COARSEST).log2().floor().exp2() as u32,
        }
    }

    /// Cells to a pixel: 1, 2 or 4.
    pub(crate) fn finer(self) -> u32 {
        self.finer
    }

    /// Pixels to a cell: 1, 2, 4 … 32.
    pub(crate) fn coarser(self) -> u32 {
        self.coarser
    }

    /// Whether the convolution's outputs are at centres of the grid's cells, or else half
    /// way between them.
    pub(crate) fn centred(self) -> bool {
        self.finer == 1
    }

    /// The distance of tap `i` in pixels of the picture.
    pub(crate) fn distance(self, i: usize) -> f64 {
        let half = if self.centred() { 0.0 } else { 0.5 };
        (i as f64 + half) * self.cell()
    }

    /// The side of a cell in pixels.
    pub(crate) fn cell(self) -> f64 {
        f64::from(self.coarser) / f64::from(self.finer)
    }

    /// How many taps reach `pixels` of the picture far.
    pub(crate) fn taps(self, pixels: f64) -> usize {
        (pixels / self.cell()).ceil() as usize + 1
    }

    /// What an even function's samples are as the coefficients that the deposit, and
    /// refining where there is any, turn back into them.
    pub(crate) fn coefficients(self, samples: &[f64]) -> Vec<f64> {
        let once = spline::coefficients(samples, self.centred(), Degree::Quadratic);
        if self.coarser == 1 {
            return once;
        }
        spline::coefficients(&once, self.centred(), Degree::Cubic)
    }

    /// For each pixel of a cell, from its west or north, the cubic spline's weights of the
    /// five cells around it, the middle one its own; one of the outer two is always 0.
    pub(crate) fn refine_weights(self) -> Vec<[f32; REFINE_TAPS]> {
        let side = f64::from(self.coarser);
        (0..self.coarser)
            .map(|pixel| (f64::from(pixel) + 0.5) / side - 0.5)
            .map(|at| {
                std::array::from_fn(|k| {
                    spline::cubic(at + f64::from(REFINE_MARGIN) - k as f64) as f32
                })
            })
            .collect()
    }

    /// Cells by which coefficients ring on beyond a kernel's end: |pole|ⁿ < 1/1000.
    pub(crate) fn ringing(self) -> usize {
        if self.coarser == 1 { 4 } else { 6 }
    }

    /// How many pixels a window's corner lies from that of the cell it lies in.
    ///
    /// Cells are counted from the corner of the world, so tiles agree on where they are.
    pub(crate) fn phase(self, window: &Window) -> (u32, u32) {
        phase(window, self.coarser)
    }

    /// Lays a picture over the lattice, its corner `phase` pixels from a cell's.
    pub(crate) fn lay(self, picture: &Window, phase: (u32, u32)) -> Laid {
        if self.coarser == 1 {
            return Laid {
                grid: picture.finer(self.finer),
                outputs: (picture.width(), picture.height()),
            };
        }
        let grid = picture.coarser(self.coarser, phase).grown(REFINE_MARGIN);
        Laid {
            grid,
            outputs: (grid.width(), grid.height()),
        }
    }
}

/// How many pixels a window's corner lies from that of a cell of `side` pixels, across and down.
pub(crate) fn phase(window: &Window, side: u32) -> (u32, u32) {
    let phase = |edge: f64| {
        let pixels = (edge / window.pixel()).round();
        pixels.rem_euclid(f64::from(side)) as u32
    };
    (phase(window.left()), phase(window.top()))
}

/// Cells around a picture that refining it reads: a cubic spline's reach.
pub(crate) const REFINE_MARGIN: u32 = 2;

/// Cells that a pixel reads along each axis.
pub(crate) const REFINE_TAPS: usize = 2 * REFINE_MARGIN as usize + 1;

/// A picture on a lattice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Laid {
    /// The cells that the convolution's outputs lie on, without its reach.
    pub(crate) grid: Window,
    /// How many outputs a row and how many rows of them the convolution has: one for each
    /// pixel, or on a coarser lattice one for each cell of the grid.
    pub(crate) outputs: (u32, u32),
}
