//! Rings that cross themselves.

use super::outline::{EFFORT, edges, sides};

/// A side of a ring: its two ends, the one with the smaller x first.
type Side = ((f64, f64), (f64, f64));

/// Returns whether two sides of a ring cross, each at a point inside of both. Sides that touch, or
/// that lie on each other, don't count: rings that touch themselves are common in real data. The
/// search looks at a bounded number of pairs, so a crossing in a very tangled ring may be missed.
pub(super) fn crosses_itself(ring: &[(f64, f64)]) -> bool {
    let ordered = |(a, b): Side| if a.0 <= b.0 { (a, b) } else { (b, a) };
    let mut all: Vec<Side> = edges(ring).map(ordered).collect();
    all.sort_unstable_by(|a, b| a.0.0.total_cmp(&b.0.0));
    let mut left = EFFORT * all.len();
    // The sides that reach the x at which the sweep is.
    let mut active: Vec<Side> = Vec::new();
    for side in all {
        active.retain(|other| other.1.0 >= side.0.0);
        left = left.saturating_sub(active.len());
        if left == 0 {
            return false;
        }
        if active.iter().any(|other| cross(*other, side)) {
            return true;
        }
        active.push(side);
    }
    false
}

fn cross((a, b): Side, (c, d): Side) -> bool {
    let [_, south, _, north] = sides(&[a, b]);
    let [_, low, _, high] = sides(&[c, d]);
    if high < south || low > north {
        return false;
    }
    let apart = |from, to, p, q| side_of(from, to, p) * side_of(from, to, q) < 0.0;
    apart(a, b, c, d) && apart(c, d, a, b)
}

/// The side of the line from `a` to `b` on which `p` lies: 1, -1, or 0 if rounding leaves a doubt.
fn side_of(a: (f64, f64), b: (f64, f64), p: (f64, f64)) -> f64 {
    let (one, other) = ((b.0 - a.0) * (p.1 - a.1), (b.1 - a.1) * (p.0 - a.0));
    let cross = one - other;
    if cross.abs() <= 8.0 * f64::EPSILON * (one.abs() + other.abs()) {
        return 0.0;
    }
    cross.signum()
}

#[cfg(test)]
mod tests {
    use super::crosses_itself;

    /// A ring of `count` corners on a circle, of which each is followed by the one `step` further.
    fn circle(count: usize, step: usize) -> Vec<(f64, f64)> {
        let corner = |at: usize| {
            let angle = std::f64::consts::TAU * (at * step) as f64 / count as f64;
            (angle.cos(), angle.sin())
        };
        (0..=count).map(corner).collect()
    }

    #[test]
    fn only_rings_that_cross_themselves_do() {
        for (ring, expected) in [
            (circle(4, 1), false),
            (circle(5, 2), true),
            (circle(1000, 1), false),
            // A side that runs back over another one, and one that touches a corner.
            (
                vec![(0.0, 0.0), (4.0, 0.0), (2.0, 0.0), (2.0, 3.0), (0.0, 0.0)],
                false,
            ),
            (
                vec![(0.0, 0.0), (4.0, 4.0), (4.0, 0.0), (2.0, 2.0), (0.0, 4.0)],
                false,
            ),
            (vec![(0.0, 0.0), (4.0, 4.0), (4.0, 0.0), (0.0, 4.0)], true),
            (vec![(1.0, 1.0)], false),
            (vec![], false),
        ] {
            assert_eq!(crosses_itself(&ring), expected, "{ring:?}");
        }
        // The work is bounded: all sides of this ring reach over its whole width.
        let zigzag = (0..200_000).map(|at| (f64::from(at % 2), f64::from(at) / 1e5));
        assert!(!crosses_itself(&zigzag.collect::<Vec<_>>()));
    }
}
