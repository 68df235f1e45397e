//! QGIS: the heatmap renderer in the style file of a layer (QML), or the parameters of the
//! algorithm `qgis:heatmapkerneldensityestimation`.

use crate::builder::{StyleBuilder, rounded};
use crate::gradient::{self, Stop};
use crate::js_literal::JsLiteral;
use crate::options::OptionReader;
use crate::xml::XmlElement;
use crate::{Dialect, ImportError, ImportedStyle};

/// The names of the kernels, in the order of QGIS: a configuration names a kernel by its index in
/// this list.
const KERNELS: [&str; 5] = [
    "quartic",
    "triangular",
    "uniform",
    "triweight",
    "epanechnikov",
];

/// The number of pixels in a millimetre on a screen with 96 dots per inch.
const PIXELS_PER_MM: f64 = 96.0 / 25.4;

/// The element of the heatmap renderer in a style file; `None` if there is none.
pub(crate) fn renderer(root: &XmlElement) -> Option<&XmlElement> {
    let heat = |e: &&&XmlElement| {
        e.name == "renderer-v2" && e.attribute("type") == Some("heatmapRenderer")
    };
    root.descendants().iter().find(heat).copied()
}

pub(crate) fn import_renderer(renderer: &XmlElement) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::Qgis);
    let number = |name: &str, default: f64, builder: &StyleBuilder| match renderer.attribute(name) {
        None | Some("") => Ok(default),
        Some(text) => match text.trim().parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(n),
            _ => builder.refuse(name, text, "expected a number"),
        },
    };
    let radius = number("radius", 10.0, &builder)?;
    if radius <= 0.0 {
        return builder.refuse("radius", &rounded(radius), "expected a number above 0");
    }
    builder.set("kernel", "quartic")?;
    let metres = |builder: &mut StyleBuilder, why: &str| {
        builder.warn(why);
        builder.set("radius", &format!("{}m", rounded(radius)))
    };
    match renderer.attribute("radius_unit").unwrap_or("0") {
        "0" | "MM" => builder.radius("radius", radius * PIXELS_PER_MM)?,
        "2" | "Pixel" => builder.radius("radius", radius)?,
        "4" | "Point" => builder.radius("radius", radius * PIXELS_PER_MM * 25.4 / 72.0)?,
        "5" | "Inch" => builder.radius("radius", radius * 96.0)?,
        "1" | "MapUnit" => metres(&mut builder, "map units are taken for metres on the ground")?,
        "7" | "RenderMetersInMapUnits" => metres(&mut builder, "metres are those on the ground")?,
        other => {
            return builder.refuse(
                "radius_unit",
                other,
                "expected millimetres, pixels, points, inches or map units",
            );
        }
    }
    match number("max_value", 0.0, &builder)? {
        0.0 => builder.set("domain", "p100")?,
        most if most > 0.0 => builder.domain_to(most)?,
        other => return builder.refuse("max_value", &rounded(other), "expected 0 or more"),
    }
    if let Some(weight) = renderer
        .attribute("weight_expression")
        .filter(|w| !w.is_empty())
    {
        let column = weight.trim_matches('"');
        if column.chars().all(|c| c.is_alphanumeric() || c == '_') {
            builder.columns().weight = Some(column.to_owned());
        } else {
            builder.warn(format!(
                "weight_expression `{}`: compute it into a column, and choose that as the weight \
                 of the source",
                crate::shorten(weight)
            ));
        }
    }
    match renderer.child("colorramp") {
        Some(ramp) => colors(ramp, &mut builder)?,
        None => builder.set("ramp", "white, black")?,
    }
    Ok(builder.done())
}

