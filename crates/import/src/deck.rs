//! deck.gl's HeatmapLayer, and the heatmap layers of kepler.gl, which deck.gl draws.

use crate::builder::StyleBuilder;
use crate::gradient::{self, Stop};
use crate::js_literal::JsLiteral;
use crate::options::OptionReader;
use crate::{Dialect, ImportError, ImportedStyle};
use heatsplat_points::mercator::EQUATOR_METRES;

/// The value of deck.gl's kernel at the point itself, for a point of weight 1, from its shader.
const HEIGHT: f64 = 3.385_15;

/// The factor that converts deck.gl's radius to heatsplat's. The gaussian of deck.gl has σ = radius
/// / 6, that of heatsplat has σ = radius / 3.
const OUR_RADIUS: f64 = 0.5;

/// The number that is added to the zooms of deck.gl and kepler.gl to get heatsplat's. They count
/// tiles of 512 px, heatsplat counts tiles of 256 px.
const ZOOM_SHIFT: f64 = 1.0;

const RADIUS: f64 = 50.0;
const MAX_RADIUS: f64 = 100.0;
const THRESHOLD: f64 = 0.05;

/// The default colours of deck.gl: YlOrRd of ColorBrewer, in six classes.
const COLORS: [[u8; 3]; 6] = [
    [255, 255, 178],
    [254, 217, 118],
    [254, 178, 76],
    [253, 141, 60],
    [240, 59, 32],
    [189, 0, 38],
];

/// Imports the properties of a HeatmapLayer of deck.gl.
pub(crate) fn import(layer: &JsLiteral) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::Deck);
    let mut options = OptionReader::of(layer);
    let radius = options
        .positive("radiusPixels", &mut builder)?
        .unwrap_or(RADIUS);
    builder.radius("radiusPixels", radius.clamp(1.0, MAX_RADIUS) * OUR_RADIUS)?;
    let intensity = options.positive("intensity", &mut builder)?.unwrap_or(1.0);
    let threshold = options
        .share("threshold", &mut builder)?
        .unwrap_or(THRESHOLD);
    let mean = aggregation(&mut options, &mut builder)?;
    let colors = match options.get("colorRange") {
        None => default_colors(),
        Some(value) => list_of_colors(value, "colorRange", &builder)?,
    };
    weight_column(&mut options, &mut builder);
    let domain = match options.get("colorDomain") {
        None => None,
        Some(value) => match value.as_list().unwrap_or_default() {
            [JsLiteral::Number(low), JsLiteral::Number(high)] if *high > 0.0 && low < high => {
                Some((low.max(0.0), *high))
            }
            _ => {
                return builder.refuse(
                    "colorDomain",
                    &value.shown(),
                    "expected [low, high] above 0",
                );
            }
        },
    };
    match domain {
        // Without `colorDomain`, the greatest density of each zoom is the upper end of the domain.
        None => {
            builder.set("domain", if mean { "auto" } else { "p100" })?;
            builder.table(&table(&colors, intensity, threshold));
        }
        Some((low, high)) => {
            if mean {
                builder.domain_to(high)?;
            } else {
                builder.domains_to(&per_metre(high))?;
                builder
                    .warn("colorDomain is per metre of the equator here, not of where the view is");
            }
            builder.table(&table(&colors, intensity, low / high));
        }
    }
    let opacity = options.share("opacity", &mut builder)?.unwrap_or(1.0);
    builder.opacity("opacity", opacity)?;
    options.ignore(&[
        "id",
        "data",
        "type",
        "@@type",
        "getPosition",
        "pickable",
        "visible",
        "weightsTextureSize",
        "debounceTimeout",
        "updateTriggers",
        "transitions",
    ]);
    options.finish(&mut builder);
    Ok(builder.done())
}

