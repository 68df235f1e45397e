//! Other heat maps, each drawn by its own program or formula, compared with what heatsplat draws
//! after importing its configuration.

mod deck;
mod formulas;
mod mapserver;
mod pages;
mod qgis;

use crate::compare::side_by_side;
use crate::scenes::Dice;
use heatsplat::{Layer, Points, Window};
use heatsplat_import::ImportedStyle;
use std::f64::consts::PI;

/// The width and height of all pictures in pixels. They show the area around 0°, 0° at heatsplat's
/// zoom 3, which is MapLibre's zoom 2.
const SIDE: u32 = 512;
const WORLD: f64 = 2048.0;
/// The distance in metres from the middle of EPSG:3857 to its edges.
const HALF_WORLD: f64 = 20_037_508.342_789_244;

/// The pixels of a picture as RGBA. The colours are not multiplied by alpha.
type Pixels = Vec<[u8; 4]>;

/// The points of all pictures: x and y in pixels, and the weight.
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

/// Converts a position in pixels to longitude and latitude in degrees.
fn place(x: f64, y: f64) -> (f64, f64) {
    let half = f64::from(SIDE) / 2.0;
    let lon = (x - half) / WORLD * 360.0;
    let lat = (PI * (half - y) / WORLD * 2.0).sinh().atan().to_degrees();
    (lon, lat)
}

/// The points as a CSV file with a header. The positions are in metres of EPSG:3857.
fn csv() -> String {
    let metres = 2.0 * HALF_WORLD / WORLD;
    let half = f64::from(SIDE) / 2.0;
    let row = |(x, y, weight): (f64, f64, f32)| {
        format!("{},{},{weight}\n", (x - half) * metres, (half - y) * metres)
    };
    let rows: String = points().into_iter().map(row).collect();
    format!("x,y,weight\n{rows}")
}

/// The distance in metres from the middle of the picture to its edges.
fn half() -> f64 {
    HALF_WORLD * f64::from(SIDE) / WORLD
}

/// The picture that heatsplat draws of an imported style: its colour indices and its colours.
fn ours(imported: &ImportedStyle) -> (Vec<u8>, Pixels) {
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
    let picture = layer
        .map(Window::at_level(11, corner, corner, SIDE, SIDE))
        .picture();
    let ramp = layer.style().ramp();
    let colors = picture.indices.iter().map(|i| ramp.color(*i)).collect();
    (picture.indices, colors)
}

/// Spearman's rank correlation of two lists of numbers. Equal numbers get the mean of their ranks.
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

/// The points as the text of a JavaScript list.
fn listed() -> String {
    let item = |(x, y, value): (f64, f64, f32)| {
        let (lon, lat) = place(x, y);
        format!("{{x: {x}, y: {y}, lon: {lon}, lat: {lat}, value: {value}}}")
    };
    points().into_iter().map(item).collect::<Vec<_>>().join(",")
}

/// Converts bytes to RGBA pixels. The colours are not multiplied by alpha.
fn pixels(bytes: &[u8]) -> Pixels {
    assert_eq!(bytes.len(), (4 * SIDE * SIDE) as usize);
    bytes.as_chunks().0.to_vec()
}

/// Asserts that the picture of another program is similar to heatsplat's picture of the imported
/// style. `name` is the page in docs/coming-from for which both are drawn.
fn compare(name: &str, theirs: &Pixels, imported: &ImportedStyle) {
    let (_, colors) = ours(imported);
    side_by_side(name, theirs, &colors);
    let off = mean_difference(theirs, &colors);
    let hot = theirs.iter().filter(|p| p[3] > 128).count();
    println!("{name}: mean difference {off:.2} of 255, {hot} hot");
    assert!(hot > 5000 && off <= 3.0, "{name}: {off}, {hot}");
}

/// The mean difference of two pictures on a scale of 0 to 255. Colours count in proportion to their
/// opacity.
fn mean_difference(a: &[[u8; 4]], b: &[[u8; 4]]) -> f64 {
    let shine = |[r, g, b, a]: [u8; 4]| [r, g, b, 255].map(|c| f64::from(c) * f64::from(a) / 255.0);
    let apart = |(a, b): (&[u8; 4], &[u8; 4])| {
        let (a, b) = (shine(*a), shine(*b));
        (0..4).map(|c| (a[c] - b[c]).abs()).sum::<f64>() / 4.0
    };
    a.iter().zip(b).map(apart).sum::<f64>() / a.len() as f64
}
