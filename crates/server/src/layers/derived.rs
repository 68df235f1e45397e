//! Layers that are made of two others: a difference or a quotient.

use heatsplat_render::{Comparison, Style};
use std::str::FromStr;

/// Which layers are set against each other, and how that looks.
#[derive(Clone, Debug)]
pub struct Derived {
    /// A layer's name in addresses.
    pub(crate) first: String,
    pub(crate) how: Comparison,
    pub(crate) second: String,
    pub(crate) style: Style,
}

/// Why a layer can't be made of two others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{layer}` {why}")]
pub struct DeriveError {
    /// The name that was given.
    pub layer: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Derived {
    /// The names in addresses of the layers that it is made of.
    pub fn of(&self) -> [&str; 2] {
        [&self.first, &self.second]
    }

    /// The same in a style of its own.
    #[must_use]
    pub fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

impl FromStr for Derived {
    type Err = &'static str;

    /// `new - old` or `new / old`, with spaces around the sign: names may have it in them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected two layers and a sign with spaces around it, like \
            `new - old` or `cases / people`";
        let mut signs = Comparison::ALL.iter().filter_map(|(sign, how)| {
            let (first, second) = text.split_once(&format!(" {sign} "))?;
            Some((first.trim(), *how, second.trim()))
        });
        let (first, how, second) = signs.next().ok_or(EXPECTED)?;
        let named = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        if signs.next().is_some() || !named(first) || !named(second) {
            return Err(EXPECTED);
        }
        Ok(Self {
            first: first.to_owned(),
            how,
            second: second.to_owned(),
            style: Style::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::registry::Layers;
    use heatsplat_points::{Points, TileId};
    use heatsplat_render::Layer;

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
        let read: Derived = "day-time - night-time".parse().unwrap();
        assert_eq!((&*read.first, &*read.second), ("day-time", "night-time"));
        assert_eq!(read.how, Comparison::Minus);
        assert_eq!("a / b".parse::<Derived>().unwrap().how, Comparison::Over);
        for bad in [
            "",
            "a-b",
            "a - ",
            " - b",
            "a - b - c",
            "a - b / c",
            "a b - c",
        ] {
            assert!(bad.parse::<Derived>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_derived_layer_follows_those_it_is_made_of() {
        let layers = Layers::default();
        let (a, b) = (layers.announce("a"), layers.announce("b"));
        let derived: Derived = "a - b".parse().unwrap();
        let early = layers.derive("change", derived.clone()).unwrap_err();
        assert_eq!(early.to_string(), "`a` is no layer here");
        layers.put(&a, layer(1.0));
        layers.put(&b, layer(1.0));
        let id = layers.derive("change", derived).unwrap();
        let seen = || {
            let served = layers.get(id.as_str()).unwrap();
            let crate::layers::entry::Data::Here(layer) = &served.data else {
                panic!("here");
            };
            let tile = TileId::new(0, 0, 0).unwrap();
            let most = layer.tile(tile).picture();
            (served.epoch(), most.indices.into_iter().max().unwrap())
        };
        assert_eq!(seen(), (1, 0));
        layers.put(&a, layer(3.0));
        let (epoch, most) = seen();
        assert!(epoch == 2 && most > 200, "{epoch} {most}");
        let nested = "change - a".parse::<Derived>().unwrap();
        assert!(layers.derive("more", nested).is_err());
    }
}
