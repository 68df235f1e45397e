//! The style of a layer before its points are read. The points may decide the radius.

use super::load::LoadedSource;
use super::packed::PackedSource;
use heatsplat::Style;
use heatsplat::points::Points;
use heatsplat::render::Radius;
use heatsplat_server::Derivation;

/// A style, and the way in which its radius is chosen. The radius may have to be fitted to the
/// points, which are not read yet.
#[derive(Clone, Default)]
pub(super) struct LayerStyle {
    style: Style,
    radius: RadiusChoice,
}

/// The way in which a style's radius is chosen.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum RadiusChoice {
    /// A radius that a flag or the configuration of another heat map sets.
    Set,
    /// A radius that is fitted to the points, since nothing sets it.
    #[default]
    Fitted,
    /// A radius that is fitted to the points, since `--radius auto` asks for it.
    Auto,
}

impl LayerStyle {
    pub(super) fn new(style: Style, radius: RadiusChoice) -> Self {
        Self { style, radius }
    }

    /// The style for a layer whose points are not in memory, for example a live layer. If the
    /// radius would be fitted to points, it is the default radius.
    pub(super) fn without_points(&self) -> &Style {
        &self.style
    }

    /// The style for the points of a layer:
    ///
    /// * A radius that is set stays.
    /// * Otherwise the style gets `radius`, the radius that was fitted to the layer's points when
    ///   they were first read, so that a reload doesn't change it.
    /// * At the first reading `radius` is `None`, and the radius is fitted to `points`.
    pub(super) fn for_points(&self, points: &Points, radius: Option<&Radius>) -> Style {
        match (self.radius, radius) {
            (RadiusChoice::Set, _) => self.style.clone(),
            (_, Some(radius)) => self.style.clone().with_radius(radius.clone()),
            (_, None) => self.style.clone().with_radius(Radius::for_points(points)),
        }
    }

    /// The style in which a command draws `points` that fits the radius only if it is asked to:
    /// `--radius auto` fits it to the points. If nothing sets a radius, it is the default one.
    pub(super) fn if_asked(&self, points: &Points) -> Style {
        match self.radius {
            RadiusChoice::Fitted => self.style.clone(),
            _ => self.for_points(points, None),
        }
    }

    /// Gives this style to a derived layer. If the style's radius would be fitted to points, the
    /// derived layer has the radius of the first of the two layers that it is computed from.
    pub(super) fn applied_to(&self, derived: Derivation) -> Derivation {
        let derived = derived.with_style(self.style.clone());
        match self.radius {
            RadiusChoice::Set => derived,
            RadiusChoice::Fitted | RadiusChoice::Auto => derived.with_radius_of_first(),
        }
    }
}

impl LoadedSource {
    /// The style of the layer with these points: `style`, whose radius is fitted to them if it
    /// isn't set. `radius` is the radius that was fitted when the layer was first read, and is used
    /// again. It is `None` at the first reading. If points have radii of their own, by
    /// `--radius-column`, nothing is fitted.
    pub(super) fn style(&self, style: &LayerStyle, radius: Option<&Radius>) -> Style {
        if self.has_radii() {
            style.without_points().clone()
        } else {
            let packed = self.packed.as_ref().and_then(PackedSource::radius);
            style.for_points(&self.points, radius.or(packed.as_ref()))
        }
    }
}
