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
