//! Stamps: the image of a kernel on a grid, for convolution.

use crate::splat::lattice::Lattice;
use crate::splat::spline::{self, Degree};
use crate::style::kernel::Kernel;
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// The share of the greatest tap below which taps at the ends of a stamp's rows are left out: all
/// of them together could not move a density by 1/100,000 of its peak.
const NEGLIGIBLE: f64 = 1e-10;

/// The grid of a stamp, and the spline that cells are deposited on it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deposit {
    /// The pixels' centres, by quadratic B-splines.
    Quadratic,
    /// The pixels' centres and corners, by quadratic B-splines along the diagonals: both form one
    /// square grid turned by 45°, its cells 1/√2 of a pixel wide.
    Quincunx,
}

impl Deposit {
    /// Rows of the grid to a pixel. The second of two has the pixels' lower right corners.
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
pub(crate) struct KernelStamp {
    pub(crate) side: usize,
    pub(crate) values: Vec<f64>,
    pub(crate) deposit: Deposit,
}

impl KernelStamp {
    /// The B-spline coefficients of a kernel: its samples, prefiltered along both axes.
    pub(crate) fn from_spline(kernel: &Kernel, lattice: &Lattice) -> Self {
        let side = lattice.taps(kernel.reach()) + lattice.ringing();
        let filter = |samples: &[f64]| lattice.coefficients(samples);
        Self {
            side,
            values: filtered(kernel, side, |i| lattice.distance(i), filter),
            deposit: Deposit::Quadratic,
        }
    }

    /// The B-spline coefficients of a kernel on the grid of the pixels' centres and corners.
    pub(super) fn from_quincunx(kernel: &Kernel) -> Self {
        let turned = |pixels: f64| (pixels * SQRT_2).ceil() as usize + 1;
        let ringing = Lattice::PIXELS.ringing();
        let length = turned(kernel.reach()) + ringing;
        let distance = |i| i as f64 * FRAC_1_SQRT_2;
        let filter = |samples: &[f64]| spline::coefficients(samples, true, Degree::Quadratic);
        let values = filtered(kernel, length, distance, filter);
        // And zeros two pixels on: from there cells still deposit where there are taps.
        let side = Lattice::PIXELS.taps(kernel.reach() + ringing as f64 * FRAC_1_SQRT_2) + 2;
        // Along the diagonals, tap x of row y is x + y and y - x cells away.
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

    /// The taps of its rows from the middle on, both sides of each without the negligible ends, and
    /// at least the innermost. Rows of corners have none in the middle.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Vec<f32>> {
        let greatest = self.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let each = self.deposit.rows();
        let rows = self.values.chunks_exact(self.side).enumerate();
        rows.map(move |(y, row)| {
            let last = row.iter().rposition(|v| v.abs() > NEGLIGIBLE * greatest);
            let half = row.iter().take(last.unwrap_or(0) + 1);
            let half: Vec<f32> = half.map(|&v| v as f32).collect();
            mirrored(&half, y % each == 0)
        })
    }

    /// The pixels that it reaches to each side.
    pub(crate) fn reach(&self) -> u32 {
        self.side as u32 - 1
    }
}

/// Taps and their mirror image: both sides of a row that is given to one side.
pub(crate) fn mirrored(half: &[f32], centred: bool) -> Vec<f32> {
    let left = half.iter().skip(usize::from(centred)).rev();
    left.chain(half).copied().collect()
}

/// A quarter of a kernel, sampled at given distances along both axes and filtered along both.
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
