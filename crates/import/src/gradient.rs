//! Colours between stops, mixed as by a browser's canvas and by MapLibre.

use crate::ImportError;
use crate::builder::StyleBuilder;
use crate::js_literal::JsLiteral;
use heatsplat_render::ramp::css_color;

/// A position, 0 to 1, and its colour: RGBA, each channel 0 to 1, not premultiplied.
pub(crate) type Stop = (f64, [f64; 4]);

/// Reads a colour: a text with a CSS colour, or a list `[r, g, b]` or `[r, g, b, a]` with numbers
/// from 0 to 255. `name` is the property's name, for errors.
pub(crate) fn color(
    value: &JsLiteral,
    name: &str,
    builder: &StyleBuilder,
) -> Result<[f64; 4], ImportError> {
    const EXPECTED: &str = "expected a CSS colour like #ff0000";
    match value {
        JsLiteral::Text(text) => css(text, name, builder),
        JsLiteral::List(list) => {
            let channels: Option<Vec<f64>> = list.iter().map(JsLiteral::as_number).collect();
            let channel = |c: f64| c.clamp(0.0, 255.0) / 255.0;
            match channels.as_deref() {
                Some(&[r, g, b]) => Ok([channel(r), channel(g), channel(b), 1.0]),
                Some(&[r, g, b, a]) => Ok([r, g, b, a].map(channel)),
                _ => builder.refuse(
                    name,
                    &value.shown(),
                    "expected [red, green, blue] of 0 to 255",
                ),
            }
        }
        other => builder.refuse(name, &other.shown(), EXPECTED),
    }
}

/// Reads a CSS colour, or a colour in the form `rgba(…)` of MapServer and Google.
pub(crate) fn css(text: &str, name: &str, builder: &StyleBuilder) -> Result<[f64; 4], ImportError> {
    match css_color(text.trim()) {
        Ok(color) => Ok(color.map(f64::from)),
        Err(_) => builder.refuse(name, text, "expected a CSS colour like #ff0000"),
    }
}

/// Reads the stops of a gradient such as `{0.4: "blue", 1: "red"}`, and sorts them by position.
pub(crate) fn stops(
    value: &JsLiteral,
    name: &str,
    builder: &StyleBuilder,
) -> Result<Vec<Stop>, ImportError> {
    const EXPECTED: &str = "expected positions and colours like {0.4: \"blue\", 1: \"red\"}";
    let Some(pairs) = value.as_object().filter(|pairs| !pairs.is_empty()) else {
        return builder.refuse(name, &value.shown(), EXPECTED);
    };
    let mut stops = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let position: f64 = match key.parse() {
            Ok(p) if (0.0..=1.0).contains(&p) => p,
            _ => return builder.refuse(name, key, "expected positions from 0 to 1"),
        };
        stops.push((position, color(value, name, builder)?));
    }
    stops.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(stops)
}

/// The colour at a position. Colours are mixed channel by channel without premultiplication, as by
/// a canvas and by MapLibre since version 3. Before the first stop and after the last the colour
/// does not change.
pub(crate) fn at(stops: &[Stop], position: f64) -> [f64; 4] {
    let after = stops.partition_point(|(p, _)| *p <= position);
    let before = after.checked_sub(1).and_then(|i| stops.get(i));
    match (before, stops.get(after)) {
        (Some(&(p0, a)), Some(&(p1, b))) => {
            let t = (position - p0) / (p1 - p0);
            std::array::from_fn(|c| a[c] + (b[c] - a[c]) * t)
        }
        (Some(&(_, color)), None) | (None, Some(&(_, color))) => color,
        (None, None) => [0.0; 4],
    }
}

/// Converts channels from 0..1 to 0..255.
pub(crate) fn bytes(color: [f64; 4]) -> [u8; 4] {
    color.map(|c| (c.clamp(0.0, 1.0) * 255.0).round() as u8)
}

/// The 256 pixels of a canvas of width 256 that is filled with a gradient from its left to its
/// right edge.
pub(crate) fn canvas(stops: &[Stop]) -> [[u8; 4]; 256] {
    std::array::from_fn(|i| bytes(at(stops, (i as f64 + 0.5) / 256.0)))
}

/// Stops for colours at even distances from position 0 to position 1.
pub(crate) fn even(colors: Vec<[f64; 4]>) -> Vec<Stop> {
    let last = colors.len().saturating_sub(1).max(1) as f64;
    let place = |(i, color): (usize, [f64; 4])| (i as f64 / last, color);
    colors.into_iter().enumerate().map(place).collect()
}
