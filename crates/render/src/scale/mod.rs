//! Scales. A scale turns a density into a position on the ramp, 0 to 1.
//!
//! A [`Scale`] is what a user asks for, for example "logarithmic, up to the 99th percentile". The
//! [`Statistics`] of a layer at a zoom say which density this percentile is; with such numbers the
//! scale becomes a [`Normalizer`]. All tiles of the zoom share this normalizer, so equal densities
//! have equal colours in all of them.

pub(crate) mod domain;
pub(crate) mod histogram;
pub(crate) mod level;
pub(crate) mod normalizer;
pub(crate) mod parse_error;
pub(crate) mod thresholds;
pub(crate) mod transform;
pub(crate) mod value_kind;

use domain::Domain;
use histogram::Statistics;
use level::Level;
use normalizer::{Formula, Middle, Normalizer, interpolate};
use transform::Transform;
use value_kind::ValueKind;

/// A scale as a user describes it: a domain, and a transform from the domain to the ramp.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// The range of densities that the ramp's colours stand for.
    pub domain: Domain,
    /// The function that gives a density of the domain its position on the ramp.
    pub transform: Transform,
}

impl Scale {
    /// True if [`resolve`](Self::resolve) needs statistics of the layer: for a percentile, or for
    /// the curve of an equalised transform.
    pub fn needs_statistics(&self) -> bool {
        let given = matches!(self.domain, Domain::Fixed(..) | Domain::ByZoom(_));
        !given || self.transform.is_equalised()
    }

    /// The level whose statistics are needed for the scale of `level`: `level` itself, or the level
    /// of a fixed zoom if the domain names one.
    pub fn level(&self, level: u8) -> u8 {
        match self.domain {
            Domain::AtZoom(_, zoom) => zoom + 8,
            _ => level,
        }
    }

    /// Makes the normalizer of a level, at which the world is 2^`level` CSS pixels wide. `kind` is
    /// the kind of the values. `statistics` must be the statistics of the level that
    /// [`level`](Self::level) returns.
    pub fn resolve(&self, statistics: &Statistics, kind: ValueKind, level: u8) -> Normalizer {
        let equalised = self.transform.is_equalised();
        let everything = equalised && matches!(self.domain, Domain::Auto | Domain::AtZoom(None, _));
        let percent = if everything {
            100.0
        } else {
            self.domain.percentile()
        };
        let most = statistics.percentile(percent);
        let measured = match kind {
            ValueKind::Amount => (0.0, most),
            ValueKind::Level => (statistics.percentile(100.0 - percent), most),
            ValueKind::Signed => (-most, most),
            ValueKind::Ratio => (most.recip(), most),
        };
        let given = self.domain.ends(f64::from(level) - 8.0);
        let (low, high) = match given.unwrap_or(measured) {
            (low, high) if high > low => (low, high),
            // If the measured ends are equal, all values lie in the middle of the ramp, or at its
            // start if they are amounts.
            (low, _) => match kind {
                ValueKind::Level => (low - 0.5, low + 0.5),
                ValueKind::Ratio => (0.5, low.max(2.0)),
                ValueKind::Signed => (-1.0, low.max(1.0)),
                ValueKind::Amount => (low, low + 1.0),
            },
        };
        let middle = Middle::for_domain(kind, low, high);
        let curve = match (equalised, middle) {
            (false, _) => Vec::new(),
            (true, Middle::None) => statistics.cumulative(low, high),
            // Statistics of differences and quotients count distances from the middle, so the curve
            // begins there.
            (true, Middle::Zero) => statistics.cumulative(0.0, high.max(-low)),
            (true, Middle::One) => statistics.cumulative(1.0, high.max(low.recip())),
        };
        let formula = Formula {
            low,
            high,
            middle,
            transform: self.transform,
            curve,
        };
        Normalizer::new(formula, kind)
    }

    /// Makes the normalizer of `level`, which lies between two whole levels; `below` and `above`
    /// are the normalizers of these two. If the user has given the ends of the domain, the result
    /// has the given ends at the zoom of `level`. Measured ends are interpolated between the ends
    /// of the two normalizers: geometrically, or linearly if the values are means.
    pub fn between(
        &self,
        below: &Normalizer,
        above: &Normalizer,
        kind: ValueKind,
        level: Level,
    ) -> Normalizer {
        let share = level.above().map_or(0.0, |(_, share)| share);
        let mix = |a: f64, b: f64| {
            if kind != ValueKind::Level && a * b > 0.0 {
                a * (b / a).powf(share)
            } else {
                a + (b - a) * share
            }
        };
        let (a, b) = (&below.formula, &above.formula);
        let given = self.domain.ends(level.zoom());
        let (low, high) = given.unwrap_or((mix(a.low, b.low), mix(a.high, b.high)));
        let formula = Formula {
            low,
            high,
            middle: Middle::for_domain(kind, low, high),
            transform: self.transform,
            curve: mixed_curves(&a.curve, &b.curve, mix),
        };
        Normalizer::new(formula, kind)
    }
}

