//! How a layer looks, valid by construction.

pub(crate) mod blend;
pub(crate) mod kernel;
pub(crate) mod marker;
pub(crate) mod measure;
pub(crate) mod names;
pub(crate) mod precision;
pub(crate) mod radius;

use crate::ramp::Ramp;
use crate::ramp::opacity::Opacity;
use crate::scale::level::Level;
use crate::scale::{Domain, Scale, Transform};
use crate::splat::latitude_bands::{self, Splat};
use crate::style::blend::Overlap;
use crate::style::kernel::{Kernel, Normalize, Shape};
use crate::style::measure::{Measure, Nature};
use crate::style::precision::Precision;
use crate::style::radius::{Length, Radius};
use heatsplat_points::Window;
use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Measure, kernel, scale and ramp: all that turns points into colours.
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
#[non_exhaustive]
pub struct Style {
    /// What a pixel says.
    pub measure: Measure,
    /// The splat's shape.
    pub shape: Shape,
    /// The splat's radius.
    pub radius: Radius,
    /// What the splat's height means.
    pub normalize: Normalize,
    /// What becomes of splats that lie over each other.
    pub overlap: Arc<Overlap>,
    /// How true the picture is.
    pub precision: Precision,
    /// Density → 0..1.
    pub scale: Scale,
    ramp: String,
    reverse: bool,
    opacity: Option<String>,
    classes: Option<u8>,
    isolines: Option<u8>,
    /// Whether numbers are a [`Nature::Level`].
    level: bool,
    baked: Arc<Ramp>,
    chosen: Chosen,
}

/// What somebody has set, so that it is not changed to suit the numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Chosen {
    ramp: bool,
    transform: bool,
}

/// See [`Style::statistics_key`].
pub type StatisticsKey = (Measure, Shape, bool, bool, u64, Normalize, Arc<str>);

/// See [`Style::normalizer_key`].
pub(crate) type NormalizerKey = (StatisticsKey, Transform, String);

/// A style parameter that can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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
            measure: Measure::Sum,
            shape: Shape::Gaussian,
            radius: Radius::default(),
            normalize: Normalize::Peak,
            overlap: Arc::default(),
            precision: Precision::Fast,
            scale: Scale {
                domain: Domain::Auto,
                transform: Transform::Log,
            },
            ramp: Self::DEFAULT_RAMP.to_owned(),
            reverse: false,
            opacity: None,
            classes: None,
            isolines: None,
            level: false,
            baked: Arc::new(
                Ramp::named(Self::DEFAULT_RAMP)
                    .unwrap_or_else(|_| Ramp::from_table(&[[0; 4]; 256])),
            ),
            chosen: Chosen::default(),
        }
    }
}

impl Style {
    /// The names that [`set`](Self::set) knows.
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

    const DEFAULT_RAMP: &'static str = "inferno";
    const LEVEL_RAMP: &'static str = "viridis";
    const DIVERGING_RAMP: &'static str = "balance";

    /// The most classes that a ramp can be cut into.
    const MAX_CLASSES: u8 = 64;

    /// The 256 colours, opacity and direction baked in.
    pub fn ramp(&self) -> &Ramp {
        &self.baked
    }

