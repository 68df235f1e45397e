//! Styles: the parameters that decide how points are drawn. A [`Style`] with illegal values can't
//! be made.

pub(crate) mod blend;
pub(crate) mod fitted_radius;
pub(crate) mod kernel;
pub(crate) mod keys;
pub(crate) mod marker;
pub(crate) mod measure;
pub(crate) mod names;
pub(crate) mod precision;
pub(crate) mod radius;
pub(crate) mod text;

use crate::ramp::Ramp;
use crate::ramp::opacity::{Opacity, OpacityCurve};
use crate::scale::Scale;
use crate::scale::domain::Domain;
use crate::scale::transform::Transform;
use crate::scale::value_kind::ValueKind;
use blend::BlendMode;
use kernel::{Normalize, Shape};
use measure::Measure;
use precision::Precision;
use radius::Radius;
use std::sync::Arc;
use text::{StyleError, value_error};

/// Everything that decides how a layer's points are drawn. The measure and the kernel give each
/// pixel its value; the scale and the ramp give each value its colour.
///
/// Each parameter has a setter in Rust:
///
/// ```
/// use heatsplat_render::{Radius, Ramp, Shape, Style};
/// let style = Style::default()
///     .with_shape(Shape::Quartic)?
///     .with_radius(Radius::pixels(12.0).ok_or("a radius is 0.5 to 128 pixels")?)
///     .with_ramp(&Ramp::parse("transparent, gold, crimson")?);
/// assert!(style.to_string().contains("radius=12px"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Each parameter can also be set from text by its name, as URLs and the command line do:
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
    measure: Measure,
    shape: Shape,
    radius: Radius,
    normalize: Normalize,
    blend: Arc<BlendMode>,
    precision: Precision,
    scale: Scale,
    ramp: ValueWithText<Ramp>,
    reverse: bool,
    opacity: Option<ValueWithText<Opacity>>,
    classes: Option<u8>,
    isolines: Option<u8>,
    /// True if the values are means, [`ValueKind::Level`]. Then low values are drawn as opaque as
    /// high ones.
    level: bool,
    /// The finished ramp: `ramp`, with `reverse`, `opacity` and `classes` applied.
    baked: Arc<Ramp>,
    explicit: ExplicitParameters,
}

/// A parameter's value, and the text by which [`Style::parameters`] writes it. Parsing the text
/// gives this value again.
#[derive(Clone, Debug)]
struct ValueWithText<T> {
    value: T,
    text: String,
}

/// Flags, each true if the user has set the parameter. [`Style::suited_to`] replaces only
/// parameters that the user has not set.
#[derive(Clone, Copy, Debug, Default)]
struct ExplicitParameters {
    ramp: bool,
    transform: bool,
}

impl Default for Style {
    fn default() -> Self {
        let mut style = Self {
            measure: Measure::Sum,
            shape: Shape::Gaussian,
            radius: Radius::default(),
            normalize: Normalize::Peak,
            blend: Arc::default(),
            precision: Precision::Fast,
            scale: Scale {
                domain: Domain::Auto,
                transform: Transform::Log,
            },
            ramp: ValueWithText::from_name(Self::DEFAULT_RAMP),
            reverse: false,
            opacity: None,
            classes: None,
            isolines: None,
            level: false,
            baked: Arc::new(Ramp::from_table(&[[0; 4]; 256])),
            explicit: ExplicitParameters::default(),
        };
        style.bake();
        style
    }
}

impl ValueWithText<Ramp> {
    /// Makes a value of the parameter `ramp` from the name of a ramp in the built-in collection.
    fn from_name(name: &str) -> Self {
        Self {
            value: Ramp::from_name(name).unwrap_or_else(|_| Ramp::from_table(&[[0; 4]; 256])),
            text: name.to_owned(),
        }
    }
}

impl Style {
    const DEFAULT_RAMP: &'static str = "inferno";
    const LEVEL_RAMP: &'static str = "viridis";
    const DIVERGING_RAMP: &'static str = "balance";
    const LIGHT_RAMP: &'static str = "dusk";