/// Interpolates between the curves of two equalised transforms. A curve is a list of (density,
/// position on the ramp). The result has an entry for each position that occurs in `a` or `b`:
/// `mix` computes the entry's density from the densities that the two curves have at this position.
fn mixed_curves(
    a: &[(f64, f64)],
    b: &[(f64, f64)],
    mix: impl Fn(f64, f64) -> f64,
) -> Vec<(f64, f64)> {
    if a.len().min(b.len()) < 2 {
        return a.iter().chain(b).copied().collect();
    }
    let mut positions: Vec<f64> = a.iter().chain(b).map(|(_, position)| *position).collect();
    positions.sort_unstable_by(f64::total_cmp);
    positions.dedup();
    let at = |curve, position| interpolate(curve, position, |&(v, p)| (p, v));
    positions
        .into_iter()
        .filter_map(|position| Some((mix(at(a, position)?, at(b, position)?), position)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::transform::Gamma;
    use super::*;
    use proptest::prelude::*;

    const KINDS: [ValueKind; 4] = [
        ValueKind::Amount,
        ValueKind::Level,
        ValueKind::Signed,
        ValueKind::Ratio,
    ];

    fn statistics(kind: ValueKind) -> Statistics {
        let mut s = Statistics::default();
        let grow = |i: i32| (i as f32 * 0.001).exp() - 1.0;
        let sign = |i: i32| if i % 3 == 0 { -1.0 } else { 1.0 };
        let value = |i: i32| match kind {
            ValueKind::Amount => grow(i),
            ValueKind::Level | ValueKind::Signed => sign(i) * grow(i),
            ValueKind::Ratio => (sign(i) * i as f32 * 0.001).exp(),
        };
        // The values contain no zeros: where many values are equal, the position by an equalised
        // transform has no inverse.
        let values: Vec<f32> = (1..=5000).map(value).collect();
        s.add(kind, &values, 1.0);
        s
    }

    fn transform(which: usize) -> Transform {
        let power = Transform::Power(Gamma::new(0.35).unwrap());
        Transform::ALL.get(which).map_or(power, |t| t.1)
    }

    fn resolved(kind: ValueKind, domain: &str, which: usize) -> Normalizer {
        let scale = Scale {
            domain: domain.parse().unwrap(),
            transform: transform(which),
        };
        scale.resolve(&statistics(kind), kind, 12)
    }

    proptest! {
        #[test]
        fn index_is_the_rounded_position(
            which in 0usize..7, kind in 0usize..4,
            domain in prop_oneof![
                Just("auto"), Just("p90"), Just("auto@3"), Just("0,40"), Just("-3,0.5"), Just("0.2,9"),
                Just("2:0,90;8:1,3"),
            ],
            density in -10.0..200.0f32,
        ) {
            let kind = KINDS[kind];
            let normalizer = resolved(kind, domain, which);
            let exact = normalizer.position(f64::from(density)) * 255.0;
            let index = f64::from(normalizer.index(density));
            // For kinds other than amounts, every number has an index above 0; only NaN has the
            // index 0.
            let exact = if kind == ValueKind::Amount { exact } else { exact.max(1.0) };
            prop_assert!((index - exact).abs() <= 0.51, "{kind:?} {domain} {which} {density}: {index} {exact}");
            prop_assert_eq!(normalizer.index(f32::NAN), 0);
        }

        #[test]
        fn position_and_value_are_inverses(which in 0usize..7, kind in 0usize..4, t in 0.0..1.0f64) {
            let normalizer = resolved(KINDS[kind], "auto", which);
            let back = normalizer.position(normalizer.value_at(t));
            prop_assert!((back - t).abs() < 1e-6, "{t} → {back}");
        }

        #[test]
        fn two_sides_are_mirror_images(which in 0usize..7, v in 0.01..50.0f64) {
            let signed = resolved(ValueKind::Signed, "auto", which);
            prop_assert!((signed.position(v) + signed.position(-v) - 1.0).abs() < 1e-9);
            let ratio = resolved(ValueKind::Ratio, "auto", which);
            prop_assert!((ratio.position(v) + ratio.position(1.0 / v) - 1.0).abs() < 1e-9);
            prop_assert_eq!((signed.position(0.0), ratio.position(1.0)), (0.5, 0.5));
        }
    }

    #[test]
    fn means_lie_between_their_percentiles_and_equal_ones_in_the_middle() {
        let mut s = Statistics::default();
        let values: Vec<f32> = (0..=1000).map(|i| 15.0 + i as f32 * 0.01).collect();
        s.add(ValueKind::Level, &values, 1.0);
        let scale = Scale {
            domain: Domain::Percentile(90.0),
            transform: Transform::Linear,
        };
        let (low, high) = scale.resolve(&s, ValueKind::Level, 8).domain();
        assert!(
            (low - 16.0).abs() < 0.1 && (high - 24.0).abs() < 0.1,
            "{low} {high}"
        );
        let mut s = Statistics::default();
        s.add(ValueKind::Level, &[7.0; 50], 1.0);
        let same = scale.resolve(&s, ValueKind::Level, 8);
        assert_eq!(same.position(7.0), 0.5);
    }

    #[test]
    fn nothing_to_see_is_still_a_scale() {
        for (_, transform) in Transform::ALL {
            for domain in ["auto", "p99", "2,3"] {
                for kind in KINDS {
                    let domain = domain.parse().unwrap();
                    let scale = Scale { domain, transform };
                    let normalizer = scale.resolve(&Statistics::default(), kind, 8);
                    assert_eq!(normalizer.index(f32::NAN), 0);
                    assert!(normalizer.thresholds().is_sorted());
                    if kind == ValueKind::Amount {
                        assert_eq!(normalizer.index(0.0), 0);
                    }
                }
            }
        }
    }
}
