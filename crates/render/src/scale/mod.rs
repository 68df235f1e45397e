//! Density → 0..1: which densities get which part of the ramp.
//!
//! A [`Scale`] is what a user asks for. With the [`Statistics`] of a layer at a
//! zoom it becomes a [`Normalizer`], which is the same for every tile of that
//! zoom: colours never depend on which tile was asked for.

pub(crate) mod histogram;
pub(crate) mod level;
pub(crate) mod thresholds;

use crate::scale::histogram::Statistics;
use crate::scale::level::Level;
use crate::scale::thresholds::Steps;
use crate::style::measure::Nature;
use heatsplat_points::MAX_ZOOM;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Decades between the two ends of a logarithmic scale are log₁₀ of this.
const LOG_RANGE: f64 = 1000.0;

/// How position on the ramp follows density, with u = (d − lo) / (hi − lo) in 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transform {
    /// u
    Linear,
    /// ln(1 + 1000 u) / ln 1001: three decades, and still 0 at lo
    Log,
    /// √u
    Sqrt,
    /// ∛u
    Cbrt,
    /// u to a power, such as `power:0.35`
    Power(Gamma),
    /// the share of non-empty pixels with less density (histogram equalisation)
    EqHist,
    /// the same share, of the pixels around: country and city both show, and no edge does
    Local,
}

/// The exponent of [`Transform::Power`], 0.05 to 10, kept in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gamma(u16);

impl Gamma {
    /// An exponent; `None` unless it is from 0.05 to 10.
    pub fn new(exponent: f64) -> Option<Self> {
        (0.05..=10.0)
            .contains(&exponent)
            .then_some(Self((exponent * 1000.0).round() as u16))
    }

