//! Styles as text: sets a style's parameters by their names, as URLs, config files and the command
//! line give them.

use crate::ramp::Ramp;
use crate::ramp::opacity::Opacity;
use crate::scale::parse_error::ParseStyleError;
use crate::style::kernel::Shape;
use crate::style::{Style, ValueWithText};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

/// The error for a style parameter that can't be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StyleError {
    /// No style parameter has this name.
    #[error("unknown style parameter `{name}`; there are {}", Style::PARAMETERS.join(", "))]
    Unknown {
        /// The unknown name, cut to 40 characters.
        name: String,
    },
    /// The style parameter can't have this value.
    #[error("{name} can't be `{value}`: {expected}")]
    Value {
        /// The name of the parameter, as in a URL, whose value is refused.
        name: &'static str,
        /// The refused value, cut to 40 characters.
        value: String,
        /// A description of the values that the parameter may have.
        expected: String,
    },
}

const CLASSES: RangeInclusive<u8> = 2..=Style::MAX_CLASSES;
const EXPECTED_CLASSES: &str = "expected 2 to 64 classes, or none";
const ISOLINES: RangeInclusive<u8> = 1..=Style::MAX_CLASSES;
const EXPECTED_ISOLINES: &str = "expected 1 to 64 lines, or none";

impl Style {
    /// The names of all parameters.
    pub const PARAMETERS: [&'static str; 13] = [
        "measure",
        "kernel",
        "radius",
        "normalize",
        "overlap",
        "scale",
        "domain",
        "ramp",
        "reverse",
        "opacity",
        "steps",
        "isolines",
        "precision",
    ];

    /// Sets the parameter `name` to a value, given as text.
    ///
    /// # Errors
    /// An unknown name, a value that is not legal, or a value that can't be combined with the other
    /// parameters. The message describes the legal names or values.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), StyleError> {
        self.set_all([(name, value)])
    }

    /// Sets several parameters to values given as text. Their order doesn't matter. If there is an
    /// error, none of them is set.
    ///
    /// # Errors
    /// The errors of [`set`](Self::set).
    pub fn set_all<'a>(
        &mut self,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), StyleError> {
        let mut next = self.clone();
        let mut radius = None;
        for (name, value) in parameters {
            next.set_one(name, value)?;
            radius = radius.or((name == "radius").then_some(value));
        }
        if next.shape == Shape::Pixel
            && let Some(value) = radius
        {
            let expected = "kernel=pixel has no radius: leave it out, or choose another kernel";
            return Err(value_error("radius", value, expected));
        }
        next.check()?;
        next.bake();
        *self = next;
        Ok(())
    }

    /// Sets one parameter. It doesn't check that the value can be combined with the other
    /// parameters, and doesn't update the finished ramp.
    fn set_one(&mut self, name: &str, value: &str) -> Result<(), StyleError> {
        match name {
            "kernel" => self.shape = read("kernel", value)?,
            "normalize" => self.normalize = read("normalize", value)?,
            "measure" => self.measure = read("measure", value)?,
            "overlap" => self.blend = Arc::new(read("overlap", value)?),
            "precision" => self.precision = read("precision", value)?,
            "scale" => {
                self.scale.transform = read("scale", value)?;
                self.explicit.transform = true;
            }
            "radius" => self.radius = read("radius", value)?,
            "domain" => self.scale.domain = read("domain", value)?,
            "ramp" => {
                let ramp = Ramp::parse(value);
                self.ramp = ValueWithText {
                    value: ramp.map_err(|e| value_error("ramp", value, &e.to_string()))?,
                    text: value.to_owned(),
                };
                self.explicit.ramp = true;
            }
            "isolines" => {
                self.isolines = number_or_none("isolines", value, ISOLINES, EXPECTED_ISOLINES)?;
            }
            "steps" => {
                self.classes = number_or_none("steps", value, CLASSES, EXPECTED_CLASSES)?;
            }
            "reverse" => {
                self.reverse = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(value_error("reverse", value, "expected one of true, false")),
                };
            }
            "opacity" => {
                let opacity = Opacity::parse(value);
                self.opacity = Some(ValueWithText {
                    value: opacity.map_err(|e| value_error("opacity", value, &e.to_string()))?,
                    text: value.to_owned(),
                });
            }
            _ => {
                return Err(StyleError::Unknown {
                    name: shorten(name),
                });
            }
        }
        Ok(())
    }

    /// Lists the parameters as (name, value), in a fixed order. Parameters that have no effect,
    /// like `reverse=false`, are left out. So styles that differ only in such parameters have equal
    /// lists.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("measure", self.measure.to_string()),
            ("kernel", self.shape.to_string()),
            ("normalize", self.normalize.to_string()),
            ("overlap", self.blend.to_string()),
            ("scale", self.scale.transform.to_string()),
            ("domain", self.scale.domain.to_string()),
            ("ramp", self.ramp.text.clone()),
        ];
        if self.shape != Shape::Pixel {
            all.insert(2, ("radius", self.radius.to_string()));
        }
        if self.reverse {
            all.push(("reverse", "true".to_owned()));
        }
        if let Some(opacity) = &self.opacity {
            all.push(("opacity", opacity.text.clone()));
        }
        if let Some(classes) = self.classes {
            all.push(("steps", classes.to_string()));
        }
        if let Some(lines) = self.isolines {
            all.push(("isolines", lines.to_string()));
        }
        if self.is_exact() {
            all.push(("precision", self.precision.to_string()));
        }
        all
    }
}

