//! The style of a layer before its points are read. The points may decide the radius.

use super::load::LoadedSource;
use heatsplat::Style;
use heatsplat::points::Points;
use heatsplat::render::Radius;
use heatsplat_server::Derivation;

/// A style, and the choice where its radius comes from.
#[derive(Clone, Default)]
pub(super) struct LayerStyle {
    style: Style,
    radius: RadiusChoice,
}

/// The origin of a style's radius.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum RadiusChoice {
    /// A flag or the configuration of another heat map sets it.
    Set,
    /// It is fitted to the points, since nothing sets it.
    #[default]
    Fitted,
    /// It is fitted to the points, since `--radius auto` asks for it.
    Auto,
}

impl LayerStyle {
    pub(super) fn new(style: Style, radius: RadiusChoice) -> Self {
        Self { style, radius }
    }

    /// The style for points that are not known, as those of live layers: a radius that would be
    /// fitted is the default one.
    pub(super) fn without_points(&self) -> &Style {
        &self.style
    }

    /// The style for points. `radius` is the radius that was fitted when they were first read; a
    /// layer that is read again has the same one.
    pub(super) fn for_points(&self, points: &Points, radius: Option<&Radius>) -> Style {
        match (self.radius, radius) {
            (RadiusChoice::Set, _) => self.style.clone(),
            (_, Some(radius)) => self.style.clone().with_radius(radius.clone()),
            (_, None) => self.style.clone().with_radius(Radius::for_points(points)),
        }
    }

    /// The style for points, unless the radius would be fitted without being asked for.
    pub(super) fn if_asked(&self, points: &Points) -> Style {
        match self.radius {
            RadiusChoice::Fitted => self.style.clone(),
            _ => self.for_points(points, None),
        }
    }

    /// A layer that is made of others, in this style. A radius that would be fitted is that of the
    /// first of them.
    pub(super) fn applied_to(&self, derived: Derivation) -> Derivation {
        let derived = derived.with_style(self.style.clone());
        match self.radius {
            RadiusChoice::Set => derived,
            RadiusChoice::Fitted | RadiusChoice::Auto => derived.with_radius_of_first(),
        }
    }
}

impl LoadedSource {
    /// The style of the layer with these points. Where points have radii of their own, the radius
    /// of the others isn't fitted.
    pub(super) fn style(&self, style: &LayerStyle, radius: Option<&Radius>) -> Style {
        if self.has_radii() {
            style.without_points().clone()
        } else {
            style.for_points(&self.points, radius)
        }
    }
}