/// Imports the gradient of the renderer. QGIS's default is from white to black.
fn colors(ramp: &XmlElement, builder: &mut StyleBuilder) -> Result<(), ImportError> {
    if let Some(other) = ramp.attribute("type").filter(|t| *t != "gradient") {
        builder.warn(format!(
            "a colour ramp of type {other}: give a ramp by name instead"
        ));
        return Ok(());
    }
    // Before version 3.20, QGIS wrote `<prop k= v=>`. Since then it writes `<Option name= value=>`.
    let property = |name: &str| {
        let found = ramp.descendants().into_iter().find(|e| {
            (e.name == "prop" && e.attribute("k") == Some(name))
                || (e.name == "Option" && e.attribute("name") == Some(name))
        })?;
        found.attribute("v").or_else(|| found.attribute("value"))
    };
    let first = rgba(property("color1").unwrap_or("255,255,255,255"), builder)?;
    let last = rgba(property("color2").unwrap_or("0,0,0,255"), builder)?;
    let mut stops: Vec<Stop> = vec![(0.0, first)];
    for stop in property("stops").unwrap_or_default().split(':') {
        // A stop is `position;color`. In newer files `;spec;direction` follows.
        let mut parts = stop.split(';');
        let (Some(position), Some(color)) = (parts.next(), parts.next()) else {
            continue;
        };
        let at = position
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|p| (0.0..=1.0).contains(p));
        let Some(at) = at.filter(|p| stops.last().is_none_or(|(l, _)| l <= p)) else {
            return builder.refuse("stops", stop, "expected positions that rise from 0 to 1");
        };
        stops.push((at, rgba(color, builder)?));
    }
    stops.push((1.0, last));
    builder.table(&std::array::from_fn(|i| {
        if i == 0 {
            [0; 4]
        } else {
            gradient::bytes(gradient::at(&stops, i as f64 / 255.0))
        }
    }));
    Ok(())
}

/// Reads a colour like `255,0,0,255`. Newer versions of QGIS write more after it, which is ignored.
fn rgba(text: &str, builder: &StyleBuilder) -> Result<[f64; 4], ImportError> {
    let channels: Vec<f64> = text
        .split(',')
        .map_while(|c| c.trim().parse().ok())
        .collect();
    match channels.as_slice() {
        [r, g, b, a, ..] => Ok([r, g, b, a].map(|c| (c / 255.0).clamp(0.0, 1.0))),
        [r, g, b] => Ok([*r, *g, *b, 255.0].map(|c| (c / 255.0).clamp(0.0, 1.0))),
        _ => gradient::css(text, "color", builder),
    }
}

/// Imports the parameters of the kernel density estimation, as the program `qgis_process` reads
/// them.
pub(crate) fn import_estimation(parameters: &JsLiteral) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::Qgis);
    let inner = parameters.get("inputs").unwrap_or(parameters);
    let mut options = OptionReader::of(inner);
    let radius = options.positive("RADIUS", &mut builder)?.unwrap_or(100.0);
    builder.set("radius", &format!("{}m", rounded(radius)))?;
    builder.warn("RADIUS is taken for metres on the ground");
    let kernel = match options.get("KERNEL") {
        None => "quartic",
        Some(JsLiteral::Number(n)) => match KERNELS.get(*n as usize).filter(|_| *n >= 0.0) {
            Some(name) => name,
            None => return builder.refuse("KERNEL", &rounded(*n), "expected 0 to 4"),
        },
        Some(JsLiteral::Text(name)) => {
            let name = name.to_lowercase();
            match KERNELS
                .iter()
                .find(|k| **k == name || name.parse() == Ok(index_of(k)))
            {
                Some(name) => name,
                None => {
                    return builder.refuse(
                        "KERNEL",
                        &name,
                        "expected Quartic, Triangular, Uniform, Triweight or Epanechnikov",
                    );
                }
            }
        }
        Some(other) => return builder.refuse("KERNEL", &other.shown(), "expected 0 to 4"),
    };
    let decay = options.number("DECAY", &mut builder)?.unwrap_or(0.0);
    if !(-100.0..=100.0).contains(&decay) {
        return builder.refuse("DECAY", &rounded(decay), "expected -100 to 100");
    }
    let scaled = match options.get("OUTPUT_VALUE") {
        None => false,
        Some(value) => match value.shown().to_lowercase().as_str() {
            "0" | "raw" => false,
            "1" | "scaled" => true,
            _ => {
                return builder.refuse(
                    "OUTPUT_VALUE",
                    &value.shown(),
                    "expected 0 (Raw) or 1 (Scaled)",
                );
            }
        },
    };
    if kernel == "triangular" && decay != 0.0 {
        builder.set("kernel", &format!("cone:{}", rounded(decay)))?;
    } else {
        builder.set("kernel", kernel)?;
    }
    if scaled {
        // Scaled kernels have unit mass per square unit of the layer. The unit is taken for a
        // metre.
        builder.set("measure", "sum_per_km2")?;
        builder.warn(
            "Scaled values are per square metre in QGIS, per km² here: a million times as much",
        );
    }
    builder.set("domain", "p100")?;
    builder.columns().weight = options
        .text("WEIGHT_FIELD", &mut builder)?
        .map(str::to_owned);
    builder.columns().radius = options
        .text("RADIUS_FIELD", &mut builder)?
        .map(str::to_owned);
    options.ignore(&["INPUT", "OUTPUT", "PIXEL_SIZE"]);
    options.finish(&mut builder);
    Ok(builder.done())
}

