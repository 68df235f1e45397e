//! Kernels with an edge as sums of paraboloids over discs: K(d) = Σ factor · (radius² − d²)₊.
//!
//! A paraboloid is a polynomial within its disc and 0 outside, so that running sums along the
//! rows of a picture add up any number of them at their true positions: no grid blurs their edge.
//!
//! | kernel | paraboloids |
//! |---|---|
//! | epanechnikov | one, exactly |
//! | uniform | two, exactly: its softened edge is the share of a pixel by squares of distances |
//! | triangular | sixteen: 1 − √t by straight lines in t = u², to [`CONE_ERROR`] |

use crate::splat::lattice::{LEAST_CONE, Lattice};
use crate::splat::stamp::KernelStamp;
use crate::style::kernel::{Kernel, Shape, soft_edge};

/// The most that a triangular kernel may differ from its paraboloids, as a share of its peak. At
/// the middle of a ring of points all of their errors add up, and the peak of a ring is only a
/// quarter of theirs.
const CONE_ERROR: f64 = 1.0 / 1024.0;

/// A sum of paraboloids.
#[derive(Debug)]
pub(crate) struct Discs {
    /// From the widest on.
    pub(crate) discs: Vec<Disc>,
    /// The greatest change of the kernel's slope, in shares of its height per pixel; twice that for
    /// a cone, whose tip bends in all directions.
    pub(crate) bend: f64,
    /// The kernel on the picture's own grid, for cells that are light beside their neighbours;
    /// `None` where it is too narrow for a grid.
    pub(crate) grid: Option<KernelStamp>,
}

/// The least radius in pixels of a kernel on the picture's own grid: its reach must hold so many
/// cells of a pixel that a line of them differs from an area.
pub const LEAST_ON_GRID: f64 = 16.0;

/// A paraboloid: factor · (radius² − d²) where that is positive, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Disc {
    pub(crate) radius: f64,
    pub(crate) factor: f64,
}

impl Discs {
    /// The paraboloids of a kernel; `None` for kernels without an edge.
    pub(crate) fn for_kernel(kernel: &Kernel) -> Option<Self> {
        let (radius, height) = (kernel.radius(), kernel.height());
        let square = radius * radius;
        let (discs, bend) = match kernel.shape() {
            Shape::Epanechnikov => {
                let factor = height / square;
                (vec![Disc { radius, factor }], 2.0 / radius)
            }
            Shape::Uniform => {
                let (inner, outer) = soft_edge(radius);
                let factor = height / (outer * outer - inner * inner);
                let disc = |radius, factor| Disc { radius, factor };
                let both = vec![disc(outer, factor), disc(inner, -factor)];
                (both, 1.0 / (outer - inner))
            }
            Shape::Triangular if radius >= LEAST_CONE => {
                let disc = |(knot, turn): (f64, f64)| Disc {
                    radius: radius * knot,
                    factor: height * turn / square,
                };
                (
                    cone(CONE_ERROR).into_iter().map(disc).collect(),
                    4.0 / radius,
                )
            }
            _ => return None,
        };
        let discs = discs.into_iter().filter(|d| d.radius > 0.0).collect();
        let on_grid = radius >= LEAST_ON_GRID;
        let grid = on_grid.then(|| KernelStamp::from_spline(kernel, &Lattice::PIXELS));
        Some(Self { discs, bend, grid })
    }

    /// The radius of the widest disc.
    pub(crate) fn reach(&self) -> f64 {
        self.discs.first().map_or(0.0, |d| d.radius)
    }
}

/// 1 − u on 0..1 by straight lines in t = u²: the knots as u, with the change of the slope in t at
/// each, from the outermost on.
///
/// The chord of √t between a² and b² is off by (b − a)² / 4(a + b) at most, always to one side;
/// lowered by half of it, the line is off by ± half. The last knot, where the kernel ends, is not
/// moved, so that the kernel has no step there: the piece before it is off by 1.5 of a half.
fn cone(error: f64) -> Vec<(f64, f64)> {
    let next = |a: f64| {
        // This is (b − a)² = 8 · error · (a + b), solved for b.
        let e = 4.0 * error;
        a + e + (e * e + 4.0 * e * a).sqrt()
    };
    let mut knots = vec![0.0];
    let mut last = 0.0;
    loop {
        last = next(last);
        if last >= 1.0 {
            break;
        }
        knots.push(last);
    }
    // The same number of pieces, stretched to end at 1, which only lessens the error.
    let stretch = 1.0 / last;
    let mut at: Vec<(f64, f64)> = knots
        .iter()
        .map(|u| u * stretch)
        .map(|u| (u * u, 1.0 - u - error * stretch))
        .collect();
    at.push((1.0, 0.0));
    let slope = |from: usize| {
        let ((t0, v0), (t1, v1)) = (at[from], at[from + 1]);
        (v1 - v0) / (t1 - t0)
    };
    let mut turns = Vec::new();
    let mut outer = 0.0;
    for piece in (0..at.len() - 1).rev() {
        turns.push((at[piece + 1].0.sqrt(), outer - slope(piece)));
        outer = slope(piece);
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::kernel::Normalize;

    /// The sum of the discs at a distance.
    fn sum(discs: &Discs, distance: f64) -> f64 {
        let each = discs.discs.iter();
        each.map(|d| d.factor * (d.radius * d.radius - distance * distance).max(0.0))
            .sum()
    }

    #[test]
    fn paraboloids_add_up_to_the_kernel() {
        for (shape, error) in [
            (Shape::Epanechnikov, 1e-12),
            (Shape::Uniform, 1e-12),
            (Shape::Triangular, 1.5 * CONE_ERROR),
        ] {
            for radius in [0.5f64, 1.0, 3.7, 16.0, 256.0] {
                let radius = if shape == Shape::Triangular {
                    radius.max(LEAST_CONE)
                } else {
                    radius
                };
                for normalize in [Normalize::Peak, Normalize::Mass] {
                    let kernel = Kernel::new(shape, radius, normalize).unwrap();
                    let discs = Discs::for_kernel(&kernel).unwrap();
                    for i in 0..4000 {
                        let distance = f64::from(i) / 4000.0 * 1.1 * (radius + 1.0);
                        let off = (sum(&discs, distance) - kernel.at(distance)).abs();
                        let share = off / kernel.height();
                        assert!(share <= error, "{shape} {radius} at {distance}: {share}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_cone_is_few_discs() {
        let count = cone(CONE_ERROR).len();
        assert!(count <= 17, "{count}");
        assert!(cone(CONE_ERROR).iter().all(|(_, turn)| *turn > 0.0));
    }
}
