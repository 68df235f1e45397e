//! How a kernel is splatted: decided by the kernel alone, never by the data or
//! the window, so that neighbouring tiles agree bit for bit.

use crate::splat::discs::{self, Discs};
use crate::splat::lattice::{self, Lattice};
use crate::splat::spline::{self, Degree};
use crate::style::kernel::{Kernel, Shape};
use crate::style::precision::Precision;
use heatsplat_points::Points;
use nalgebra::{DMatrix, SymmetricEigen};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// A sum of separable terms may differ from the kernel by this share of its peak.
const TERMS_ERROR: f64 = 1.0 / 1024.0;

/// Taps under this share of the greatest are left out at the ends of a stamp's rows: all
/// of them together could not move a density by a hundred thousandth of its peak.
const NOTHING: f64 = 1e-10;

/// The way from cells to density for one kernel.
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
    Edge(Stamp),
    /// Running sums of paraboloids: kernels with an edge or a cusp, which a grid would blur.
    Discs(Discs),
    /// Count each cell in the pixel that it lies in.
    Pixels,
}

impl Plan {
    pub(crate) fn of(kernel: &Kernel) -> Self {
        if kernel.shape() == Shape::Pixel {
            return Self::Pixels;
        }
        if kernel.precision() == Precision::Exact {
            return Self::Exact;
        }
        if let Some(discs) = Discs::of(kernel) {
            return Self::Discs(discs);
        }
        if kernel.is_narrow() {
            return Self::Direct;
        }
        match kernel.shape() {
            Shape::Gaussian => Self::Spread(gaussian(kernel)),
            Shape::Quartic | Shape::Triweight => {
                let lattice = Lattice::for_kernel(kernel);
                // transforms, of one grid or of two, cost half of what the terms do
                if lattice.cell() == 1.0 {
                    Self::Edge(Stamp::of_spline(kernel, &lattice))
                } else if lattice::needs_quincunx(kernel) {
                    Self::Edge(Stamp::of_quincunx(kernel))
                } else {
                    Self::Spread(terms(kernel))
                }
            }
            // shapes of other heat maps, which are stamped where a picture has them
            _ => Self::Edge(Stamp::of_spline(kernel, &Lattice::PIXELS)),
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
        // narrow ones are stamped as they are
        Shape::Triangular if kernel.radius() < discs::LEAST_CONE => cell,
        // cells of the pixels' own size are the pixels, finer ones too
        Shape::Pixel => 1.0,
        // cells are cut where it matters: see cpu/gather.rs
        Shape::Epanechnikov | Shape::Triangular | Shape::Uniform => {
            (kernel.radius() / 8.0).log2().floor().exp2().min(1.0)
        }
        _ => cell.min(1.0), // an edge is a pixel wide whatever the radius
    }
}

/// The same for an index's points, in whatever unit: where weights have both signs, what cells
/// blur counts beside the little that may be left of them.
pub(crate) fn finest_of(points: &Points, cell: f64) -> f64 {
    if points.summary().weight_min < 0.0 {
        cell / 4.0
    } else {
        cell
    }
}

/// A sum of separable terms on a lattice.
#[derive(Debug)]
pub(crate) struct Spread {
    pub(crate) lattice: Lattice,
    pub(crate) terms: Vec<Term>,
}

/// One term: its taps to one side, the other is their mirror image.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) across: Vec<f32>,
    pub(crate) down: Vec<f32>,
}

impl Spread {
    /// How many grid cells the taps reach to each side of an output.
    pub(crate) fn reach(&self) -> u32 {
        let taps = self.terms.first().map_or(0, |t| t.across.len() as u32);
        taps - u32::from(self.lattice.centred() && taps > 0)
    }
}