    /// The exponent.
    pub fn exponent(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Transform {
    /// All transforms without a parameter, with their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("linear", Self::Linear),
        ("log", Self::Log),
        ("sqrt", Self::Sqrt),
        ("cbrt", Self::Cbrt),
        ("eq_hist", Self::EqHist),
        ("local", Self::Local),
    ];

    /// What [`from_str`](Self::from_str) takes, in words.
    pub const EXPECTED: &'static str =
        "expected one of linear, log, sqrt, cbrt, eq_hist, local, or a power like power:0.35";

    /// Whether positions follow from the distribution of densities.
    fn is_equalised(self) -> bool {
        matches!(self, Self::EqHist | Self::Local)
    }

    fn apply(self, u: f64) -> f64 {
        match self {
            Self::Linear | Self::EqHist | Self::Local => u,
            Self::Log => (LOG_RANGE * u).ln_1p() / LOG_RANGE.ln_1p(),
            Self::Sqrt => u.sqrt(),
            Self::Cbrt => u.cbrt(),
            Self::Power(gamma) => u.powf(gamma.exponent()),
        }
    }

    fn invert(self, t: f64) -> f64 {
        match self {
            Self::Linear | Self::EqHist | Self::Local => t,
            Self::Log => (t * LOG_RANGE.ln_1p()).exp_m1() / LOG_RANGE,
            Self::Sqrt => t * t,
            Self::Cbrt => t * t * t,
            Self::Power(gamma) => t.powf(gamma.exponent().recip()),
        }
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Power(gamma) = self {
            return write!(f, "power:{}", gamma.exponent());
        }
        let named = Self::ALL.iter().find(|(_, choice)| choice == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

impl FromStr for Transform {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(exponent) = text.strip_prefix("power:") {
            let exponent = exponent.trim().parse().map_err(|_| ())?;
            return Gamma::new(exponent).map(Self::Power).ok_or(());
        }
        let named = Self::ALL.iter().find(|(name, _)| *name == text);
        named.map(|(_, choice)| *choice).ok_or(())
    }
}

/// Which densities the ramp spans.
///
/// Amounts begin at 0; means between their two percentiles; what has two sides spans as much to
/// the one as to the other.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Domain {
    /// To nearly the greatest density of the zoom: see [`Domain::AUTO_PERCENTILE`].
    Auto,
    /// To a percentile of the non-empty pixels of the zoom.
    Percentile(f64),
    /// The same of one zoom, for all zooms: for numbers that don't change with it, such as
    /// those per km².
    AtZoom(Option<f64>, u8),
    /// From lo to hi, whatever the data.
    Fixed(f64, f64),
    /// (zoom, lo, hi), the zooms rising: between two of them hi goes from the one to the
    /// other by factors, as densities do, and lo on a straight line.
    ByZoom(Arc<[(f64, f64, f64)]>),
}

impl Domain {
    /// `auto` ends at this percentile: the last half percent of the pixels saturate,
    /// so that one outlier does not leave the rest of the map in the dark.
    pub const AUTO_PERCENTILE: f64 = 99.5;

    /// What [`from_str`](Self::from_str) takes, in words.
    pub const EXPECTED: &'static str = "auto, a percentile like p99 or p99.9, either of one zoom \
        for all like auto@8, lo,hi like 0,40, or a table by zoom like 4:0,900;10:0,20";

    const MAX_STOPS: usize = 32;

    /// The two ends at a zoom, where they are given.
    fn ends(&self, zoom: f64) -> Option<(f64, f64)> {
        match self {
            Self::Fixed(low, high) => Some((*low, *high)),
            Self::ByZoom(table) => {
                let after = table.partition_point(|(z, ..)| *z <= zoom);
                let before = after.checked_sub(1).and_then(|i| table.get(i));
                match (before, table.get(after)) {
                    (Some(&(z0, l0, h0)), Some(&(z1, l1, h1))) => {
                        let share = (zoom - z0) / (z1 - z0);
                        let low = l0 + (l1 - l0) * share;
                        let high = if h0 > 0.0 && h1 > 0.0 {
                            h0 * (h1 / h0).powf(share)
                        } else {
                            h0 + (h1 - h0) * share
                        };
                        Some((low, high))
                    }
                    (Some(&(_, l, h)), None) | (None, Some(&(_, l, h))) => Some((l, h)),
                    (None, None) => None,
                }
            }
            Self::Auto | Self::Percentile(_) | Self::AtZoom(..) => None,
        }
    }

    /// The percentile at which it ends, where that is measured.
    fn percentile(&self) -> f64 {
        match self {
            Self::Percentile(p) | Self::AtZoom(Some(p), _) => *p,
            _ => Self::AUTO_PERCENTILE,
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Percentile(p) => write!(f, "p{p}"),
            Self::AtZoom(None, zoom) => write!(f, "auto@{zoom}"),
            Self::AtZoom(Some(p), zoom) => write!(f, "p{p}@{zoom}"),
            Self::Fixed(lo, hi) => write!(f, "{lo},{hi}"),
            Self::ByZoom(table) => {
                for (i, (zoom, lo, hi)) in table.iter().enumerate() {
                    write!(f, "{}{zoom}:{lo},{hi}", if i == 0 { "" } else { ";" })?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Domain {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if text.contains(':') {
            return by_zoom(text).ok_or(());
        }
        if let Some((what, zoom)) = text.split_once('@') {
            let zoom = zoom.parse().ok().filter(|z| *z <= MAX_ZOOM).ok_or(())?;
            return match what.parse()? {
                Self::Auto => Ok(Self::AtZoom(None, zoom)),
                Self::Percentile(p) => Ok(Self::AtZoom(Some(p), zoom)),
                _ => Err(()),
            };
        }
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Some(percent) = text.strip_prefix('p') {
            let percent: f64 = percent.parse().map_err(|_| ())?;
            return (percent > 0.0 && percent <= 100.0)
                .then_some(Self::Percentile(percent))
                .ok_or(());
        }
        ends(text).map(|(lo, hi)| Self::Fixed(lo, hi)).ok_or(())
    }
}

fn ends(text: &str) -> Option<(f64, f64)> {
    let (lo, hi) = text.split_once(',')?;
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.abs() < 1e30);
    let (lo, hi) = (number(lo)?, number(hi)?);
    (lo < hi).then_some((lo, hi))
}

fn by_zoom(text: &str) -> Option<Domain> {
    let stop = |stop: &str| {
        let (zoom, domain) = stop.split_once(':')?;
        let zoom: f64 = zoom.trim().parse().ok()?;
        let (lo, hi) = ends(domain)?;
        (0.0..=30.0).contains(&zoom).then_some((zoom, lo, hi))
    };
    let stops: Vec<_> = text.split(';').map(stop).collect::<Option<_>>()?;
    let rising = stops.is_sorted_by(|a, b| a.0 < b.0) && stops.len() <= Domain::MAX_STOPS;
    rising.then(|| Domain::ByZoom(stops.into()))
}

/// What a user asks for: which densities, and how they spread over the ramp.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Which densities the ramp spans.
    pub domain: Domain,
    /// How they spread over it.
    pub transform: Transform,
}

impl Scale {
    /// Whether [`resolve`](Self::resolve) looks at the statistics at all.
    pub fn needs_statistics(&self) -> bool {
        let given = matches!(self.domain, Domain::Fixed(..) | Domain::ByZoom(_));
        !given || self.transform.is_equalised()
    }

    /// The level whose statistics a level has: its own, unless the domain is one zoom's.
    pub fn level(&self, level: u8) -> u8 {
        match self.domain {
            Domain::AtZoom(_, zoom) => zoom + 8,
            _ => level,
        }
    }

    /// The scale at a level (the world 2^`level` CSS pixels wide) for numbers of a nature that
    /// are distributed like this.
    pub fn resolve(&self, statistics: &Statistics, nature: Nature, level: u8) -> Normalizer {
        let equalised = self.transform.is_equalised();
        let everything = equalised && matches!(self.domain, Domain::Auto | Domain::AtZoom(None, _));
        let percent = if everything {
            100.0
        } else {
            self.domain.percentile()
        };
        let most = statistics.percentile(percent);
        let measured = match nature {
            Nature::Amount => (0.0, most),
            Nature::Level => (statistics.percentile(100.0 - percent), most),
            Nature::Signed => (-most, most),
            Nature::Ratio => (most.recip(), most),
        };
        let given = self.domain.ends(f64::from(level) - 8.0);
        let (low, high) = match given.unwrap_or(measured) {
            (low, high) if high > low => (low, high),
            // all the same: in the middle, or from nothing to it
            (low, _) if nature == Nature::Level => (low - 0.5, low + 0.5),
            (low, _) if nature == Nature::Ratio => (0.5, low.max(2.0)),
            (low, _) if nature == Nature::Signed => (-1.0, low.max(1.0)),
            (low, _) => (low, low + 1.0),
        };
        let middle = Middle::of(nature, low, high);
        let curve = match (equalised, middle) {
            (false, _) => Vec::new(),
            (true, Middle::None) => statistics.cumulative(low, high),
            // statistics are of distances from the middle
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
        Normalizer::new(formula, nature != Nature::Amount)
    }

    /// The scale between those of two neighbouring whole levels. Ends that are given have their
    /// own way from zoom to zoom; measured ones go by factors, those of means on a straight line.
    pub fn between(
        &self,
        below: &Normalizer,
        above: &Normalizer,
        nature: Nature,
        level: Level,
    ) -> Normalizer {
        let share = level.above().map_or(0.0, |(_, share)| share);
        let mix = |a: f64, b: f64| {
            if nature != Nature::Level && a * b > 0.0 {
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
            middle: Middle::of(nature, low, high),
            transform: self.transform,
            curve: mixed_curves(&a.curve, &b.curve, mix),
        };
        Normalizer::new(formula, nature != Nature::Amount)
    }
}

/// The equalised curve between two: what has a position lies between what has it on either.
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

/// A resolved scale: density → position on the ramp → colour index.
#[derive(Clone, Debug)]
pub struct Normalizer {
    formula: Formula,
    steps: Steps,
}

impl Normalizer {
    /// `whole`: whether every number is something, so that only NaN has index 0.
    fn new(formula: Formula, whole: bool) -> Self {
        let steps = Steps::new(|k| {
            if whole && k == 1 {
                f32::MIN
            } else {
                formula.value_at((f64::from(k) - 0.5) / 255.0) as f32
            }
        });
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

    /// The density in the middle of the ramp, where the scale has one: 0 or 1.
    pub fn middle(&self) -> Option<f64> {
        match self.formula.middle {
            Middle::None => None,
            Middle::Zero => Some(0.0),
            Middle::One => Some(1.0),
        }
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

/// What lies in the middle of a scale with two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Middle {
    None,
    Zero,
    One,
}

impl Middle {
    /// The middle of a domain; one to one side of the middle has none.
    fn of(nature: Nature, low: f64, high: f64) -> Self {
        match nature {
            Nature::Signed if low < 0.0 && high > 0.0 => Self::Zero,
            Nature::Ratio if low > 0.0 && low < 1.0 && high > 1.0 => Self::One,
            _ => Self::None,
        }
    }
}

/// A transform between two densities.
#[derive(Clone, Debug)]
struct Formula {
    low: f64,
    high: f64,
    middle: Middle,
    transform: Transform,
    /// (density, position), rising: the equalised histogram; empty for the others.
    curve: Vec<(f64, f64)>,
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
                // the logarithm of what is not positive is no number: it lies at the end
                let u = density.max(f64::MIN_POSITIVE).ln() / self.low.ln();
                0.5 - 0.5 * self.side(u, density.max(f64::MIN_POSITIVE).recip())
            }
            Middle::One => 0.5 + 0.5 * self.side(density.ln() / self.high.ln(), density),
        }
    }

    /// The position on a scale, or on one side of it: `u` is the share of the way to its end,
    /// `density` what the equalised histogram is of.
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

    const NATURES: [Nature; 4] = [Nature::Amount, Nature::Level, Nature::Signed, Nature::Ratio];

    fn statistics(nature: Nature) -> Statistics {
        let mut s = Statistics::default();
        let grow = |i: i32| (i as f32 * 0.001).exp() - 1.0;
        let sign = |i: i32| if i % 3 == 0 { -1.0 } else { 1.0 };
        let value = |i: i32| match nature {
            Nature::Amount => grow(i),
            Nature::Level | Nature::Signed => sign(i) * grow(i),
            Nature::Ratio => (sign(i) * i as f32 * 0.001).exp(),
        };
        // no zero: where many numbers are one, an equalised position has no inverse
        let values: Vec<f32> = (1..=5000).map(value).collect();
        s.add(nature, &values, 1.0);
        s
    }

    fn transform(which: usize) -> Transform {
        let power = Transform::Power(Gamma::new(0.35).unwrap());
        Transform::ALL.get(which).map_or(power, |t| t.1)
    }

    fn resolved(nature: Nature, domain: &str, which: usize) -> Normalizer {
        let scale = Scale {
            domain: domain.parse().unwrap(),
            transform: transform(which),
        };
        scale.resolve(&statistics(nature), nature, 12)
    }

    proptest! {
        #[test]
        fn index_is_the_rounded_position(
            which in 0usize..7, nature in 0usize..4,
            domain in prop_oneof![
                Just("auto"), Just("p90"), Just("auto@3"), Just("0,40"), Just("-3,0.5"), Just("0.2,9"),
                Just("2:0,90;8:1,3"),
            ],
            density in -10.0..200.0f32,
        ) {
            let nature = NATURES[nature];
            let normalizer = resolved(nature, domain, which);
            let exact = normalizer.position(f64::from(density)) * 255.0;
            let index = f64::from(normalizer.index(density));
            // what is a number is something, where zero is one too
            let exact = if nature == Nature::Amount { exact } else { exact.max(1.0) };
            prop_assert!((index - exact).abs() <= 0.51, "{nature:?} {domain} {which} {density}: {index} {exact}");
            prop_assert_eq!(normalizer.index(f32::NAN), 0);
        }

        #[test]
        fn position_and_value_are_inverses(which in 0usize..7, nature in 0usize..4, t in 0.0..1.0f64) {
            let normalizer = resolved(NATURES[nature], "auto", which);
            let back = normalizer.position(normalizer.value_at(t));
            prop_assert!((back - t).abs() < 1e-6, "{t} → {back}");
        }

        #[test]
        fn two_sides_are_mirror_images(which in 0usize..7, v in 0.01..50.0f64) {
            let signed = resolved(Nature::Signed, "auto", which);
            prop_assert!((signed.position(v) + signed.position(-v) - 1.0).abs() < 1e-9);
            let ratio = resolved(Nature::Ratio, "auto", which);
            prop_assert!((ratio.position(v) + ratio.position(1.0 / v) - 1.0).abs() < 1e-9);
            prop_assert_eq!((signed.position(0.0), ratio.position(1.0)), (0.5, 0.5));
        }
    }

    #[test]
    fn domains_are_read_and_written() {
        for text in [
            "auto",
            "p99",
            "p99.9",
            "auto@8",
            "p90@0",
            "0,40",
            "-1.5,2",
            "4:0,900;10.5:0,20",
        ] {
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
            "auto@99",
            "0,4@8",
            "auto@",
            "4:0,9;4:0,8",
            "4:9,0",
            "4:",
            ":0,1",
            "99:0,1",
        ] {
            assert_eq!(text.parse::<Domain>(), Err(()), "{text}");
        }
    }

    #[test]
    fn transforms_are_read_and_written() {
        for text in [
            "linear",
            "log",
            "sqrt",
            "cbrt",
            "eq_hist",
            "local",
            "power:0.35",
            "power:2",
        ] {
            assert_eq!(text.parse::<Transform>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "ln",
            "power",
            "power:",
            "power:0",
            "power:-1",
            "power:NaN",
            "power:11",
        ] {
            assert_eq!(text.parse::<Transform>(), Err(()), "{text}");
        }
    }

    #[test]
    fn a_table_of_domains_goes_by_factors() {
        let domain: Domain = "4:0,800;10:6,50".parse().unwrap();
        assert_eq!(domain.ends(2.0), Some((0.0, 800.0)));
        assert_eq!(domain.ends(7.0), Some((3.0, 200.0)));
        assert_eq!(domain.ends(22.0), Some((6.0, 50.0)));
    }

    #[test]
    fn means_lie_between_their_percentiles_and_equal_ones_in_the_middle() {
        let mut s = Statistics::default();
        let values: Vec<f32> = (0..=1000).map(|i| 15.0 + i as f32 * 0.01).collect();
        s.add(Nature::Level, &values, 1.0);
        let scale = Scale {
            domain: Domain::Percentile(90.0),
            transform: Transform::Linear,
        };
        let (low, high) = scale.resolve(&s, Nature::Level, 8).domain();
        assert!(
            (low - 16.0).abs() < 0.1 && (high - 24.0).abs() < 0.1,
            "{low} {high}"
        );
        let mut s = Statistics::default();
        s.add(Nature::Level, &[7.0; 50], 1.0);
        let same = scale.resolve(&s, Nature::Level, 8);
        assert_eq!(same.position(7.0), 0.5);
    }

    #[test]
    fn nothing_to_see_is_still_a_scale() {
        for (_, transform) in Transform::ALL {
            for domain in ["auto", "p99", "2,3"] {
                for nature in NATURES {
                    let domain = domain.parse().unwrap();
                    let scale = Scale { domain, transform };
                    let normalizer = scale.resolve(&Statistics::default(), nature, 8);
                    assert_eq!(normalizer.index(f32::NAN), 0);
                    assert!(normalizer.thresholds().is_sorted());
                    if nature == Nature::Amount {
                        assert_eq!(normalizer.index(0.0), 0);
                    }
                }
            }
        }
    }
}
