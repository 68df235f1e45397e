//! Whose configuration a text is.

use crate::builder::Draft;
use crate::js_literal::{self, Literal};
use crate::{
    Dialect, ImportError, Imported, deck, geoserver, google, heatcanvas, heatmap_js, leaflet_heat,
    maplibre, mapnik, mapnik_rasterizers, mapserver, qgis, xml,
};
use heatsplat_render::Style;

pub(crate) fn read(text: &str) -> Result<Imported, ImportError> {
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

/// XML of one kind or another.
fn document(text: &str) -> Result<Imported, ImportError> {
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

/// What a script or JSON says.
fn values(found: &[Literal]) -> Result<Imported, ImportError> {
    let empty = Literal::Object(Vec::new());
    let is_data = |value: &&Literal| is_data(value);
    // what the calls of a page are made with
    for value in found {
        let Literal::Call(name, arguments) = value else {
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
                Literal::Call(n, a) if n.ends_with("setData") => a.first(),
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
        // `{max, data}` or the list alone
        (None, Some(data)) if data.get("data").is_some() => heatmap_js::import(&empty, Some(data)),
        (None, Some(data)) => leaflet_heat::import(&empty, Some(data)),
        (None, None) => Err(ImportError::Unknown),
    }
}

/// A list of points, or `{max, min, data: […]}`.
fn is_data(value: &Literal) -> bool {
    if let Some(list) = value.as_list() {
        return list.iter().any(is_point);
    }
    let keys = value.as_object().unwrap_or_default();
    let bounds = keys
        .iter()
        .all(|(k, _)| matches!(k.as_str(), "data" | "max" | "min"));
    let data = value.get("data").and_then(Literal::as_list);
    bounds && data.is_some_and(|list| list.iter().all(is_point))
}

fn is_point(value: &Literal) -> bool {
    match value {
        Literal::List(list) => {
            matches!(list.len(), 2 | 3) && list.iter().all(|n| n.as_number().is_some())
        }
        Literal::Call(name, _) => name.to_lowercase().ends_with("latlng"),
        object => object.get("lat").is_some() || object.get("x").is_some(),
    }
}

/// Whose an object is, by the keys that only one of them has.
fn by_keys(object: &Literal, data: Option<&Literal>) -> Result<Imported, ImportError> {
    // a whole style of MapLibre: its first heatmap layer
    if let Some(layers) = object.get("layers").and_then(Literal::as_list) {
        let heat = |l: &&Literal| l.get("type").and_then(Literal::as_text) == Some("heatmap");
        if let Some(layer) = layers.iter().find(heat) {
            return by_keys(layer, data);
        }
    }
    let keys = object.as_object().unwrap_or_default();
    let has = |names: &[&str]| names.iter().any(|n| keys.iter().any(|(k, _)| k == n));
    let text = |name: &str| {
        object
            .get(name)
            .and_then(Literal::as_text)
            .unwrap_or_default()
    };
    if keys.iter().any(|(k, _)| k.starts_with("heatmap-")) || has(&["paint"]) {
        return maplibre::import(object);
    }
    if text("type") == "heatmap" && has(&["config", "visualChannels"]) || has(&["visConfig"]) {
        return deck::import_kepler(object);
    }
    if text("type") == "heatmap" {
        return maplibre::import(object);
    }
    if has(&["KERNEL", "RADIUS", "WEIGHT_FIELD", "OUTPUT_VALUE"])
        || object
            .get("inputs")
            .is_some_and(|i| i.get("RADIUS").is_some())
    {
        return qgis::import_estimation(object);
    }
    if has(&[
        "radiusPixels",
        "colorRange",
        "getWeight",
        "colorDomain",
        "getPosition",
    ]) || text("@@type") == "HeatmapLayer"
        || text("type") == "HeatmapLayer"
    {
        return deck::import(object);
    }
    if has(&["dissipating", "maxIntensity"]) {
        return google::import(object);
    }
    if has(&["step", "degree", "colorscheme"]) {
        return heatcanvas::import(object, false);
    }
    let h337 = [
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
    if has(&h337) {
        return heatmap_js::import(object, data);
    }
    if has(&["maxZoom", "minOpacity", "max"]) {
        return leaflet_heat::import(object, data);
    }
    // heatmap.js's blur is a share, Leaflet.heat's one of pixels
    match object.get("blur").and_then(Literal::as_number) {
        Some(blur) if blur <= 1.0 => return heatmap_js::import(object, data),
        Some(_) => return leaflet_heat::import(object, data),
        None => {}
    }
    match object.get("gradient") {
        Some(Literal::List(_)) => return google::import(object),
        Some(_) if data.is_some_and(|d| d.get("data").is_none()) => {
            return leaflet_heat::import(object, data);
        }
        Some(_) => return heatmap_js::import(object, data),
        None => {}
    }
    let pairs: Option<Vec<(String, String)>> = keys.iter().map(our_pair).collect();
    match pairs.filter(|p| !p.is_empty() && p.iter().all(|(k, _)| is_ours(k))) {
        Some(pairs) => our_own(&pairs),
        None => Err(ImportError::Unknown),
    }
}

/// A key of our own style as JSON has it.
fn our_pair((key, value): &(String, Literal)) -> Option<(String, String)> {
    let value = match value {
        Literal::Text(text) => text.clone(),
        Literal::Number(n) => n.to_string(),
        Literal::Bool(b) => b.to_string(),
        // a domain
        Literal::List(list) => {
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

/// `radius=12px&ramp=viridis`, or a pair a line.
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

fn our_own(pairs: &[(String, String)]) -> Result<Imported, ImportError> {
    let mut draft = Draft::ours(Dialect::Heatsplat);
    draft.set_all(pairs)?;
    Ok(draft.done())
}

/// `name=value` between blanks.
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
