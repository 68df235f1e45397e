//! GeoServer: an SLD with the transformation `vec:Heatmap`, which was formerly called `gs:Heatmap`.

use crate::builder::{StyleBuilder, rounded};
use crate::gradient::{self, Stop};
use crate::xml::XmlElement;
use crate::{Dialect, ImportError, ImportedStyle};

const RADIUS: f64 = 100.0;

/// Tests whether a document contains a heatmap transformation.
pub(crate) fn is_in(root: &XmlElement) -> bool {
    let all = root.descendants();
    all.iter()
        .any(|e| e.attribute("name").is_some_and(|n| n.ends_with(":Heatmap")))
}

pub(crate) fn import(root: &XmlElement) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::new(Dialect::GeoServer);
    let all = root.descendants();
    let parameters: Vec<(String, Vec<String>)> = all
        .iter()
        .filter(|e| e.name == "Function" && e.attribute("name") == Some("parameter"))
        .filter_map(|e| parameter(e))
        .collect();
    let mut radius = RADIUS;
    for (name, values) in &parameters {
        // The function `env('radius', 40)` has two values: the name of a variable that requests can
        // set, and the default. The default is the last value, and it is imported.
        let value = values.last().map(String::as_str).unwrap_or_default();
        match name.as_str() {
            "radiusPixels" => {
                if values.len() > 1 {
                    builder.warn(format!(
                        "radiusPixels may come with a request there: {value} is taken"
                    ));
                }
                radius = match value.parse::<f64>() {
                    Ok(n) if n >= 1.0 => n,
                    _ => return builder.refuse(name, value, "expected pixels, at least 1"),
                };
            }
            "weightAttr" => builder.columns().weight = Some(value.to_owned()),
            "data" | "pixelsPerCell" | "outputBBOX" | "outputWidth" | "outputHeight" => {}
            other => builder.warn(format!(
                "`{}` is not known and left out",
                crate::shorten(other)
            )),
        }
    }
    // GeoServer blurs by four passes of a box filter. The result is close to a gaussian.
    builder.radius("radiusPixels", 3.0 * deviation(radius))?;
    builder.set("domain", "p100")?;
    match all.iter().find(|e| e.name == "ColorMap") {
        Some(map) => colors(map, &mut builder)?,
        None => builder.warn("there is no ColorMap: the default ramp is taken"),
    }
    if let Some(opacity) = all
        .iter()
        .find(|e| e.name == "RasterSymbolizer")
        .and_then(|e| e.child("Opacity"))
        && let Ok(opacity) = opacity
            .descendants()
            .last()
            .map_or("", |e| &e.text)
            .parse::<f64>()
    {
        builder.opacity("Opacity", opacity)?;
    }
    Ok(builder.done())
}

/// The name and the values of a parameter of the transformation. The texts of all literals and
/// property names inside the element are listed: the first one is the name, the others are the
/// values. `None` if there are no such texts.
fn parameter(function: &XmlElement) -> Option<(String, Vec<String>)> {
    let words = function.descendants();
    let words = words
        .iter()
        .filter(|e| matches!(e.name.as_str(), "Literal" | "PropertyName"));
    let mut words = words.map(|e| e.text.clone());
    Some((words.next()?, words.collect()))
}

/// The standard deviation σ, in pixels, of four successive box blurs. `radius` is the sum of the
/// radii of the four, in pixels.
fn deviation(radius: f64) -> f64 {
    let whole = radius.round().max(1.0) as u32;
    let each = |pass: u32| f64::from(whole / 4 + u32::from(pass < whole % 4));
    let variance: f64 = (0..4).map(each).map(|r| r * (r + 1.0) / 3.0).sum();
    variance.sqrt()
}

