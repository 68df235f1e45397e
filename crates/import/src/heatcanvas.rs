//! HeatCanvas. The options `step` and `degree` and a function for the colours are imported.

use crate::builder::StyleBuilder;
use crate::js_literal::JsLiteral;
use crate::options::OptionReader;
use crate::{Dialect, ImportError, ImportedStyle};
use heatsplat_render::BlendMode;

/// The names of HeatCanvas's constants for kernels, each with the exponent n of the kernel 1 − uⁿ,
/// where u is the distance from the point divided by the kernel's radius.
const DEGREES: [(&str, u32); 3] = [("LINEAR", 1), ("QUAD", 2), ("CUBIC", 3)];

/// The radius of the imported kernel in pixels: a choice. Any value would do, since in HeatCanvas
/// the reach of a point's kernel follows from the point's weight.
const REACH: f64 = 16.0;

pub(crate) fn import(options: &JsLiteral, layer: bool) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::HeatCanvas);
    let mut options = OptionReader::of(options);
    let step = options.positive("step", &mut builder)?.unwrap_or(1.0);
    let degree = match options.get("degree") {
        None => 1,
        Some(JsLiteral::Number(n)) if [1.0, 2.0, 3.0].contains(n) => *n as u32,
        Some(JsLiteral::Text(t) | JsLiteral::Code(t)) => {
            let name = t.rsplit('.').next().unwrap_or(t);
            match DEGREES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
                Some((_, degree)) => *degree,
                None => {
                    return builder.refuse(
                        "degree",
                        t,
                        "expected HeatCanvas.LINEAR, QUAD or CUBIC",
                    );
                }
            }
        }
        Some(other) => {
            return builder.refuse(
                "degree",
                &other.shown(),
                "expected HeatCanvas.LINEAR, QUAD or CUBIC",
            );
        }
    };
    let opacity = options.share("opacity", &mut builder)?;
    if options.get("colorscheme").is_some() || options.get("f_value_color").is_some() {
        builder.warn(
            "the colour function is code: its default's colours are taken, give a ramp for others",
        );
    }
    if options.get("bgcolor").is_some() {
        builder.warn("bgcolor: a map lies behind the heat here");
    }
    options.ignore(&["zIndex", "map", "canvas"]);
    options.finish(&mut builder);

    // In HeatCanvas a point of value v has the height v / step − dⁿ at the distance d in pixels,
    // where n is the degree. So a point of value step · REACHⁿ reaches as far as REACH pixels.
    builder.radius("step", REACH)?;
    let kernel = match degree {
        1 => "triangular",
        2 => "epanechnikov",
        _ => "cubic",
    };
    builder.set("kernel", kernel)?;
    builder.overlap(&BlendMode::Reach(step * REACH.powi(degree as i32)))?;
    builder.table(&table());
    builder.set("domain", "p100")?;
    builder.opacity("opacity", opacity.unwrap_or(if layer { 0.6 } else { 1.0 }))?;
    Ok(builder.done())
}

/// The default colours of HeatCanvas as RGBA, by the index of the ramp. An index stands for a value
/// v from 0 to 1; its colour has the hue 1 − v, the saturation 0.8 and the lightness 0.6 v, where a
/// hue of 1 is a full turn.
fn table() -> [[u8; 4]; 256] {
    std::array::from_fn(|i| {
        let v = i as f32 / 255.0;
        let color = csscolorparser::Color::from_hsla((1.0 - v) * 360.0, 0.8, v * 0.6, 1.0);
        if i == 0 { [0; 4] } else { color.to_rgba8() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    #[test]
    fn a_layer_of_its_own() {
        let made = style(
            "var heatmap = new OpenLayers.Layer.HeatCanvas('x', map, {}, {'step': 0.3, 'degree': HeatCanvas.QUAD, 'opacity': 0.7});",
        )
        .unwrap();
        assert_eq!(made.dialect, Dialect::HeatCanvas);
        let plain = style("{step: 0.5, degree: HeatCanvas.LINEAR}").unwrap();
        assert_eq!(plain.dialect, Dialect::HeatCanvas);
        assert_eq!(plain.style.blend().to_string(), "reach:8");
        // The greatest value has the hue 0, which is red. The least value is nearly black.
        assert_eq!(plain.style.ramp().color(255), [235, 71, 71, 255]);
        assert!(plain.style.ramp().color(1)[..3].iter().all(|c| *c < 3));
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            ("{step: 0, degree: 1}", "above 0"),
            ("{step: 1, degree: HeatCanvas.QUARTIC}", "CUBIC"),
            ("{step: 1, degree: 7}", "CUBIC"),
            ("{step: 1, degree: 1, opacity: 3}", "0 to 1"),
        ] {
            let message = style(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
    }
}
