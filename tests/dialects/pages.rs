//! Heat maps for web pages, drawn in a real Chromium.
//!
//! The test needs node, the packages of tests/browser (`npm ci`) and Chromium; `scripts/test`
//! installs all of them.

use super::{Pixels, SIDE, listed, mean_difference, ours, pixels, rank_correlation};
use crate::compare::side_by_side;
use crate::requirements::{has_browser, left_out, runs};
use heatsplat_import as import;
use std::fs;
use std::path::Path;
use std::process::Command;

const HEATMAP_JS: &str = "{options: {radius: 30}, data: {max: 40, min: 0}}";
const SIMPLEHEAT: &str = "{max: 40, radius: 20, blur: 15, minOpacity: 0.05}";
const HEATCANVAS: &str = "{step: 0.004, degree: 2}";
const MAPLIBRE: &str = r#"{zoom: 2, layer: {paint: {"heatmap-radius": 40, "heatmap-weight": ["get", "value"],
    "heatmap-intensity": 0.02}}}"#;

/// Lets the page draw its four pictures. Returns `None` if a part is missing, and reports that the
/// test is left out.
fn theirs() -> Option<[Pixels; 4]> {
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let packages = ["heatmap.js", "simpleheat", "maplibre-gl", "playwright-core"];
    let missing = packages
        .iter()
        .find(|p| !browser.join("node_modules").join(p).exists());
    if missing.is_some() || !runs("node") || !has_browser() {
        left_out("the dialects' test needs node, chromium and tests/browser/node_modules (npm ci)");
        return None;
    }
    let folder = crate::program::folder("dialects");
    let input = folder.join("points.js");
    let text = format!(
        "{{size: {SIDE}, points: [{}], heatmapJs: {HEATMAP_JS}, simpleheat: {SIMPLEHEAT}, \
        heatcanvas: {HEATCANVAS}, maplibre: {MAPLIBRE}}}",
        listed()
    );
    fs::write(&input, text).unwrap();
    let run = Command::new("node")
        .arg(browser.join("dialects.mjs"))
        .args([&input, &folder])
        .output()
        .unwrap();
    let said = [run.stdout, run.stderr].map(|out| String::from_utf8_lossy(&out).into_owned());
    assert!(run.status.success(), "{}", said.concat());
    Some(
        ["heatmap.js", "simpleheat", "heatcanvas", "maplibre"].map(|name| {
            let bytes = fs::read(folder.join(format!("{name}.rgba"))).unwrap();
            pixels(&bytes)
        }),
    )
}

#[test]
fn pages_find_their_pictures_again() {
    let Some([heatmap_js, simpleheat, heatcanvas, maplibre]) = theirs() else {
        return;
    };
    let h337 =
        import::style("h337.create({radius: 30}); m.setData({max: 40, min: 0, data: []})").unwrap();
    let heat = import::style(&format!("simpleheat(c, {SIMPLEHEAT})")).unwrap();
    for (name, page, theirs, imported) in [
        ("heatmap.js", "heatmap-js", heatmap_js, &h337),
        ("simpleheat", "leaflet-heat", simpleheat, &heat),
    ] {
        let (indices, colors) = ours(imported);
        side_by_side(page, &theirs, &colors);
        let alphas: Vec<u8> = theirs.iter().map(|p| p[3]).collect();
        let correlation = rank_correlation(&indices, &alphas);
        // The colours equal those of the ramp. Only pixels that are opaque enough are compared: a
        // canvas doesn't keep the exact colours of others.
        let ramp = imported.style.ramp();
        let off = theirs
            .iter()
            .filter(|p| p[3] > 80)
            .map(|p| {
                let color = ramp.color(p[3]);
                (0..4).map(|c| color[c].abs_diff(p[c])).max().unwrap()
            })
            .max();
        let mean = indices
            .iter()
            .zip(&alphas)
            .map(|(a, b)| f64::from(a.abs_diff(*b)))
            .sum::<f64>()
            / indices.len() as f64;
        println!(
            "{name}: rank correlation {correlation:.4}, ramp off by {off:?}, alpha off by {mean:.2}"
        );
        assert!(correlation >= 0.98, "{name}: {correlation}");
        assert!(off.is_some_and(|off| off <= 4), "{name}: {off:?}");
    }
    let imported = import::style(HEATCANVAS).unwrap();
    let (indices, colors) = ours(&imported);
    side_by_side("heatcanvas", &heatcanvas, &colors);
    // The lightness of a colour shows its place on the ramp. Pixels without heat are transparent.
    let lightness: Vec<u8> = heatcanvas
        .iter()
        .map(|[r, g, b, _]| (u16::from(*r.max(g).max(b)) + u16::from(*r.min(g).min(b))) / 2)
        .map(|lightness| lightness as u8)
        .collect();
    let correlation = rank_correlation(&indices, &lightness);
    let apart = |(a, b): (&[u8; 4], &[u8; 4])| (0..3).map(|c| a[c].abs_diff(b[c])).max();
    let mut off: Vec<u8> = colors.iter().zip(&heatcanvas).filter_map(apart).collect();
    off.sort_unstable();
    let off = off[off.len() * 99 / 100];
    println!("HeatCanvas: rank correlation {correlation:.4}, 99 of 100 pixels within {off}");
    assert!(correlation >= 0.98, "HeatCanvas: {correlation}");
    assert!(off <= 24, "HeatCanvas: {off}");

    let layer = MAPLIBRE
        .replace("{zoom: 2, layer: ", "")
        .replace("}}}", "}}");
    let imported = import::style(&layer).unwrap();
    let (_, colors) = ours(&imported);
    side_by_side("maplibre", &maplibre, &colors);
    let mean = mean_difference(&colors, &maplibre);
    println!("MapLibre: mean difference {mean:.2} of 255");
    let hot = maplibre.iter().filter(|p| p[3] > 128).count();
    assert!(hot > 5000, "{hot}");
    // When colours were mixed after multiplication by alpha, the difference was 2.05.
    assert!(mean <= 1.5, "{mean}");
}
