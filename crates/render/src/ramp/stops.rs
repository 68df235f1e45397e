//! Colour stops: reading them from CSS text, and the table between them.

use csscolorparser::Color;

/// The most stops a ramp may have.
const MAX_STOPS: usize = 64;

/// The longest text that is read.
const MAX_LENGTH: usize = 4096;

/// Straight RGBA of index 0 to 255, every channel 0 to 1.
pub(super) type Table = Box<[[f32; 4]; 256]>;

/// How the colours between two stops are mixed; alpha is premultiplied either way,
/// so that nothing of a transparent stop's colour bleeds in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// In Oklab (Ottosson 2020): even steps to the eye, no grey in the middle.
    #[default]
    Oklab,
    /// In plain sRGB numbers, as browsers, Mapnik and the heat-map scripts do.
    Srgb,
}

/// A colour at a position of a ramp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// 0 to 1.
    pub position: f32,
    /// Straight sRGB and alpha, each 0 to 1.
    pub color: [f32; 4],
}

/// Reads `transparent, blue 30%, #ff0 0.7, rgb(255 0 0)`.
pub(super) fn parse(spec: &str) -> Result<Vec<Stop>, RampError> {
    if spec.len() > MAX_LENGTH {
        return Err(RampError::TooLong(spec.len()));
    }
    if spec.trim().is_empty() {
        return Err(RampError::Empty);
    }
    let parts = split(spec);
    if parts.len() > MAX_STOPS {
        return Err(RampError::TooMany(parts.len()));
    }
    let mut colors = Vec::with_capacity(parts.len());
    let mut positions = Vec::with_capacity(parts.len());
    for part in parts {
        let (color, position) = color_and_position(part)?;
        colors.push(css_color(color)?);
        positions.push(position);
    }
    let stops = colors.into_iter().zip(spread(&positions)?);
    Ok(stops
        .map(|(color, position)| Stop { position, color })
        .collect())
}

/// A CSS colour as straight sRGB, every channel 0 to 1.
pub(crate) fn css_color(text: &str) -> Result<[f32; 4], RampError> {
    let Ok(color) = csscolorparser::parse(text) else {
        return Err(RampError::Color(text.to_owned()));
    };
    Ok(channels(&color))
}

/// Inside the gamut and numbers, whatever the colour was.
fn channels(color: &Color) -> [f32; 4] {
    [color.r, color.g, color.b, color.a].map(|c| if c.is_nan() { 0.0 } else { c.clamp(0.0, 1.0) })
}

/// Splits at commas that are not inside parentheses.
fn split(spec: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    spec.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .collect()
}

/// Takes `30%` or `0.3` off the end of a stop.
fn color_and_position(part: &str) -> Result<(&str, Option<f32>), RampError> {
    let Some((color, last)) = part.rsplit_once(char::is_whitespace) else {
        return Ok((part, None));
    };
    let (digits, unit) = match last.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (last, 1.0),
    };
    // What ends in a parenthesis or a letter belongs to the colour.
    match digits.parse::<f32>() {
        Ok(number) if digits.ends_with(|c: char| c.is_ascii_digit() || c == '.') => {
            Ok((color.trim_end(), Some(number / unit)))
        }
        _ => Ok((part, None)),
    }
}

/// Fills in missing positions: 0 for the first, 1 for the last, an even spread
/// between neighbours otherwise.
fn spread(given: &[Option<f32>]) -> Result<Vec<f32>, RampError> {
    let mut positions = Vec::with_capacity(given.len());
    let mut previous = 0.0;
    for (index, position) in given.iter().enumerate() {
        let position = match position {
            Some(position) => *position,
            None if index == 0 => 0.0,
            None => {
                // `missing` stops from here on stand evenly before the next given one.
                let rest = given.get(index..).unwrap_or_default();
                let next = rest.iter().position(Option::is_some);
                let end = next
                    .and_then(|n| rest.get(n).copied().flatten())
                    .unwrap_or(1.0);
                let missing = next.unwrap_or(rest.len() - 1);
                let gaps = if next.is_some() {
                    missing + 1
                } else {
                    rest.len()
                };
                previous + (end - previous) / gaps as f32
            }
        };
        check(position, previous)?;
        positions.push(position);
        previous = position;
    }
    Ok(positions)
}

fn check(position: f32, previous: f32) -> Result<(), RampError> {
    if !(0.0..=1.0).contains(&position) {
        return Err(RampError::Position(position));
    }
    if position < previous {
        return Err(RampError::Backwards(position));
    }
    Ok(())
}

