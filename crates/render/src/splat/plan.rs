//! Plans: the algorithms by which kernels are splatted, that is, added to a picture for each point.
//! The plan follows from the kernel alone, never from the data or the window, so neighbouring tiles
//! agree bit for bit.

use crate::splat::discs::Discs;
use crate::splat::lattice::{self, Lattice};
use crate::splat::spline::Degree;
use crate::splat::stamp::KernelStamp;
use crate::style::kernel::{Kernel, Shape};
use crate::style::precision::Precision;
use crate::unit_costs as ns;
use heatsplat_points::Points;
use nalgebra::{DMatrix, SymmetricEigen};

/// The greatest difference between a kernel and the sum of separable terms that replaces it, as a
/// fraction of the kernel's peak. A separable term is a function of x times a function of y.
const TERMS_ERROR: f64 = 1.0 / 1024.0;

/// The algorithm that turns cells (weighted points, each for one or several points) into a density,
/// for one kernel.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Evaluates the kernel around every single point, at the point's true position, in f64.
    Exact,
    /// Evaluates the kernel around every cell, at the cell's true position. It is the plan of
    /// narrow kernels, which cover few pixels.
    Direct,
    /// Deposits cells on a grid by quadratic B-splines, then convolves the grid with a sum of
    /// separable terms. A gaussian has one term; the other smooth kernels have four to ten.
    Spread(Spread),
    /// Deposits cells on a grid, then convolves the grid by FFT with a stamp, a two-dimensional
    /// table of taps. It is the plan of smooth kernels that would need many terms on the picture's
    /// own grid.
    Edge(KernelStamp),
    /// Adds paraboloids over discs by running sums along rows. It is the plan of kernels with an
    /// edge or a cusp, which a grid would blur.
    Discs(Discs),
    /// Adds each cell to the one pixel in which it lies.
    Pixels,
}

impl Plan {
    /// The estimated time to make the plan of a kernel, in nanoseconds of one core:
    ///
    /// * one separable term: the kernel is sampled along an axis
    /// * several terms: the eigenvectors of a square matrix of samples are computed too
    /// * a stamp: the kernel is sampled over a square
    /// * all other plans: 0
    pub(crate) fn preparation(&self, kernel: &Kernel) -> f64 {
        let values = |cell: f64| kernel.radius() / cell + 20.0;
        let count = match self {
            Self::Spread(spread) if spread.terms.len() > 1 => values(spread.lattice.cell()).powi(3),
            Self::Spread(spread) => values(spread.lattice.cell()),
            Self::Edge(_) => values(1.0).powi(2),
            Self::Discs(discs) if discs.grid.is_some() => values(1.0).powi(2),
            Self::Exact | Self::Direct | Self::Discs(_) | Self::Pixels => 0.0,
        };
        count * ns::SAMPLED
    }

    /// Chooses the plan of a kernel.
    pub(crate) fn for_kernel(kernel: &Kernel) -> Self {
        if kernel.shape() == Shape::Pixel {
            return Self::Pixels;
        }
        if kernel.precision() == Precision::Exact {
            return Self::Exact;
        }
        if let Some(discs) = Discs::for_kernel(kernel) {
            return Self::Discs(discs);
        }
        if kernel.is_narrow() {
            return Self::Direct;
        }
        match kernel.shape() {
            Shape::Gaussian => Self::Spread(gaussian(kernel)),
            Shape::Quartic | Shape::Triweight => {
                let lattice = Lattice::for_kernel(kernel);
                // An FFT costs half as much as convolving with the terms. That holds for one grid,
                // and for the two grids of a quincunx: the pixels' centres and their corners.
                if lattice.cell() == 1.0 {
                    Self::Edge(KernelStamp::from_spline(kernel, &lattice))
                } else if lattice::needs_quincunx(kernel) {
                    Self::Edge(KernelStamp::from_quincunx(kernel))
                } else {
                    Self::Spread(terms(kernel))
                }
            }
            // Shapes that only other heat maps have. This plan isn't used to draw them, since their
            // splats are stamped (`cpu/blend.rs`).
            _ => Self::Edge(KernelStamp::from_spline(kernel, &Lattice::PIXELS)),
        }
    }
}

