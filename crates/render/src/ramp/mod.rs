//! Ramps: tables of 256 colours. A ramp gives each position on a scale its colour.

pub mod collection;
mod colorize_alpha;
mod css;
mod hex;
mod oklab;
pub mod opacity;
mod stops;

use std::fmt;

use crate::ramp::collection::NamedRamp;
use crate::ramp::opacity::{Opacity, OpacityCurve};

pub use stops::{ColorStop, Interpolation, RampError};

pub use css::css_color;

pub(crate) use oklab::Oklab;

/// A table of 256 colours, one for each colour index of a picture. The colours are RGBA, not
/// premultiplied by alpha, and all opacities are already applied to them.
///
/// The index `i` stands for the position `i / 255` on a scale. The index 0 stands for "no heat" and
/// is always fully transparent.
#[derive(Clone, PartialEq)]
pub struct Ramp {
    /// The colours before the opacities, `curve` and `factor`, are applied to them. They are RGBA,
    /// not premultiplied by alpha, with channels from 0 to 1.
    base: Box<[[f32; 4]; 256]>,
    curve: Option<OpacityCurve>,
    factor: f32,
    colors: Box<[[u8; 4]; 256]>,
}

impl Ramp {
    /// Parses a ramp. The text may be:
    ///
    /// * a name of the collection: `inferno`, or `inferno_r` for the reversed ramp;
    /// * a list of CSS colours, each with an optional position: `transparent, blue 30%, #ff0 0.7,
    ///   rgb(255 0 0)`;
    /// * `colorize-alpha(blue, cyan, red)`: Mapnik's filter, with equal results to the last bit.
    ///   The colour index takes the place of the alpha of Mapnik's picture;
    /// * any table of colours: `table:`, and eight hexadecimal digits (red, green, blue and alpha)
    ///   for each of the entries 1 to 255.
    ///
    /// In a list of colours, the positions of colours that have none are spaced evenly between
    /// those before and after them, as in a CSS gradient. Colours between two positions are mixed
    /// in the colour space Oklab.
    ///
    /// # Errors
    /// A [`RampError`] if a colour, a position or a name is not legal. Its message for an unknown
    /// name lists all names of the collection.
    pub fn parse(spec: &str) -> Result<Self, RampError> {
        let word = spec.trim();
        if let Some(arguments) = word.strip_prefix("colorize-alpha(") {
            let arguments = arguments.strip_suffix(')').ok_or(RampError::Table)?;
            return Ok(Self::from_table(&colorize_alpha::table(arguments)?));
        }
        if let Some(digits) = word.strip_prefix(hex::PREFIX) {
            return Ok(Self::from_table(&hex::read(digits)?));
        }
        match Self::from_name(word) {
            Err(RampError::UnknownName { .. }) => {}
            known => return known,
        }
        match css::parse(word) {
            // A single word that is neither a name nor a colour was probably meant as a name, so
            // the error is that for names.
            Err(RampError::Color(_)) if word.chars().all(is_name) => Self::from_name(word),
            stops => Self::from_stops(&stops?, Interpolation::Oklab),
        }
    }

    /// Makes the ramp of the collection that has this name. If `_r` is appended to the name, the
    /// colours are reversed.
    ///
    /// # Errors
    /// A [`RampError`] if the collection has no ramp of this name.
    pub fn from_name(name: &str) -> Result<Self, RampError> {
        let (plain, reversed) = match name.strip_suffix("_r") {
            Some(plain) => (plain, true),
            None => (name, false),
        };
        let Some(found) = collection::all()
            .iter()
            .find(|ramp| ramp.name.eq_ignore_ascii_case(plain))
        else {
            return Err(RampError::UnknownName {
                name: name.to_owned(),
                known: collection::all().iter().map(|ramp| ramp.name).collect(),
            });
        };
        let ramp = Self::from_collection(found);
        Ok(if reversed { ramp.reversed() } else { ramp })
    }

    /// Makes the ramp of an entry of the collection.
    pub fn from_collection(named: &NamedRamp) -> Self {
        Self::new(
            stops::mix(&named.stops(), named.interpolation()),
            named.opacity(),
        )
    }

    /// Makes a ramp from colour stops, whose positions must ascend. Before the first stop the ramp
    /// has the first stop's colour, and after the last stop the last one's.
    ///
    /// # Errors
    /// No stops, more than 64 stops, a position outside 0 to 1, or a position that is less than the
    /// one before.
    pub fn from_stops(
        stops: &[ColorStop],
        interpolation: Interpolation,
    ) -> Result<Self, RampError> {
        Ok(Self::new(stops::table(stops, interpolation)?, None))
    }

    /// Makes a ramp from a table of RGBA colours, which are not premultiplied by alpha. The colour
    /// of entry 0 is replaced by full transparency.
    pub fn from_table(table: &[[u8; 4]; 256]) -> Self {
        Self::new(
            Box::new(table.map(|color| color.map(|c| f32::from(c) / 255.0))),
            None,
        )
    }

    /// Writes the table of colours as a text, from which [`parse`](Self::parse) makes a ramp of
    /// equal colours.
    pub fn to_text(&self) -> String {
        hex::write(&self.colors)
    }

    fn new(base: Box<[[f32; 4]; 256]>, curve: Option<OpacityCurve>) -> Self {
        let mut ramp = Self {
            base,
            curve,
            factor: 1.0,
            colors: Box::new([[0; 4]; 256]),
        };
        ramp.bake();
        ramp
    }

    /// The colour of each index, as RGBA that is not premultiplied by alpha.
    pub fn colors(&self) -> &[[u8; 4]; 256] {
        &self.colors
    }

