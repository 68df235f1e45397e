//! Mapnik: its image filters as a single line, as declarations in CartoCSS, or in a whole map in
//! XML.

use crate::builder::StyleBuilder;
use crate::mapnik_markers;
use crate::xml::XmlElement;
use crate::{Dialect, ImportError, ImportedStyle, mapnik_rasterizers};

/// The properties of a Mapnik style that matter for a heat map.
#[derive(Default)]
struct Recipe {
    filters: Option<String>,
    opacity: Option<String>,
    /// The properties of the markers, each as a name and a value. The names are those of Mapnik's
    /// XML. `None` if the style has no markers.
    marker: Option<Vec<(String, String)>>,
    /// The names of the style's other properties, which are left out with a warning.
    others: Vec<String>,
}

/// Imports Mapnik's image filters from a text of a single line.
pub(crate) fn import_filters(text: &str) -> Result<ImportedStyle, ImportError> {
    let recipe = Recipe {
        filters: Some(text.to_owned()),
        ..Recipe::default()
    };
    recipe.import()
}

/// Imports CartoCSS, for example `#layer { image-filters: …; marker-opacity: 0.3; }`.
pub(crate) fn import_carto(text: &str) -> Result<ImportedStyle, ImportError> {
    let mut recipe = Recipe::default();
    let mut markers = Vec::new();
    let inside = text.rsplit_once('{').map_or(text, |(_, inside)| inside);
    let inside = inside.split('}').next().unwrap_or_default();
    for declaration in split_outside_brackets(inside, ';') {
        let Some((name, value)) = declaration.split_once(':') else {
            continue;
        };
        let (name, value) = (name.trim(), value.trim().to_owned());
        match name {
            "image-filters" => recipe.filters = Some(value),
            "opacity" => recipe.opacity = Some(value),
            _ => match name.strip_prefix("marker-") {
                Some(name) => markers.push((xml_name(name).to_owned(), value)),
                None => recipe.others.push(name.to_owned()),
            },
        }
    }
    recipe.marker = (!markers.is_empty()).then_some(markers);
    recipe.import()
}

/// Converts the name of a marker's property from CartoCSS to the name in the XML. The prefix
/// `marker-` of the CartoCSS name must already be removed.
fn xml_name(name: &str) -> &str {
    match name {
        "line-width" => "stroke-width",
        "line-color" => "stroke",
        "line-opacity" => "stroke-opacity",
        "type" => "marker-type",
        other => other,
    }
}

/// Imports a map in XML: the first style whose filters colour heat, and the first layer that uses
/// this style.
pub(crate) fn import_xml(map: &XmlElement) -> Result<ImportedStyle, ImportError> {
    let all = map.descendants();
    let colours = |style: &&&XmlElement| {
        let filters = style.attribute("image-filters").unwrap_or_default();
        style.name == "Style" && filters.contains("colorize-alpha")
    };
    let style = all.iter().find(colours);
    let uses = |layer: &&&XmlElement| {
        layer.name == "Layer"
            && layer
                .all("StyleName")
                .any(|n| style.is_none_or(|s| s.attribute("name") == Some(n.text.as_str())))
    };
    let layer = all.iter().find(uses);
    let source = layer.map(|layer| parameters(layer)).unwrap_or_default();
    if source.iter().any(|(n, v)| n == "type" && v == "heatmap") {
        return mapnik_rasterizers::import(&source);
    }
    let Some(style) = style else {
        let builder = StyleBuilder::new(Dialect::Mapnik);
        return builder.refuse(
            "image-filters",
            "",
            "expected a Style with colorize-alpha(…)",
        );
    };
    let mut recipe = Recipe {
        filters: style.attribute("image-filters").map(str::to_owned),
        opacity: style.attribute("opacity").map(str::to_owned),
        ..Recipe::default()
    };
    let markers = style.descendants();
    if let Some(mode) = style.attribute("comp-op").filter(|m| *m != "src-over") {
        recipe.others.push(format!("comp-op: {mode}"));
    }
    if let Some(markers) = markers.iter().find(|e| e.name == "MarkersSymbolizer") {
        recipe.marker = Some(markers.attributes().to_vec());
    }
    let mut made = recipe.import()?;
    let rules = style.all("Rule").count();
    if rules > 1 {
        made.warnings
            .push(format!("the first of {rules} rules is taken"));
    }
    made.datasource = source;
    Ok(made)
}