/// The greatest side, in pixels, of the cells from which a kernel may be splatted. (A cell is a
/// square whose points are replaced by one weighted point, at their mean position.)
///
/// * Smooth kernels: at most a 24th of the radius. In the worst case half of a cell's points lie in
///   one corner and half in the opposite corner. If h is the cell's side, all of them are √½ · h
///   away from their mean. That changes the peak of a gaussian by the fraction 9/4 · (h/radius)²,
///   which is 1/256 for a 24th; it changes a quartic's peak by less than half of that fraction, and
///   a triweight's by two thirds of it.
/// * Wide kernels with an edge or a cusp: at most an 8th of the radius, and at most a pixel.
/// * [`Shape::Pixel`]: a pixel.
pub(crate) fn finest_cell(kernel: &Kernel) -> f64 {
    let cell = (kernel.radius() / 24.0).log2().floor().exp2();
    match kernel.shape() {
        shape if lattice::follows(shape) => cell,
        // A narrow cone is evaluated at the true position of each cell.
        Shape::Triangular if kernel.radius() < lattice::LEAST_CONE => cell,
        // On the pixel grid of a zoom, a cell of a pixel's size is exactly that pixel.
        Shape::Pixel => 1.0,
        // Heavy cells are divided into finer ones later: see `cpu/gather.rs`.
        Shape::Epanechnikov | Shape::Triangular | Shape::Uniform => {
            (kernel.radius() / 8.0).log2().floor().exp2().min(1.0)
        }
        _ => cell.min(1.0), // An edge is a pixel wide, whatever the radius.
    }
}

/// The greatest side, in pixels, of the cells from which the points of an index may be splatted.
/// `cell` is the limit, in pixels, that follows from the kernel alone (see [`finest_cell`]). The
/// result is `cell`, or a quarter of `cell` if weights have both signs: sums may then nearly
/// cancel, and the blur of large cells would be visible beside them.
pub(crate) fn finest_for(points: &Points, cell: f64) -> f64 {
    if points.summary().weight_min < 0.0 {
        cell / 4.0
    } else {
        cell
    }
}

impl Kernel {
    /// The greatest side, in pixels, of a square whose points may be replaced by one weighted point
    /// under this kernel. It is 0 if every single point must be read.
    pub fn finest_cell(&self) -> f64 {
        match self.precision() {
            Precision::Fast => finest_cell(self),
            Precision::Exact => 0.0,
        }
    }

    /// Returns true for a kernel so narrow that it is evaluated around each cell, without a grid.
    pub fn is_narrow(&self) -> bool {
        self.radius() < lattice::direct_below(self.shape())
    }
}

/// A kernel as a sum of separable terms, and the lattice: how fine the grid is that is convolved
/// with each of them, first along the rows and then along the columns. The grid is aligned with the
/// world.
#[derive(Debug)]
pub(crate) struct Spread {
    pub(crate) lattice: Lattice,
    pub(crate) terms: Vec<Term>,
}

/// One separable term: the product of a function of x (`across`) and a function of y (`down`). Each
/// is given by its taps, the weights of a convolution, from the middle to one side. The other side
/// is the mirror image.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) across: Vec<f32>,
    pub(crate) down: Vec<f32>,
}

impl Spread {
    /// The number of grid cells on each side of an output of the convolution from which the output
    /// is computed. The grid cell in which the output itself lies isn't counted.
    pub(crate) fn reach(&self) -> u32 {
        let taps = self.terms.first().map_or(0, |t| t.across.len() as u32);
        taps - u32::from(self.lattice.centred() && taps > 0)
    }
}

/// A gaussian as one term. Along each axis its taps are the B-spline coefficients of exp(−4.5 u²),
/// where u is the distance divided by the radius.
fn gaussian(kernel: &Kernel) -> Spread {
    let lattice = Lattice::for_kernel(kernel);
    let reach = lattice.taps(kernel.reach());
    // More samples are taken than the kernel's reach needs: the end of the samples disturbs the
    // coefficients near it.
    let samples: Vec<f64> = (0..reach + 12)
        .map(|i| lattice.distance(i) / kernel.radius())
        .map(|u| (-4.5 * u * u).exp())
        .collect();
    let taps = lattice.coefficients(&samples);
    let scaled = |by: f64| taps.iter().take(reach).map(|t| (t * by) as f32).collect();
    Spread {
        lattice,
        terms: vec![Term {
            across: scaled(1.0),
            down: scaled(kernel.height()),
        }],
    }
}

/// A smooth kernel as separable terms, made from the eigenvectors of the matrix of its spline
/// coefficients. The kernel is mirrored along both axes, so one quarter of the matrix suffices. In
/// this quarter each coefficient is multiplied by √n for each of the two axes, where n is the
/// number of coefficients along the axis that mirror each other: 1 in the middle, else 2.
#[allow(
    clippy::indexing_slicing,
    reason = "vectors and matrices have `side` rows"
)]
fn terms(kernel: &Kernel) -> Spread {
    let lattice = Lattice::for_kernel(kernel);
    let stamp = KernelStamp::from_spline(kernel, &lattice);
    let side = stamp.side;
    let share = |i: usize| {
        if i == 0 && lattice.centred() {
            1.0
        } else {
            2.0f64.sqrt()
        }
    };
    let quarter = DMatrix::from_fn(side, side, |y, x| stamp.at(x, y) * share(x) * share(y));
    let eigen = SymmetricEigen::new(quarter);
    let mut order: Vec<usize> = (0..side).collect();
    order.sort_by(|&a, &b| {
        eigen.eigenvalues[b]
            .abs()
            .total_cmp(&eigen.eigenvalues[a].abs())
    });

    let mut rest = DMatrix::from_fn(side, side, |y, x| stamp.at(x, y));
    let mut terms = Vec::new();
    for i in order {
        if worst_at_pixels(&rest, lattice) <= TERMS_ERROR * kernel.height() {
            break;
        }
        let taps: Vec<f64> = (0..side)
            .map(|k| eigen.eigenvectors[(k, i)] / share(k))
            .collect();
        let strength = eigen.eigenvalues[i];
        rest = DMatrix::from_fn(side, side, |y, x| {
            rest[(y, x)] - strength * taps[x] * taps[y]
        });
        terms.push(Term {
            across: taps.iter().map(|&t| t as f32).collect(),
            down: taps.iter().map(|&t| (t * strength) as f32).collect(),
        });
    }
    Spread { lattice, terms }
}

