//! Colours between stops, mixed as a browser's canvas and MapLibre mix them.

use crate::ImportError;
use crate::builder::StyleBuilder;
use crate::js_literal::JsLiteral;
use heatsplat_render::ramp::css_color;

/// A stop: a position from 0 to 1 and the colour there. The colour is red, green, blue and alpha,
/// from 0 to 1 each; the first three are not multiplied by alpha.
pub(crate) type Stop = (f64, [f64; 4]);

/// Reads a colour: a text with a CSS colour, or a list `[r, g, b]` or `[r, g, b, a]` of numbers
/// from 0 to 255. The result is red, green, blue and alpha from 0 to 1. `name` is the
/// configuration's name of this property, for errors.
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

/// Reads a CSS colour. The colours of MapServer (`#rrggbbaa`) and Google (`rgba(…)`) are CSS too.
/// The result is red, green, blue and alpha from 0 to 1. `name` is the configuration's name of this
/// property, for errors.
pub(crate) fn css(text: &str, name: &str, builder: &StyleBuilder) -> Result<[f64; 4], ImportError> {
    match css_color(text.trim()) {
        Ok(color) => Ok(color.map(f64::from)),
        Err(_) => builder.refuse(name, text, "expected a CSS colour like #ff0000"),
    }
}

/// Reads the stops of a gradient like `{0.4: "blue", 1: "red"}`, and sorts them by position. `name`
/// is the configuration's name of this property, for errors.
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

/// The colour of a gradient at a position, 0 to 1. Between two stops the colours are mixed channel
/// by channel, without multiplication by alpha, as a canvas and MapLibre since version 3 do it.
/// Before the first stop the colour is the first stop's, and after the last stop the last stop's.
pub(crate) fn at(stops: &[Stop], position: f64) -> [f64; 4] {
    let after = stops.partition_point(|(p, _)| *p <= position);
    let before = after.checked_sub(1).and_then(|i| stops.get(i));
    match (before, stops.get(after)) {
        (Some(&(p0, a)), Some(&(p1, b))) => {
            let t = (position - p0) / (p1 - p0);
            let mut mixed = a;
            for (a, b) in mixed.iter_mut().zip(b) {
                *a += (b - *a) * t;
            }
            mixed
        }
        (Some(&(_, color)), None) | (None, Some(&(_, color))) => color,
        (None, None) => [0.0; 4],
    }
}

/// Converts the channels of a colour from 0..1 to 0..255.
pub(crate) fn bytes(color: [f64; 4]) -> [u8; 4] {
    color.map(|c| (c.clamp(0.0, 1.0) * 255.0).round() as u8)
}

/// The RGBA colours of a row of pixels in a canvas that is 256 pixels wide and filled with a
/// gradient from its left to its right edge.
pub(crate) fn canvas(stops: &[Stop]) -> [[u8; 4]; 256] {
    std::array::from_fn(|i| bytes(at(stops, (i as f64 + 0.5) / 256.0)))
}

/// Makes stops for colours that are spread evenly from position 0 to position 1.
pub(crate) fn even(colors: Vec<[f64; 4]>) -> Vec<Stop> {
    let last = colors.len().saturating_sub(1).max(1) as f64;
    let place = |(i, color): (usize, [f64; 4])| (i as f64 / last, color);
    colors.into_iter().enumerate().map(place).collect()
}