    /// The most classes that a ramp can be cut into, and also the most isolines that a style can
    /// have.
    const MAX_CLASSES: u8 = 64;

    /// The measure: the formula for a pixel's value.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// The shape of the kernel that is drawn for each point.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The radius of the kernel. Points that have their own radius are drawn with that radius
    /// instead.
    pub fn radius(&self) -> &Radius {
        &self.radius
    }

    /// The rule for the kernel's height: either its value at distance 0 or the volume under it is
    /// 1.
    pub fn normalize(&self) -> Normalize {
        self.normalize
    }

    /// The rule for splats that overlap. In text, this parameter is called `overlap`.
    pub fn blend(&self) -> &BlendMode {
        &self.blend
    }

    pub(crate) fn shared_blend(&self) -> Arc<BlendMode> {
        Arc::clone(&self.blend)
    }

    /// The precision with which densities are computed.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The scale that turns a density into a position on the ramp.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// The 256 colours that pictures are drawn with. The style's direction, opacity and classes are
    /// already applied to them.
    pub fn ramp(&self) -> &Ramp {
        &self.baked
    }

    /// The number of isolines that are drawn over the colours; `None` for no isolines.
    pub fn isolines(&self) -> Option<u8> {
        self.isolines
    }

    /// The number of classes that the ramp is cut into, each with a single colour; `None` for a
    /// smooth ramp.
    pub fn classes(&self) -> Option<u8> {
        self.classes
    }

    /// The unit, in words, of the values that pictures in this style show: `weight per km²`, for
    /// example.
    pub fn unit(&self) -> String {
        self.unit_of("weight", "points")
    }

    /// The unit of the values, in words. It is made from `weight`, a word for the weight of points,
    /// and `points`, a word for their number.
    pub(crate) fn unit_of(&self, weight: &str, points: &str) -> String {
        let word = match self.measure {
            Measure::Sum | Measure::SumPerKm2 => weight,
            Measure::Count | Measure::CountPerKm2 => points,
            Measure::Mean => return format!("mean {weight}"),
        };
        let per = match (self.measure, self.normalize) {
            (Measure::SumPerKm2 | Measure::CountPerKm2, _) => " per km²",
            (_, Normalize::Mass) => " per square pixel",
            _ if self.shape == Shape::Pixel => " per pixel",
            _ => "",
        };
        format!("{word}{per}")
    }

    /// True if splats are stamped: drawn on the CPU, whatever the layer's backend is. This is so in
    /// two cases:
    ///
    /// * The blend mode is not [`BlendMode::Add`].
    /// * No backend draws the shape ([`Shape::is_stamped`]), and the precision is not exact.
    pub fn is_stamped(&self) -> bool {
        blend::is_stamped(&self.blend, self.shape, self.precision)
    }

    /// True if the kernel is evaluated for every single point, and not for cells that stand for
    /// several points. It is false for [`Shape::Pixel`], which is exact in any case.
    pub fn is_exact(&self) -> bool {
        self.precision == Precision::Exact && self.shape != Shape::Pixel
    }

    /// Sets the measure: the formula for a pixel's value.
    #[must_use]
    pub fn with_measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// Sets the shape of the kernel.
    ///
    /// # Errors
    /// [`Shape::Pixel`] with a blend mode other than [`BlendMode::Add`].
    pub fn with_shape(mut self, shape: Shape) -> Result<Self, StyleError> {
        self.shape = shape;
        self.check().map(|()| self)
    }

    /// Sets the radius of the kernel. It has no effect with [`Shape::Pixel`].
    #[must_use]
    pub fn with_radius(mut self, radius: Radius) -> Self {
        self.radius = radius;
        self
    }

    /// Sets the rule for the kernel's height.
    #[must_use]
    pub fn with_normalize(mut self, normalize: Normalize) -> Self {
        self.normalize = normalize;
        self
    }

    /// Sets the rule for splats that overlap.
    ///
    /// # Errors
    /// A mode other than [`BlendMode::Add`] with [`Shape::Pixel`] or [`Precision::Exact`].
    pub fn with_blend(mut self, blend: BlendMode) -> Result<Self, StyleError> {
        self.blend = Arc::new(blend);
        self.check().map(|()| self)
    }