/// 256 colours along the stops, straight RGBA of 0 to 1.
pub(super) fn table(stops: &[Stop], interpolation: Interpolation) -> Result<Table, RampError> {
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

/// The table along stops whose positions ascend.
pub(super) fn mix(stops: &[Stop], interpolation: Interpolation) -> Table {
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
    /// Straight sRGB to the premultiplied coordinates that are mixed.
    fn premultiplied(self, color: [f32; 4]) -> [f32; 4] {
        let [x, y, z, alpha] = match self {
            Self::Srgb => color,
            Self::Oklab => Color::from(color).to_oklaba(),
        };
        [x * alpha, y * alpha, z * alpha, alpha]
    }

    /// The way back, clipped to the gamut.
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

/// Why a ramp was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RampError {
    /// Nothing was given.
    #[error("the ramp is empty; give a name such as inferno or colours such as `transparent, red`")]
    Empty,
    /// Not a name of the collection.
    #[error("there is no ramp or colour `{name}`; the ramps are {}, each also with `_r`", known.join(", "))]
    UnknownName {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// Not a CSS colour.
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
    /// More stops than allowed.
    #[error("a ramp has at most 64 colours, not {0}")]
    TooMany(usize),
    /// A text longer than any ramp needs.
    #[error("a ramp is written in at most 4096 bytes, not {0}")]
    TooLong(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(spec: &str) -> Vec<f32> {
        parse(spec)
            .unwrap()
            .iter()
            .map(|stop| stop.position)
            .collect()
    }

    fn colors(spec: &str, interpolation: Interpolation) -> Vec<[u8; 4]> {
        let table = table(&parse(spec).unwrap(), interpolation).unwrap();
        table
            .iter()
            .map(|color| color.map(|c| (c * 255.0).round() as u8))
            .collect()
    }

    #[test]
    fn missing_positions_are_spread_between_their_neighbours() {
        for (spec, expected) in [
            ("red", vec![0.0]),
            ("red, blue", vec![0.0, 1.0]),
            ("red, lime, blue", vec![0.0, 0.5, 1.0]),
            ("red 20%, lime, blue 0.8", vec![0.2, 0.5, 0.8]),
            ("red, lime, blue, white 60%", vec![0.0, 0.2, 0.4, 0.6]),
            ("red 50%, lime, blue", vec![0.5, 0.75, 1.0]),
            ("red, lime 50%, blue 50%, white", vec![0.0, 0.5, 0.5, 1.0]),
            (
                "rgb(255, 0, 0) 10%, hsl(120 100% 50% / 50%), #00f .9",
                vec![0.1, 0.5, 0.9],
            ),
        ] {
            let found = positions(spec);
            assert_eq!(found.len(), expected.len(), "{spec}: {found:?}");
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() < 1e-6, "{spec}: {found:?}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |spec: &str| parse(spec).unwrap_err();
        assert_eq!(refused(""), RampError::Empty);
        assert_eq!(refused("red,"), RampError::Color(String::new()));
        assert_eq!(refused("red 50%, blue 40%"), RampError::Backwards(0.4));
        assert_eq!(refused("red 120%"), RampError::Position(1.2));
        assert_eq!(refused("red, -0.1"), RampError::Color("-0.1".into()));
        assert_eq!(refused("red -1"), RampError::Position(-1.0));
        assert_eq!(refused("rgb(1,2"), RampError::Color("rgb(1,2".into()));
        assert_eq!(refused(&vec!["red"; 65].join(",")), RampError::TooMany(65));
        assert_eq!(refused(&"red, ".repeat(1000)), RampError::TooLong(5000));
        let stop = |position| Stop {
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
        // Half the lightness of Oklab is a darker grey than half the number of sRGB:
        // L = 0.5 is 0.125 linear, 0.3889 encoded.
        let oklab = colors("black, white", Interpolation::Oklab);
        assert_eq!(oklab[255], [255; 4]);
        assert!(oklab[127][0].abs_diff(99) <= 1, "{:?}", oklab[127]);
    }

    #[test]
    fn transparent_black_does_not_darken_what_fades() {
        for interpolation in [Interpolation::Oklab, Interpolation::Srgb] {
            let fade = colors("transparent, #ff0000", interpolation);
            assert_eq!(fade[128], [255, 0, 0, 128], "{interpolation:?}");
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
