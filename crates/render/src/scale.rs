//! Density → 0..1: which densities get which part of the ramp.
//!
//! A [`Scale`] is what a user asks for. With the [`Statistics`] of a layer at a
//! zoom it becomes a [`Normalizer`], which is the same for every tile of that
//! zoom: colours never depend on which tile was asked for.

use crate::named::display_by_name;
use crate::stats::Statistics;
use crate::steps::Steps;
use std::fmt;
use std::str::FromStr;

/// Decades between the two ends of a logarithmic scale are log₁₀ of this.
const LOG_RANGE: f64 = 1000.0;

/// How position on the ramp follows density, with u = (d − lo) / (hi − lo) in 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    /// u
    Linear,
    /// ln(1 + 1000 u) / ln 1001: three decades, and still 0 at lo
    Log,
    /// √u
    Sqrt,
    /// ∛u
    Cbrt,
    /// the share of non-empty pixels with less density (histogram equalisation)
    EqHist,
}

impl Transform {
    /// All transforms with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("linear", Self::Linear),
        ("log", Self::Log),
        ("sqrt", Self::Sqrt),
        ("cbrt", Self::Cbrt),
        ("eq_hist", Self::EqHist),
    ];
}

display_by_name!(Transform);

/// Which densities the ramp spans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// From 0 to nearly the greatest density of the zoom: see [`Domain::AUTO_PERCENTILE`].
    Auto,
    /// From 0 to a percentile of the non-empty pixels of the zoom.
    Percentile(f64),
    /// From lo to hi, whatever the data.
    Fixed(f64, f64),
}

impl Domain {
    /// `auto` ends at this percentile: the last half percent of the pixels saturate,
    /// so that one outlier does not leave the rest of the map in the dark.
    pub const AUTO_PERCENTILE: f64 = 99.5;
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Percentile(p) => write!(f, "p{p}"),
            Self::Fixed(lo, hi) => write!(f, "{lo},{hi}"),
        }
    }
}

impl FromStr for Domain {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Some(percent) = text.strip_prefix('p') {
            let percent: f64 = percent.parse().map_err(|_| ())?;
            return (percent > 0.0 && percent <= 100.0)
                .then_some(Self::Percentile(percent))
                .ok_or(());
        }
        let (lo, hi) = text.split_once(',').ok_or(())?;
        let number = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.abs() < 1e30);
        match (number(lo), number(hi)) {
            (Some(lo), Some(hi)) if lo < hi => Ok(Self::Fixed(lo, hi)),
            _ => Err(()),
        }
    }
}

/// What a user asks for: which densities, and how they spread over the ramp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Which densities the ramp spans.
    pub domain: Domain,
    /// How they spread over it.
    pub transform: Transform,
}

impl Scale {
    /// Whether [`resolve`](Self::resolve) looks at the statistics at all.
    pub fn needs_statistics(&self) -> bool {
        !matches!((self.domain, self.transform), (Domain::Fixed(..), t) if t != Transform::EqHist)
    }

    /// The scale for densities that are distributed like this.
    pub fn resolve(&self, statistics: &Statistics) -> Normalizer {
        let (low, high) = match self.domain {
            Domain::Auto if self.transform == Transform::EqHist => (0.0, statistics.max()),
            Domain::Auto => (0.0, statistics.percentile(Domain::AUTO_PERCENTILE)),
            Domain::Percentile(p) => (0.0, statistics.percentile(p)),
            Domain::Fixed(low, high) => (low, high),
        };
        let high = if high > low { high } else { low + 1.0 };
        let curve = match self.transform {
            Transform::EqHist => statistics.cumulative(low, high),
            _ => Vec::new(),
        };
        Normalizer::new(low, high, self.transform, curve)
    }
}

/// A resolved scale: density → position on the ramp → colour index.
#[derive(Clone, Debug)]
pub struct Normalizer {
    formula: Formula,
    steps: Steps,
}

impl Normalizer {
    fn new(low: f64, high: f64, transform: Transform, curve: Vec<(f64, f64)>) -> Self {
        let formula = Formula {
            low,
            high,
            transform,
            curve,
        };
        let steps = Steps::new(|k| formula.value_at((f64::from(k) - 0.5) / 255.0) as f32);
        Self { formula, steps }
    }

    /// Density at position 0 and at position 1.
    pub fn domain(&self) -> (f64, f64) {
        (self.formula.low, self.formula.high)
    }

    /// How positions follow densities.
    pub fn transform(&self) -> Transform {
        self.formula.transform
    }