fn index_of(kernel: &str) -> usize {
    KERNELS.iter().position(|k| *k == kernel).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    const QML: &str = r#"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
        <qgis version="3.34.0"><renderer-v2 type="heatmapRenderer" radius="8" radius_unit="2" max_value="20"
          quality="2" weight_expression="mag" forceraster="0">
          <colorramp type="gradient" name="[source]"><Option type="Map">
            <Option name="color1" value="255,255,255,0" type="QString"/>
            <Option name="color2" value="255,0,0,255,rgb:1,0,0,1" type="QString"/>
            <Option name="stops" value="0.5;255,255,0,255;rgb;ccw" type="QString"/>
          </Option></colorramp></renderer-v2></qgis>"#;

    #[test]
    fn the_renderer() {
        let made = style(QML).unwrap();
        assert_eq!(made.dialect, Dialect::Qgis);
        let style = made.style;
        assert_eq!(
            (style.radius().to_string(), style.shape().to_string()),
            ("8px".into(), "quartic".into())
        );
        assert_eq!(style.scale().domain.to_string(), "0,20");
        assert_eq!(made.columns.weight.as_deref(), Some("mag"));
        assert_eq!(style.ramp().color(255), [255, 0, 0, 255]);
        assert_eq!(style.ramp().color(128)[..3], [255, 254, 0]);
    }

    #[test]
    fn units_and_defaults() {
        let made = style("<qgis><renderer-v2 type='heatmapRenderer' radius='10'/></qgis>").unwrap();
        assert_eq!(made.style.radius().to_string(), "37.79528px");
        assert_eq!(made.style.scale().domain.to_string(), "p100");
        let ground = QML.replace("radius_unit=\"2\"", "radius_unit=\"1\"");
        assert_eq!(style(&ground).unwrap().style.radius().to_string(), "8m");
    }

    #[test]
    fn the_estimation() {
        let made = style(r#"{"INPUT": "points.gpkg", "RADIUS": 2000, "PIXEL_SIZE": 10, "KERNEL": 3, "WEIGHT_FIELD": "n", "OUTPUT_VALUE": 1}"#).unwrap();
        assert_eq!(made.dialect, Dialect::Qgis);
        let style = made.style.to_string();
        assert!(
            style.contains("measure=sum_per_km2&kernel=triweight&radius=2km"),
            "{style}"
        );
        assert_eq!(made.columns.weight.as_deref(), Some("n"));
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            (QML.replace("radius=\"8\"", "radius=\"0\""), "above 0"),
            (QML.replace("0.5;255", "1.5;255"), "rise"),
            (
                QML.replace("max_value=\"20\"", "max_value=\"-1\""),
                "0 or more",
            ),
            (r#"{"RADIUS": 0, "KERNEL": 0}"#.into(), "above 0"),
            (r#"{"RADIUS": 5, "KERNEL": 9}"#.into(), "0 to 4"),
            (r#"{"RADIUS": 5, "KERNEL": 0, "DECAY": 500}"#.into(), "-100"),
        ] {
            let message = style(&text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
    }
}