    /// Sets the precision with which densities are computed.
    ///
    /// # Errors
    /// [`Precision::Exact`] with a blend mode other than [`BlendMode::Add`].
    pub fn with_precision(mut self, precision: Precision) -> Result<Self, StyleError> {
        self.precision = precision;
        self.check().map(|()| self)
    }

    /// Sets the domain of the scale: the range of values that the ramp's colours stand for.
    #[must_use]
    pub fn with_domain(mut self, domain: Domain) -> Self {
        self.scale.domain = domain;
        self
    }

    /// Sets the transform of the scale: the function from a value to its position on the ramp.
    #[must_use]
    pub fn with_transform(mut self, transform: Transform) -> Self {
        self.scale.transform = transform;
        self.explicit.transform = true;
        self
    }

    /// Sets the ramp to the 256 colours of `ramp`.
    #[must_use]
    pub fn with_ramp(mut self, ramp: &Ramp) -> Self {
        self.ramp = ValueWithText {
            // The text has only the ramp's 256 colours. The value is made from them, too, so that
            // it equals the ramp that the text gives when it is parsed.
            value: Ramp::from_table(ramp.colors()),
            text: ramp.to_text(),
        };
        self.explicit.ramp = true;
        self.bake();
        self
    }

    /// Sets the direction of the ramp. With `true` the ramp is reversed.
    #[must_use]
    pub fn with_reverse(mut self, reverse: bool) -> Self {
        self.reverse = reverse;
        self.bake();
        self
    }

    /// Sets the opacity of the ramp. If it is a factor, the alpha of the ramp's colours is
    /// multiplied by it, in addition to the ramp's own opacity curve. If it is a curve, it replaces
    /// the ramp's own curve.
    #[must_use]
    pub fn with_opacity(mut self, opacity: Opacity) -> Self {
        let text = opacity.to_string();
        let value = opacity;
        self.opacity = Some(ValueWithText { value, text });
        self.bake();
        self
    }

    /// Sets the number of classes that the ramp is cut into. With `None` the ramp is smooth.
    ///
    /// # Errors
    /// A number of classes that is less than 2 or more than 64.
    pub fn with_classes(mut self, classes: Option<u8>) -> Result<Self, StyleError> {
        self.classes = text::check_classes(classes)?;
        self.bake();
        Ok(self)
    }

    /// Sets the number of isolines. With `None` no isolines are drawn.
    ///
    /// # Errors
    /// A number of isolines that is 0 or more than 64.
    pub fn with_isolines(mut self, isolines: Option<u8>) -> Result<Self, StyleError> {
        self.isolines = text::check_isolines(isolines)?;
        Ok(self)
    }

    /// Returns an error if the blend mode can't be combined with the shape or with the precision.
    fn check(&self) -> Result<(), StyleError> {
        let expected = match (self.shape, self.precision) {
            _ if self.blend.is_plain() => return Ok(()),
            (Shape::Pixel, _) => "kernel=pixel adds points up: overlap=add with it",
            (_, Precision::Exact) => {
                "precision=exact adds points up: overlap=add with it, or precision=fast"
            }
            _ => return Ok(()),
        };
        Err(value_error("overlap", &self.blend.to_string(), expected))
    }

    /// Makes the finished ramp, `baked`, from `ramp`: reverses it if `reverse` is set, and applies
    /// opacity and classes.
    fn bake(&mut self) {
        let mut ramp = self.ramp.value.clone();
        if self.reverse {
            ramp = ramp.reversed();
        }
        if self.level
            && let Ok(flat) = OpacityCurve::new(vec![(0.0, 0.9), (1.0, 0.9)])
        {
            // A low mean does not mean that there are few points, so it is drawn as opaque as a
            // high mean.
            ramp = ramp.with_opacity(&Opacity::Curve(flat));
        }
        if let Some(opacity) = &self.opacity {
            ramp = ramp.with_opacity(&opacity.value);
        }
        if let Some(classes) = self.classes {
            ramp = ramp.in_classes(classes);
        }
        self.baked = Arc::new(ramp);
    }