fn colors(map: &XmlElement, builder: &mut StyleBuilder) -> Result<(), ImportError> {
    let mut stops: Vec<Stop> = Vec::new();
    for entry in map.all("ColorMapEntry") {
        let text = entry.attribute("color").unwrap_or_default();
        let [r, g, b, _] = gradient::css(text, "color", builder)?;
        let number = |name: &str, default: &str, builder: &StyleBuilder| {
            let text = entry.attribute(name).unwrap_or(default);
            match text.parse::<f64>() {
                Ok(n) if n.is_finite() => Ok(n),
                _ => builder.refuse(name, text, "expected a number"),
            }
        };
        let quantity = number("quantity", "", builder)?;
        let opacity = number("opacity", "1", builder)?;
        if stops.last().is_some_and(|(last, _)| quantity < *last) {
            return builder.refuse(
                "quantity",
                &rounded(quantity),
                "expected quantities that rise",
            );
        }
        stops.push((quantity, [r, g, b, opacity.clamp(0.0, 1.0)]));
    }
    if stops.is_empty() {
        return builder.refuse("ColorMap", "", "expected at least one ColorMapEntry");
    }
    let kind = map.attribute("type").unwrap_or("ramp");
    let color = |i: usize| {
        let value = i as f64 / 255.0;
        let below = |(quantity, _): &Stop| *quantity <= value;
        gradient::bytes(match kind {
            // A colour applies to the values from the previous quantity up to, but without, its own
            // quantity.
            "intervals" => stops
                .iter()
                .find(|s| !below(s))
                .or(stops.last())
                .map_or([0.0; 4], |s| s.1),
            "values" => {
                let nearest = |s: &&Stop| (s.0 - value).abs() < 0.5 / 255.0;
                stops.iter().find(nearest).map_or([0.0; 4], |s| s.1)
            }
            _ => gradient::at(&stops, value),
        })
    };
    let mut table: [[u8; 4]; 256] = std::array::from_fn(color);
    table[0] = [0; 4];
    builder.table(&table);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    const SLD: &str = r##"<StyledLayerDescriptor xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc">
      <NamedLayer><UserStyle><FeatureTypeStyle><Transformation><ogc:Function name="vec:Heatmap">
        <ogc:Function name="parameter"><ogc:Literal>data</ogc:Literal></ogc:Function>
        <ogc:Function name="parameter"><ogc:Literal>weightAttr</ogc:Literal><ogc:Literal>pop2000</ogc:Literal></ogc:Function>
        <ogc:Function name="parameter"><ogc:Literal>radiusPixels</ogc:Literal>
          <ogc:Function name="env"><ogc:Literal>radius</ogc:Literal><ogc:Literal>40</ogc:Literal></ogc:Function></ogc:Function>
        <ogc:Function name="parameter"><ogc:Literal>pixelsPerCell</ogc:Literal><ogc:Literal>10</ogc:Literal></ogc:Function>
        </ogc:Function></Transformation><Rule><RasterSymbolizer><Opacity>0.6</Opacity>
        <ColorMap type="ramp"><ColorMapEntry color="#FFFFFF" quantity="0" label="nodata" opacity="0"/>
        <ColorMapEntry color="#4444FF" quantity=".1"/><ColorMapEntry color="#FF0000" quantity=".5"/>
        <ColorMapEntry color="#FFFF00" quantity="1.0"/></ColorMap></RasterSymbolizer></Rule></FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>"##;

    #[test]
    fn the_sld_of_its_manual() {
        let made = style(SLD).unwrap();
        assert_eq!(made.dialect, Dialect::GeoServer);
        assert_eq!(made.columns.weight.as_deref(), Some("pop2000"));
        // Four box blurs of radius 10 have σ² = 4 · 110 / 3.
        assert_eq!(
            made.style.radius().to_string(),
            "36.33180px".replace("36.33180", "36.3318")
        );
        let at = |i| made.style.ramp().color(i);
        assert_eq!(at(255), [255, 255, 0, 153]);
        assert_eq!(at(26)[3], 153);
        assert!(at(13)[3] < 90);
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            (SLD.replace(">40<", ">0<"), "at least 1"),
            (SLD.replace("\".5\"", "\".05\""), "rise"),
            (SLD.replace("#4444FF", "#44"), "CSS colour"),
            (SLD.replace("ColorMapEntry", "Entry"), "at least one"),
        ] {
            let message = style(&text).unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
        }
    }
}