/// Imports a heatmap layer of a kepler.gl map.
pub(crate) fn import_kepler(layer: &JsLiteral) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::Kepler);
    let config = layer.get("config").unwrap_or(layer);
    let empty = JsLiteral::Object(Vec::new());
    let vis = config.get("visConfig").unwrap_or(&empty);
    let mut options = OptionReader::of(vis);
    let radius = options.positive("radius", &mut builder)?.unwrap_or(20.0);
    // In kepler.gl the radius grows linearly, from 2 pixels at kepler.gl's zoom 0 to the given
    // radius at its zoom 18.
    let table_of = |from: f64, to: f64| {
        [0.0, 18.0].map(|zoom| (zoom + ZOOM_SHIFT, from + (to - from) * zoom / 18.0))
    };
    builder.radii(
        "radius",
        &table_of(2.0, radius).map(|(z, r)| (z, r * OUR_RADIUS)),
    )?;
    let intensity = options.positive("intensity", &mut builder)?.unwrap_or(1.0);
    builder.warn("intensity grows threefold up to zoom 18 in kepler.gl: here it is that of zoom 0");
    let threshold = options.share("threshold", &mut builder)?.unwrap_or(0.18);
    let mean = aggregation(&mut options, &mut builder)?;
    let mut colors = match vis.get("colorRange").and_then(|range| range.get("colors")) {
        None => default_colors(),
        Some(value) => list_of_colors(value, "colorRange", &builder)?,
    };
    // The first and the last colour are doubled because kepler.gl passes them to deck.gl in this
    // way.
    if let (Some(first), Some(last)) = (colors.first().copied(), colors.last().copied()) {
        colors.insert(0, first);
        colors.push(last);
    }
    builder.set("domain", if mean { "auto" } else { "p100" })?;
    builder.table(&table(&colors, intensity, threshold));
    let opacity = options.share("opacity", &mut builder)?.unwrap_or(0.8);
    builder.opacity("opacity", opacity)?;
    options.ignore(&["colorRange", "weight"]);
    options.finish(&mut builder);
    let name = |field: Option<&JsLiteral>| {
        let field = field?;
        let name = field.get("name").unwrap_or(field);
        name.as_text().map(str::to_owned)
    };
    let channels = layer.get("visualChannels").unwrap_or(config);
    builder.columns().weight = name(channels.get("weightField"));
    let columns = config.get("columns");
    let column = |key: &str| name(columns.and_then(|c| c.get(key)));
    builder.columns().lat = column("lat");
    builder.columns().lon = column("lng");
    Ok(builder.done())
}

fn aggregation(
    options: &mut OptionReader<'_>,
    builder: &mut StyleBuilder,
) -> Result<bool, ImportError> {
    match options.text("aggregation", builder)? {
        None => Ok(false),
        Some(name) if name.eq_ignore_ascii_case("sum") => Ok(false),
        Some(name) if name.eq_ignore_ascii_case("mean") => {
            builder.set("measure", "mean")?;
            Ok(true)
        }
        Some(other) => builder.refuse("aggregation", other, "expected SUM or MEAN"),
    }
}

/// Finds the name of the column of weights in the option `getWeight`, for example in `d =>
/// d.weight` or `"@@=weight"`, and adds it to the imported columns. If the option is other code,
/// adds a warning.
fn weight_column(options: &mut OptionReader<'_>, builder: &mut StyleBuilder) {
    let column = match options.get("getWeight") {
        Some(JsLiteral::Text(text)) => text.strip_prefix("@@=").map(str::to_owned),
        Some(JsLiteral::Code(code)) => {
            let after = code.rsplit('.').next().unwrap_or_default();
            let name = after.chars().all(|c| c.is_alphanumeric() || c == '_');
            (code.contains("=>") && code.contains('.') && name && !after.is_empty())
                .then(|| after.to_owned())
        }
        Some(JsLiteral::Number(n)) => {
            if *n != 1.0 {
                builder.warn("getWeight is the same for all points: that changes no colour");
            }
            return;
        }
        None => return,
        _ => None,
    };
    if column.is_none() {
        builder.warn("getWeight is code: choose the column of weights of the source");
    }
    builder.columns().weight = column;
}

fn default_colors() -> Vec<[f64; 4]> {
    let color = |c: &[u8; 3]| [c[0], c[1], c[2], 255].map(|v| f64::from(v) / 255.0);
    COLORS.iter().map(color).collect()
}

fn list_of_colors(
    value: &JsLiteral,
    name: &str,
    builder: &StyleBuilder,
) -> Result<Vec<[f64; 4]>, ImportError> {
    match value.as_list() {
        Some(list) if !list.is_empty() => list
            .iter()
            .map(|c| gradient::color(c, name, builder))
            .collect(),
        _ => builder.refuse(name, &value.shown(), "expected a list of colours"),
    }
}

/// Converts `high`, the upper end of deck.gl's domain, to heatsplat's densities. deck.gl states it
/// as weight per metre of the equator, and a metre has another length in pixels at each zoom. So
/// the result is a table: each pair is a zoom, counted in tiles of 256 px, and the density at this
/// zoom.
fn per_metre(high: f64) -> Vec<(f64, f64)> {
    (0..=22)
        .map(|zoom| {
            let metres_per_pixel = EQUATOR_METRES / (256.0 * f64::from(zoom).exp2());
            (f64::from(zoom), high * metres_per_pixel / HEIGHT)
        })
        .collect()
}

