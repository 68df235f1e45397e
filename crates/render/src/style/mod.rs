//! Styles: the parameters of a layer's pictures, valid by construction.

pub(crate) mod blend;
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

/// The measure, kernel, scale and ramp: everything that decides on the colours of a layer's points.
///
/// Each parameter has a typed setter:
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
/// The parameters can be set by name from text, too, as in URLs and on the command line:
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
    ramp: Written<Ramp>,
    reverse: bool,
    opacity: Option<Written<Opacity>>,
    classes: Option<u8>,
    isolines: Option<u8>,
    /// True for values of the kind [`ValueKind::Level`], which are drawn in one opacity throughout.
    level: bool,
    /// The finished ramp, with direction, opacity and classes applied.
    baked: Arc<Ramp>,
    explicit: ExplicitParameters,
}

/// A parameter's value, and the text from which it is read again.
#[derive(Clone, Debug)]
struct Written<T> {
    value: T,
    text: String,
}

/// Flags for the parameters that the user has set, which [`Style::suited_to`] does not change.
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
            ramp: Written::from_name(Self::DEFAULT_RAMP),
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

impl Written<Ramp> {
    /// A ramp of the collection, by its name.
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

    /// The most classes that a ramp can be cut into; also the most isolines.
    const MAX_CLASSES: u8 = 64;

    /// The measure of a pixel.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// The shape of the kernel.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The radius of the kernel.
    pub fn radius(&self) -> &Radius {
        &self.radius
    }

    /// The condition that sets the kernel's height.
    pub fn normalize(&self) -> Normalize {
        self.normalize
    }

    /// The rule for splats that overlap. The text parameter is called `overlap`.
    pub fn blend(&self) -> &BlendMode {
        &self.blend
    }

    pub(crate) fn shared_blend(&self) -> Arc<BlendMode> {
        Arc::clone(&self.blend)
    }

    /// The precision of the densities.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The scale that turns a density into a position on the ramp.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// The finished ramp of 256 colours, with direction, opacity and classes applied.
    pub fn ramp(&self) -> &Ramp {
        &self.baked
    }

    /// The number of isolines drawn over the colours; `None` for no isolines.
    pub fn isolines(&self) -> Option<u8> {
        self.isolines
    }

    /// The number of classes, each of one colour, that the ramp is cut into; `None` for a smooth
    /// ramp.
    pub fn classes(&self) -> Option<u8> {
        self.classes
    }

    /// The unit of the values in pictures and legends.
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

    /// True where splats are drawn on the CPU, whatever the backend is: if the blend mode is not
    /// [`BlendMode::Add`], or if backends don't draw the shape and the precision is not exact.
    pub fn is_stamped(&self) -> bool {
        blend::is_stamped(&self.blend, self.shape, self.precision)
    }

    /// True where every point is evaluated for its own kernel value. [`Shape::Pixel`] needs no such
    /// evaluation: it is exact in any case.
    pub fn is_exact(&self) -> bool {
        self.precision == Precision::Exact && self.shape != Shape::Pixel
    }

    /// Sets the measure.
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

    /// Sets the radius of the kernel; [`Shape::Pixel`] has none.
    #[must_use]
    pub fn with_radius(mut self, radius: Radius) -> Self {
        self.radius = radius;
        self
    }

    /// Sets the condition for the kernel's height.
    #[must_use]
    pub fn with_normalize(mut self, normalize: Normalize) -> Self {
        self.normalize = normalize;
        self
    }

    /// Sets the blend mode of overlapping splats.
    ///
    /// # Errors
    /// A mode other than [`BlendMode::Add`] with [`Shape::Pixel`] or [`Precision::Exact`].
    pub fn with_blend(mut self, blend: BlendMode) -> Result<Self, StyleError> {
        self.blend = Arc::new(blend);
        self.check().map(|()| self)
    }

    /// Sets the precision of the densities.
    ///
    /// # Errors
    /// [`Precision::Exact`] with a blend mode other than [`BlendMode::Add`].
    pub fn with_precision(mut self, precision: Precision) -> Result<Self, StyleError> {
        self.precision = precision;
        self.check().map(|()| self)
    }

    /// Sets the domain of the scale.
    #[must_use]
    pub fn with_domain(mut self, domain: Domain) -> Self {
        self.scale.domain = domain;
        self
    }

    /// Sets the transform of the scale.
    #[must_use]
    pub fn with_transform(mut self, transform: Transform) -> Self {
        self.scale.transform = transform;
        self.explicit.transform = true;
        self
    }

    /// Sets the ramp to a table of colours.
    #[must_use]
    pub fn with_ramp(mut self, ramp: &Ramp) -> Self {
        self.ramp = Written {
            // The text holds only the finished colours, so the value is made from them, too.
            value: Ramp::from_table(ramp.colors()),
            text: ramp.to_text(),
        };
        self.explicit.ramp = true;
        self.bake();
        self
    }

    /// Sets the direction of the ramp: reversed or not.
    #[must_use]
    pub fn with_reverse(mut self, reverse: bool) -> Self {
        self.reverse = reverse;
        self.bake();
        self
    }

    /// Sets the opacity by which the ramp's own is multiplied.
    #[must_use]
    pub fn with_opacity(mut self, opacity: Opacity) -> Self {
        let text = opacity.to_string();
        let value = opacity;
        self.opacity = Some(Written { value, text });
        self.bake();
        self
    }

    /// Sets the number of classes that the ramp is cut into; `None` leaves it smooth.
    ///
    /// # Errors
    /// A number of classes that is not from 2 to 64.
    pub fn with_classes(mut self, classes: Option<u8>) -> Result<Self, StyleError> {
        self.classes = text::check_classes(classes)?;
        self.bake();
        Ok(self)
    }

    /// Sets the number of isolines; `None` draws none.
    ///
    /// # Errors
    /// A number of isolines that is not from 1 to 64.
    pub fn with_isolines(mut self, isolines: Option<u8>) -> Result<Self, StyleError> {
        self.isolines = text::check_isolines(isolines)?;
        Ok(self)
    }

    /// Refuses a blend mode that can't be combined with the shape or the precision.
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

    /// Makes the finished ramp: applies direction, opacity and classes to the ramp.
    fn bake(&mut self) {
        let mut ramp = self.ramp.value.clone();
        if self.reverse {
            ramp = ramp.reversed();
        }
        if self.level
            && let Ok(flat) = OpacityCurve::new(vec![(0.0, 0.9), (1.0, 0.9)])
        {
            // A low mean is a value like any other, so it is drawn as opaque as a high one.
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

    /// The style adapted to values of a kind: the transform and the ramp, unless the user has set
    /// them, become the kind's defaults.
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
            self.ramp = Written::from_name(suits);
        }
        if new_ramp || self.level != level {
            self.level = level;
            self.bake();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
