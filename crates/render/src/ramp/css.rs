//! Ramps as lists of CSS colours, each with an optional position.

use super::stops::{ColorStop, MAX_STOPS, RampError, channels, check};

/// The greatest length, in bytes, of the text of a list of colours. It is a choice, well above what
/// 64 colours need.
const MAX_LENGTH: usize = 4096;

/// Parses a list of CSS colours with optional positions, for example
/// `transparent, blue 30%, #ff0 0.7, rgb(255 0 0)`.
pub(super) fn parse(spec: &str) -> Result<Vec<ColorStop>, RampError> {
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
        .map(|(color, position)| ColorStop { position, color })
        .collect())
}

/// Parses a CSS colour. The result is RGBA in sRGB, not premultiplied by alpha, with channels from
/// 0 to 1.
///
/// # Errors
/// [`RampError::Color`] if the text is not a CSS colour.
pub fn css_color(text: &str) -> Result<[f32; 4], RampError> {
    let Ok(color) = csscolorparser::parse(text) else {
        return Err(RampError::Color(text.to_owned()));
    };
    Ok(channels(&color))
}

/// Splits a text at those commas that are not inside parentheses.
pub(super) fn split(spec: &str) -> Vec<&str> {
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

/// Splits the text of a stop, `blue 30%` or `blue 0.3`, into its colour and its position. The
/// position is from 0 to 1, or `None` if the text has none.
pub(super) fn color_and_position(part: &str) -> Result<(&str, Option<f32>), RampError> {
    let Some((color, last)) = part.rsplit_once(char::is_whitespace) else {
        return Ok((part, None));
    };
    let (digits, unit) = match last.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (last, 1.0),
    };
    // A last word that ends in a parenthesis or a letter is a part of the colour.
    match digits.parse::<f32>() {
        Ok(number) if digits.ends_with(|c: char| c.is_ascii_digit() || c == '.') => {
            Ok((color.trim_end(), Some(number / unit)))
        }
        _ => Ok((part, None)),
    }
}

/// Replaces missing positions; all positions are from 0 to 1. If the first stop has none, it gets
/// 0, and the last stop gets 1. Other stops without a position divide the distance between the
/// known positions before and after them into equal parts.
fn spread(given: &[Option<f32>]) -> Result<Vec<f32>, RampError> {
    let mut positions = Vec::with_capacity(given.len());
    let mut previous = 0.0;
    for (index, position) in given.iter().enumerate() {
        let position = match position {
            Some(position) => *position,
            None if index == 0 => 0.0,
            None => {
                // From here on, `missing` stops have no position. They get equal distances up to
                // the next position that is given.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(spec: &str) -> Vec<f32> {
        let stops = parse(spec).unwrap();
        stops.iter().map(|stop| stop.position).collect()
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
    }
}