/// The parameters of a layer's datasource, each as a name and a value.
fn parameters(layer: &XmlElement) -> Vec<(String, String)> {
    let source = layer.child("Datasource");
    let all = source.into_iter().flat_map(|s| s.all("Parameter"));
    all.filter_map(|p| Some((p.attribute("name")?.to_owned(), p.text.clone())))
        .collect()
}

impl Recipe {
    fn import(self) -> Result<ImportedStyle, ImportError> {
        let mut builder = StyleBuilder::new(Dialect::Mapnik);
        let mut blurs: Vec<(u32, u32)> = Vec::new();
        let mut colored = false;
        let filters = self.filters.as_deref().unwrap_or_default();
        for filter in filters_of(filters, &builder)? {
            match filter {
                ImageFilter::ColorizeAlpha(arguments) => {
                    builder.set("ramp", &format!("colorize-alpha({arguments})"))?;
                    colored = true;
                }
                ImageFilter::StackBlur(x, y) if !colored => blurs.push((x, y)),
                ImageFilter::StackBlur(..) => {
                    builder.warn("a blur behind colorize-alpha is left out")
                }
                ImageFilter::Other(name) => builder.warn(format!("the filter {name} is left out")),
            }
        }
        if !colored {
            return builder.refuse(
                "image-filters",
                filters,
                "expected colorize-alpha(blue, red) among them",
            );
        }
        match &self.marker {
            Some(marker) => mapnik_markers::take(marker, &blurs, &mut builder)?,
            None => {
                builder.warn("no markers are told of: points are drawn by heatsplat's own kernel");
                let widest = blurs.iter().map(|(x, y)| x.max(y)).max();
                if let Some(blur) = widest {
                    builder.radius("agg-stack-blur", f64::from(*blur) + 1.0)?;
                }
            }
        }
        for other in &self.others {
            builder.warn(format!("`{}` is left out", crate::shorten(other)));
        }
        if let Some(opacity) = self.opacity {
            match opacity.parse::<f64>() {
                Ok(n) => builder.opacity("opacity", n)?,
                Err(_) => return builder.refuse("opacity", &opacity, "expected 0 to 1"),
            }
        }
        Ok(builder.done())
    }
}

/// An image filter. The two numbers of a stack blur are its radii in x and in y, in pixels. `Other`
/// has the name of a filter that heat maps don't need.
enum ImageFilter<'a> {
    ColorizeAlpha(&'a str),
    StackBlur(u32, u32),
    Other(&'a str),
}

/// Reads a list of image filters. They may be separated by commas or blanks, or not at all.
fn filters_of<'a>(
    text: &'a str,
    builder: &StyleBuilder,
) -> Result<Vec<ImageFilter<'a>>, ImportError> {
    const EXPECTED: &str = "expected filters like agg-stack-blur(8,8) colorize-alpha(blue,red)";
    let mut filters = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return builder.refuse("image-filters", rest, EXPECTED);
        }
        let after = after.trim_start();
        let (arguments, after) = match after.strip_prefix('(') {
            None => (None, after),
            Some(inner) => {
                let Some(end) = closing(inner) else {
                    return builder.refuse("image-filters", rest, "expected the closing )");
                };
                let (arguments, after) = inner.split_at(end);
                (Some(arguments.trim()), after.get(1..).unwrap_or_default())
            }
        };
        filters.push(match (name, arguments) {
            ("colorize-alpha", Some(arguments)) if !arguments.is_empty() => {
                ImageFilter::ColorizeAlpha(arguments)
            }
            ("colorize-alpha", _) => {
                return builder.refuse(name, "", "expected at least one colour");
            }
            ("agg-stack-blur", arguments) => {
                let (x, y) = radii(arguments.unwrap_or_default(), builder)?;
                ImageFilter::StackBlur(x, y)
            }
            _ => ImageFilter::Other(name),
        });
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    Ok(filters)
}

