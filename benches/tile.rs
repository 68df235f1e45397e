//! Times the drawing of tiles, from points in the index to the bytes of a PNG, by zoom and by
//! number of points.
//!
//! Times are CPU times of one thread, in milliseconds. Up to 400 tiles are drawn for each zoom, so
//! that the slowest are seen and not only the typical ones. Two more times are printed: of drawing
//! a tile while its density is stored, as a server does, and of making a picture of a stored
//! density. Run with `cargo bench --bench tile`. With style parameters after `--`, like `--
//! radius=8px`, tiles are drawn in the default style with these parameters.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use cpu_time::ThreadTime;
use heatsplat::render::encode::ImageEncoding;
use heatsplat::{Density, ImageFormat, Layer, Style, TileId};

fn main() {
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    let style_words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a.contains('='))
        .collect();
    println!(
        "points      zoom  tiles  median ms    p99 ms   max ms   bytes  keeping ms  restyle ms"
    );
    for n in data::sizes() {
        let layer = data::layer(n);
        for z in data::zooms() {
            one.install(|| zoom(&layer, n, z, &style_words));
        }
    }
}

fn zoom(layer: &Layer, n: usize, z: u8, style_words: &[String]) {
    let mut style = layer.style().clone();
    for (name, value) in style_words.iter().filter_map(|w| w.split_once('=')) {
        style.set(name, value).expect("a style parameter");
    }
    let style = &style;
    let tiles = data::tiles(layer, z, if data::smoke() { 8 } else { 400 });
    // The first drawing of a tile also measures the zoom's statistics, so it does not count.
    let Some(first) = tiles.first() else { return };
    let draw = |tile| layer.tile(tile).style(style).png().expect("a PNG");
    for _ in 0..3 {
        draw(*first);
    }
    let mut bytes = 0;
    let mut times: Vec<f64> = tiles
        .iter()
        .map(|&tile| {
            let start = ThreadTime::now();
            bytes += draw(tile).len();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (keeping, restyle) = kept(layer, &tiles, style);
    println!(
        "{n:>10}  {z:>4}  {:>5}  {:>9.3} {:>9.3} {:>8.3} {:>7} {keeping:>11.3} {restyle:>11.3}",
        times.len(),
        at(&times, 0.5),
        at(&times, 0.99),
        at(&times, 1.0),
        bytes / times.len(),
    );
}

/// Two median times of the tiles, in milliseconds: of drawing a tile while its density is stored,
/// and of making a picture of the stored density.
fn kept(layer: &Layer, tiles: &[TileId], style: &Style) -> (f64, f64) {
    let encode = |tile: TileId, density: &Density| {
        let drawn = layer.tile(tile).style(style).colorize(density);
        let encoding = ImageEncoding::from(ImageFormat::Png);
        encoding.picture(&drawn, style.ramp()).expect("a PNG")
    };
    let (mut keeping, mut restyle, mut densities) = (Vec::new(), Vec::new(), Vec::new());
    for &tile in tiles {
        let start = ThreadTime::now();
        let density = layer.tile(tile).style(style).density();
        encode(tile, &density);
        densities.push(density);
        keeping.push(start.elapsed().as_secs_f64() * 1e3);
    }
    for (&tile, density) in tiles.iter().zip(&densities) {
        let start = ThreadTime::now();
        encode(tile, density);
        restyle.push(start.elapsed().as_secs_f64() * 1e3);
    }
    keeping.sort_by(f64::total_cmp);
    restyle.sort_by(f64::total_cmp);
    (at(&keeping, 0.5), at(&restyle, 0.5))
}

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}