    /// Adapts the style to values of a kind. A transform that the user has not set is set to the
    /// kind's default transform, and a ramp that the user has not set to the kind's default ramp.
    #[must_use]
    pub fn suited_to(mut self, kind: ValueKind) -> Self {
        if !self.explicit.transform {
            self.scale.transform = match kind {
                ValueKind::Amount => Transform::Log,
                ValueKind::Level | ValueKind::Signed | ValueKind::Ratio => Transform::Linear,
            };
        }
        let suits = match kind {
            ValueKind::Amount => Self::DEFAULT_RAMP,
            ValueKind::Level => Self::LEVEL_RAMP,
            ValueKind::Signed | ValueKind::Ratio => Self::DIVERGING_RAMP,
        };
        let level = kind == ValueKind::Level;
        let new_ramp = !self.explicit.ramp && self.ramp.text != suits;
        if new_ramp {
            self.ramp = ValueWithText::from_name(suits);
        }
        if new_ramp || self.level != level {
            self.level = level;
            self.bake();
        }
        self
    }

    /// Adapts the style to a light base map: the ramp `dusk` replaces the default ramp, whose low
    /// end is dark. A ramp that the user has set stays.
    #[must_use]
    pub fn on_light_ground(mut self) -> Self {
        if !self.explicit.ramp && self.ramp.text == Self::DEFAULT_RAMP {
            self.ramp = ValueWithText::from_name(Self::LIGHT_RAMP);
            self.bake();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_ground_changes_the_default_ramp_alone() {
        let light = Style::default().on_light_ground();
        assert_eq!(light.ramp(), &Ramp::parse(Style::LIGHT_RAMP).unwrap());
        let mut chosen = Style::default();
        chosen.set("ramp", "inferno").unwrap();
        assert_eq!(chosen.clone().on_light_ground().ramp(), chosen.ramp());
        let signed = Style::default().suited_to(ValueKind::Signed);
        assert_eq!(signed.clone().on_light_ground().ramp(), signed.ramp());
    }

    #[test]
    fn defaults_suit_the_kind_of_values_and_choices_stay() {
        let plain = Style::default();
        let signed = plain.clone().suited_to(ValueKind::Signed);
        assert_eq!(
            (&*signed.ramp.text, signed.scale.transform),
            ("balance", Transform::Linear)
        );
        let back = signed.suited_to(ValueKind::Amount);
        assert_eq!(back.to_string(), plain.to_string());
        let mut chosen = plain;
        chosen.set("ramp", "inferno").unwrap();
        chosen.set("scale", "log").unwrap();
        let same = chosen.clone().suited_to(ValueKind::Level);
        assert!(same.ramp().color(1)[3] > 200, "low means can be seen");
        assert_eq!(same.to_string(), chosen.to_string());
    }

    #[test]
    fn typed_setters_do_what_texts_do() {
        let ramp = Ramp::parse("transparent, gold 30%, crimson").unwrap();
        let typed = Style::default()
            .with_measure(Measure::Mean)
            .with_shape(Shape::Quartic)
            .and_then(|style| style.with_isolines(Some(3)))
            .and_then(|style| style.with_classes(Some(7)))
            .unwrap()
            .with_radius(Radius::metres(500.0).unwrap())
            .with_normalize(Normalize::Mass)
            .with_domain(Domain::Fixed(0.0, 4.0))
            .with_transform(Transform::Sqrt)
            .with_ramp(&ramp)
            .with_reverse(true)
            .with_opacity(Opacity::parse("0:0.2,1:0.8").unwrap());
        let mut set = Style::default();
        for (name, value) in typed.parameters() {
            set.set(name, &value).unwrap();
        }
        assert_eq!(set.to_string(), typed.to_string());
        assert_eq!(set.ramp(), typed.ramp());
        assert!(Style::default().with_classes(Some(1)).is_err());
        assert!(Style::default().with_isolines(Some(0)).is_err());
        let set = || Style::default().with_blend(BlendMode::Set).unwrap();
        assert!(set().with_shape(Shape::Pixel).is_err());
        assert!(set().with_precision(Precision::Exact).is_err());
    }
}
