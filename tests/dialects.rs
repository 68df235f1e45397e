//! The heat maps that pages have, in a real Chromium, beside what heatsplat makes of their options.
//!
//! Needs node, the packages of tests/browser (`npm ci`) and Chromium; `scripts/test` installs them.

use crate::compare::side_by_side;
use crate::parts::left_out;
use crate::scenes::Dice;
use heatsplat::render::import::{self, Imported};
use heatsplat::{Layer, Points, Window};
use std::f64::consts::PI;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Pixels a side, around 0° at our zoom 3, MapLibre's 2.
const SIDE: u32 = 512;
const WORLD: f64 = 2048.0;

const HEATMAP_JS: &str = "{options: {radius: 30}, data: {max: 40, min: 0}}";
const SIMPLEHEAT: &str = "{max: 40, radius: 20, blur: 15, minOpacity: 0.05}";
const HEATCANVAS: &str = "{step: 0.004, degree: 2}";
const MAPLIBRE: &str = r#"{zoom: 2, layer: {paint: {"heatmap-radius": 40, "heatmap-weight": ["get", "value"],
    "heatmap-intensity": 0.02}}}"#;

/// Straight RGBA, pixel by pixel.
type Pixels = Vec<[u8; 4]>;

/// Pixels of the picture, and what they weigh.
fn points() -> Vec<(f64, f64, f32)> {
    let mut dice = Dice(3);
    let centres: Vec<(f64, f64)> = (0..6)
        .map(|_| (dice.within(60.0, 450.0), dice.within(60.0, 450.0)))
        .collect();
    let mut place = |i: usize| {
        let (x, y) = centres[i % centres.len()];
        let mut near = |c: f64| (c + dice.normal() * 25.0).clamp(0.5, 511.5);
        (near(x), near(y), (i % 10 + 1) as f32)
    };
    (0..360).map(&mut place).collect()
}

/// Degrees of a pixel.
fn place(x: f64, y: f64) -> (f64, f64) {
    let half = f64::from(SIDE) / 2.0;
    let lon = (x - half) / WORLD * 360.0;
    let lat = (PI * (half - y) / WORLD * 2.0).sinh().atan().to_degrees();
    (lon, lat)
}

/// Runs the page; `None` where a part is missing, which is said aloud.
fn theirs() -> Option<[Pixels; 4]> {
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let packages = ["heatmap.js", "simpleheat", "maplibre-gl", "playwright-core"];
    let missing = packages
        .iter()
        .find(|p| !browser.join("node_modules").join(p).exists());
    let runs = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let chromium =
        std::env::var("CHROMIUM").is_ok() || runs("chromium") || runs("chromium-browser");
    if missing.is_some() || !runs("node") || !chromium {
        left_out("the dialects' test needs node, chromium and tests/browser/node_modules (npm ci)");
        return None;
    }
    let folder = crate::program::folder("dialects");
    let list: Vec<String> = points()
        .into_iter()
        .map(|(x, y, value)| {
            let (lon, lat) = place(x, y);
            format!("{{x: {x}, y: {y}, lon: {lon}, lat: {lat}, value: {value}}}")
        })
        .collect();
    let input = folder.join("points.js");
    let text = format!(
        "{{size: {SIDE}, points: [{}], heatmapJs: {HEATMAP_JS}, simpleheat: {SIMPLEHEAT}, \
        heatcanvas: {HEATCANVAS}, maplibre: {MAPLIBRE}}}",
        list.join(",")
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
            assert_eq!(bytes.len(), (4 * SIDE * SIDE) as usize, "{name}");
            bytes.chunks(4).map(|p| [p[0], p[1], p[2], p[3]]).collect()
        }),
    )
}

/// The colour indices of our picture, and its colours.
fn ours(imported: &Imported) -> (Vec<u8>, Pixels) {
    let places = points().into_iter().map(|(x, y, value)| {
        let (lon, lat) = place(x, y);
        (lon, lat, value)
    });
    let layer = Layer::on_cpu(
        "p",
        Points::from_lon_lat(places).unwrap(),
        imported.style.clone(),
    );
    let corner = (WORLD as i64 - i64::from(SIDE)) / 2;
    let picture = layer.map(
        Window::at_level(11, corner, corner, SIDE, SIDE),
        1,
        layer.style(),
    );
    let ramp = layer.style().ramp();
    let colors = picture.indices.iter().map(|i| ramp.color(*i)).collect();
    (picture.indices, colors)
}

