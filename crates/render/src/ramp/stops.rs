//! Colour stops, and the table of 256 colours that they make.

use csscolorparser::Color;

/// The most stops that a ramp may have.
pub(super) const MAX_STOPS: usize = 64;

/// The colours of the 256 indices: RGBA, not premultiplied by alpha, with channels from 0 to 1.
pub(super) type ColorTable = Box<[[f32; 4]; 256]>;

/// The colour space in which colours between two stops are mixed. In both spaces, colours are
/// premultiplied by alpha before they are mixed, so that the colour of a fully transparent stop
/// doesn't matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Interpolation {
    /// Mixes colours in Oklab (Ottosson 2020): steps look equal, and there is no grey between two
    /// strong colours.
    #[default]
    Oklab,
    /// Mixes colours by the gamma-encoded channels of sRGB, as browsers, Mapnik and JavaScript heat
    /// maps do.
    Srgb,
}

/// A colour at a position of a ramp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorStop {
    /// The position of the colour on the ramp, 0 to 1.
    pub position: f32,
    /// The colour: RGBA in sRGB, not premultiplied by alpha, with channels from 0 to 1.
    pub color: [f32; 4],
}

/// The red, green, blue and alpha of a colour, clamped to 0 to 1. NaN becomes 0.
pub(super) fn channels(color: &Color) -> [f32; 4] {
    [color.r, color.g, color.b, color.a].map(|c| if c.is_nan() { 0.0 } else { c.clamp(0.0, 1.0) })
}

/// Returns an error if a position is outside 0 to 1, or less than `previous`, the position of the
/// stop before.
pub(super) fn check(position: f32, previous: f32) -> Result<(), RampError> {
    if !(0.0..=1.0).contains(&position) {
        return Err(RampError::Position(position));
    }
    if position < previous {
        return Err(RampError::Backwards(position));
    }
    Ok(())
}

/// Checks the stops and makes the 256 colours from them.
pub(super) fn table(
    stops: &[ColorStop],
    interpolation: Interpolation,
) -> Result<ColorTable, RampError> {
    if stops.is_empty() {
        return Err(RampError::Empty);
    }
    if stops.len() > MAX_STOPS {
        return Err(RampError::TooMany(stops.len()));
    }
    let mut previous = 0.0;
    for stop in stops {
        check(stop.position, previous)?;
        previous = stop.position;
    }
    Ok(mix(stops, interpolation))
}

/// Makes the 256 colours from stops that are already checked.
pub(super) fn mix(stops: &[ColorStop], interpolation: Interpolation) -> ColorTable {
    let mixable: Vec<(f32, [f32; 4])> = stops
        .iter()
        .map(|stop| (stop.position, interpolation.premultiplied(stop.color)))
        .collect();
    let mut table = Box::new([[0.0; 4]; 256]);
    for (index, color) in table.iter_mut().enumerate() {
        let position = index as f32 / 255.0;
        let after = mixable.partition_point(|&(p, _)| p <= position);
        let left = after.checked_sub(1).and_then(|i| mixable.get(i));
        *color = match (left, mixable.get(after)) {
            (Some(&(p0, a)), Some(&(p1, b))) => {
                let t = (position - p0) / (p1 - p0);
                let mut mixed = a;
                for (a, b) in mixed.iter_mut().zip(b) {
                    *a += (b - *a) * t;
                }
                interpolation.straight(mixed)
            }
            (Some(&(_, only)), None) | (None, Some(&(_, only))) => interpolation.straight(only),
            (None, None) => [0.0; 4],
        };
    }
    table
}

impl Interpolation {
    /// Converts an sRGB colour to the colour space in which colours are mixed, and premultiplies it
    /// by alpha.
    fn premultiplied(self, color: [f32; 4]) -> [f32; 4] {
        let [x, y, z, alpha] = match self {
            Self::Srgb => color,
            Self::Oklab => Color::from(color).to_oklaba(),
        };
        [x * alpha, y * alpha, z * alpha, alpha]
    }

    /// Converts a mixed colour back to sRGB, not premultiplied by alpha. Channels beyond 0 to 1 are
    /// clamped.
    fn straight(self, [x, y, z, alpha]: [f32; 4]) -> [f32; 4] {
        if alpha <= 0.0 {
            return [0.0; 4];
        }
        let [x, y, z] = [x, y, z].map(|c| c / alpha);
        channels(&match self {
            Self::Srgb => Color::new(x, y, z, alpha),
            Self::Oklab => Color::from_oklaba(x, y, z, alpha),
        })
    }
}

