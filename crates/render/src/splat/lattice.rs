//! Lattices: the grids by which smooth kernels are splatted. Cells are deposited on a lattice, and
//! the lattice is convolved with the coefficients of a spline that has the kernel's shape
//! (`spline.rs`). Lattices are aligned with the world, so all tiles share one.

use crate::splat::spline::{self, Degree};
use crate::style::kernel::{Kernel, Shape};
use heatsplat_points::Window;
use std::f64::consts::FRAC_1_SQRT_2;

/// The least radius in pixels at which a triangular kernel, a cone, is drawn as a sum of discs. A
/// narrower cone is evaluated around each cell, which costs less than many discs.
pub(crate) const LEAST_CONE: f64 = 15.5;

/// The least radii of a smooth kernel, in grid cells, at which its spline on a grid errs by less
/// than 1/256 of the peak, wherever points lie. The first radius is for grids as fine as the
/// picture or finer. The second is for coarser grids, where the refinement to pixels adds an error.
/// All numbers are measured. Those of the quartic are the largest, since its curvature jumps at its
/// end. `None` for a kernel with an edge or a cusp, which no spline follows.
fn least_on_grid(shape: Shape) -> Option<(f64, f64)> {
    match shape {
        Shape::Gaussian => Some((6.0, 8.0)),
        Shape::Triweight => Some((6.25, 8.25)),
        Shape::Quartic => Some((10.5, 10.5)),
        _ => None,
    }
}

/// The radius in pixels below which a kernel is evaluated around each cell (the plan *direct*),
/// since it covers few pixels. It is 0 for shapes that are never drawn by this plan.
pub(crate) fn direct_below(shape: Shape) -> f64 {
    match least_on_grid(shape) {
        // A gaussian is one term, so even a fine grid costs little. The limit is set by accuracy:
        // if a narrow gaussian's points lie in a pixel's corner, so little of it reaches the
        // pixel's centre that the grid's error would be visible there.
        Some((least, _)) if shape == Shape::Gaussian => least / 3.0,
        // Other smooth kernels have many terms. On a grid four times as fine as the picture, these
        // cost more than stamps eleven pixels wide.
        Some((least, _)) => least / 2.0,
        None if shape == Shape::Triangular => LEAST_CONE,
        None => 0.0,
    }
}

/// Returns true for smooth kernels: a spline on a grid can follow their shape.
pub(crate) fn follows(shape: Shape) -> bool {
    least_on_grid(shape).is_some()
}

/// Returns true for a kernel that is too narrow for a spline on the pixels' centres, but wide
/// enough for one on their centres and corners together (a quincunx). Only a quartic gains by a
/// quincunx: other kernels have few terms at these radii.
pub(crate) fn needs_quincunx(kernel: &Kernel) -> bool {
    let least = least_on_grid(kernel.shape()).map_or(0.0, |(least, _)| least);
    let gains = least * FRAC_1_SQRT_2..least;
    kernel.shape() == Shape::Quartic && gains.contains(&kernel.radius())
}

/// The side, in pixels, of the cells of the coarsest grid on which kernels are splatted.
const COARSEST: f64 = 32.0;

/// The resolution of the grid on which cells are deposited, in comparison with the picture. If the
/// radius is small, the grid is finer than the picture, so that a spline can follow the kernel. If
/// the radius is large, the grid is coarser, since a wide kernel leaves no fine detail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lattice {
    finer: u32,
    coarser: u32,
}

impl Lattice {
    /// The lattice whose cells are the picture's pixels.
    pub(crate) const PIXELS: Self = Self {
        finer: 1,
        coarser: 1,
    };

    /// The coarsest lattice on which the kernel's spline errs by less than 1/256 of the peak. For a
    /// shape that no spline follows, it is the picture's own pixels.
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

    /// The number of bins along a pixel's side: 1, 2 or 4. It is 1 too if a bin is larger than a
    /// pixel.
    pub(crate) fn finer(self) -> u32 {
        self.finer
    }

    /// The number of pixels along a grid cell's side: 1, 2, 4 … 32. It is 1 for a grid as fine as
    /// the picture or finer.
    pub(crate) fn coarser(self) -> u32 {
        self.coarser
    }

