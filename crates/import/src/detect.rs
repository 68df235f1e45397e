//! Detects the dialect of a configuration, and imports it.

use crate::builder::StyleBuilder;
use crate::js_literal::{self, JsLiteral};
use crate::{
    Dialect, ImportError, ImportedStyle, deck, geoserver, google, heatcanvas, heatmap_js,
    leaflet_heat, maplibre, mapnik, mapnik_rasterizers, mapserver, qgis, xml,
};
use heatsplat_render::Style;

pub(crate) fn read(text: &str) -> Result<ImportedStyle, ImportError> {
    if text.starts_with('<') {
        return document(text);
    }
    if let Some(pairs) = ours(text) {
        return our_own(&pairs);
    }
    if text.starts_with("type=heatmap") || text.contains("src_type=") {
        return mapnik_rasterizers::import(&assignments(text));
    }
    if has_word(text, "KERNELDENSITY") {
        return mapserver::import(text);
    }
    let script = text.starts_with(['{', '[']);
    if !script
        && ["image-filters", "colorize-alpha", "agg-stack-blur"]
            .iter()
            .any(|w| text.contains(w))
    {
        if text.contains("image-filters") {
            return mapnik::import_carto(text);
        }
        return mapnik::import_filters(text.trim_end_matches(';'));
    }
    values(&js_literal::read(text)?)
}

/// Imports an XML document. Its elements show the dialect.
fn document(text: &str) -> Result<ImportedStyle, ImportError> {
    let root = xml::read(text)?;
    if let Some(renderer) = qgis::renderer(&root) {
        return qgis::import_renderer(renderer);
    }
    if root.name == "StyledLayerDescriptor" || geoserver::is_in(&root) {
        return geoserver::import(&root);
    }
    if root.name == "Map" {
        return mapnik::import_xml(&root);
    }
    Err(ImportError::Unknown)
}

/// Imports the values that were found in a script or in JSON.
fn values(found: &[JsLiteral]) -> Result<ImportedStyle, ImportError> {
    let empty = JsLiteral::Object(Vec::new());
    let is_data = |value: &&JsLiteral| is_data(value);
    // In a script the name of a call shows the dialect, and the arguments of the call are the
    // options.
    for value in found {
        let JsLiteral::Call(name, arguments) = value else {
            continue;
        };
        let object = arguments.iter().rev().find(|a| a.as_object().is_some());
        let object = object.unwrap_or(&empty);
        let data = arguments.iter().find(|a| a.as_list().is_some());
        let last = name.rsplit('.').next().unwrap_or(name);
        let is = |word: &str| name.contains(word);
        if is("google") || last == "WeightedLocation" {
            return google::import(object);
        }
        if is("HeatCanvas") {
            return heatcanvas::import(object, name.contains('.'));
        }
        if is("h337") || last == "HeatmapOverlay" || last == "setData" {
            let set = found.iter().find_map(|v| match v {
                JsLiteral::Call(n, a) if n.ends_with("setData") => a.first(),
                other => Some(other).filter(is_data),
            });
            let options = if last == "setData" { &empty } else { object };
            return heatmap_js::import(options, set);
        }
        if matches!(last, "heatLayer" | "HeatLayer" | "simpleheat") {
            return leaflet_heat::import(object, data);
        }
        if last == "HeatmapLayer" {
            return deck::import(object);
        }
        if last == "addLayer" {
            return maplibre::import(object);
        }
    }
    let data = found.iter().find(is_data);
    let objects = found.iter().filter(|v| v.as_object().is_some());
    let mut objects = objects.filter(|v| !is_data(v));
    match (objects.next(), data) {
        (Some(object), data) => by_keys(object, data),
        // There are data but no options. The data are `{max, data}` of heatmap.js, or a plain list
        // of points.
        (None, Some(data)) if data.get("data").is_some() => heatmap_js::import(&empty, Some(data)),
        (None, Some(data)) => leaflet_heat::import(&empty, Some(data)),
        (None, None) => Err(ImportError::Unknown),
    }
}

