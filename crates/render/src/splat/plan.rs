//! Plans: the algorithm that splats a kernel. It follows from the kernel alone, never from the data
//! or the window, so that neighbouring tiles agree bit for bit.

use crate::splat::discs::Discs;
use crate::splat::lattice::{self, Lattice};
use crate::splat::spline::Degree;
use crate::splat::stamp::KernelStamp;
use crate::style::kernel::{Kernel, Shape};
use crate::style::precision::Precision;
use heatsplat_points::Points;
use nalgebra::{DMatrix, SymmetricEigen};

/// The most that a sum of separable terms may differ from the kernel, as a share of its peak.
const TERMS_ERROR: f64 = 1.0 / 1024.0;

/// The algorithm from cells to density for one kernel.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Evaluate the kernel at every point's true position, in f64.
    Exact,
    /// Evaluate the kernel at every cell's true position: small stamps.
    Direct,
    /// Deposit by quadratic B-spline, then convolve with a sum of separable terms:
    /// one for a gaussian, four to ten for the other smooth kernels.
    Spread(Spread),
    /// Deposit, then convolve with a stamp by FFT: smooth kernels that are many terms on the
    /// picture's own grid.
    Edge(KernelStamp),
    /// Running sums of paraboloids: kernels with an edge or a cusp, which a grid would blur.
    Discs(Discs),
    /// Count each cell in the pixel that it lies in.
    Pixels,
}

impl Plan {
    /// The plan of a kernel.
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
                // Transforms, of one grid or of two, cost half as much as the terms.
                if lattice.cell() == 1.0 {
                    Self::Edge(KernelStamp::from_spline(kernel, &lattice))
                } else if lattice::needs_quincunx(kernel) {
                    Self::Edge(KernelStamp::from_quincunx(kernel))
                } else {
                    Self::Spread(terms(kernel))
                }
            }
            // Shapes of other heat maps, which are blended where a picture has them.
            _ => Self::Edge(KernelStamp::from_spline(kernel, &Lattice::PIXELS)),
        }
    }
}

/// The coarsest cells that a kernel may be splatted from, in pixels: a 24th of the radius. Half of
/// a cell's points in one corner and half in the opposite one, each √½ of its side h from where
/// they are taken together, move a gaussian's peak by 9/4 (h/radius)² of it, which is 1/256 then.
/// A quartic's is moved by less than half of that, a triweight's by two thirds.
pub(crate) fn finest_cell(kernel: &Kernel) -> f64 {
    let cell = (kernel.radius() / 24.0).log2().floor().exp2();
    match kernel.shape() {
        shape if lattice::follows(shape) => cell,
        // Narrow ones are stamped at their true positions.
        Shape::Triangular if kernel.radius() < lattice::LEAST_CONE => cell,
        // Cells of the pixels' own size are the pixels, finer ones too.
        Shape::Pixel => 1.0,
        // Cells are split where it matters: see cpu/gather.rs.
        Shape::Epanechnikov | Shape::Triangular | Shape::Uniform => {
            (kernel.radius() / 8.0).log2().floor().exp2().min(1.0)
        }
        _ => cell.min(1.0), // An edge is a pixel wide, whatever the radius.
    }
}

/// The coarsest cells (see [`finest_cell`]) for the points of an index, in any unit: where weights
/// have both signs they are finer, since the blur of cells counts beside sums that nearly cancel.
pub(crate) fn finest_for(points: &Points, cell: f64) -> f64 {
    if points.summary().weight_min < 0.0 {
        cell / 4.0
    } else {
        cell
    }
}

impl Kernel {
    /// The largest cells that may stand for several points under this kernel, in pixels; 0 where
    /// none may.
    pub fn finest_cell(&self) -> f64 {
        match self.precision() {
            Precision::Fast => finest_cell(self),
            Precision::Exact => 0.0,
        }
    }

    /// True for a kernel so narrow that each cell is stamped at its own position.
    pub fn is_narrow(&self) -> bool {
        self.radius() < lattice::direct_below(self.shape())
    }
}

/// A sum of separable terms on a lattice.
#[derive(Debug)]
pub(crate) struct Spread {
    pub(crate) lattice: Lattice,
    pub(crate) terms: Vec<Term>,
}

/// One term: its taps to one side; the other side is their mirror image.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) across: Vec<f32>,
    pub(crate) down: Vec<f32>,
}

impl Spread {
    /// The grid cells that the taps reach to each side of an output.
    pub(crate) fn reach(&self) -> u32 {
        let taps = self.terms.first().map_or(0, |t| t.across.len() as u32);
        taps - u32::from(self.lattice.centred() && taps > 0)
    }
}

/// Half a one-dimensional kernel: B-spline coefficients of exp(−4.5 u²).
fn gaussian(kernel: &Kernel) -> Spread {
    let lattice = Lattice::for_kernel(kernel);
    let reach = lattice.taps(kernel.reach());
    // Sampled beyond the reach, so that the cut does not ring through the coefficients.
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

/// The separable terms of a smooth kernel, by singular value decomposition of its coefficients. The
/// kernel is even in x and y and the same in both, so a quarter of it, each pixel weighted by its
/// number of mirror images, has the eigenvectors of the whole.
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

/// The greatest value of the spline with these coefficients at an output: coefficients smoothed by
/// the splines' own samples along both axes.
fn worst_at_pixels(coefficients: &DMatrix<f64>, lattice: Lattice) -> f64 {
    let side = coefficients.nrows();
    // The tap on the other side of the centre is the mirror image.
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