    /// True if the outputs of the convolution lie at the centres of grid cells. False if they lie
    /// half way between two centres.
    pub(crate) fn centred(self) -> bool {
        self.finer == 1
    }

    /// The distance, in pixels of the picture, between an output of the convolution and the grid
    /// cell that tap `i` multiplies for it. Taps are counted from 0 at the innermost one.
    pub(crate) fn distance(self, i: usize) -> f64 {
        let half = if self.centred() { 0.0 } else { 0.5 };
        (i as f64 + half) * self.cell()
    }

    /// The side of a grid cell in pixels.
    pub(crate) fn cell(self) -> f64 {
        f64::from(self.coarser) / f64::from(self.finer)
    }

    /// The number of taps on one side of an output of the convolution that a kernel with a reach of
    /// `pixels` pixels needs. The tap in the middle, if there is one, is included.
    pub(crate) fn taps(self, pixels: f64) -> usize {
        (pixels / self.cell()).ceil() as usize + 1
    }

    /// Turns an even function into the taps of the convolution: the coefficients of its B-spline,
    /// one for each sample. `samples` are the function's values at the distances of the taps, from
    /// the middle outwards; the last ones must be nearly 0. The coefficients are steeper than the
    /// function, because the deposit of cells smooths them, and on a coarser lattice the refinement
    /// to pixels smooths them again. What comes out then has the function's values.
    pub(crate) fn coefficients(self, samples: &[f64]) -> Vec<f64> {
        let once = spline::coefficients(samples, self.centred(), Degree::Quadratic);
        if self.coarser == 1 {
            return once;
        }
        spline::coefficients(&once, self.centred(), Degree::Cubic)
    }

    /// The weights of a cubic spline along one axis. For each pixel of a grid cell, from the west
    /// or the north, there are weights of five grid cells. The middle weight belongs to the cell
    /// that contains the pixel; one of the two outer weights is always 0.
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

    /// The number n of grid cells beyond a kernel's end in which coefficients are kept. There the
    /// coefficients alternate in sign, and shrink from cell to cell by a factor, the absolute value
    /// of the filter's pole (`spline.rs`). They are dropped when |pole|ⁿ < 1/1000.
    pub(crate) fn ringing(self) -> usize {
        if self.coarser == 1 { 4 } else { 6 }
    }

    /// The offset (across, down) in pixels of a window's top left corner from the corner of the
    /// grid cell that contains it.
    ///
    /// Grid cells are counted from the corner of the world, so all tiles have the same cells.
    pub(crate) fn phase(self, window: &Window) -> (u32, u32) {
        phase(window, self.coarser)
    }

    /// The grid for a picture whose top left corner lies `phase` pixels (across, down) from the
    /// corner of a grid cell.
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

/// The offset (across, down) in pixels of a window's top left corner from the corner of the grid
/// cell that contains it. Grid cells are `side` pixels wide and begin at the corner of the world.
pub(crate) fn phase(window: &Window, side: u32) -> (u32, u32) {
    let phase = |edge: f64| {
        let pixels = (edge / window.pixel()).round();
        pixels.rem_euclid(f64::from(side)) as u32
    };
    (phase(window.left()), phase(window.top()))
}

/// The number of grid cells that the cubic spline reaches to each side when it refines a coarse
/// grid to pixels: each pixel reads its own grid cell and this many more on each side.
pub(crate) const REFINE_MARGIN: u32 = 2;

/// The number of grid cells that a pixel reads along each axis when a coarse grid is refined to
/// pixels.
pub(crate) const REFINE_TAPS: usize = 2 * REFINE_MARGIN as usize + 1;

/// The grid for a picture: its cells, and the number of outputs of the convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GridLayout {
    /// The grid's cells as the pixels of a window. The margin that the kernel's reach adds is not
    /// included.
    pub(crate) grid: Window,
    /// The number of outputs of the convolution in a row, and the number of rows of outputs. There
    /// is one output for each pixel, or on a coarser lattice one for each grid cell.
    pub(crate) outputs: (u32, u32),
}
