//! The opacity of a ramp, which can be set independently of its colours.

use std::fmt;

/// The most stops that an opacity curve may have.
const MAX_STOPS: usize = 64;

/// The opacity of a ramp: one factor for all positions, or a curve that gives each position its
/// opacity. Positions and opacities are from 0 to 1.
///
/// The alpha of a [`Ramp`](crate::ramp::Ramp)'s colours is multiplied by the opacity. A factor is
/// applied in addition to the ramp's own curve. A curve replaces the ramp's own curve.
#[derive(Debug, Clone, PartialEq)]
pub enum Opacity {
    /// A factor for all positions, 0 to 1.
    Factor(f32),
    /// A curve, which is linear between its stops, and constant before the first and after the last
    /// stop.
    Curve(OpacityCurve),
}

/// The curve of an [`Opacity::Curve`]: stops, each as (position, opacity), in ascending order of
/// position. There is at least one stop, and all numbers are from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct OpacityCurve(Vec<(f32, f32)>);

impl OpacityCurve {
    /// Makes a curve from stops of (position, opacity), which must be in ascending order of
    /// position.
    ///
    /// # Errors
    /// No stops, more than 64 stops, a number outside 0 to 1 or NaN, or a position that is less
    /// than the one before.
    pub fn new(stops: Vec<(f32, f32)>) -> Result<Self, OpacityError> {
        if stops.is_empty() {
            return Err(OpacityError::Empty);
        }
        if stops.len() > MAX_STOPS {
            return Err(OpacityError::TooMany(stops.len()));
        }
        let mut last = 0.0;
        for &(position, opacity) in &stops {
            for number in [position, opacity] {
                if !(0.0..=1.0).contains(&number) {
                    return Err(OpacityError::Range(number));
                }
            }
            if position < last {
                return Err(OpacityError::Backwards(position));
            }
            last = position;
        }
        Ok(Self(stops))
    }

    /// Returns the opacity, 0 to 1, at a position on the ramp, 0 to 1. If two stops have this
    /// position, the opacity is that of the later stop.
    pub fn at(&self, position: f32) -> f32 {
        let after = self.0.partition_point(|&(p, _)| p <= position);
        let left = after.checked_sub(1).and_then(|i| self.0.get(i));
        match (left, self.0.get(after)) {
            (Some(&(p0, o0)), Some(&(p1, o1))) => o0 + (o1 - o0) * ((position - p0) / (p1 - p0)),
            (Some(&(_, o)), None) | (None, Some(&(_, o))) => o,
            (None, None) => 1.0,
        }
    }

    /// The stops, each as (position, opacity), both 0 to 1.
    pub fn stops(&self) -> &[(f32, f32)] {
        &self.0
    }
}

impl Opacity {
    /// Parses an opacity. A factor is written as `0.8` or `80%`, and a curve as `0:0,0.1:0.6,1:1`.
    ///
    /// # Errors
    /// A text that is neither a factor nor a curve, a number outside 0 to 1, or stops that are not
    /// a legal curve.
    pub fn parse(text: &str) -> Result<Self, OpacityError> {
        if !text.contains(':') {
            if text.trim().is_empty() {
                return Err(OpacityError::Empty);
            }
            let factor = number(text)?;
            return Self::factor(factor);
        }
        let mut stops = Vec::new();
        for stop in text.split(',') {
            let Some((position, opacity)) = stop.split_once(':') else {
                return Err(OpacityError::Syntax(stop.trim().to_owned()));
            };
            stops.push((number(position)?, number(opacity)?));
            if stops.len() > MAX_STOPS {
                return Err(OpacityError::TooMany(text.split(',').count()));
            }
        }
        OpacityCurve::new(stops).map(Self::Curve)
    }

    /// Makes an opacity that is one factor for all positions.
    ///
    /// # Errors
    /// A factor outside 0 to 1, or NaN.
    pub fn factor(factor: f32) -> Result<Self, OpacityError> {
        if (0.0..=1.0).contains(&factor) {
            Ok(Self::Factor(factor))
        } else {
            Err(OpacityError::Range(factor))
        }
    }

