//! The HeatmapLayer of the Google Maps JavaScript API. It was removed from the API in May 2026.

use crate::builder::StyleBuilder;
use crate::gradient;
use crate::inline_points::{ImportedPoint, lat_lng};
use crate::js_literal::JsLiteral;
use crate::options::OptionReader;
use crate::{Dialect, ImportError, ImportedStyle};

/// The default gradient of Google's HeatmapLayer: CSS colours at equal distances, from no heat to
/// the most.
const GRADIENT: [&str; 11] = [
    "rgba(102,255,0,0)",
    "rgba(102,255,0,1)",
    "rgba(147,255,0,1)",
    "rgba(193,255,0,1)",
    "rgba(238,255,0,1)",
    "rgba(244,227,0,1)",
    "rgba(249,198,0,1)",
    "rgba(255,170,0,1)",
    "rgba(255,113,0,1)",
    "rgba(255,57,0,1)",
    "rgba(255,0,0,1)",
];

const RADIUS: f64 = 10.0;
const OPACITY: f64 = 0.6;

pub(crate) fn import(options: &JsLiteral) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::Google);
    let mut options = OptionReader::of(options);
    let radius = options.positive("radius", &mut builder)?.unwrap_or(RADIUS);
    if options.flag("dissipating", &mut builder)? == Some(false) {
        builder.doubling_radius("radius", radius)?;
    } else {
        builder.radius("radius", radius)?;
    }
    match options.positive("maxIntensity", &mut builder)? {
        Some(most) => builder.domain_to(most)?,
        None => builder.set("domain", "p100")?,
    }
    let colors = match options.get("gradient") {
        None => {
            let default = GRADIENT
                .iter()
                .map(|c| gradient::css(c, "gradient", &builder));
            default.collect::<Result<Vec<_>, _>>()?
        }
        Some(JsLiteral::List(list)) if !list.is_empty() => {
            let given = list
                .iter()
                .map(|c| gradient::color(c, "gradient", &builder));
            given.collect::<Result<Vec<_>, _>>()?
        }
        Some(other) => {
            return builder.refuse("gradient", &other.shown(), "expected a list of CSS colours");
        }
    };
    let stops = gradient::even(colors);
    builder.table(&std::array::from_fn(|i| {
        gradient::bytes(gradient::at(&stops, i as f64 / 255.0))
    }));
    let opacity = options.share("opacity", &mut builder)?.unwrap_or(OPACITY);
    builder.opacity("opacity", opacity)?;
    if let Some(JsLiteral::List(list)) = options.get("data") {
        let points: Option<Vec<ImportedPoint>> = list.iter().map(point).collect();
        match points {
            Some(points) => builder.points(points),
            None => builder.warn("the data are no list of LatLng or WeightedLocation"),
        }
    }
    options.ignore(&["map", "data"]);
    options.finish(&mut builder);
    builder.warn("its kernel was never published: a gaussian takes its place");
    Ok(builder.done())
}

/// The point that a call `LatLng(lat, lng)` or an object `{location: LatLng(lat, lng), weight}`
/// describes. `None` for any other value.
fn point(value: &JsLiteral) -> Option<ImportedPoint> {
    let Some(location) = value.get("location") else {
        return lat_lng(value);
    };
    let weight = value
        .get("weight")
        .map_or(Some(1.0), JsLiteral::as_number)?;
    Some(ImportedPoint {
        weight,
        ..lat_lng(location)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    #[test]
    fn a_layer_of_a_page() {
        let made = style(
            "var heatmap = new google.maps.visualization.HeatmapLayer({
               data: [new google.maps.LatLng(37.782, -122.447), {location: new google.maps.LatLng(37.78, -122.44), weight: 0.5}],
               maxIntensity: 12, radius: 20, map: map });",
        )
        .unwrap();
        assert_eq!(made.dialect, Dialect::Google);
        assert_eq!(made.points.len(), 2);
        assert_eq!((made.points[1].lon, made.points[1].weight), (-122.44, 0.5));
        assert_eq!(made.style.scale().domain.to_string(), "0,12");
        assert_eq!(made.style.ramp().color(255), [255, 0, 0, 153]);
        assert_eq!(made.style.radius().to_string(), "20px");
    }

    #[test]
    fn a_radius_at_zoom_0() {
        let made = style("{dissipating: false, radius: 2, maxIntensity: 3}").unwrap();
        assert_eq!(
            made.style.radius().to_string(),
            "0:2px,1:4px,2:8px,3:16px,4:32px,5:64px,6:128px"
        );
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            ("{dissipating: 1, maxIntensity: 3}", "true or false"),
            ("{dissipating: true, maxIntensity: 0}", "above 0"),
            ("{dissipating: true, gradient: []}", "list of CSS colours"),
            ("{dissipating: true, gradient: ['blau']}", "CSS colour"),
            ("{dissipating: true, radius: 0}", "above 0"),
        ] {
            let message = style(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
    }
}
