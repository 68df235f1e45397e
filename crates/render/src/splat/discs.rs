//! Kernels with an edge as sums of paraboloids over discs. The kernel is K(d) = Σ factor · (radius²
//! − d²)₊, where (v)₊ is v if v is positive, else 0.
//!
//! A paraboloid is a polynomial inside its disc and 0 outside. So running sums along the rows of a
//! picture can add any number of paraboloids, each at its true position, and no grid blurs their
//! edges.
//!
//! | kernel | paraboloids |
//! |---|---|
//! | epanechnikov | one, exactly |
//! | uniform | two, exactly: across its softened edge it falls linearly in d² |
//! | triangular | sixteen: a cone by straight lines in d², to [`CONE_ERROR`] |

use crate::splat::lattice::{LEAST_CONE, Lattice};
use crate::splat::stamp::KernelStamp;
use crate::style::kernel::{Kernel, Shape, soft_edge};

/// The greatest difference between a triangular kernel and the sum of its paraboloids, as a
/// fraction of the kernel's peak. Only at the kernel's end is it one and a half times as much. The
/// fraction must be small because points may lie on a ring. Then the errors of all points add up at
/// the ring's middle, while the greatest density is only a quarter of the sum of the points' peaks.
const CONE_ERROR: f64 = 1.0 / 1024.0;

/// A kernel as a sum of paraboloids.
#[derive(Debug)]
pub(crate) struct Discs {
    /// The paraboloids whose sum is the kernel, from the widest to the narrowest.
    pub(crate) discs: Vec<Disc>,
    /// The greatest jump of the kernel's slope, in kernel heights per pixel. The greater it is, the
    /// smaller cells must be (`cpu/gather.rs`). For a cone it is doubled, since the tip bends in
    /// all directions.
    pub(crate) bend: f64,
    /// The kernel's stamp on the picture's own grid, for cells that are light in comparison with
    /// their neighbours. `None` if the kernel is too narrow for a grid; all cells are then added as
    /// discs.
    pub(crate) grid: Option<KernelStamp>,
}

/// The least radius, in pixels, of an edged kernel whose light cells are deposited into a grid with
/// one bin for each pixel. The light cells of a narrower kernel are added as discs, like heavy
/// ones: it covers too few pixels to distinguish cells along a line from cells over an area.
pub const LEAST_ON_GRID: f64 = 16.0;

/// A paraboloid over a disc. At a distance of d pixels from its middle it is factor · (radius² −
/// d²) if that is positive, else 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Disc {
    pub(crate) radius: f64,
    pub(crate) factor: f64,
}

impl Discs {
    /// The paraboloids of a kernel; `None` for a kernel that is not drawn as discs.
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

    /// The radius, in pixels, of the widest disc of the kernel.
    pub(crate) fn reach(&self) -> f64 {
        self.discs.first().map_or(0.0, |d| d.radius)
    }
}

/// Approximates 1 − u, for u from 0 to 1, by straight lines in t = u², each of which is off by at
/// most `error`. Two lines meet at a knot. The result is a list of knots, the outermost first. Each
/// is a pair: the knot's u, and the change of the slope in t there.
///
/// Between t = a² and t = b², the chord of √t is off by at most (b − a)² / 4(a + b), always in the
/// same direction. Each line is the chord moved by half of that, so its error is half as large, in
/// both directions. Only the last knot, where the kernel ends, is not moved, so that the kernel has
/// no step there. So the error of the line before this knot is three quarters of the chord's.
fn cone(error: f64) -> Vec<(f64, f64)> {
    let next = |a: f64| {
        // This solves (b − a)² = 8 · error · (a + b) for b.
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
    // All lines are stretched so that the last one ends at u = 1, which only makes the error
    // smaller.
    let stretch = 1.0 / last;
    let mut at: Vec<(f64, f64)> = knots
        .iter()
        .map(|u| u * stretch)
        .map(|u| (u * u, 1.0 - u - error * stretch))
        .collect();
    at.push((1.0, 0.0));
    let mut turns = Vec::new();
    let mut outer = 0.0;
    for piece in at.windows(2).rev() {
        if let [(t0, v0), (t1, v1)] = piece {
            let slope = (v1 - v0) / (t1 - t0);
            turns.push((t1.sqrt(), outer - slope));
            outer = slope;
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::kernel::Normalize;

    /// The sum of all discs at a distance from the middle.
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
