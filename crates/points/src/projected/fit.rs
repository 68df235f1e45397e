//! Polynomials that approximate a projection within a quad of the Web-Mercator quadtree.

use super::Projection;
use crate::mercator::{self, WORLD};
use crate::zorder::Quad;

/// The places along a side of a quad, as fractions of the side, at which a polynomial equals the
/// projection.
const NODES: [f64; 4] = [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0];

/// The places in a quad, as fractions of its sides, at which the error of a polynomial is measured.
const CHECKS: [[f64; 2]; 5] = [
    [1.0 / 6.0, 1.0 / 6.0],
    [5.0 / 6.0, 1.0 / 6.0],
    [0.5, 0.5],
    [1.0 / 6.0, 5.0 / 6.0],
    [5.0 / 6.0, 5.0 / 6.0],
];

/// The factor between the greatest error at the measured places and the error that is assumed
/// anywhere in the quad: a choice.
const SAFETY: f64 = 2.0;

/// The part of a quad's projected size that the error of a polynomial must not exceed for its
/// bounds to be trusted: a choice. Beyond it the quad is torn, or bent too much.
const TORN: f64 = 0.25;

/// The projection within a quad.
#[derive(Debug)]
pub(super) enum QuadFit {
    /// A polynomial approximates the projection.
    Smooth(Box<Polynomial>),
    /// The projection tears or bends the quad too much for a polynomial, or has no place for some
    /// of its positions. The value is true if it has a place inside of its square for some.
    Rough { touches: bool },
    /// The projection has no place for the quad.
    Nowhere,
}

/// A polynomial of the third degree in each of two variables, with two values: x and y in world
/// units of a projection's square. The variables are the fractions of a quad's sides, from its
/// north-west corner.
#[derive(Debug)]
pub(super) struct Polynomial {
    /// For x and for y, the coefficients: those of a row belong to one power of the variable that
    /// grows south, and in it those of the powers of the variable that grows east.
    coefficients: [[[f64; 4]; 4]; 2],
    /// The west, north, east and south edge, in world units, of a box around the projected quad.
    pub(super) bounds: [f64; 4],
    /// The greatest distance, in world units, between the polynomial and the projection.
    pub(super) error: f64,
    /// The greatest factor by which the projection stretches a length in the quad.
    pub(super) stretch: f64,
}

impl QuadFit {
    pub(super) fn new(quad: Quad, projection: &dyn Projection) -> Self {
        let side = WORLD / (1u64 << quad.depth) as f64;
        let place = |u: f64, v: f64| {
            let x = (f64::from(quad.x) + u) * side;
            let y = (f64::from(quad.y) + v) * side;
            let place = projection.place(mercator::longitude(x), mercator::latitude(y))?;
            place.iter().all(|c| c.is_finite()).then_some(place)
        };
        let nodes = NODES.map(|v| NODES.map(|u| place(u, v)));
        let checks = CHECKS.map(|[u, v]| ([u, v], place(u, v)));
        let all = || nodes.iter().flatten().chain(checks.iter().map(|(_, p)| p));
        if all().all(Option::is_none) {
            return Self::Nowhere;
        }
        let inside = |p: &[f64; 2]| p.iter().all(|c| (0.0..WORLD).contains(c));
        let rough = Self::Rough {
            touches: all().flatten().any(inside),
        };
        if !all().all(Option::is_some) {
            return rough;
        }
        let axis = |axis: usize| {
            let value = |p: &Option<[f64; 2]>| p.and_then(|p| p.get(axis).copied()).unwrap_or(0.0);
            let along_rows = nodes.map(|row| cubic(row.each_ref().map(value)));
            transposed(transposed(along_rows).map(cubic))
        };
        let coefficients = [axis(0), axis(1)];
        let mut polynomial = Polynomial::bounded(coefficients, side);
        let distance = |&([u, v], place): &([f64; 2], Option<[f64; 2]>)| {
            let [x, y] = polynomial.at(u, v);
            place.map_or(0.0, |[a, b]| (a - x).hypot(b - y))
        };
        polynomial.error = SAFETY * checks.iter().map(distance).fold(0.0, f64::max);
        if polynomial.error > TORN * polynomial.size() {
            return rough;
        }
        Self::Smooth(Box::new(polynomial))
    }
}

impl Polynomial {
    /// The polynomial with the given coefficients, its bounds and its stretch. `side` is the quad's
    /// side in world units. The bounds come from the control points of the polynomial's Bézier
    /// form, whose hull contains all its values, and the stretch from their differences.
    fn bounded(coefficients: [[[f64; 4]; 4]; 2], side: f64) -> Self {
        let controls = |c: [[f64; 4]; 4]| {
            let along_rows = c.map(bezier);
            transposed(transposed(along_rows).map(bezier))
        };
        let [xs, ys] = coefficients.map(controls);
        let range = |c: &[[f64; 4]; 4]| {
            let all = c.iter().flatten();
            all.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)))
        };
        let ((west, east), (north, south)) = (range(&xs), range(&ys));
        // The derivative of a Bézier curve of the third degree lies between three times the
        // differences of its control points.
        let steepest = |xs: &[[f64; 4]; 4], ys: &[[f64; 4]; 4]| {
            let rows = xs.iter().zip(ys);
            let steps = rows.flat_map(|(xs, ys)| {
                let (xs, ys) = (
                    xs.iter().zip(xs.iter().skip(1)),
                    ys.iter().zip(ys.iter().skip(1)),
                );
                xs.zip(ys).map(|((a, b), (c, d))| (b - a).hypot(d - c))
            });
            3.0 * steps.fold(0.0, f64::max)
        };
        let east_west = steepest(&xs, &ys);
        let north_south = steepest(&transposed(xs), &transposed(ys));
        Self {
            coefficients,
            bounds: [west, north, east, south],
            error: 0.0,
            stretch: east_west.max(north_south) / side,
        }
    }

    /// The x and y at the fractions `u` of the quad's side to the east and `v` to the south.
    #[inline]
    pub(super) fn at(&self, u: f64, v: f64) -> [f64; 2] {
        let power = |[a, b, c, d]: [f64; 4], t: f64| a + t * (b + t * (c + t * d));
        self.coefficients
            .map(|rows| power(rows.map(|row| power(row, u)), v))
    }

    /// The longer side of the box that holds the projected quad, in world units.
    pub(super) fn size(&self) -> f64 {
        let [west, north, east, south] = self.bounds;
        (east - west).max(south - north)
    }
}

/// The coefficients of the polynomial of the third degree that has the given values at [`NODES`].
fn cubic([a, b, c, d]: [f64; 4]) -> [f64; 4] {
    [
        a,
        -5.5 * a + 9.0 * b - 4.5 * c + d,
        9.0 * a - 22.5 * b + 18.0 * c - 4.5 * d,
        -4.5 * a + 13.5 * b - 13.5 * c + 4.5 * d,
    ]
}

/// The control points of the Bézier form of a polynomial with the given coefficients.
fn bezier([a, b, c, d]: [f64; 4]) -> [f64; 4] {
    [a, a + b / 3.0, a + (2.0 * b + c) / 3.0, a + b + c + d]
}

fn transposed(rows: [[f64; 4]; 4]) -> [[f64; 4]; 4] {
    let [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]] = rows;
    [[a, e, i, m], [b, f, j, n], [c, g, k, o], [d, h, l, p]]
}
