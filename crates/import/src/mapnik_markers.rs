//! Mapnik's markers: the shape that is drawn at each point, its opacity, and the way in which
//! markers that overlap are blended.

use crate::builder::{StyleBuilder, rounded};
use crate::{ImportError, gradient};
use heatsplat_render::{BlendMode, MarkerStamp};
use heatsplat_render::{Marker, MarkerShape};

/// The default width and height of an ellipse, in pixels.
const SIZE: f64 = 10.0;

/// The default width of the outline of an ellipse, in pixels.
const STROKE: f64 = 0.5;

/// Imports the properties of Mapnik's markers, each as a name and a value. `blurs` are the blurs
/// that are applied after the markers are drawn, each as its radii in x and in y, in pixels.
pub(crate) fn take(
    marker: &[(String, String)],
    blurs: &[(u32, u32)],
    builder: &mut StyleBuilder,
) -> Result<(), ImportError> {
    let mut opacity = (1.0, None);
    let (mut width, mut height) = (None, None);
    let mut stroke = STROKE;
    let (mut plus, mut overlapping, mut file) = (false, false, None);
    for (name, value) in marker {
        let value = value.trim().trim_matches('"');
        match name.as_str() {
            "opacity" | "fill-opacity" => {
                let (factor, column) = expression(name, value, builder)?;
                opacity = (opacity.0 * factor, opacity.1.or(column));
            }
            "fill" => opacity.0 *= gradient::css(value, "fill", builder)?[3],
            "width" => width = Some(length(name, value, builder)?),
            "height" => height = Some(length(name, value, builder)?),
            "stroke-width" => stroke = number(name, value, builder)?.max(0.0),
            "stroke-opacity" if value.parse() == Ok(0.0) => stroke = 0.0,
            "comp-op" => match value {
                "src-over" => plus = false,
                "plus" => plus = true,
                _ => {
                    return builder.refuse(
                        "comp-op",
                        value,
                        "expected src-over or plus for markers",
                    );
                }
            },
            "allow-overlap" => overlapping = matches!(value, "true" | "yes" | "on" | "1"),
            "file" => {
                let inner = value.strip_prefix("url(").and_then(|v| v.strip_suffix(')'));
                file = Some(inner.unwrap_or(value).trim_matches(['\'', '"']));
            }
            "stroke" | "stroke-opacity" | "ignore-placement" | "placement" | "clip" | "name"
            | "multi-policy" => {}
            "marker-type" if value == "ellipse" => {}
            other => builder.warn(format!("markers: `{}` is left out", crate::shorten(other))),
        }
    }
    if !overlapping {
        builder.warn(
            "markers that collide are left out there, without allow-overlap; here all are drawn",
        );
    }
    let picture = file.filter(|f| !f.starts_with("shape://"));
    let shape = match picture {
        Some(file) => {
            builder.marker(file.to_owned());
            if width.is_some() || height.is_some() {
                builder.warn("the marker's picture is stamped in its own size");
            }
            MarkerShape::Ellipse(width.unwrap_or(SIZE), height.or(width).unwrap_or(SIZE))
        }
        None => {
            if stroke > 0.0 {
                builder.warn(format!(
                    "the outline, {} wide, is a part of the ellipse here",
                    rounded(stroke)
                ));
            }
            let width = width.or(height).unwrap_or(SIZE);
            MarkerShape::Ellipse(width + stroke, height.unwrap_or(width) + stroke)
        }
    };
    let legal = |n: f64| n.clamp(0.0, 1.0);
    builder.columns().weight = opacity.1.clone();
    let few = |(x, y): &(u32, u32)| ((*x).min(254) as u8, (*y).min(254) as u8);
    let stamp = MarkerStamp {
        marker: Marker {
            shape,
            opacity: legal(opacity.0),
            weighted: opacity.1.is_some(),
        },
        blurs: blurs.iter().map(few).collect(),
    };
    builder.overlap(&if plus {
        BlendMode::Plus(stamp)
    } else {
        BlendMode::Over(stamp)
    })?;
    builder.set("domain", "0,255")
}