    /// Returns the opacity, 0 to 1, at a position on the ramp, also 0 to 1.
    pub fn at(&self, position: f32) -> f32 {
        match self {
            Self::Factor(factor) => *factor,
            Self::Curve(curve) => curve.at(position),
        }
    }
}

/// Writes the text that [`Opacity::parse`] reads.
impl fmt::Display for Opacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Factor(factor) => write!(f, "{factor}"),
            Self::Curve(curve) => {
                for (i, (position, opacity)) in curve.stops().iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{position}:{opacity}")?;
                }
                Ok(())
            }
        }
    }
}

fn number(text: &str) -> Result<f32, OpacityError> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim_end(), 100.0),
        None => (text, 1.0),
    };
    match digits.parse::<f32>() {
        Ok(number) => Ok(number / unit),
        Err(_) => Err(OpacityError::Syntax(text.to_owned())),
    }
}

/// The error for a text or for numbers that make no opacity.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OpacityError {
    /// The text is empty, or there are no stops.
    #[error("the opacity is empty; give a factor such as 0.8 or stops such as 0:0,0.2:1")]
    Empty,
    /// A part of the text is not a number or not a stop. The field is this part.
    #[error(
        "`{0}` is no opacity; give a factor such as 0.8 or position:opacity stops such as 0:0,0.2:1"
    )]
    Syntax(String),
    /// A number is outside 0 to 1. The field is the number.
    #[error("positions and opacities go from 0 to 1 (or 0% to 100%), not {0}")]
    Range(f32),
    /// A position is less than the one before. The field is the position.
    #[error("the opacity's positions must not go backwards, as {0} does")]
    Backwards(f32),
    /// There are more than 64 stops. The field is their number.
    #[error("an opacity curve has at most 64 stops, not {0}")]
    TooMany(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_factor_is_the_same_everywhere() {
        for text in ["0.8", " 80% ", "8e-1"] {
            let opacity = Opacity::parse(text).unwrap();
            assert_eq!(opacity, Opacity::Factor(0.8), "{text}");
            assert_eq!(opacity.at(0.3), 0.8);
        }
    }

    #[test]
    fn a_curve_is_linear_between_stops_and_level_outside() {
        let opacity = Opacity::parse("0.2:0, 40%:50%, 0.8:1").unwrap();
        for (position, expected) in [(0.0, 0.0), (0.2, 0.0), (0.3, 0.25), (0.6, 0.75), (1.0, 1.0)] {
            assert!((opacity.at(position) - expected).abs() < 1e-6, "{position}");
        }
        assert_eq!(Opacity::parse(&opacity.to_string()).unwrap(), opacity);
    }

    #[test]
    fn a_step_takes_its_later_side() {
        let step = Opacity::parse("0.5:0,0.5:1").unwrap();
        assert_eq!((step.at(0.499), step.at(0.5)), (0.0, 1.0));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |text: &str| Opacity::parse(text).unwrap_err();
        assert_eq!(refused(" "), OpacityError::Empty);
        assert_eq!(refused("1.5"), OpacityError::Range(1.5));
        assert_eq!(refused("0:0,0.5:0.5,0.4:1"), OpacityError::Backwards(0.4));
        assert!(matches!(refused("nan"), OpacityError::Range(_)));
        assert!(matches!(refused("0:0,"), OpacityError::Syntax(_)));
        assert!(matches!(refused("thick"), OpacityError::Syntax(_)));
        assert_eq!(
            refused(&vec!["0:1"; 65].join(",")),
            OpacityError::TooMany(65)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_any_opacity_is_a_share(
            text in "[0-9.:,%e -]{0,40}|.{0,40}", position in -1.0f32..2.0,
        ) {
            if let Ok(opacity) = Opacity::parse(&text) {
                prop_assert!((0.0..=1.0).contains(&opacity.at(position)));
            }
        }
    }
}