/// The offset in `text` of the bracket that closes a group, if `text` begins right after the
/// bracket that opens it. `None` if the group is not closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(i),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Reads the radii of a blur in pixels, `rx,ry`. A single number is the radius in both directions.
/// For an empty text both radii are 1.
fn radii(text: &str, builder: &StyleBuilder) -> Result<(u32, u32), ImportError> {
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|n| *n <= 999);
    let radii = match text.split_once(',') {
        None if text.is_empty() => Some((1, 1)),
        None => number(text).map(|r| (r, r)),
        Some((x, y)) => number(x).zip(number(y)),
    };
    match radii {
        Some(radii) => Ok(radii),
        None => builder.refuse("agg-stack-blur", text, "expected one or two whole numbers"),
    }
}

/// Splits a text at each separator that is not inside brackets.
fn split_outside_brackets(text: &str, separator: char) -> Vec<&str> {
    let mut depth = 0usize;
    text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == separator && depth == 0
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style;

    const RAINBOW: &str = "colorize-alpha(blue, cyan, green, yellow, orange, red)";

    #[test]
    fn filters_alone() {
        for text in [
            RAINBOW.to_owned(),
            format!("image-filters: {RAINBOW};"),
            format!("agg-stack-blur(8,8) {RAINBOW}"),
        ] {
            let made = style(&text).unwrap();
            assert_eq!(made.dialect, Dialect::Mapnik);
            assert_eq!(made.style.ramp().color(64), [0, 223, 191, 64], "{text}");
        }
        // The text of the imported style gives an identical colour table when it is imported again.
        let made = style(RAINBOW).unwrap();
        let again = style(&made.style.to_string()).unwrap();
        assert_eq!(again.style.ramp().colors(), made.style.ramp().colors());
    }

    #[test]
    fn a_map_in_xml() {
        let made = style(&format!(
            r#"<Map srs="+init=epsg:3857"><Style name="heat" image-filters="{RAINBOW}" opacity="0.8"><Rule>
               <MarkersSymbolizer width="16" allow-overlap="true" opacity="0.2"/></Rule></Style>
               <Style name="other"/><Layer name="none"><StyleName>other</StyleName></Layer>
               <Layer name="points"><StyleName>heat</StyleName><Datasource><Parameter name="type">csv</Parameter>
               <Parameter name="file"><![CDATA[points.csv]]></Parameter></Datasource></Layer></Map>"#
        ))
        .unwrap();
        assert_eq!(made.dialect, Dialect::Mapnik);
        assert_eq!(
            made.datasource,
            [
                ("type".into(), "csv".into()),
                ("file".into(), "points.csv".into())
            ]
        );
        assert_eq!(made.style.ramp().color(255)[3], 204);
        assert_eq!(made.style.blend().to_string(), "over:ellipse:16.5x16.5@0.2");
        assert_eq!(made.style.scale().domain.to_string(), "0,255");
        let inner = style(
            r#"<Map><Style name="r"/><Layer name="x"><StyleName>r</StyleName><Datasource><Parameter name="type">heatmap</Parameter>
               <Parameter name="src_type">shape</Parameter></Datasource></Layer></Map>"#,
        )
        .unwrap();
        assert_eq!(inner.dialect, Dialect::MapnikRasterizers);
    }

    #[test]
    fn mistakes() {
        for (text, hint) in [
            ("colorize-alpha()", "at least one colour"),
            ("colorize-alpha(blau)", "CSS colour"),
            ("colorize-alpha(blue", "closing"),
            ("agg-stack-blur(8)", "colorize-alpha"),
            ("agg-stack-blur(a) colorize-alpha(blue)", "whole numbers"),
            ("<Map><Style name='a'/></Map>", "colorize-alpha"),
            ("image-filters: (3);", "expected filters"),
        ] {
            let message = style(text).unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
        let made = style("sharpen colorize-alpha(blue)").unwrap();
        assert!(made.warnings.iter().any(|w| w.contains("sharpen")));
    }
}