/// Tests whether a value is data: a list of points, or `{max, min, data: […]}`.
fn is_data(value: &JsLiteral) -> bool {
    if let Some(list) = value.as_list() {
        return list.iter().any(is_point);
    }
    let keys = value.as_object().unwrap_or_default();
    let bounds = keys
        .iter()
        .all(|(k, _)| matches!(k.as_str(), "data" | "max" | "min"));
    let data = value.get("data").and_then(JsLiteral::as_list);
    bounds && data.is_some_and(|list| list.iter().all(is_point))
}

fn is_point(value: &JsLiteral) -> bool {
    match value {
        JsLiteral::List(list) => {
            matches!(list.len(), 2 | 3) && list.iter().all(|n| n.as_number().is_some())
        }
        JsLiteral::Call(name, _) => name.to_lowercase().ends_with("latlng"),
        object => object.get("lat").is_some() || object.get("x").is_some(),
    }
}

/// The keys of an object. They show its dialect.
struct Keys<'a>(&'a JsLiteral);

impl Keys<'_> {
    fn any(&self, test: impl Fn(&str) -> bool) -> bool {
        let keys = self.0.as_object().unwrap_or_default();
        keys.iter().any(|(key, _)| test(key))
    }

    fn has(&self, names: &[&str]) -> bool {
        self.any(|key| names.contains(&key))
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.0.get(name).and_then(JsLiteral::as_text) == Some(value)
    }

    fn blur(&self) -> Option<f64> {
        self.0.get("blur").and_then(JsLiteral::as_number)
    }

    fn gradient_is_list(&self) -> Option<bool> {
        let gradient = self.0.get("gradient")?;
        Some(matches!(gradient, JsLiteral::List(_)))
    }
}

/// An importer of an object. Its second parameter is the data in the same script; it is `None` if
/// the script has no data.
type Importer = fn(&JsLiteral, Option<&JsLiteral>) -> Result<ImportedStyle, ImportError>;

