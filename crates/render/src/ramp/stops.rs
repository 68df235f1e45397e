//! Colour stops, and the table of the colours between them.

use csscolorparser::Color;

/// The most stops of a ramp.
pub(super) const MAX_STOPS: usize = 64;

/// The colour of each index: RGBA, not premultiplied, every channel 0 to 1.
pub(super) type ColorTable = Box<[[f32; 4]; 256]>;

/// The colour space in which colours between two stops are mixed. They are premultiplied for the
/// mixing in either space, so that the colour of a transparent stop doesn't show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Interpolation {
    /// Oklab (Ottosson 2020): perceptually even steps, and no grey between two strong colours.
    #[default]
    Oklab,
    /// The plain numbers of sRGB, as in browsers, Mapnik and JavaScript heat maps.
    Srgb,
}

/// A colour at a position of a ramp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorStop {
    /// The position, 0 to 1.
    pub position: f32,
    /// RGB in sRGB and alpha, each 0 to 1, not premultiplied.
    pub color: [f32; 4],
}

/// The channels of a colour, clamped to 0 to 1. NaN becomes 0.
pub(super) fn channels(color: &Color) -> [f32; 4] {
    [color.r, color.g, color.b, color.a].map(|c| if c.is_nan() { 0.0 } else { c.clamp(0.0, 1.0) })
}

/// Refuses a position that is outside 0 to 1 or before its predecessor, `previous`.
pub(super) fn check(position: f32, previous: f32) -> Result<(), RampError> {
    if !(0.0..=1.0).contains(&position) {
        return Err(RampError::Position(position));
    }
    if position < previous {
        return Err(RampError::Backwards(position));
    }
    Ok(())
}

/// The 256 colours along the stops, after a check of the stops.
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

/// The 256 colours along stops that are valid.
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
                interpolation.straight(std::array::from_fn(|c| a[c] + (b[c] - a[c]) * t))
            }
            (Some(&(_, only)), None) | (None, Some(&(_, only))) => interpolation.straight(only),
            (None, None) => [0.0; 4],
        };
    }
    table
}

impl Interpolation {
    /// Converts an sRGB colour to the premultiplied coordinates in which colours are mixed.
    fn premultiplied(self, color: [f32; 4]) -> [f32; 4] {
        let [x, y, z, alpha] = match self {
            Self::Srgb => color,
            Self::Oklab => Color::from(color).to_oklaba(),
        };
        [x * alpha, y * alpha, z * alpha, alpha]
    }

    /// Converts mixed coordinates back to an sRGB colour that is not premultiplied, clipped to the
    /// gamut.
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

/// The error of a ramp's text or stops.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RampError {
    /// An empty text.
    #[error("the ramp is empty; give a name such as inferno or colours such as `transparent, red`")]
    Empty,
    /// A name that the collection does not have.
    #[error("there is no ramp or colour `{name}`; the ramps are {}, each also with `_r`", known.join(", "))]
    UnknownName {
        /// The name that was given.
        name: String,
        /// The names in the collection.
        known: Vec<&'static str>,
    },
    /// A text that is no CSS colour.
    #[error(
        "`{0}` is no CSS colour; write red, #f00, rgb(255 0 0), and its position after it: red 30%"
    )]
    Color(String),
    /// A position outside 0 to 1.
    #[error("positions in a ramp go from 0 to 1 or 0% to 100%, not {0}")]
    Position(f32),
    /// A position before its predecessor.
    #[error("positions in a ramp must not go backwards, as {0} does")]
    Backwards(f32),
    /// More than 64 stops.
    #[error("a ramp has at most 64 colours, not {0}")]
    TooMany(usize),
    /// A table or a `colorize-alpha` filter that can't be read.
    #[error(
        "a ramp that is given colour by colour is table: and 8 hexadecimal digits for each of the entries 1 to 255, Mapnik's filter is colorize-alpha(blue, red)"
    )]
    Table,
    /// A text of more than 4096 bytes.
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
        // A mix of black and white is darker in Oklab than in sRGB: its lightness L = 0.5 is 0.125
        // in linear light and 0.3889 in sRGB.
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
