//! Transforms: functions that turn a density's fraction of the domain into a position on the ramp.

use crate::scale::parse_error::ParseStyleError;
use std::fmt;
use std::str::FromStr;

/// The 1000 in the logarithmic transform, ln(1 + 1000 u): a choice. With it the ramp shows the
/// three powers of ten below the upper end of the domain.
const LOG_RANGE: f64 = 1000.0;

/// A function from a density to a position on the ramp. Most transforms are formulas for u, the
/// place of the density in the domain: 0 at the domain's lower end and 1 at its upper end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transform {
    /// The function u: the position on the ramp is the density's place in the domain.
    Linear,
    /// The function ln(1 + 1000 u) / ln 1001. It is logarithmic over three powers of ten, and 0 for
    /// u = 0.
    Log,
    /// The function √u, the square root.
    Sqrt,
    /// The function ∛u, the cube root.
    Cbrt,
    /// The function that raises u to the power of an exponent. In text it is written with the
    /// exponent: `power:0.35`.
    Power(Gamma),
    /// Histogram equalisation: the position is the fraction of the zoom's non-empty pixels that
    /// have a lower density.
    EqHist,
    /// Adaptive histogram equalisation: the position is the fraction of the non-empty pixels in the
    /// neighbourhood that have a lower density. It shows detail both in cities and in the country,
    /// without seams.
    Local,
}

/// The exponent of [`Transform::Power`], 0.05 to 10, rounded to thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gamma(u16);

impl Gamma {
    /// Makes an exponent, rounded to thousandths. `None` unless it lies between 0.05 and 10.
    pub fn new(exponent: f64) -> Option<Self> {
        (0.05..=10.0)
            .contains(&exponent)
            .then_some(Self((exponent * 1000.0).round() as u16))
    }

    /// The exponent as an f64.
    pub fn exponent(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Transform {
    /// All transforms that have no parameter, each with its name in text.
    pub const ALL: [(&'static str, Self); 6] = [
        ("linear", Self::Linear),
        ("log", Self::Log),
        ("sqrt", Self::Sqrt),
        ("cbrt", Self::Cbrt),
        ("eq_hist", Self::EqHist),
        ("local", Self::Local),
    ];

    /// True if positions follow from how densities are distributed over the pixels, and not from a
    /// formula.
    pub(super) fn is_equalised(self) -> bool {
        matches!(self, Self::EqHist | Self::Local)
    }

    pub(super) fn apply(self, u: f64) -> f64 {
        match self {
            Self::Linear | Self::EqHist | Self::Local => u,
            Self::Log => (LOG_RANGE * u).ln_1p() / LOG_RANGE.ln_1p(),
            Self::Sqrt => u.sqrt(),
            Self::Cbrt => u.cbrt(),
            Self::Power(gamma) => u.powf(gamma.exponent()),
        }
    }

    pub(super) fn invert(self, t: f64) -> f64 {
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
    type Err = ParseStyleError;

    fn from_str(text: &str) -> Result<Self, ParseStyleError> {
        let transform = match text.strip_prefix("power:") {
            Some(exponent) => {
                let exponent = exponent.trim().parse().ok();
                exponent.and_then(Gamma::new).map(Self::Power)
            }
            None => {
                let named = Self::ALL.iter().find(|(name, _)| *name == text);
                named.map(|(_, choice)| *choice)
            }
        };
        transform.ok_or(ParseStyleError::new(
            "expected one of linear, log, sqrt, cbrt, eq_hist, local, or a power like power:0.35",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(text.parse::<Transform>().is_err(), "{text}");
        }
    }
}