/// The error for a text or for stops that make no ramp.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RampError {
    /// The text is empty, or there are no stops.
    #[error("the ramp is empty; give a name such as inferno or colours such as `transparent, red`")]
    Empty,
    /// The name is not in the collection.
    #[error("there is no ramp or colour `{name}`; the ramps are {}, each also with `_r`", known.join(", "))]
    UnknownName {
        /// The name that is not in the collection.
        name: String,
        /// The names of all ramps in the collection.
        known: Vec<&'static str>,
    },
    /// The text is not a CSS colour. The field is the text.
    #[error(
        "`{0}` is no CSS colour; write red, #f00, rgb(255 0 0), and its position after it: red 30%"
    )]
    Color(String),
    /// A position is outside 0 to 1. The field is the position.
    #[error("positions in a ramp go from 0 to 1 or 0% to 100%, not {0}")]
    Position(f32),
    /// A position is less than the one before. The field is the position.
    #[error("positions in a ramp must not go backwards, as {0} does")]
    Backwards(f32),
    /// There are more than 64 stops. The field is their number.
    #[error("a ramp has at most 64 colours, not {0}")]
    TooMany(usize),
    /// The text of a table or of a `colorize-alpha` filter is not legal.
    #[error(
        "a ramp that is given colour by colour is table: and 8 hexadecimal digits for each of the entries 1 to 255, Mapnik's filter is colorize-alpha(blue, red)"
    )]
    Table,
    /// The text has more than 4096 bytes. The field is their number.
    #[error("a ramp is written in at most 4096 bytes, not {0}")]
    TooLong(usize),
}

#[cfg(test)]
mod tests {
    use super::super::css::parse;
    use super::*;

    fn colors(spec: &str, interpolation: Interpolation) -> Vec<[u8; 4]> {
        let table = table(&parse(spec).unwrap(), interpolation).unwrap();
        table
            .iter()
            .map(|color| color.map(|c| (c * 255.0).round() as u8))
            .collect()
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let stop = |position| ColorStop {
            position,
            color: [1.0; 4],
        };
        assert_eq!(
            table(&[], Interpolation::Srgb).unwrap_err(),
            RampError::Empty
        );
        assert!(table(&[stop(0.5), stop(0.4)], Interpolation::Srgb).is_err());
        assert!(table(&[stop(f32::NAN)], Interpolation::Oklab).is_err());
    }

    #[test]
    fn colours_between_are_mixed_as_asked() {
        let srgb = colors("black, white", Interpolation::Srgb);
        assert_eq!(srgb[51], [51, 51, 51, 255]);
        // An even mix of black and white is darker in Oklab than in sRGB. Its lightness L = 0.5 is
        // 0.125 in linear light, and thus 0.3889 in sRGB.
        let oklab = colors("black, white", Interpolation::Oklab);
        assert_eq!(oklab[255], [255; 4]);
        assert!(oklab[127][0].abs_diff(99) <= 1, "{:?}", oklab[127]);
    }

    #[test]
    fn transparent_black_does_not_darken_what_fades() {
        for interpolation in [Interpolation::Oklab, Interpolation::Srgb] {
            let fade = colors("transparent, #ff0000", interpolation);
            assert_eq!(fade[128], [255, 0, 0, 128], "{interpolation:?}");
            let coloured = colors("rgb(0 0 255 / 0), #ff0000", interpolation);
            assert_eq!(coloured[128], [255, 0, 0, 128], "{interpolation:?}");
            let level = colors("#80000080", interpolation);
            assert_eq!(level[128], [128, 0, 0, 128], "{interpolation:?}");
        }
    }

    #[test]
    fn before_the_first_stop_and_after_the_last_it_is_level() {
        let table = colors("red 40%, blue 60%", Interpolation::Oklab);
        assert_eq!(
            (table[10], table[101]),
            ([255, 0, 0, 255], [255, 0, 0, 255])
        );
        assert_eq!(
            (table[154], table[255]),
            ([0, 0, 255, 255], [0, 0, 255, 255])
        );
    }

    #[test]
    fn two_stops_at_one_position_are_a_step() {
        let table = colors("red, red 50%, blue 50%, blue", Interpolation::Oklab);
        assert_eq!(
            (table[127], table[128]),
            ([255, 0, 0, 255], [0, 0, 255, 255])
        );
    }
}
