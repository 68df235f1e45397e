//! Lattices: grids that smooth kernels are splatted on, aligned with the world.

use crate::splat::spline::{self, Degree};
use crate::style::kernel::{Kernel, Shape};
use heatsplat_points::Window;
use std::f64::consts::FRAC_1_SQRT_2;

/// The least radius in pixels at which a triangular kernel is drawn as a sum of discs. A narrower
/// one is evaluated around each cell, which costs less than many discs.
pub(crate) const LEAST_CONE: f64 = 15.5;

/// Two radii in grid cells: the least at which a smooth kernel's spline errs by less than 1/256 of
/// the peak, wherever points lie. The first is for grids as fine as the picture or finer; the
/// second for coarser ones, where refining the result to pixels errs too. All are measured. The
/// quartic's are the largest, since its curvature jumps at its end. `None` for kernels with an edge
/// or a cusp.
fn least_on_grid(shape: Shape) -> Option<(f64, f64)> {
    match shape {
        Shape::Gaussian => Some((6.0, 8.0)),
        Shape::Triweight => Some((6.25, 8.25)),
        Shape::Quartic => Some((10.5, 10.5)),
        _ => None,
    }
}

/// The radius in pixels below which a kernel is evaluated around each cell (the plan *direct*),
/// since it covers few pixels.
pub(crate) fn direct_below(shape: Shape) -> f64 {
    match least_on_grid(shape) {
        // A gaussian is one term, which costs little on a fine grid too. Below this radius a crowd
        // in a pixel's corner leaves so little at the pixel's centre that the grid's error would
        // count.
        Some((least, _)) if shape == Shape::Gaussian => least / 3.0,
        // Other smooth kernels are many terms. On a grid four times as fine as the picture these
        // cost more than stamps eleven pixels wide.
        Some((least, _)) => least / 2.0,
        None if shape == Shape::Triangular => LEAST_CONE,
        None => 0.0,
    }
}

/// True where a spline on a grid can follow a kernel of this shape: for smooth kernels.
pub(crate) fn follows(shape: Shape) -> bool {
    least_on_grid(shape).is_some()
}

/// True for a kernel that is too narrow for a spline on the pixels' centres, but wide enough for
/// one on their centres and corners. Only a quartic gains by such a grid: other kernels are few
/// terms where they are that narrow.
pub(crate) fn needs_quincunx(kernel: &Kernel) -> bool {
    let least = least_on_grid(kernel.shape()).map_or(0.0, |(least, _)| least);
    let gains = least * FRAC_1_SQRT_2..least;
    kernel.shape() == Shape::Quartic && gains.contains(&kernel.radius())
}

/// The side of the coarsest grid's cells, in pixels.
const COARSEST: f64 = 32.0;

/// The grid that cells are deposited on. It is finer than the picture where the radius is small, so
/// that a spline can follow the kernel. It is coarser where the radius is large, since a wide
/// kernel leaves no detail that a coarse grid could not hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lattice {
    finer: u32,
    coarser: u32,
}

impl Lattice {
    /// The lattice of the picture's own pixels.
    pub(crate) const PIXELS: Self = Self {
        finer: 1,
        coarser: 1,
    };

    /// The coarsest lattice on which the kernel's spline errs by less than 1/256 of the peak; the
    /// picture's own pixels for a shape that no spline follows.
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

    /// Cells along a pixel's side: 1, 2 or 4.
    pub(crate) fn finer(self) -> u32 {
        self.finer
    }

    /// Pixels along a cell's side: 1, 2, 4 … 32.
    pub(crate) fn coarser(self) -> u32 {
        self.coarser
    }

    /// True where the convolution's outputs lie at the centres of the grid's cells, false where
    /// they lie half way between two centres.
    pub(crate) fn centred(self) -> bool {
        self.finer == 1
    }

    /// The distance of tap `i` from its output, in pixels of the picture.
    pub(crate) fn distance(self, i: usize) -> f64 {
        let half = if self.centred() { 0.0 } else { 0.5 };
        (i as f64 + half) * self.cell()
    }

    /// The side of a cell in pixels.
    pub(crate) fn cell(self) -> f64 {
        f64::from(self.coarser) / f64::from(self.finer)
    }

    /// The number of taps to one side within a distance of `pixels` pixels of the picture.
    pub(crate) fn taps(self, pixels: f64) -> usize {
        (pixels / self.cell()).ceil() as usize + 1
    }

    /// The spline coefficients of an even function, from its samples at the taps. Depositing cells,
    /// and refining where the lattice is coarser, turns the coefficients back into the samples.
    pub(crate) fn coefficients(self, samples: &[f64]) -> Vec<f64> {
        let once = spline::coefficients(samples, self.centred(), Degree::Quadratic);
        if self.coarser == 1 {
            return once;
        }
        spline::coefficients(&once, self.centred(), Degree::Cubic)
    }

    /// The cubic spline's weights along one axis: for each pixel of a cell, from the west or north,
    /// the weights of five cells. The middle weight is that of the pixel's own cell; one of the
    /// outer two is always 0.
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

    /// The number n of cells by which coefficients go on beyond a kernel's end, with alternating
    /// signs, until they are negligible: |pole|ⁿ < 1/1000.
    pub(crate) fn ringing(self) -> usize {
        if self.coarser == 1 { 4 } else { 6 }
    }

    /// The offset (across, down) of a window's corner from the corner of the cell that it lies in,
    /// in pixels.
    ///
    /// Cells are counted from the corner of the world, so all tiles have the same cells.
    pub(crate) fn phase(self, window: &Window) -> (u32, u32) {
        phase(window, self.coarser)
    }

    /// The layout of a picture whose corner lies `phase` pixels (across, down) from the corner of a
    /// cell.
    pub(crate) fn layout(self, picture: &Window, phase: (u32, u32)) -> GridLayout {
        if self.coarser == 1 {
            return GridLayout {
                grid: picture.finer(self.finer),
                outputs: (picture.width(), picture.height()),
            };
        }
        let grid = picture.coarser(self.coarser, phase).grown(REFINE_MARGIN);
        GridLayout {
            grid,
            outputs: (grid.width(), grid.height()),
        }
    }
}

/// The offset (across, down) of a window's corner from the corner of the cell that it lies in, in
/// pixels. Cells are `side` pixels wide and begin at the corner of the world.
pub(crate) fn phase(window: &Window, side: u32) -> (u32, u32) {
    let phase = |edge: f64| {
        let pixels = (edge / window.pixel()).round();
        pixels.rem_euclid(f64::from(side)) as u32
    };
    (phase(window.left()), phase(window.top()))
}

/// The number of cells that a pixel reads to each side of its own when a coarse grid is refined:
/// the reach of a cubic spline.
pub(crate) const REFINE_MARGIN: u32 = 2;

/// The number of cells that a pixel reads along each axis when a coarse grid is refined.
pub(crate) const REFINE_TAPS: usize = 2 * REFINE_MARGIN as usize + 1;

/// The layout of a picture on a lattice: the grid of cells, and the outputs of the convolution on
/// it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GridLayout {
    /// The grid's cells, without the margin that the kernel's reach adds.
    pub(crate) grid: Window,
    /// The number of the convolution's outputs in a row, and the number of their rows. There is one
    /// output for each pixel, or on a coarser lattice one for each cell of the grid.
    pub(crate) outputs: (u32, u32),
}