impl fmt::Display for Style {
    /// Writes the parameters as `kernel=gaussian&radius=16px&…`. Characters that URLs must escape
    /// are not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.parameters().into_iter().enumerate() {
            let separator = if i == 0 { "" } else { "&" };
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}

/// Returns `classes` unchanged if it is `None`, which means a smooth ramp, or a number from 2 to
/// 64. Other numbers are errors.
pub(super) fn check_classes(classes: Option<u8>) -> Result<Option<u8>, StyleError> {
    in_range("steps", classes, &CLASSES, EXPECTED_CLASSES)
}

/// Returns `isolines` unchanged if it is `None`, which means no isolines, or a number from 1 to 64.
/// Other numbers are errors.
pub(super) fn check_isolines(isolines: Option<u8>) -> Result<Option<u8>, StyleError> {
    in_range("isolines", isolines, &ISOLINES, EXPECTED_ISOLINES)
}

fn in_range(
    name: &'static str,
    number: Option<u8>,
    legal: &RangeInclusive<u8>,
    expected: &str,
) -> Result<Option<u8>, StyleError> {
    match number {
        Some(n) if !legal.contains(&n) => Err(value_error(name, &n.to_string(), expected)),
        _ => Ok(number),
    }
}

fn number_or_none(
    name: &'static str,
    value: &str,
    legal: RangeInclusive<u8>,
    expected: &str,
) -> Result<Option<u8>, StyleError> {
    if value == "none" {
        return Ok(None);
    }
    let number = value.parse().ok().filter(|n| legal.contains(n));
    number
        .map(Some)
        .ok_or_else(|| value_error(name, value, expected))
}

fn read<T: FromStr<Err = ParseStyleError>>(
    name: &'static str,
    value: &str,
) -> Result<T, StyleError> {
    let refused = |e: ParseStyleError| value_error(name, value, e.expected());
    value.parse().map_err(refused)
}

/// Makes the error for a value that a parameter can't have. `expected` describes the legal values.
pub(super) fn value_error(name: &'static str, value: &str, expected: &str) -> StyleError {
    StyleError::Value {
        name,
        value: shorten(value),
        expected: expected.to_owned(),
    }
}

/// Cuts a text to 40 characters for an error message, and leaves out control characters. Texts come
/// from URLs and may be long.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let mut short: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_survives_its_own_words() {
        let mut style = Style::default();
        let wanted = [
            ("measure", "mean"),
            ("kernel", "quartic"),
            ("radius", "4:7.5px,12:30px"),
            ("normalize", "mass"),
            ("overlap", "cover:0,8,0.1"),
            ("scale", "power:0.3"),
            ("domain", "p99.9@6"),
            ("ramp", "viridis"),
            ("reverse", "true"),
            ("opacity", "0.5"),
            ("steps", "7"),
            ("isolines", "9"),
        ];
        for (name, value) in wanted {
            style.set(name, value).unwrap();
        }
        let said = style.parameters();
        assert_eq!(said, wanted.map(|(n, v)| (n, v.to_owned())));
        let mut again = Style::default();
        for (name, value) in &said {
            again.set(name, value).unwrap();
        }
        assert_eq!(again.ramp().colors(), style.ramp().colors());
    }

    #[test]
    fn exact_is_a_word_of_its_own_and_of_kernels_that_add_up() {
        let mut style = Style::default();
        style.set("precision", "exact").unwrap();
        assert!(style.to_string().ends_with("&precision=exact"));
        let fast = Style::default();
        assert_ne!(style.statistics_key(8), fast.statistics_key(8));
        for overlap in ["set", "cover", "reach", "over:ellipse:9x9@1;blur:3x3"] {
            let error = style.set("overlap", overlap).unwrap_err().to_string();
            assert!(error.contains("precision=fast"), "{error}");
            let mut stamped = fast.clone();
            stamped.set("overlap", overlap).unwrap();
            assert!(stamped.set("precision", "exact").is_err(), "{overlap}");
        }
        style.set("kernel", "pixel").unwrap();
        assert!(!style.is_exact() && !style.to_string().contains("precision"));
        style.set("kernel", "cubic").unwrap();
        assert!(!style.is_stamped(), "each point is evaluated");
    }

    #[test]
    fn mistakes_are_named_with_what_is_legal() {
        let mut style = Style::default();
        for (name, value, hint) in [
            ("measure", "average", "mean"),
            ("steps", "1", "64"),
            ("isolines", "0", "64"),
            ("kernel", "square", "triweight"),
            ("radius", "0px", "0.5"),
            ("radius", "300", "128"),
            ("radius", "NaN", "16px"),
            ("normalize", "max", "mass"),
            ("scale", "ln", "eq_hist"),
            ("domain", "5,1", "lo,hi"),
            ("ramp", "nosuch", "inferno"),
            ("reverse", "yes", "true"),
            ("opacity", "-2", "opacity"),
            ("precision", "double", "exact"),
        ] {
            let message = style.set(name, value).unwrap_err().to_string();
            assert!(
                message.contains(name) && message.contains(hint),
                "{message}"
            );
        }
        let message = style.set("colour", "red").unwrap_err().to_string();
        assert!(
            message.contains("colour") && message.contains("ramp"),
            "{message}"
        );
    }
}