    /// Where on the ramp a density lies, 0 to 1.
    pub fn position(&self, density: f64) -> f64 {
        self.formula.position(density)
    }

    /// The density at a position of the ramp: the inverse of [`position`](Self::position).
    pub fn value_at(&self, position: f64) -> f64 {
        self.formula.value_at(position)
    }

    /// The 255 densities at which the colour index steps up, rising: the index of a
    /// density, round(255 · position), is how many of them are not above it.
    pub fn thresholds(&self) -> &[f32] {
        self.steps.thresholds()
    }

    /// The colour index of one density.
    pub fn index(&self, density: f32) -> u8 {
        self.steps.index(density)
    }

    pub(crate) fn steps(&self) -> &Steps {
        &self.steps
    }
}

/// A transform between two densities.
#[derive(Clone, Debug)]
struct Formula {
    low: f64,
    high: f64,
    transform: Transform,
    /// (density, position), rising: the equalised histogram; empty for the others.
    curve: Vec<(f64, f64)>,
}

impl Formula {
    fn position(&self, density: f64) -> f64 {
        let u = ((density - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        match self.transform {
            Transform::Linear => u,
            Transform::Log => (LOG_RANGE * u).ln_1p() / LOG_RANGE.ln_1p(),
            Transform::Sqrt => u.sqrt(),
            Transform::Cbrt => u.cbrt(),
            Transform::EqHist => interpolate(&self.curve, density, |&(v, p)| (v, p)).unwrap_or(u),
        }
    }

    fn value_at(&self, position: f64) -> f64 {
        let t = position.clamp(0.0, 1.0);
        let u = match self.transform {
            Transform::Linear => t,
            Transform::Log => (t * LOG_RANGE.ln_1p()).exp_m1() / LOG_RANGE,
            Transform::Sqrt => t * t,
            Transform::Cbrt => t * t * t,
            Transform::EqHist => {
                if let Some(v) = interpolate(&self.curve, t, |&(v, p)| (p, v)) {
                    return v;
                }
                t
            }
        };
        self.low + (self.high - self.low) * u
    }
}

/// The value at `x` of a rising curve; `None` for fewer than two points.
fn interpolate(curve: &[(f64, f64)], x: f64, pick: fn(&(f64, f64)) -> (f64, f64)) -> Option<f64> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn statistics() -> Statistics {
        let mut s = Statistics::default();
        let densities: Vec<f32> = (0..5000).map(|i| (i as f32 * 0.001).exp() - 1.0).collect();
        s.add(&densities, 1.0);
        s
    }

    proptest! {
        #[test]
        fn index_is_the_rounded_position(
            which in 0usize..5, domain in prop_oneof![Just("auto"), Just("p90"), Just("0,40"), Just("-3,0.5")],
            density in -10.0..200.0f32,
        ) {
            let scale = Scale { domain: domain.parse().unwrap(), transform: Transform::ALL[which].1 };
            let normalizer = scale.resolve(&statistics());
            let exact = normalizer.position(f64::from(density)) * 255.0;
            let index = f64::from(normalizer.index(density));
            prop_assert!((index - exact).abs() <= 0.501, "{scale:?} {density}: {index} {exact}");
        }

        #[test]
        fn position_and_value_are_inverses(which in 0usize..5, t in 0.0..1.0f64) {
            let scale = Scale { domain: Domain::Auto, transform: Transform::ALL[which].1 };
            let normalizer = scale.resolve(&statistics());
            let back = normalizer.position(normalizer.value_at(t));
            prop_assert!((back - t).abs() < 1e-9, "{t} → {back}");
        }
    }

    #[test]
    fn domains_are_read_and_written() {
        for text in ["auto", "p99", "p99.9", "0,40", "-1.5,2"] {
            assert_eq!(text.parse::<Domain>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "p0",
            "p101",
            "pNaN",
            "5,5",
            "9,3",
            "1",
            "nan,2",
            "0,inf",
            "1e31,1e32",
        ] {
            assert_eq!(text.parse::<Domain>(), Err(()), "{text}");
        }
    }

    #[test]
    fn nothing_to_see_is_still_a_scale() {
        for (_, transform) in Transform::ALL {
            for domain in [
                Domain::Auto,
                Domain::Percentile(99.0),
                Domain::Fixed(2.0, 3.0),
            ] {
                let normalizer = Scale { domain, transform }.resolve(&Statistics::default());
                assert_eq!(normalizer.index(0.0), 0);
                assert_eq!(normalizer.index(f32::NAN), 0);
                assert!(normalizer.thresholds().is_sorted());
            }
        }
    }
}