/// The RGBA colour of each of the 256 indices of the ramp. deck.gl's ramp is a texture with one
/// texel for each colour of `colors` (channels from 0 to 1), and colours between texels are
/// interpolated. The place in the texture is the density, as a fraction of the domain's upper end,
/// times `intensity`. Where this product is less than `threshold`, the colours fade out.
fn table(colors: &[[f64; 4]], intensity: f64, threshold: f64) -> [[u8; 4]; 256] {
    let count = colors.len() as f64;
    let texel = |(i, c): (usize, &[f64; 4])| ((i as f64 + 0.5) / count, *c);
    let stops: Vec<Stop> = colors.iter().enumerate().map(texel).collect();
    std::array::from_fn(|i| {
        let weight = i as f64 / 255.0 * intensity;
        let [r, g, b, a] = gradient::at(&stops, weight.min(1.0));
        let fade = if threshold > 0.0 {
            (weight / threshold).min(1.0)
        } else {
            1.0
        };
        if i == 0 {
            [0; 4]
        } else {
            gradient::bytes([r, g, b, a * fade])
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    #[test]
    fn a_layer_of_a_page() {
        let made = style("new HeatmapLayer({id: 'heat', data, getPosition: d => d.position, getWeight: d => d.weight, aggregation: 'SUM'})").unwrap();
        assert_eq!(made.dialect, Dialect::Deck);
        assert_eq!(made.columns.weight.as_deref(), Some("weight"));
        let style = made.style;
        assert_eq!(style.radius().to_string(), "25px");
        assert_eq!(style.scale().domain.to_string(), "p100");
        // The first of the six texels has one colour up to its middle, and the colours fade below a
        // twentieth of the greatest weight.
        assert_eq!(style.ramp().color(20), [255, 255, 178, 255]);
        assert_eq!(style.ramp().color(6)[3], 120);
        assert_eq!(style.ramp().color(250), [189, 0, 38, 255]);
    }

    #[test]
    fn json_means_and_domains() {
        let made = style(
            r#"{"@@type": "HeatmapLayer", "radiusPixels": 30, "aggregation": "MEAN", "getWeight": "@@=temperature",
                "colorRange": [[0, 0, 255], [255, 0, 0, 128]], "colorDomain": [10, 40]}"#,
        )
        .unwrap();
        assert_eq!(made.columns.weight.as_deref(), Some("temperature"));
        assert_eq!(made.style.scale().domain.to_string(), "0,40");
        assert!(made.style.to_string().contains("measure=mean"));
        assert_eq!(made.style.ramp().color(255), [255, 0, 0, 128]);
    }

    #[test]
    fn kepler() {
        let made = style(
            r##"{"id": "a", "type": "heatmap", "config": {"dataId": "x", "label": "heat",
              "columns": {"lat": "Latitude", "lng": "Longitude"},
              "visConfig": {"opacity": 0.8, "radius": 26, "colorRange": {"name": "Global", "colors": ["#5A1846", "#FFC300"]}}},
              "visualChannels": {"weightField": {"name": "mag", "type": "real"}, "weightScale": "linear"}}"##,
        )
        .unwrap();
        assert_eq!(made.dialect, Dialect::Kepler);
        assert_eq!(made.style.radius().to_string(), "1:1px,19:13px");
        assert_eq!(made.columns.weight.as_deref(), Some("mag"));
        assert_eq!(made.columns.lat.as_deref(), Some("Latitude"));
        assert_eq!(made.style.ramp().color(255), [255, 195, 0, 204]);
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            ("new HeatmapLayer({radiusPixels: 0})", "above 0"),
            ("new HeatmapLayer({threshold: 7})", "0 to 1"),
            ("new HeatmapLayer({aggregation: 'MAX'})", "MEAN"),
            ("new HeatmapLayer({colorRange: []})", "list of colours"),
            ("new HeatmapLayer({colorRange: [[1, 2]]})", "red"),
            ("new HeatmapLayer({colorDomain: [9, 1]})", "low, high"),
        ] {
            let message = style(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
        let made = style("new HeatmapLayer({radius: 3})").unwrap();
        assert!(made.warnings.iter().any(|w| w.contains("radius")));
    }
}