/// Spearman's rank correlation; equal numbers share their mean rank.
fn rank_correlation(a: &[u8], b: &[u8]) -> f64 {
    let ranks = |values: &[u8]| {
        let mut counts = [0u32; 256];
        values.iter().for_each(|v| counts[usize::from(*v)] += 1);
        let mut below = 0;
        let mean = counts.map(|n| {
            let rank = f64::from(below) + f64::from(n) / 2.0;
            below += n;
            rank
        });
        values
            .iter()
            .map(|v| mean[usize::from(*v)])
            .collect::<Vec<f64>>()
    };
    let (a, b) = (ranks(a), ranks(b));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(&a), mean(&b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| {
        a.iter()
            .zip(&b)
            .map(|(x, y)| f(x - ma, y - mb))
            .sum::<f64>()
    };
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
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
        // the same ramp: where it is opaque enough that a canvas keeps the colour
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
    // a colour's lightness is its place on the ramp; a canvas of nothing is transparent
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
    // 2.05 where colours were mixed with their alphas multiplied in
    assert!(mean <= 1.5, "{mean}");
}

/// A mapfile of MapServer's, its points weighing what their column says.
fn mapfile(normalization: &str) -> String {
    let half = 20_037_508.342_789_244 * f64::from(SIDE) / WORLD;
    format!(
        r##"MAP
  NAME "m" SIZE {SIDE} {SIDE} EXTENT -{half} -{half} {half} {half} PROJECTION "init=epsg:3857" END
  IMAGETYPE png OUTPUTFORMAT NAME "png" DRIVER AGG/PNG IMAGEMODE RGBA TRANSPARENT ON END
  LAYER
    NAME "heat" TYPE raster CONNECTIONTYPE kerneldensity CONNECTION "points" STATUS on
    PROJECTION "init=epsg:3857" END
    PROCESSING "RANGE_COLORSPACE=RGB"
    PROCESSING "KERNELDENSITY_RADIUS=30"
    PROCESSING "KERNELDENSITY_COMPUTE_BORDERS=ON"
    PROCESSING "KERNELDENSITY_NORMALIZATION={normalization}"
    OFFSITE 0 0 0
    CLASS
      STYLE COLORRANGE "#0000ff00" "#0000ffff" DATARANGE 0 32 END
      STYLE COLORRANGE "#0000ffff" "#00ff00ff" DATARANGE 32 128 END
      STYLE COLORRANGE "#00ff00ff" "#ff0000ff" DATARANGE 128 255 END
    END
  END
  LAYER
    NAME "points" TYPE point STATUS on CONNECTIONTYPE OGR CONNECTION "points.vrt" DATA "points"
    PROJECTION "init=epsg:3857" END
    CLASS STYLE SIZE [weight] END END
  END
END
"##
    )
}

/// The mean difference of two pictures' light, of 255.
fn mean_difference(a: &[[u8; 4]], b: &[[u8; 4]]) -> f64 {
    let shine = |[r, g, b, a]: [u8; 4]| [r, g, b, 255].map(|c| f64::from(c) * f64::from(a) / 255.0);
    let apart = |(a, b): (&[u8; 4], &[u8; 4])| {
        let (a, b) = (shine(*a), shine(*b));
        (0..4).map(|c| (a[c] - b[c]).abs()).sum::<f64>() / 4.0
    };
    a.iter().zip(b).map(apart).sum::<f64>() / a.len() as f64
}

#[test]
fn mapservers_find_their_pictures_again() {
    if Command::new("map2img").arg("-v").output().is_err() {
        left_out("the test of MapServer's dialect needs map2img (mapserver-bin)");
        return;
    }
    let folder = crate::program::folder("mapserver");
    let metres = 2.0 * 20_037_508.342_789_244 / WORLD;
    let half = f64::from(SIDE) / 2.0;
    let row = |(x, y, weight): (f64, f64, f32)| {
        format!("{},{},{weight}\n", (x - half) * metres, (half - y) * metres)
    };
    let rows: String = points().into_iter().map(row).collect();
    fs::write(folder.join("points.csv"), format!("x,y,weight\n{rows}")).unwrap();
    let source = r#"<OGRVRTDataSource><OGRVRTLayer name="points">
        <SrcDataSource relativeToVRT="1">points.csv</SrcDataSource><GeometryType>wkbPoint</GeometryType>
        <LayerSRS>EPSG:3857</LayerSRS><GeometryField encoding="PointFromColumns" x="x" y="y"/>
        <Field name="weight" type="Real"/></OGRVRTLayer></OGRVRTDataSource>"#;
    fs::write(folder.join("points.vrt"), source).unwrap();
    for normalization in ["AUTO", "8"] {
        let text = mapfile(normalization);
        fs::write(folder.join("heat.map"), &text).unwrap();
        let run = Command::new("map2img")
            .args(["-m", "heat.map", "-o", "heat.png", "-l", "heat"])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        let theirs = crate::compare::decode_png(&fs::read(folder.join("heat.png")).unwrap());
        let theirs: Pixels = theirs.pixels().map(|p| p.0).collect();
        let imported = import::style(&text).unwrap();
        assert_eq!(imported.columns.weight.as_deref(), Some("weight"));
        let (_, colors) = ours(&imported);
        if normalization == "AUTO" {
            side_by_side("mapserver", &theirs, &colors);
        }
        let off = mean_difference(&theirs, &colors);
        let hot = theirs.iter().filter(|p| p[3] > 128).count();
        println!(
            "MapServer, normalization {normalization}: mean difference {off:.2} of 255, {hot} hot"
        );
        assert!(hot > 5000 && off <= 3.0, "{normalization}: {off}, {hot}");
    }
}
