//! Normalizers: scales whose numbers are all known, so that they turn densities into colour
//! indices.

use crate::scale::thresholds::Thresholds;
use crate::scale::transform::Transform;
use crate::scale::value_kind::ValueKind;

/// A scale with the numbers of a zoom, for example the ends of its domain. So it turns a density
/// into a position on the ramp, 0 to 1, and into a colour index, 0 to 255.
#[derive(Clone, Debug)]
pub struct Normalizer {
    pub(super) formula: Formula,
    thresholds: Thresholds,
}

impl Normalizer {
    /// The number of bytes of heap memory that the normalizer's curve and look-up table take.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.thresholds.heap_bytes() + size_of_val(self.formula.curve.as_slice())
    }

    /// Makes the normalizer of a formula for values of a kind. With amounts, the lowest ones have
    /// the colour index 0, which is transparent. With the other kinds, every number has an index
    /// above 0, and only NaN has the index 0.
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

    /// The ends of the domain: the lower one, which has the position 0 on the ramp, and the upper
    /// one, which has the position 1.
    pub fn domain(&self) -> (f64, f64) {
        (self.formula.low, self.formula.high)
    }

    /// The transform of the scale.
    pub fn transform(&self) -> Transform {
        self.formula.transform
    }

    /// The density in the middle of a diverging scale, which has the position 0.5 on the ramp: 0
    /// for signed values, 1 for quotients. `None` for a scale that doesn't diverge.
    pub fn middle(&self) -> Option<f64> {
        match self.formula.middle {
            Middle::None => None,
            Middle::Zero => Some(0.0),
            Middle::One => Some(1.0),
        }
    }

    /// Returns the position of a density on the ramp, 0 to 1.
    pub fn position(&self, density: f64) -> f64 {
        self.formula.position(density)
    }

    /// Returns the density that has a position on the ramp, 0 to 1: the inverse of
    /// [`position`](Self::position).
    pub fn value_at(&self, position: f64) -> f64 {
        self.formula.value_at(position)
    }

    /// The 255 densities at which the colour index rises by one, in rising order. The index of a
    /// density is the number of thresholds that are not greater than the density; it equals
    /// round(255 · position).
    pub fn thresholds(&self) -> &[f32] {
        self.thresholds.thresholds()
    }

    /// Returns the colour index of one density, 0 to 255.
    pub fn index(&self, density: f32) -> u8 {
        self.thresholds.index(density)
    }

    /// The thresholds, with the look-up table that finds a density's index.
    pub(crate) fn threshold_table(&self) -> &Thresholds {
        &self.thresholds
    }
}

/// The density in the middle of a diverging scale: 0 or 1. `None` stands for a scale that doesn't
/// diverge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Middle {
    None,
    Zero,
    One,
}

impl Middle {
    /// The middle of a scale from `low` to `high` for values of a kind: 0 for signed values, 1 for
    /// quotients. It is `None` for other kinds, or if the middle doesn't lie between `low` and
    /// `high`.
    pub(super) fn for_domain(kind: ValueKind, low: f64, high: f64) -> Self {
        match kind {
            ValueKind::Signed if low < 0.0 && high > 0.0 => Self::Zero,
            ValueKind::Ratio if low > 0.0 && low < 1.0 && high > 1.0 => Self::One,
            _ => Self::None,
        }
    }
}

/// The function from a density to its position on the ramp: a transform, and the densities at the
/// ends and in the middle of the ramp.
#[derive(Clone, Debug)]
pub(super) struct Formula {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) middle: Middle,
    pub(super) transform: Transform,
    /// For equalised transforms, a list of (density, position on the ramp) in rising order, made
    /// from a cumulative histogram. If the scale has a middle, each entry has the density's
    /// distance from the middle, and its position on the way from the middle to the end, 0 to 1.
    /// For transforms that are formulas the list is empty.
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
                // Values that are not positive have no logarithm. They are taken as the least
                // positive float, so they lie at the low end.
                let u = density.max(f64::MIN_POSITIVE).ln() / self.low.ln();
                0.5 - 0.5 * self.side(u, density.max(f64::MIN_POSITIVE).recip())
            }
            Middle::One => 0.5 + 0.5 * self.side(density.ln() / self.high.ln(), density),
        }
    }

    /// The position, 0 to 1, on a scale without a middle, or on one side of a scale with a middle.
    ///
    /// `u` is the fraction of the way from the lower end to the upper end or, on a side, from the
    /// middle to the end. `density` is the number as `curve` has it: the density itself or, on a
    /// side, its distance from the middle.
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

/// Interpolates linearly on a rising curve: returns y at `x`. `pick` returns the (x, y) of an entry
/// of `curve`. Returns `None` if the curve has fewer than two entries.
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
