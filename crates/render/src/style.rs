//! How a layer looks, valid by construction.

use crate::kernel::{Kernel, Normalize, Shape};
use crate::opacity::Opacity;
use crate::ramp::Ramp;
use crate::scale::{Domain, Scale, Transform};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// A kernel's radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Radius(f64);

impl Radius {
    /// A radius in CSS pixels; `None` unless a [`Kernel`] can have it, at twice the
    /// resolution too.
    pub fn pixels(pixels: f64) -> Option<Self> {
        (Kernel::MIN_RADIUS..=Kernel::MAX_RADIUS / 2.0)
            .contains(&pixels)
            .then_some(Self(pixels))
    }

    /// The radius in pixels of a picture with `ratio` pixels to a CSS pixel.
    pub fn in_pixels(self, ratio: u32) -> f64 {
        self.0 * f64::from(ratio)
    }
}

/// Kernel, scale and ramp: all that turns points into colours.
///
/// Every part can be set by name from text, the same in a URL and on the command line:
///
/// ```
/// use heatsplat_render::Style;
/// let mut style = Style::default();
/// style.set("radius", "12px").unwrap();
/// style.set("ramp", "viridis").unwrap();
/// assert!(style.set("kernel", "square").unwrap_err().to_string().contains("gaussian"));
/// ```
#[derive(Clone, Debug)]
pub struct Style {
    /// The splat's shape.
    pub shape: Shape,
    /// The splat's radius.
    pub radius: Radius,
    /// What the splat's height means.
    pub normalize: Normalize,
    /// Density → 0..1.
    pub scale: Scale,
    ramp: String,
    reverse: bool,
    opacity: Option<String>,
    baked: Arc<Ramp>,
}

/// See [`Style::statistics_key`].
pub(crate) type StatisticsKey = (Shape, u64, Normalize);

/// See [`Style::normalizer_key`].
pub(crate) type NormalizerKey = (StatisticsKey, Transform, (u8, u64, u64));

/// A style parameter that can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StyleError {
    /// There is no such parameter.
    #[error("unknown style parameter `{name}`; there are {}", Style::PARAMETERS.join(", "))]
    Unknown {
        /// The name that was given.
        name: String,
    },
    /// The parameter can't have this value.
    #[error("{name} can't be `{value}`: {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// The value that was given, shortened.
        value: String,
        /// What is legal.
        expected: String,
    },
}

impl Default for Style {
    fn default() -> Self {
        Self {
            shape: Shape::Gaussian,
            radius: Radius(16.0),
            normalize: Normalize::Peak,
            scale: Scale {
                domain: Domain::Auto,
                transform: Transform::Log,
            },
            ramp: Self::DEFAULT_RAMP.to_owned(),
            reverse: false,
            opacity: None,
            baked: Arc::new(
                Ramp::named(Self::DEFAULT_RAMP)
                    .unwrap_or_else(|_| Ramp::from_table(&[[0; 4]; 256])),
            ),
        }
    }
}

impl Style {
    /// The names that [`set`](Self::set) knows.
    pub const PARAMETERS: [&'static str; 8] = [
        "kernel",
        "radius",
        "normalize",
        "scale",
        "domain",
        "ramp",
        "reverse",
        "opacity",
    ];

    const DEFAULT_RAMP: &'static str = "inferno";

    /// The 256 colours, opacity and direction baked in.
    pub fn ramp(&self) -> &Ramp {
        &self.baked
    }