/// A test whether an object, by its keys, belongs to a dialect. The second parameter is the data in
/// the same script; it is `None` if the script has no data.
type Test = fn(&Keys<'_>, Option<&JsLiteral>) -> bool;

/// The tests of the dialects, each with the importer of its dialect. The first test that succeeds
/// decides. So tests for keys that only one dialect has come before tests for keys that several
/// dialects have.
const TESTS: [(Test, Importer); 15] = [
    (
        |o, _| o.any(|key| key.starts_with("heatmap-")) || o.has(&["paint"]),
        |object, _| maplibre::import(object),
    ),
    (
        |o, _| {
            o.is("type", "heatmap") && o.has(&["config", "visualChannels"]) || o.has(&["visConfig"])
        },
        |object, _| deck::import_kepler(object),
    ),
    (
        |o, _| o.is("type", "heatmap"),
        |object, _| maplibre::import(object),
    ),
    (
        |o, _| {
            let inputs = o.0.get("inputs");
            o.has(&["KERNEL", "RADIUS", "WEIGHT_FIELD", "OUTPUT_VALUE"])
                || inputs.is_some_and(|inputs| inputs.get("RADIUS").is_some())
        },
        |object, _| qgis::import_estimation(object),
    ),
    (
        |o, _| o.has(&DECK_KEYS) || o.is("@@type", "HeatmapLayer") || o.is("type", "HeatmapLayer"),
        |object, _| deck::import(object),
    ),
    (
        |o, _| o.has(&["dissipating", "maxIntensity"]),
        |object, _| google::import(object),
    ),
    (
        |o, _| o.has(&["step", "degree", "colorscheme"]),
        |object, _| heatcanvas::import(object, false),
    ),
    (|o, _| o.has(&HEATMAP_JS_KEYS), heatmap_js::import),
    (
        |o, _| o.has(&["maxZoom", "minOpacity", "max"]),
        leaflet_heat::import,
    ),
    // In heatmap.js `blur` is a fraction from 0 to 1; in Leaflet.heat it is a number of pixels.
    (
        |o, _| o.blur().is_some_and(|blur| blur <= 1.0),
        heatmap_js::import,
    ),
    (|o, _| o.blur().is_some(), leaflet_heat::import),
    (
        |o, _| o.gradient_is_list() == Some(true),
        |object, _| google::import(object),
    ),
    (
        |o, data| {
            o.gradient_is_list().is_some() && data.is_some_and(|data| data.get("data").is_none())
        },
        leaflet_heat::import,
    ),
    (|o, _| o.gradient_is_list().is_some(), heatmap_js::import),
    (
        |o, _| own_pairs(o.0).is_some(),
        |object, _| our_own(&own_pairs(object).unwrap_or_default()),
    ),
];

/// The keys that show that an object belongs to deck.gl's `HeatmapLayer`.
const DECK_KEYS: [&str; 5] = [
    "radiusPixels",
    "colorRange",
    "getWeight",
    "colorDomain",
    "getPosition",
];

/// The keys that show that an object belongs to heatmap.js.
const HEATMAP_JS_KEYS: [&str; 12] = [
    "container",
    "maxOpacity",
    "xField",
    "yField",
    "valueField",
    "latField",
    "lngField",
    "useGradientOpacity",
    "backgroundColor",
    "scaleRadius",
    "useLocalExtrema",
    "onExtremaChange",
];

/// Imports an object. The first test of [`TESTS`] that succeeds decides its dialect.
fn by_keys(object: &JsLiteral, data: Option<&JsLiteral>) -> Result<ImportedStyle, ImportError> {
    // If the object is a whole style of MapLibre, its first heatmap layer is imported.
    if let Some(layers) = object.get("layers").and_then(JsLiteral::as_list) {
        let mut layers = layers.iter();
        if let Some(layer) = layers.find(|layer| Keys(layer).is("type", "heatmap")) {
            return by_keys(layer, data);
        }
    }
    let tests = TESTS.iter();
    let mut passed = tests.filter(|(test, _)| test(&Keys(object), data));
    let (_, import) = passed.next().ok_or(ImportError::Unknown)?;
    import(object, data)
}

/// The keys and values of an object that is a style of heatsplat. `None` if some key is not a
/// parameter of such styles.
fn own_pairs(object: &JsLiteral) -> Option<Vec<(String, String)>> {
    let keys = object.as_object().unwrap_or_default();
    let pairs: Option<Vec<(String, String)>> = keys.iter().map(our_pair).collect();
    pairs.filter(|p| !p.is_empty() && p.iter().all(|(key, _)| is_ours(key)))
}

/// Converts a member of an object to a style parameter: its name, and its value as text. `None` if
/// no parameter can have such a value.
fn our_pair((key, value): &(String, JsLiteral)) -> Option<(String, String)> {
    let value = match value {
        JsLiteral::Text(text) => text.clone(),
        JsLiteral::Number(n) => n.to_string(),
        JsLiteral::Bool(b) => b.to_string(),
        // A list of numbers can only be a domain.
        JsLiteral::List(list) => {
            let numbers: Option<Vec<String>> = list
                .iter()
                .map(|n| n.as_number().map(|n| n.to_string()))
                .collect();
            numbers?.join(",")
        }
        _ => return None,
    };
    Some((key.clone(), value))
}

fn is_ours(name: &str) -> bool {
    Style::PARAMETERS.contains(&name)
}

/// The parameters in a text that is a style of heatsplat: pairs `name=value`, separated by `&` or
/// line breaks. `None` for any other text.
fn ours(text: &str) -> Option<Vec<(String, String)>> {
    let pairs: Option<Vec<(String, String)>> = text
        .split(['&', '\n'])
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !pair.starts_with('#'))
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = value.trim().trim_matches('"');
            Some((name.trim().to_owned(), value.to_owned()))
        })
        .collect();
    pairs.filter(|p| p.first().is_some_and(|(name, _)| is_ours(name)))
}