/// The greatest absolute value of a spline at the outputs of the convolution or, on a grid coarser
/// than the picture, after the refinement. `coefficients` is one quarter of the spline's
/// coefficients; the rest are mirror images. The spline's values are the coefficients smoothed
/// along both axes: once by the B-spline that deposits cells and, on a coarse grid, again by the
/// B-spline that refines it.
fn worst_at_pixels(coefficients: &DMatrix<f64>, lattice: Lattice) -> f64 {
    let side = coefficients.nrows();
    // The tap before the first one is its mirror image on the other side of the centre.
    let before = |i: usize| {
        if i > 0 {
            i - 1
        } else {
            usize::from(lattice.centred())
        }
    };
    let smooth = |m: &DMatrix<f64>, degree: Degree| {
        DMatrix::from_fn(side, side, |y, x| {
            let after = if x + 1 < side { m[(y, x + 1)] } else { 0.0 };
            degree.smooth(m[(y, before(x).min(side - 1))], m[(y, x)], after)
        })
        .transpose()
    };
    let twice = |m: &DMatrix<f64>, degree| smooth(&smooth(m, degree), degree);
    let deposited = twice(coefficients, Degree::Quadratic);
    if lattice.coarser() == 1 {
        return deposited.amax();
    }
    twice(&deposited, Degree::Cubic).amax()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::kernel::Normalize;

    fn spread(shape: Shape, radius: f64) -> Spread {
        let kernel = Kernel::new(shape, radius, Normalize::Peak).unwrap();
        match Plan::for_kernel(&kernel) {
            Plan::Spread(spread) => spread,
            other => panic!("{shape} {radius}: {other:?}"),
        }
    }

    #[test]
    fn smooth_kernels_are_few_terms_or_one_transform() {
        let plan =
            |shape, radius| Plan::for_kernel(&Kernel::new(shape, radius, Normalize::Peak).unwrap());
        for radius in [3.25, 6.0, 8.0, 16.0, 33.3, 64.0, 256.0] {
            for (shape, most, transformed) in [
                (Shape::Gaussian, 1, 0.0..0.0),
                (Shape::Triweight, 6, 6.25..16.5),
                (Shape::Quartic, 10, 7.5..21.0),
            ] {
                let plan = plan(shape, radius);
                assert_eq!(matches!(plan, Plan::Edge(_)), transformed.contains(&radius));
                if let Plan::Spread(spread) = plan {
                    let terms = spread.terms.len();
                    assert!(terms <= most, "{shape} {radius}: {terms}");
                }
            }
        }
    }

    #[test]
    fn grids_and_cells_get_finer_as_the_radius_shrinks() {
        let finer = |shape, radius| spread(shape, radius).lattice.finer();
        assert_eq!(
            [16.0, 6.0, 5.9, 3.0, 2.9, 2.0].map(|r| finer(Shape::Gaussian, r)),
            [1, 1, 2, 2, 4, 4]
        );
        assert_eq!(
            [21.0, 7.4, 5.25].map(|r| finer(Shape::Quartic, r)),
            [1, 2, 2]
        );
        let coarser = |shape, radius| spread(shape, radius).lattice.coarser();
        assert_eq!(
            [3.0, 15.9, 16.0, 31.9, 32.0, 256.0].map(|r| coarser(Shape::Gaussian, r)),
            [1, 1, 2, 2, 4, 32]
        );
        assert_eq!(
            [7.4, 21.0, 256.0].map(|r| coarser(Shape::Quartic, r)),
            [1, 2, 16]
        );
        let finest = |r| finest_cell(&Kernel::new(Shape::Gaussian, r, Normalize::Peak).unwrap());
        assert_eq!(
            [48.0, 16.0, 12.0, 11.9, 6.0, 4.0, 2.0, 1.0].map(finest),
            [2.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.0625, 0.03125]
        );
    }

    #[test]
    fn a_gaussian_at_radius_16_reaches_11_cells_of_two_pixels() {
        assert_eq!(spread(Shape::Gaussian, 16.0).reach(), 11);
        assert_eq!(spread(Shape::Gaussian, 15.9).reach(), 22);
    }
}