    /// Sets one parameter from text.
    ///
    /// # Errors
    /// An unknown name, or a value that is not legal: the message says what is.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), StyleError> {
        match name {
            "kernel" => self.shape = one_of("kernel", value, &Shape::ALL)?,
            "normalize" => self.normalize = one_of("normalize", value, &Normalize::ALL)?,
            "scale" => self.scale.transform = one_of("scale", value, &Transform::ALL)?,
            "radius" => self.radius = radius(value)?,
            "domain" => {
                self.scale.domain = value.parse().map_err(|()| {
                    refuse(
                        "domain",
                        value,
                        "auto, a percentile like p99 or p99.9, or lo,hi like 0,40",
                    )
                })?;
            }
            "ramp" => self.bake(Self {
                ramp: value.to_owned(),
                ..self.clone()
            })?,
            "reverse" => {
                let reverse = one_of("reverse", value, &[("true", true), ("false", false)])?;
                self.bake(Self {
                    reverse,
                    ..self.clone()
                })?;
            }
            "opacity" => self.bake(Self {
                opacity: Some(value.to_owned()),
                ..self.clone()
            })?,
            _ => {
                return Err(StyleError::Unknown {
                    name: shorten(name),
                });
            }
        }
        Ok(())
    }

    /// Takes over a style whose ramp, direction or opacity is new, if they are legal.
    fn bake(&mut self, wanted: Self) -> Result<(), StyleError> {
        let mut ramp =
            Ramp::parse(&wanted.ramp).map_err(|e| refuse("ramp", &wanted.ramp, &e.to_string()))?;
        if wanted.reverse {
            ramp = ramp.reversed();
        }
        if let Some(text) = &wanted.opacity {
            let opacity =
                Opacity::parse(text).map_err(|e| refuse("opacity", text, &e.to_string()))?;
            ramp = ramp.with_opacity(&opacity);
        }
        *self = Self {
            baked: Arc::new(ramp),
            ..wanted
        };
        Ok(())
    }

    /// The kernel for a picture with `ratio` pixels to a CSS pixel (1, or 2 for `@2x`).
    ///
    /// With [`Normalize::Mass`] the density stays per CSS pixel area, so that both
    /// resolutions have the same colours.
    pub fn kernel(&self, ratio: u32) -> Kernel {
        let radius = self
            .radius
            .in_pixels(ratio)
            .clamp(Kernel::MIN_RADIUS, Kernel::MAX_RADIUS);
        Kernel::per_css_pixel(self.shape, radius, self.normalize, f64::from(ratio))
    }

    /// The parameters and their values, in the order of [`PARAMETERS`](Self::PARAMETERS);
    /// two styles that draw the same have the same.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("kernel", self.shape.to_string()),
            ("radius", format!("{}px", self.radius.0)),
            ("normalize", self.normalize.to_string()),
            ("scale", self.scale.transform.to_string()),
            ("domain", self.scale.domain.to_string()),
            ("ramp", self.ramp.clone()),
        ];
        if self.reverse {
            all.push(("reverse", "true".to_owned()));
        }
        if let Some(opacity) = &self.opacity {
            all.push(("opacity", opacity.clone()));
        }
        all
    }

    /// What the statistics of a zoom depend on.
    pub(crate) fn statistics_key(&self) -> StatisticsKey {
        (self.shape, self.radius.0.to_bits(), self.normalize)
    }

    /// What the scale of a zoom depends on.
    pub(crate) fn normalizer_key(&self) -> NormalizerKey {
        let domain = match self.scale.domain {
            Domain::Auto => (0, 0, 0),
            Domain::Percentile(p) => (1, p.to_bits(), 0),
            Domain::Fixed(lo, hi) => (2, lo.to_bits(), hi.to_bits()),
        };
        (self.statistics_key(), self.scale.transform, domain)
    }
}

impl fmt::Display for Style {
    /// `kernel=gaussian&radius=16px&…`, unescaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.parameters().into_iter().enumerate() {
            let separator = if i == 0 { "" } else { "&" };
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}

fn one_of<T: Copy>(
    name: &'static str,
    value: &str,
    legal: &[(&'static str, T)],
) -> Result<T, StyleError> {
    legal
        .iter()
        .find(|(n, _)| *n == value)
        .map(|(_, v)| *v)
        .ok_or_else(|| {
            let mut expected = String::from("expected one of ");
            for (i, (n, _)) in legal.iter().enumerate() {
                let _ = write!(expected, "{}{n}", if i == 0 { "" } else { ", " });
            }
            refuse(name, value, &expected)
        })
}

fn radius(text: &str) -> Result<Radius, StyleError> {
    let number = text.strip_suffix("px").unwrap_or(text).trim();
    number.parse().ok().and_then(Radius::pixels).ok_or_else(|| {
        let most = Kernel::MAX_RADIUS / 2.0;
        let expected = format!(
            "expected pixels from {} to {most}, like 16px",
            Kernel::MIN_RADIUS
        );
        refuse("radius", text, &expected)
    })
}

fn refuse(name: &'static str, value: &str, expected: &str) -> StyleError {
    StyleError::Value {
        name,
        value: shorten(value),
        expected: expected.to_owned(),
    }
}

/// Values come from URLs: an error shows the beginning of one and never more.
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
            ("kernel", "quartic"),
            ("radius", "7.5px"),
            ("normalize", "mass"),
            ("scale", "eq_hist"),
            ("domain", "p99.9"),
            ("ramp", "viridis"),
            ("reverse", "true"),
            ("opacity", "0.5"),
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
    fn mistakes_are_named_with_what_is_legal() {
        let mut style = Style::default();
        for (name, value, hint) in [
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