/// Half a one-dimensional kernel: B-spline coefficients of exp(−4.5 u²).
fn gaussian(kernel: &Kernel) -> Spread {
    let lattice = Lattice::for_kernel(kernel);
    let reach = lattice.taps(kernel.reach());
    // sampled on past the reach, so that the cut does not ring through the coefficients
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

/// Singular value decomposition of a smooth kernel's coefficients. The kernel is
/// even in x and y and the same in both, so a quarter of it, weighted by how
/// often each pixel occurs in the whole, has the eigenvectors of the whole.
fn terms(kernel: &Kernel) -> Spread {
    let lattice = Lattice::for_kernel(kernel);
    let stamp = Stamp::of_spline(kernel, &lattice);
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

/// The greatest value that coefficients stand for at an output: they are smoothed by the
/// splines' own samples along both axes.
fn worst_at_pixels(coefficients: &DMatrix<f64>, lattice: Lattice) -> f64 {
    let side = coefficients.nrows();
    // the tap on the other side of the centre is the mirror image
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

/// How cells are laid on the grid of a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deposit {
    /// On the pixels' centres by quadratic B-splines.
    Quadratic,
    /// On the pixels' centres and corners, by quadratic B-splines along the diagonals: both
    /// are one square grid that is turned by 45°, its cells 1/√2 of a pixel wide.
    Quincunx,
}

impl Deposit {
    /// Rows of the grid to a pixel. Of two the second one has the pixels' lower right corners.
    pub(crate) fn rows(self) -> usize {
        match self {
            Self::Quadratic => 1,
            Self::Quincunx => 2,
        }
    }
}

/// A quarter of a kernel's image: `values[y * side + x]` at tap x of the grid's row y from the
/// middle; the first tap of a row of corners is half a pixel from it.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub(crate) side: usize,
    pub(crate) values: Vec<f64>,
    pub(crate) deposit: Deposit,
}

impl Stamp {
    /// B-spline coefficients of a kernel: its samples, prefiltered along both axes.
    pub(crate) fn of_spline(kernel: &Kernel, lattice: &Lattice) -> Self {
        let side = lattice.taps(kernel.reach()) + lattice.ringing();
        let filter = |samples: &[f64]| lattice.coefficients(samples);
        Self {
            side,
            values: filtered(kernel, side, |i| lattice.distance(i), filter),
            deposit: Deposit::Quadratic,
        }
    }

    /// The same on the grid of the pixels' centres and corners.
    fn of_quincunx(kernel: &Kernel) -> Self {
        let turned = |pixels: f64| (pixels * SQRT_2).ceil() as usize + 1;
        let ringing = Lattice::PIXELS.ringing();
        let length = turned(kernel.reach()) + ringing;
        let distance = |i| i as f64 * FRAC_1_SQRT_2;
        let filter = |samples: &[f64]| spline::coefficients(samples, true, Degree::Quadratic);
        let values = filtered(kernel, length, distance, filter);
        // and nothing two pixels on: from there cells still deposit where there are taps
        let side = Lattice::PIXELS.taps(kernel.reach() + ringing as f64 * FRAC_1_SQRT_2) + 2;
        // along the diagonals tap x of row y is x + y and y - x cells away
        let at = |x: usize, y: usize| {
            let twice = 2 * x + y % 2;
            let (across, down) = ((twice + y) / 2, twice.abs_diff(y) / 2);
            let row = values.get(down * length..(down + 1) * length)?;
            row.get(across).copied()
        };
        let rows = Deposit::Quincunx.rows() * side;
        Self {
            side,
            values: (0..rows * side)
                .map(|i| at(i % side, i / side).unwrap_or(0.0))
                .collect(),
            deposit: Deposit::Quincunx,
        }
    }

    /// The value at tap x of row y; 0 outside.
    pub(crate) fn at(&self, x: usize, y: usize) -> f64 {
        if x < self.side {
            self.values.get(y * self.side + x).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// The taps of its rows from the middle on, both sides of each as far as they are any, and at
    /// least the innermost. Those of corners have none in the middle.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Vec<f32>> {
        let greatest = self.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let each = self.deposit.rows();
        let rows = self.values.chunks_exact(self.side).enumerate();
        rows.map(move |(y, row)| {
            let last = row.iter().rposition(|v| v.abs() > NOTHING * greatest);
            let half = row.iter().take(last.unwrap_or(0) + 1);
            let half: Vec<f32> = half.map(|&v| v as f32).collect();
            mirrored(&half, y % each == 0)
        })
    }

    /// How many pixels it reaches to each side.
    pub(crate) fn reach(&self) -> u32 {
        self.side as u32 - 1
    }
}

/// Both sides of taps that are given to one side.
pub(crate) fn mirrored(half: &[f32], centred: bool) -> Vec<f32> {
    let left = half.iter().skip(usize::from(centred)).rev();
    left.chain(half).copied().collect()
}

/// A quarter of a kernel, sampled at these distances along both axes and filtered along both.
fn filtered(
    kernel: &Kernel,
    side: usize,
    distance: impl Fn(usize) -> f64,
    filter: impl Fn(&[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let sample = |y, x| kernel.at(distance(x).hypot(distance(y)));
    let rows: Vec<Vec<f64>> = (0..side)
        .map(|y| (0..side).map(|x| sample(y, x)).collect::<Vec<_>>())
        .map(|row| filter(&row))
        .collect();
    let mut values = vec![0.0; side * side];
    for x in 0..side {
        let column: Vec<f64> = rows.iter().map(|row| row[x]).collect();
        for (y, c) in filter(&column).into_iter().enumerate() {
            values[y * side + x] = c;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::kernel::Normalize;

    fn spread(shape: Shape, radius: f64) -> Spread {
        let kernel = Kernel::new(shape, radius, Normalize::Peak).unwrap();
        match Plan::of(&kernel) {
            Plan::Spread(spread) => spread,
            other => panic!("{shape} {radius}: {other:?}"),
        }
    }

    #[test]
    fn smooth_kernels_are_few_terms_or_one_transform() {
        let plan = |shape, radius| Plan::of(&Kernel::new(shape, radius, Normalize::Peak).unwrap());
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
