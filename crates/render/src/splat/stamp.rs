//! Stamps: two-dimensional tables of a kernel's taps, the weights with which a grid of deposited
//! cells is convolved.

use crate::splat::lattice::Lattice;
use crate::splat::spline::{self, Degree};
use crate::style::kernel::Kernel;
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// The greatest absolute value, as a fraction of the stamp's greatest tap, of taps that are left
/// out at both ends of a row. (A tap is a weight in a stamp's row.) Even together, the taps left
/// out change a density by less than 1/100,000 of its peak.
const NEGLIGIBLE: f64 = 1e-10;

/// The grid on which a stamp lies, and the spline by which cells are deposited on the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deposit {
    /// A grid of the pixels' centres; cells are deposited by quadratic B-splines.
    Quadratic,
    /// A grid of the pixels' centres and corners together; cells are deposited by quadratic
    /// B-splines along the diagonals. Centres and corners form one square grid, which is turned by
    /// 45° and has cells 1/√2 of a pixel wide.
    Quincunx,
}

impl Deposit {
    /// The number of the grid's rows for each row of pixels. It is 1 for a grid of centres. For a
    /// quincunx it is 2: a row of the pixels' centres, then a row of their lower right corners.
    pub(crate) fn rows(self) -> usize {
        match self {
            Self::Quadratic => 1,
            Self::Quincunx => 2,
        }
    }
}

/// A kernel's stamp: a two-dimensional table of taps, the weights of a convolution. One quarter is
/// stored; the other three are its mirror images. `values[y * side + x]` is tap `x` of the row that
/// lies `y` rows of the grid from the middle. In a row of pixels' corners, the first tap lies half
/// a pixel from the middle.
#[derive(Debug)]
pub(crate) struct KernelStamp {
    /// The number of taps in each row of the stored quarter.
    pub(crate) side: usize,
    pub(crate) values: Vec<f64>,
    pub(crate) deposit: Deposit,
}

impl KernelStamp {
    /// The stamp of a kernel on a lattice. Its taps are B-spline coefficients, chosen so that the
    /// spline interpolates the kernel's samples.
    pub(crate) fn from_spline(kernel: &Kernel, lattice: &Lattice) -> Self {
        let side = lattice.taps(kernel.reach()) + lattice.ringing();
        let filter = |samples: &[f64]| lattice.coefficients(samples);
        Self {
            side,
            values: filtered(kernel, side, |i| lattice.distance(i), filter),
            deposit: Deposit::Quadratic,
        }
    }

    /// The stamp of a kernel on the grid of the pixels' centres and corners. Its taps are B-spline
    /// coefficients.
    pub(super) fn from_quincunx(kernel: &Kernel) -> Self {
        let turned = |pixels: f64| (pixels * SQRT_2).ceil() as usize + 1;
        let ringing = Lattice::PIXELS.ringing();
        let length = turned(kernel.reach()) + ringing;
        let distance = |i| i as f64 * FRAC_1_SQRT_2;
        let filter = |samples: &[f64]| spline::coefficients(samples, true, Degree::Quadratic);
        let values = filtered(kernel, length, distance, filter);
        // Each row ends with two pixels of zeros, since a cell two pixels beyond the taps' reach
        // still deposits on bins within it.
        let side = Lattice::PIXELS.taps(kernel.reach() + ringing as f64 * FRAC_1_SQRT_2) + 2;
        // `twice` counts half pixels across, and `y` counts half pixels down. Half their sum and
        // half their difference count grid cells along the two diagonals.
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

    /// The stamp's tap in column `x` and row `y`; 0 outside the stamp. Columns of pixels and rows
    /// of the grid are both counted from 0 in the middle.
    pub(crate) fn at(&self, x: usize, y: usize) -> f64 {
        if x < self.side {
            self.values.get(y * self.side + x).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// The rows of the stamp from the middle row down, each with all of its taps from left to
    /// right. The rows above the middle are their mirror images. Negligible taps are left out at
    /// both ends of a row, but the innermost tap is always there. A row of pixels' centres has one
    /// tap in the middle; a row of corners has none there.
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

    /// The number of pixels that the stamp reaches to each side of its middle.
    pub(crate) fn reach(&self) -> u32 {
        self.side as u32 - 1
    }
}

/// A whole row of taps, made of its right half `half`, which begins in the middle; the left half is
/// the mirror image. With `centred`, the first tap of `half` lies exactly in the middle and is not
/// repeated.
pub(crate) fn mirrored(half: &[f32], centred: bool) -> Vec<f32> {
    let left = half.iter().skip(usize::from(centred)).rev();
    left.chain(half).copied().collect()
}

/// One quarter of a kernel's stamp, row by row: `side` × `side` numbers. The kernel is sampled at
/// `distance(i)` pixels from the middle along both axes, for i from 0 to `side` − 1. Then `filter`
/// turns the samples into coefficients, first along the rows and then along the columns.
#[allow(
    clippy::indexing_slicing,
    reason = "a filter keeps the number of values"
)]
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