    /// What the numbers of pictures, legends and values count.
    pub fn unit(&self) -> &'static str {
        match (self.measure, self.normalize) {
            (Measure::Sum, Normalize::Peak) if self.shape == Shape::Pixel => "weight per pixel",
            (Measure::Count, Normalize::Peak) if self.shape == Shape::Pixel => "points per pixel",
            (Measure::Sum, Normalize::Peak) => "weight",
            (Measure::Sum, Normalize::Mass) => "weight per square pixel",
            (Measure::Count, Normalize::Peak) => "points",
            (Measure::Count, Normalize::Mass) => "points per square pixel",
            (Measure::Mean, _) => "weight on the mean",
            (Measure::SumPerKm2, _) => "weight per km²",
            (Measure::CountPerKm2, _) => "points per km²",
        }
    }

    /// How many lines of equal value lie over the colours, if any do.
    pub fn isolines(&self) -> Option<u8> {
        self.isolines
    }

    /// How many classes of one colour each the ramp is cut into, if it is.
    pub fn classes(&self) -> Option<u8> {
        self.classes
    }

    /// Sets one parameter from text.
    ///
    /// # Errors
    /// An unknown name, or a value that is not legal, alone or beside the others: the message says
    /// what is.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), StyleError> {
        self.set_all([(name, value)])
    }

    /// Sets several parameters from text, all or none, in whatever order they come.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_all<'a>(
        &mut self,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), StyleError> {
        let mut wanted = self.clone();
        let mut radius = None;
        for (name, value) in parameters {
            wanted.set_one(name, value)?;
            radius = radius.or((name == "radius").then_some(value));
        }
        if wanted.shape == Shape::Pixel {
            if let Some(value) = radius {
                let expected = "kernel=pixel has no radius: leave it out, or choose another kernel";
                return Err(refuse("radius", value, expected));
            }
            if !wanted.overlap.is_plain() {
                let expected = "kernel=pixel adds points up: overlap=add with it";
                return Err(refuse("overlap", &wanted.overlap.to_string(), expected));
            }
        }
        if wanted.precision == Precision::Exact && !wanted.overlap.is_plain() {
            let expected = "precision=exact adds points up: overlap=add with it, or precision=fast";
            return Err(refuse("overlap", &wanted.overlap.to_string(), expected));
        }
        *self = wanted;
        Ok(())
    }

    /// Sets one parameter, whatever the others are.
    fn set_one(&mut self, name: &str, value: &str) -> Result<(), StyleError> {
        match name {
            "kernel" => self.shape = read("kernel", value, Shape::EXPECTED)?,
            "normalize" => self.normalize = one_of("normalize", value, &Normalize::ALL)?,
            "measure" => self.measure = one_of("measure", value, &Measure::ALL)?,
            "overlap" => {
                self.overlap = Arc::new(read("overlap", value, Overlap::EXPECTED)?);
            }
            "precision" => self.precision = one_of("precision", value, &Precision::ALL)?,
            "scale" => {
                self.scale.transform = read("scale", value, Transform::EXPECTED)?;
                self.chosen.transform = true;
            }
            "radius" => self.radius = read("radius", value, Radius::EXPECTED)?,
            "domain" => self.scale.domain = read("domain", value, Domain::EXPECTED)?,
            "ramp" => {
                self.bake(Self {
                    ramp: value.to_owned(),
                    ..self.clone()
                })?;
                self.chosen.ramp = true;
            }
            "isolines" => {
                let expected = "expected 1 to 64 lines, or none";
                self.isolines = number_or_none("isolines", value, 1..=Self::MAX_CLASSES, expected)?;
            }
            "steps" => {
                let expected = "expected 2 to 64 classes, or none";
                let classes = number_or_none("steps", value, 2..=Self::MAX_CLASSES, expected)?;
                self.bake(Self {
                    classes,
                    ..self.clone()
                })?;
            }
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
        if wanted.level {
            // a low mean is not less of something: it is as opaque as a high one
            let flat = Opacity::parse("0:0.9,1:0.9");
            ramp = flat.map_or(ramp.clone(), |flat| ramp.with_opacity(&flat));
        }
        if let Some(text) = &wanted.opacity {
            let opacity =
                Opacity::parse(text).map_err(|e| refuse("opacity", text, &e.to_string()))?;
            ramp = ramp.with_opacity(&opacity);
        }
        if let Some(classes) = wanted.classes {
            ramp = ramp.in_classes(classes);
        }
        *self = Self {
            baked: Arc::new(ramp),
            ..wanted
        };
        Ok(())
    }

    /// The style for numbers of a nature: a scale and a ramp that nobody has chosen become
    /// those that suit it, so that a first look is a good one.
    #[must_use]
    pub fn suited_to(mut self, nature: Nature) -> Self {
        if !self.chosen.transform {
            self.scale.transform = match nature {
                Nature::Amount => Transform::Log,
                Nature::Level | Nature::Signed | Nature::Ratio => Transform::Linear,
            };
        }
        let suits = match nature {
            Nature::Amount => Self::DEFAULT_RAMP,
            Nature::Level => Self::LEVEL_RAMP,
            Nature::Signed | Nature::Ratio => Self::DIVERGING_RAMP,
        };
        let ramp = if self.chosen.ramp { &self.ramp } else { suits };
        let level = nature == Nature::Level;
        if self.ramp != ramp || self.level != level {
            let wanted = Self {
                ramp: ramp.to_owned(),
                level,
                ..self.clone()
            };
            // what was a ramp before is one still
            let _ = self.bake(wanted);
        }
        self
    }

    /// What is splatted in a picture with `ratio` pixels to a CSS pixel (1, or 2 for `@2x`).
    ///
    /// With [`Normalize::Mass`] the density stays per CSS pixel area, so that both
    /// resolutions have the same colours.
    pub(crate) fn splat(&self, pixel: f64, ratio: f64) -> Splat {
        let per_area = self.measure.is_per_area();
        Splat {
            shape: self.shape,
            precision: self.precision,
            normalize: if per_area {
                Normalize::Mass
            } else {
                self.normalize
            },
            overlap: Arc::clone(&self.overlap),
            length: match self.shape {
                Shape::Pixel => Length::Pixels(Kernel::MIN_RADIUS),
                _ => self.radius.at_zoom(zoom_of(pixel * ratio)),
            },
            ratio,
        }
    }

    /// The kernel in a window with `ratio` pixels to a CSS pixel; where the radius is in metres,
    /// that of its northern edge.
    pub fn kernel_in(&self, window: &Window, ratio: u32) -> Kernel {
        let splat = self.splat(window.pixel(), f64::from(ratio));
        splat.at(window.top(), window.pixel()).0
    }

    /// The windows that a picture is drawn in, each with its kernel: the window itself, or several
    /// strips of it where the radius is in metres. What drawing takes can be told from these.
    pub fn strips_in(&self, window: &Window, ratio: u32) -> Vec<(Window, Kernel)> {
        let splat = self.splat(window.pixel(), f64::from(ratio));
        splat.strips(window)
    }

    /// The level whose scale a picture has: that of its CSS pixels; of its own where points count in
    /// those, since with twice as many pixels each has a quarter of the points.
    pub fn level_in(&self, window: &Window, css_level: Level) -> Level {
        match self.shape {
            Shape::Pixel => Level::of(window, 1),
            _ => css_level,
        }
    }

    /// The greatest radius in a window, in its pixels.
    pub fn radius_in(&self, window: &Window, ratio: u32) -> f64 {
        self.splat(window.pixel(), f64::from(ratio)).widest(window)
    }

    /// How far around a window points matter, in its pixels.
    pub fn reach_in(&self, window: &Window, ratio: u32) -> f64 {
        let splat = self.splat(window.pixel(), f64::from(ratio));
        match &*self.overlap {
            Overlap::Add => self.shape.reach_of(splat.widest(window)),
            // stamps have no softened edge
            Overlap::Set | Overlap::Cover(_) => splat.widest(window) * self.shape.reach(),
            Overlap::Over(stamp) | Overlap::Plus(stamp) => stamp.reach() * f64::from(ratio),
            Overlap::Reach(_) => crate::splat::cpu::MAX_REACH,
        }
    }

    /// The largest cells that may stand for several points in a window, in its pixels.
    pub fn finest_cell_in(&self, window: &Window, ratio: u32) -> f64 {
        let splat = self.splat(window.pixel(), f64::from(ratio));
        match &*self.overlap {
            Overlap::Add if !self.is_stamped() => splat.narrowest(window).finest_cell(),
            // which count, and weigh, point by point
            _ => 0.0,
        }
    }

    /// Whether its splats are stamped, by the processor whatever the backend is: where they don't
    /// simply add up, or have a shape that is no backend's own.
    pub fn is_stamped(&self) -> bool {
        latitude_bands::is_stamped(&self.overlap, self.shape, self.precision)
    }

    /// Whether each point is evaluated because of its precision: pixels count exactly in any case.
    pub fn is_exact(&self) -> bool {
        self.precision == Precision::Exact && self.shape != Shape::Pixel
    }

    /// The parameters and their values, in the order of [`PARAMETERS`](Self::PARAMETERS);
    /// two styles that draw the same have the same.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("measure", self.measure.to_string()),
            ("kernel", self.shape.to_string()),
            ("normalize", self.normalize.to_string()),
            ("overlap", self.overlap.to_string()),
            ("scale", self.scale.transform.to_string()),
            ("domain", self.scale.domain.to_string()),
            ("ramp", self.ramp.clone()),
        ];
        if self.shape != Shape::Pixel {
            all.insert(2, ("radius", self.radius.to_string()));
        }
        if self.reverse {
            all.push(("reverse", "true".to_owned()));
        }
        if let Some(opacity) = &self.opacity {
            all.push(("opacity", opacity.clone()));
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

    /// What the statistics of a level depend on, beside the points.
    pub fn statistics_key(&self, level: u8) -> StatisticsKey {
        let (metres, length) = match self.radius.at_zoom(f64::from(level) - 8.0) {
            _ if self.shape == Shape::Pixel => (false, 0.0),
            Length::Pixels(n) => (false, n),
            Length::Metres(n) => (true, n),
        };
        let bits = length.to_bits();
        let overlap = self.overlap.to_string().into();
        (
            self.measure,
            self.shape,
            self.is_exact(),
            metres,
            bits,
            self.normalize,
            overlap,
        )
    }

    /// What the scale of a level depends on.
    pub(crate) fn normalizer_key(&self, level: u8) -> NormalizerKey {
        let domain = self.scale.domain.to_string();
        (self.statistics_key(level), self.scale.transform, domain)
    }
}

/// The zoom whose 256 px tiles have CSS pixels as wide, in world units.
fn zoom_of(css_pixel: f64) -> f64 {
    (heatsplat_points::mercator::WORLD / css_pixel).log2() - 8.0
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
        .ok_or_else(|| refuse(name, value, expected))
}

fn read<T: std::str::FromStr>(
    name: &'static str,
    value: &str,
    expected: &str,
) -> Result<T, StyleError> {
    value.parse().map_err(|_| refuse(name, value, expected))
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
    fn what_nobody_chose_suits_the_numbers() {
        let plain = Style::default();
        let signed = plain.clone().suited_to(Nature::Signed);
        assert_eq!(
            (&*signed.ramp, signed.scale.transform),
            ("balance", Transform::Linear)
        );
        let back = signed.suited_to(Nature::Amount);
        assert_eq!(back.to_string(), plain.to_string());
        let mut chosen = plain;
        chosen.set("ramp", "inferno").unwrap();
        chosen.set("scale", "log").unwrap();
        let same = chosen.clone().suited_to(Nature::Level);
        assert!(same.ramp().color(1)[3] > 200, "low means can be seen");
        assert_eq!(same.to_string(), chosen.to_string());
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
