//! Layers computed from two other layers: a difference or a quotient.

use crate::cost::OwnStyleError;
use heatsplat_render::{Comparison, Style, UncountedError};
use std::str::FromStr;

/// A formula of two layers, from which a third layer is computed, and the style of that third
/// layer.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// The id of the formula's first layer.
    pub(crate) first: String,
    /// The operation of the formula: first layer minus second, or first divided by second.
    pub(crate) comparison: Comparison,
    /// The id of the formula's second layer.
    pub(crate) second: String,
    pub(crate) style: Style,
    /// True if the computed layer has the radius of the formula's first layer, and not the radius
    /// of its own style.
    pub(crate) follows_radius: bool,
}

/// The reason why a layer can't be computed from two others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// One of the two layers of the formula can't be used.
    #[error("`{layer}` {why}")]
    Source {
        /// The id of the layer that can't be used.
        layer: String,
        /// The reason, as the end of a sentence that begins with the layer's id, like “is no layer
        /// here”.
        why: &'static str,
    },
    /// Tiles of the computed layer take too long to be drawn in its style.
    #[error(transparent)]
    Style(#[from] OwnStyleError),
    /// The measure or the formula counts points, but the points of a layer can't be counted.
    #[error(transparent)]
    Uncounted(#[from] UncountedError),
}

impl Derivation {
    /// The ids of the formula's first and second layer.
    pub fn sources(&self) -> [&str; 2] {
        [&self.first, &self.second]
    }

    /// Gives the computed layer the radius of the formula's first layer in place of the radius of
    /// its own style, now and whenever the first layer changes.
    #[must_use]
    pub fn with_radius_of_first(mut self) -> Self {
        self.follows_radius = true;
        self
    }

    /// Sets the style of the computed layer.
    #[must_use]
    pub fn with_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

/// The error that a text is not a formula of two layers. Its message shows the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected two layers and a sign with spaces around it, like `new - old` or `cases / people`"
)]
pub struct ParseDerivationError;

impl FromStr for Derivation {
    type Err = ParseDerivationError;

    /// Parses a difference, like `new - old`, or a quotient, like `new / old`, of two layers that
    /// are named by their ids. The spaces are required, since ids may contain a `-`. The style is
    /// the default style.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut signs = Comparison::ALL.iter().filter_map(|(sign, comparison)| {
            let (first, second) = text.split_once(&format!(" {sign} "))?;
            Some((first.trim(), *comparison, second.trim()))
        });
        let (first, comparison, second) = signs.next().ok_or(ParseDerivationError)?;
        let is_id = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        if signs.next().is_some() || !is_id(first) || !is_id(second) {
            return Err(ParseDerivationError);
        }
        Ok(Self {
            first: first.to_owned(),
            comparison,
            second: second.to_owned(),
            style: Style::default(),
            follows_radius: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::registry::Registry;
    use heatsplat_points::{Points, TileId};
    use heatsplat_render::Layer;
    use std::time::Duration;

    const DEADLINE: Duration = Duration::from_secs(10);

    fn layer(weight: f32) -> Layer {
        let points = [(1.0, 2.0, weight), (3.0, 4.0, weight), (0.0, 0.0, weight)];
        Layer::on_cpu(
            "some",
            Points::from_lon_lat(points).unwrap(),
            Style::default(),
        )
    }

    #[test]
    fn two_layers_and_a_sign() {
        let read: Derivation = "day-time - night-time".parse().unwrap();
        assert_eq!((&*read.first, &*read.second), ("day-time", "night-time"));
        assert_eq!(read.comparison, Comparison::Minus);
        assert_eq!(
            "a / b".parse::<Derivation>().unwrap().comparison,
            Comparison::Over
        );
        for bad in [
            "",
            "a-b",
            "a - ",
            " - b",
            "a - b - c",
            "a - b / c",
            "a b - c",
        ] {
            assert!(bad.parse::<Derivation>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_derived_layer_follows_those_it_is_made_of() {
        let layers = Registry::default();
        let (a, b) = (layers.announce("a"), layers.announce("b"));
        let derived: Derivation = "a - b".parse().unwrap();
        let early = layers
            .derive("change", derived.clone(), DEADLINE)
            .unwrap_err();
        assert_eq!(early.to_string(), "`a` is no layer here");
        layers.put(&a, layer(1.0));
        layers.put(&b, layer(1.0));
        let dear = layers.derive("change", derived.clone(), Duration::ZERO);
        assert!(matches!(dear, Err(DeriveError::Style(_))), "{dear:?}");
        let id = layers.derive("change", derived, DEADLINE).unwrap();
        let seen = || {
            let served = layers.get(id.as_str()).unwrap();
            let layer = served.source.layer().unwrap();
            let tile = TileId::new(0, 0, 0).unwrap();
            let most = layer.tile(tile).picture();
            (served.epoch(), most.indices.into_iter().max().unwrap())
        };
        assert_eq!(seen(), (1, 0));
        layers.put(&a, layer(3.0));
        let (epoch, most) = seen();
        assert!(epoch == 2 && most > 200, "{epoch} {most}");
        let nested = "change - a".parse::<Derivation>().unwrap();
        assert!(layers.derive("more", nested, DEADLINE).is_err());
    }
}
