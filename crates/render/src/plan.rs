//! How a kernel is splatted: decided by the kernel alone, never by the data or
//! the window, so that neighbouring tiles agree bit for bit.

use crate::kernel::{Kernel, Shape};
use crate::spline;
use nalgebra::{DMatrix, SymmetricEigen};

/// Radii below this are stamped point by point: a spline on pixels would blur them.
pub(crate) const DIRECT_BELOW: f64 = 6.0;

/// A sum of separable terms may differ from the kernel by this share of its peak.
const TERMS_ERROR: f64 = 1.0 / 2048.0;

/// Pixels by which spline coefficients ring on beyond a kernel's end: |pole|⁴ < 1/1000.
const RINGING: usize = 4;

/// The way from cells to density for one kernel.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Evaluate the kernel at every cell's true position (small radii).
    Direct,
    /// Deposit by quadratic B-spline, then convolve with a sum of separable terms:
    /// one for a gaussian, four to seven for the other smooth kernels.
    Spread(Spread),
    /// Deposit, then convolve with a stamp by FFT: kernels with an edge or a cusp,
    /// which no short sum of separable terms can follow.
    Edge(Stamp),
}

/// A sum of separable terms.
#[derive(Debug)]
pub(crate) struct Spread {
    pub(crate) terms: Vec<Term>,
}

/// One term: taps at distance 0, 1, 2 … pixels, the same on both sides.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) across: Vec<f32>,
    pub(crate) down: Vec<f32>,
}

impl Spread {
    /// How many pixels the taps reach to each side.
    pub(crate) fn reach(&self) -> u32 {
        self.terms.first().map_or(0, |t| t.across.len() as u32 - 1)
    }
}

/// A quarter of a kernel's image: `values[y * side + x]` at x, y pixels from its centre.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub(crate) side: usize,
    pub(crate) values: Vec<f64>,
    /// Whether the deposit is linear (for a jump) instead of quadratic.
    pub(crate) linear: bool,
}

impl Plan {
    pub(crate) fn of(kernel: &Kernel) -> Self {
        if kernel.radius() < DIRECT_BELOW {
            return Self::Direct;
        }
        match kernel.shape() {
            Shape::Gaussian => Self::Spread(gaussian(kernel)),
            Shape::Quartic | Shape::Triweight => Self::Spread(terms(kernel)),
            Shape::Epanechnikov | Shape::Triangular => Self::Edge(spline_stamp(kernel)),
            Shape::Uniform => Self::Edge(averaged_stamp(kernel)),
        }
    }
}

/// The coarsest cells that a kernel may be splatted from, in pixels: a twelfth of
/// the radius, which moves no density by more than 1/256 of the peak.
pub(crate) fn finest_cell(kernel: &Kernel) -> f64 {
    (kernel.radius() / 12.0).log2().floor().exp2().min(1.0)
}

fn gaussian(kernel: &Kernel) -> Spread {
    let reach = kernel.reach().ceil() as usize + 1;
    // sampled on past the reach, so that the cut does not ring through the coefficients
    let samples: Vec<f64> = (0..reach + 12)
        .map(|i| i as f64 / kernel.radius())
        .map(|u| (-4.5 * u * u).exp())
        .collect();
    let taps = &spline::coefficients(&samples)[..=reach];
    let scaled = |by: f64| taps.iter().map(|t| (t * by) as f32).collect();
    Spread {
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
    let stamp = spline_stamp(kernel);
    let side = stamp.side;
    let twice = |i: usize| {
        if i == 0 {
            1.0
        } else {
            std::f64::consts::SQRT_2
        }
    };
    let quarter = DMatrix::from_fn(side, side, |y, x| stamp.at(x, y) * twice(x) * twice(y));
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
        if rest.amax() <= TERMS_ERROR * kernel.height() {
            break;
        }
        let taps: Vec<f64> = (0..side)
            .map(|k| eigen.eigenvectors[(k, i)] / twice(k))
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
    Spread { terms }
}

/// B-spline coefficients of a kernel: its samples, prefiltered along both axes.
fn spline_stamp(kernel: &Kernel) -> Stamp {
    let side = kernel.reach().ceil() as usize + RINGING + 1;
    let rows: Vec<Vec<f64>> = (0..side)
        .map(|y| {
            let row: Vec<f64> = (0..side)
                .map(|x| kernel.at((x as f64).hypot(y as f64)))
                .collect();
            spline::coefficients(&row)
        })
        .collect();
    let mut values = vec![0.0; side * side];
    for x in 0..side {
        let column: Vec<f64> = rows.iter().map(|row| row[x]).collect();
        for (y, c) in spline::coefficients(&column).into_iter().enumerate() {
            values[y * side + x] = c;
        }
    }
    Stamp {
        side,
        values,
        linear: false,
    }
}

/// A kernel with a jump: each pixel holds the kernel's mean over the pixel.
fn averaged_stamp(kernel: &Kernel) -> Stamp {
    const SAMPLES: usize = 32;
    let side = kernel.reach().ceil() as usize + 2;
    let offset = |i: usize| (i as f64 + 0.5) / SAMPLES as f64 - 0.5;
    let mean = |x: usize, y: usize| {
        let centre = (x as f64).hypot(y as f64);
        if (centre - kernel.reach()).abs() > 1.0 {
            return kernel.at(centre);
        }
        let sum: f64 = (0..SAMPLES * SAMPLES)
            .map(|i| (x as f64 + offset(i % SAMPLES)).hypot(y as f64 + offset(i / SAMPLES)))
            .map(|d| kernel.at(d))
            .sum();
        sum / (SAMPLES * SAMPLES) as f64
    };
    let values = (0..side * side).map(|i| mean(i % side, i / side)).collect();
    Stamp {
        side,
        values,
        linear: true,
    }
}

impl Stamp {
    /// The value at x, y pixels from the centre; 0 outside.
    pub(crate) fn at(&self, x: usize, y: usize) -> f64 {
        if x < self.side {
            self.values.get(y * self.side + x).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// How many pixels it reaches to each side.
    pub(crate) fn reach(&self) -> u32 {
        self.side as u32 - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Normalize;

    fn kernel(shape: Shape, radius: f64) -> Kernel {
        Kernel::new(shape, radius, Normalize::Peak).unwrap()
    }

    #[test]
    fn smooth_kernels_are_few_terms() {
        for radius in [6.0, 8.0, 16.0, 33.3, 64.0, 256.0] {
            for (shape, most) in [
                (Shape::Gaussian, 1),
                (Shape::Triweight, 5),
                (Shape::Quartic, 9),
            ] {
                let Plan::Spread(spread) = Plan::of(&kernel(shape, radius)) else {
                    panic!("{shape}")
                };
                assert!(
                    spread.terms.len() <= most,
                    "{shape} {radius}: {}",
                    spread.terms.len()
                );
            }
        }
    }

    #[test]
    fn cells_shrink_with_the_radius() {
        let finest = |r| finest_cell(&kernel(Shape::Gaussian, r));
        assert_eq!(
            [16.0, 12.0, 11.9, 6.0, 4.0, 2.0, 1.0].map(finest),
            [1.0, 1.0, 0.5, 0.5, 0.25, 0.125, 0.0625]
        );
    }

    #[test]
    fn a_gaussian_at_radius_16_has_47_taps() {
        let Plan::Spread(spread) = Plan::of(&kernel(Shape::Gaussian, 16.0)) else {
            panic!()
        };
        assert_eq!(spread.reach(), 23);
    }
}