fn our_own(pairs: &[(String, String)]) -> Result<ImportedStyle, ImportError> {
    let mut builder = StyleBuilder::ours(Dialect::Heatsplat);
    builder.set_all(pairs)?;
    Ok(builder.done())
}

/// Finds the pairs `name=value` in a text. They are separated by blanks, line breaks, `&` or `;`.
fn assignments(text: &str) -> Vec<(String, String)> {
    let pairs = text.split([' ', '\t', '\n', '\r', '&', ';']);
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((
            name.trim().to_owned(),
            value.trim().trim_matches('"').to_owned(),
        ))
    };
    pairs.filter_map(pair).collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.to_uppercase().contains(word)
}

#[cfg(test)]
mod tests {
    use crate::{Dialect, ImportError, style};
    use proptest::prelude::*;

    #[test]
    fn each_text_is_known_for_what_it_is() {
        for (text, dialect) in [
            ("radius=12px&ramp=viridis", Dialect::Heatsplat),
            ("radius = 12px\nramp = \"viridis\"\n", Dialect::Heatsplat),
            (
                r#"{"radius": 12, "ramp": "viridis", "domain": [0, 5]}"#,
                Dialect::Heatsplat,
            ),
            ("ramp=colorize-alpha(blue, red)", Dialect::Heatsplat),
            ("colorize-alpha(blue, red)", Dialect::Mapnik),
            (
                "#l { image-filters: colorize-alpha(blue, red); marker-opacity: .2; }",
                Dialect::Mapnik,
            ),
            ("{radius: 20, blur: 0.5}", Dialect::HeatmapJs),
            ("{radius: 20, blur: 10}", Dialect::LeafletHeat),
            ("{minOpacity: 0.4, max: 3}", Dialect::LeafletHeat),
            ("{radius: 5, gradient: {0.5: 'red'}}", Dialect::HeatmapJs),
            (
                "{radius: 5, gradient: ['rgba(0,0,0,0)', 'red']}",
                Dialect::Google,
            ),
            (
                "{max: 8, data: [{x: 1, y: 2, value: 3}]}",
                Dialect::HeatmapJs,
            ),
            (
                "const p = [[1, 2, 3]]; const o = {radius: 3, gradient: {1: 'red'}};",
                Dialect::LeafletHeat,
            ),
            (
                "map.addLayer({id: 'h', type: 'heatmap', source: 's', paint: {}}, 'waterway')",
                Dialect::MapLibre,
            ),
            (
                r#"{"version": 8, "layers": [{"type": "line"}, {"type": "heatmap", "paint": {"heatmap-radius": 3}}]}"#,
                Dialect::MapLibre,
            ),
            ("{step: 1, degree: 2}", Dialect::HeatCanvas),
        ] {
            match style(text) {
                Ok(made) => assert_eq!(made.dialect, dialect, "{text}"),
                Err(error) => panic!("{text}: {error}"),
            }
        }
    }

    #[test]
    fn what_is_nobodys_is_told_so() {
        for text in [
            "",
            "hello",
            "{}",
            "[]",
            "{colour: 'red'}",
            "<html/>",
            "3",
            "nosuch=4",
        ] {
            let error = style(text).unwrap_err();
            let known = matches!(error, ImportError::Unknown | ImportError::Syntax { .. });
            assert!(known, "{text}: {error}");
        }
        let message = style("radius=12px&rump=x").unwrap_err().to_string();
        assert!(
            message.contains("rump") && message.contains("ramp"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_answered(
            text in "\\PC{0,80}|(h337|L\\.heatLayer|new HeatmapLayer|colorize-alpha|<Map>|<qgis>)[(]?[\\[\\]{}(),:;'\"a-z0-9.=<>/ -]{0,60}"
        ) {
            let _ = style(&text);
        }
    }
}