/// Reads an opacity. It is one of two things, and the result follows from it:
///
/// * a number like `0.3`: the number and `None`
/// * a column with a factor, like `[value]`, `0.4*[value]` or `[value] / 5`: the factor (1, 0.4 or
///   0.2 here) and the column's name
///
/// `name` is the name of the property, for errors.
fn expression(
    name: &str,
    text: &str,
    builder: &StyleBuilder,
) -> Result<(f64, Option<String>), ImportError> {
    const EXPECTED: &str = "expected 0 to 1, or a column: [value], 0.4*[value], [value]/5";
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '(' | ')'))
        .collect();
    let Some((before, rest)) = plain.split_once('[') else {
        return match plain.parse::<f64>() {
            Ok(n) if (0.0..=1.0).contains(&n) => Ok((n, None)),
            _ => builder.refuse(name, text, EXPECTED),
        };
    };
    let Some((column, after)) = rest.split_once(']') else {
        return builder.refuse(name, text, EXPECTED);
    };
    let factor = match (before, after) {
        ("", "") => Some(1.0),
        (before, "") => before.strip_suffix('*').and_then(|n| n.parse().ok()),
        ("", after) => match after.split_at(1) {
            ("*", n) => n.parse().ok(),
            ("/", n) => n.parse().ok().map(|n: f64| n.recip()),
            _ => None,
        },
        _ => None,
    };
    match factor.filter(|f: &f64| f.is_finite() && *f > 0.0) {
        Some(factor) => Ok((factor, Some(column.to_owned()))),
        None => builder.refuse(name, text, EXPECTED),
    }
}

fn number(name: &str, text: &str, builder: &StyleBuilder) -> Result<f64, ImportError> {
    match text.parse::<f64>() {
        Ok(n) if n.is_finite() => Ok(n),
        _ => builder.refuse(name, text, "expected a number"),
    }
}

fn length(name: &str, text: &str, builder: &StyleBuilder) -> Result<f64, ImportError> {
    match number(name, text, builder)? {
        n if (0.1..=250.0).contains(&n) => Ok(n),
        _ => builder.refuse(name, text, "expected pixels from 0.1 to 250"),
    }
}

#[cfg(test)]
mod tests {
    use crate::style;

    const RAMP: &str = "image-filters: agg-stack-blur(8,4) colorize-alpha(blue, red);";

    #[test]
    fn markers_of_carto() {
        for (markers, overlap, column) in [
            (
                "marker-width: 12; marker-line-width: 0; marker-opacity: 0.3; marker-allow-overlap: true;",
                "over:ellipse:12x12@0.3;blur:8x4",
                None,
            ),
            (
                "marker-width: 35; marker-line-width: 0; marker-fill-opacity: 0.4*[value]; marker-comp-op: plus;",
                "plus:ellipse:35x35@0.4*weight;blur:8x4",
                Some("value"),
            ),
            (
                "marker-fill: #0000ff80; marker-allow-overlap: true;",
                "over:ellipse:10.5x10.5@0.5019608;blur:8x4",
                None,
            ),
        ] {
            let made = style(&format!("#heat {{ {RAMP} {markers} }}")).unwrap();
            let got = made.style.blend().to_string();
            assert!(got == overlap || markers.contains("fill: #"), "{got}");
            assert_eq!(made.columns.weight.as_deref(), column);
        }
    }

    #[test]
    fn a_picture_is_named_and_then_stamped() {
        let made = style(&format!(
            "#heat {{ {RAMP} marker-file: url(\"m.png\"); marker-allow-overlap: true; }}"
        ))
        .unwrap();
        assert_eq!(made.marker.as_deref(), Some("m.png"));
        assert!(made.clone().with_marker(b"no PNG").is_err());
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 1, 1);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[0, 0, 0, 128]).unwrap();
        writer.finish().unwrap();
        let stamped = made.with_marker(&png).unwrap();
        assert_eq!(
            stamped.style.blend().to_string(),
            "over:image:1x1:80@1;blur:8x4"
        );
    }

    #[test]
    fn mistakes() {
        for (markers, hint) in [
            ("marker-width: 0;", "0.1"),
            ("marker-opacity: 3;", "0 to 1"),
            ("marker-opacity: [a]+[b];", "column"),
            ("marker-comp-op: multiply;", "src-over or plus"),
            ("marker-fill: blau;", "CSS colour"),
        ] {
            let message = style(&format!("#h {{ {RAMP} {markers} }}"))
                .unwrap_err()
                .to_string();
            assert!(message.contains(hint), "{markers}: {message}");
        }
    }
}
