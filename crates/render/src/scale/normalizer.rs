//! Normalizers: scales with the statistics of a zoom filled in.

use crate::scale::thresholds::Thresholds;
use crate::scale::transform::Transform;
use crate::scale::value_kind::ValueKind;

/// A scale ready for use: it turns a density into a position on the ramp, and into a colour index.
#[derive(Clone, Debug)]
pub struct Normalizer {
    pub(super) formula: Formula,
    thresholds: Thresholds,
}

impl Normalizer {
    /// The normalizer of a formula over values of a kind. Low amounts can have the colour index 0;
    /// with the other kinds only NaN has it.
    pub(super) fn new(formula: Formula, kind: ValueKind) -> Self {
        let thresholds = Thresholds::new(|k| {
            if kind != ValueKind::Amount && k == 1 {
                f32::MIN
            } else {
                formula.value_at((f64::from(k) - 0.5) / 255.0) as f32
            }
        });
        Self {
            formula,
            thresholds,
        }
    }

    /// The density at position 0, and the density at position 1.
    pub fn domain(&self) -> (f64, f64) {
        (self.formula.low, self.formula.high)
    }

    /// The transform from a density to its position.
    pub fn transform(&self) -> Transform {
        self.formula.transform
    }

    /// The density in the middle of a scale with two sides: 0 for differences, 1 for quotients.
    /// `None` for a scale without sides.
    pub fn middle(&self) -> Option<f64> {
        match self.formula.middle {
            Middle::None => None,
            Middle::Zero => Some(0.0),
            Middle::One => Some(1.0),
        }
    }

    /// The position of a density on the ramp, 0 to 1.
    pub fn position(&self, density: f64) -> f64 {
        self.formula.position(density)
    }

    /// The density at a position of the ramp: the inverse of [`position`](Self::position).
    pub fn value_at(&self, position: f64) -> f64 {
        self.formula.value_at(position)
    }

    /// The 255 densities at which the colour index rises by one, in rising order. A density's
    /// index, round(255 · position), is the number of thresholds that are at most as great as it.
    pub fn thresholds(&self) -> &[f32] {
        self.thresholds.thresholds()
    }

    /// The colour index of one density.
    pub fn index(&self, density: f32) -> u8 {
        self.thresholds.index(density)
    }

    /// The thresholds with their look-up table.
    pub(crate) fn threshold_table(&self) -> &Thresholds {
        &self.thresholds
    }
}

/// The value in the middle of a scale with two sides; `None` for a scale without sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Middle {
    None,
    Zero,
    One,
}

impl Middle {
    /// The middle of the domain from `low` to `high`; `None` where values of the kind have no
    /// middle, or the domain doesn't reach to both sides of it.
    pub(super) fn for_domain(kind: ValueKind, low: f64, high: f64) -> Self {
        match kind {
            ValueKind::Signed if low < 0.0 && high > 0.0 => Self::Zero,
            ValueKind::Ratio if low > 0.0 && low < 1.0 && high > 1.0 => Self::One,
            _ => Self::None,
        }
    }
}

/// A transform, with the densities at its ends and in its middle.
#[derive(Clone, Debug)]
pub(super) struct Formula {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) middle: Middle,
    pub(super) transform: Transform,
    /// The cumulative histogram of an equalised transform, as (density, position) in rising order.
    /// Empty for other transforms.
    pub(super) curve: Vec<(f64, f64)>,
}

impl Formula {
    fn position(&self, density: f64) -> f64 {
        match self.middle {
            Middle::None => {
                let u = (density - self.low) / (self.high - self.low);
                self.side(u, density)
            }
            Middle::Zero if density < 0.0 => 0.5 - 0.5 * self.side(density / self.low, -density),
            Middle::Zero => 0.5 + 0.5 * self.side(density / self.high, density),
            Middle::One if density < 1.0 => {
                // Values that are not positive have no logarithm; they lie at the low end.
                let u = density.max(f64::MIN_POSITIVE).ln() / self.low.ln();
                0.5 - 0.5 * self.side(u, density.max(f64::MIN_POSITIVE).recip())
            }
            Middle::One => 0.5 + 0.5 * self.side(density.ln() / self.high.ln(), density),
        }
    }

    /// The position, 0 to 1, on a scale without sides or on one side of a scale with two. `u` is
    /// the fraction of the way to the end of the scale or side; `density` is the value as the
    /// equalised histogram counts it.
    fn side(&self, u: f64, density: f64) -> f64 {
        let u = u.clamp(0.0, 1.0);
        if self.transform.is_equalised() {
            return interpolate(&self.curve, density, |&(v, p)| (v, p)).unwrap_or(u);
        }
        self.transform.apply(u)
    }

    fn value_at(&self, position: f64) -> f64 {
        let t = position.clamp(0.0, 1.0);
        let equalised = |t: f64| interpolate(&self.curve, t, |&(v, p)| (p, v));
        let out = (2.0 * t - 1.0).abs();
        match self.middle {
            Middle::None => equalised(t)
                .unwrap_or_else(|| self.low + (self.high - self.low) * self.transform.invert(t)),
            Middle::Zero => {
                let end = if t < 0.5 { -self.low } else { self.high };
                let far = equalised(out).unwrap_or_else(|| end * self.transform.invert(out));
                if t < 0.5 { -far } else { far }
            }
            Middle::One => {
                let end = if t < 0.5 {
                    -self.low.ln()
                } else {
                    self.high.ln()
                };
                let far = equalised(out).map_or_else(|| end * self.transform.invert(out), f64::ln);
                (if t < 0.5 { -far } else { far }).exp()
            }
        }
    }
}

/// The value at `x` of a rising curve, by linear interpolation; `pick` returns the x and the y of
/// one of its points. `None` for fewer than two points.
pub(super) fn interpolate(
    curve: &[(f64, f64)],
    x: f64,
    pick: fn(&(f64, f64)) -> (f64, f64),
) -> Option<f64> {
    let after = curve
        .partition_point(|p| pick(p).0 < x)
        .clamp(1, curve.len().max(2) - 1);
    let ((x0, y0), (x1, y1)) = (pick(curve.get(after - 1)?), pick(curve.get(after)?));
    let share = if x1 > x0 {
        ((x - x0) / (x1 - x0)).clamp(0.0, 1.0)
    } else {
        1.0
    };
    Some(y0 + (y1 - y0) * share)
}
