//! Leaflet.heat and simpleheat: the points, the options, or a whole call with both.

use crate::builder::{StyleBuilder, rounded};
use crate::gradient::{self, Stop};
use crate::inline_points;
use crate::js_literal::JsLiteral;
use crate::options::OptionReader;
use crate::{Dialect, ImportError, ImportedStyle};
use heatsplat_render::CoverOpacity;

/// The default gradient of Leaflet.heat and simpleheat: blue, cyan, lime, yellow and red.
const GRADIENT: [Stop; 5] = [
    (0.4, [0.0, 0.0, 1.0, 1.0]),
    (0.6, [0.0, 1.0, 1.0, 1.0]),
    (0.7, [0.0, 1.0, 0.0, 1.0]),
    (0.8, [1.0, 1.0, 0.0, 1.0]),
    (1.0, [1.0, 0.0, 0.0, 1.0]),
];

const RADIUS: f64 = 25.0;
const BLUR: f64 = 15.0;
const MIN_OPACITY: f64 = 0.05;

pub(crate) fn import(
    options: &JsLiteral,
    data: Option<&JsLiteral>,
) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::LeafletHeat);
    let mut options = OptionReader::of(options);
    let radius = options.positive("radius", &mut builder)?.unwrap_or(RADIUS);
    let blur = options
        .number("blur", &mut builder)?
        .unwrap_or(BLUR)
        .max(0.0);
    let max = options.positive("max", &mut builder)?.unwrap_or(1.0);
    let least = options
        .share("minOpacity", &mut builder)?
        .unwrap_or(MIN_OPACITY);
    let full = options.number("maxZoom", &mut builder)?;
    if let Some(zoom) = full.filter(|z| !(0.0..=24.0).contains(z)) {
        return builder.refuse("maxZoom", &zoom.to_string(), "expected a zoom from 0 to 24");
    }
    let stops = match options.get("gradient") {
        Some(given) => gradient::stops(given, "gradient", &builder)?,
        None => GRADIENT.to_vec(),
    };
    options.ignore(&["pane"]);
    options.finish(&mut builder);

    builder.radius("radius", radius + blur)?;
    builder.set(
        "kernel",
        &format!("shadow:{}", rounded(radius / (radius + blur))),
    )?;
    let palette = gradient::canvas(&stops);
    let mut table = [[0; 4]; 256];
    for (alpha, (out, [r, g, b, _])) in table.iter_mut().zip(palette).enumerate().skip(1) {
        *out = [r, g, b, alpha as u8];
    }
    builder.table(&table);
    let full = full.map(|z| z.round() as u8);
    builder.cover(CoverOpacity {
        range: (0.0, max),
        least,
        full_at: full,
    })?;
    if let Some(list) = data.and_then(JsLiteral::as_list) {
        match inline_points::triples(list) {
            Some(points) => builder.points(points),
            None => builder.warn("the points are no list of [latitude, longitude, intensity]"),
        }
    }
    Ok(builder.done())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    #[test]
    fn a_whole_call() {
        let made = style(
            "const heat = L.heatLayer([[50.5, 30.5, 0.2], [50.6, 30.4], L.latLng(1, 2, 0.5)], {radius: 20, blur: 10, maxZoom: 12}).addTo(map);",
        )
        .unwrap();
        assert_eq!(made.dialect, Dialect::LeafletHeat);
        assert_eq!(made.style.radius().to_string(), "30px");
        assert_eq!(made.style.blend().to_string(), "cover:0,1,0.05@12");
        assert_eq!(made.style.shape().to_string(), "shadow:0.667");
        assert_eq!(made.points.len(), 3);
        assert_eq!(
            made.points.iter().map(|p| p.weight).collect::<Vec<_>>(),
            [0.2, 1.0, 0.5]
        );
        assert_eq!(made.style.ramp().color(50), [0, 0, 255, 50]);
        assert_eq!(made.style.ramp().color(179)[..3], [3, 255, 0]);
    }

    #[test]
    fn points_alone_have_the_defaults() {
        let made = style("[[50.5, 30.5, 0.2], [50.6, 30.4]]").unwrap();
        assert_eq!(made.dialect, Dialect::LeafletHeat);
        assert_eq!(
            (made.points.len(), made.style.radius().to_string().as_str()),
            (2, "40px")
        );
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            ("L.heatLayer(p, {radius: 0})", "above 0"),
            ("L.heatLayer(p, {max: -1})", "above 0"),
            ("L.heatLayer(p, {minOpacity: 2})", "0 to 1"),
            ("L.heatLayer(p, {maxZoom: 99})", "zoom"),
            ("L.heatLayer(p, {gradient: {}})", "positions and colours"),
            ("L.heatLayer(p, {gradient: {0.4: 'blu'}})", "CSS colour"),
        ] {
            let message = style(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
        let made = style("L.heatLayer(p, {radius: 5, colour: 1})").unwrap();
        assert!(made.warnings.iter().any(|w| w.contains("colour")));
    }
}