    /// Returns the colour of an index, as RGBA that is not premultiplied by alpha.
    #[inline]
    #[allow(clippy::indexing_slicing, reason = "there is a colour for each byte")]
    pub fn color(&self, index: u8) -> [u8; 4] {
        self.colors[usize::from(index)]
    }

    /// Reverses the colours. The opacity curve is not reversed: a ramp that is transparent at its
    /// low end stays so.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.base.reverse();
        self.bake();
        self
    }

    /// Sets an opacity, by which the alpha that the colours themselves have is multiplied. A factor
    /// is applied in addition to the ramp's own opacity curve. A curve replaces the ramp's own
    /// curve: with the curve `0:1`, which is 1 everywhere, a ramp of the collection no longer
    /// begins transparent.
    #[must_use]
    pub fn with_opacity(mut self, opacity: &Opacity) -> Self {
        match opacity {
            Opacity::Factor(factor) => self.factor = *factor,
            Opacity::Curve(curve) => self.curve = Some(curve.clone()),
        }
        self.bake();
        self
    }

    /// Cuts the ramp into `classes` equal parts. All of a part gets the colour that the ramp has in
    /// the middle of the part.
    #[must_use]
    pub fn in_classes(mut self, classes: u8) -> Self {
        let classes = usize::from(classes.max(1));
        let smooth = self.clone();
        for (index, color) in self.colors.iter_mut().enumerate().skip(1) {
            let class = index * classes / 256;
            let middle = (class * 2 + 1) * 128 / classes;
            *color = smooth.color(middle.min(255) as u8);
        }
        self
    }

    fn bake(&mut self) {
        for (index, (color, base)) in self.colors.iter_mut().zip(self.base.iter()).enumerate() {
            let position = index as f32 / 255.0;
            let curve = self.curve.as_ref().map_or(1.0, |curve| curve.at(position));
            let [r, g, b, a] = *base;
            *color = [r, g, b, a * curve * self.factor].map(|c| (c * 255.0).round() as u8);
        }
        let [lowest, ..] = &mut *self.colors;
        *lowest = [0; 4];
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

impl fmt::Debug for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, first, .., last] = &*self.colors;
        write!(f, "Ramp({first:?} … {last:?})")
    }
}

impl std::str::FromStr for Ramp {
    type Err = RampError;

    fn from_str(spec: &str) -> Result<Self, RampError> {
        Self::parse(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alpha(ramp: &Ramp, index: u8) -> u8 {
        ramp.color(index)[3]
    }

    #[test]
    fn nothing_is_transparent_whatever_the_colours_say() {
        for spec in ["red", "red, blue", "inferno", "inferno_r", "dusk"] {
            assert_eq!(Ramp::parse(spec).unwrap().color(0), [0; 4], "{spec}");
        }
        assert_eq!(Ramp::from_table(&[[9; 4]; 256]).color(0), [0; 4]);
        assert_eq!(Ramp::from_table(&[[9; 4]; 256]).color(1), [9; 4]);
    }

    #[test]
    fn turning_a_ramp_around_turns_its_colours_and_not_its_opacity() {
        let plain = Ramp::parse("inferno").unwrap();
        let reversed = Ramp::parse("inferno_r").unwrap();
        assert_eq!(reversed, plain.clone().reversed());
        for index in 1..=254_u8 {
            assert_eq!(reversed.color(index)[..3], plain.color(255 - index)[..3]);
            assert_eq!(alpha(&reversed, index), alpha(&plain, index));
        }
        assert_eq!(reversed.reversed(), plain);
    }

    #[test]
    fn a_factor_scales_the_fading_in_and_a_curve_replaces_it() {
        let plain = Ramp::parse("inferno").unwrap();
        let half = plain.clone().with_opacity(&Opacity::parse("50%").unwrap());
        let solid = plain.clone().with_opacity(&Opacity::parse("0:1").unwrap());
        assert!(alpha(&plain, 10) < 100);
        for index in [10, 30, 255] {
            let expected = f32::from(alpha(&plain, index)) / 2.0;
            assert!((f32::from(alpha(&half, index)) - expected).abs() <= 1.0);
            assert_eq!(alpha(&solid, index), 255);
            assert_eq!(half.color(index)[..3], plain.color(index)[..3]);
        }
        let again = half.clone().with_opacity(&Opacity::parse("50%").unwrap());
        assert_eq!(again, half, "setting twice is setting once");
    }

    #[test]
    fn opacity_multiplies_the_alpha_of_the_stops() {
        let ramp = Ramp::parse("#ff000080").unwrap();
        let ramp = ramp.with_opacity(&Opacity::parse("0:0,1:1").unwrap());
        assert_eq!(ramp.color(255), [255, 0, 0, 128]);
        assert_eq!(ramp.color(127), [255, 0, 0, 64]);
    }

    #[test]
    fn an_unknown_name_lists_the_names_there_are() {
        for spec in ["infernal", "magma_x", ""] {
            let message = Ramp::parse(spec).unwrap_err().to_string();
            assert!(message.contains("inferno"), "{message}");
        }
        assert!(matches!(
            Ramp::parse("red, infernal"),
            Err(RampError::Color(_))
        ));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(spec in "\\PC{0,60}|[a-z#0-9(), %._/-]{0,60}|((red|#0f0|transparent|rgb\\(1 2 3\\)) ?(-?[0-9.]{1,5}%?)?,? ?){0,9}") {
            if let Ok(ramp) = Ramp::parse(&spec) {
                prop_assert_eq!(ramp.color(0), [0; 4]);
            }
        }
    }
}
