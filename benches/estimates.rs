//! Compares the server's estimates of CPU time with measurements, for pictures and for the
//! measuring of scales. The constants of the estimates, in `crates/server/src/cost/`, are chosen by
//! what this bench prints.
//!
//! Run with `cargo bench --bench estimates`. With texts after `--`, like `-- quartic 64px`, only
//! rows are run whose style parameters contain one of the texts.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use cpu_time::ProcessTime;
use heatsplat::points::level;
use heatsplat::{Layer, Points, Style, TileId, Window};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Words = [(&'static str, &'static str)];

/// The rows of the table that is printed. Each is a picture: the (zoom, x, y) of a tile whose part
/// of the world it shows, its width and height in pixels, and the style parameters that are not the
/// default.
const ROWS: [((u8, u32, u32), u32, &Words); 40] = [
    ((0, 0, 0), 256, &[("radius", "17px")]),
    ((4, 8, 8), 256, &[("radius", "1px")]),
    ((4, 8, 8), 256, &[("radius", "3px")]),
    ((4, 8, 8), 256, &[("radius", "100px")]),
    ((4, 8, 8), 256, &[("kernel", "pixel")]),
    ((4, 8, 8), 256, &[("kernel", "quartic"), ("radius", "2px")]),
    ((4, 8, 8), 256, &[("kernel", "quartic"), ("radius", "8px")]),
    ((4, 8, 8), 256, &[("kernel", "quartic"), ("radius", "12px")]),
    ((4, 8, 8), 256, &[("kernel", "quartic"), ("radius", "64px")]),
    (
        (4, 8, 8),
        256,
        &[("kernel", "triweight"), ("radius", "5px")],
    ),
    (
        (4, 8, 8),
        256,
        &[("kernel", "triangular"), ("radius", "4px")],
    ),
    (
        (4, 8, 8),
        256,
        &[("kernel", "triangular"), ("radius", "12px")],
    ),
    (
        (4, 8, 8),
        256,
        &[("kernel", "triangular"), ("radius", "16px")],
    ),
    (
        (4, 8, 8),
        256,
        &[("kernel", "triangular"), ("radius", "100px")],
    ),
    (
        (9, 274, 167),
        256,
        &[("kernel", "triangular"), ("radius", "30px")],
    ),
    ((4, 8, 8), 256, &[("kernel", "uniform"), ("radius", "3px")]),
    ((4, 8, 8), 256, &[("kernel", "uniform"), ("radius", "15px")]),
    ((4, 8, 8), 256, &[("kernel", "uniform"), ("radius", "16px")]),
    (
        (4, 8, 8),
        256,
        &[("kernel", "uniform"), ("radius", "120px")],
    ),
    (
        (9, 274, 167),
        256,
        &[("kernel", "uniform"), ("radius", "60px")],
    ),
    (
        (4, 8, 8),
        256,
        &[("kernel", "epanechnikov"), ("radius", "15px")],
    ),
    (
        (4, 8, 8),
        256,
        &[("kernel", "epanechnikov"), ("measure", "mean")],
    ),
    (
        (2, 1, 1),
        1024,
        &[("kernel", "epanechnikov"), ("radius", "15px")],
    ),
    (
        (2, 1, 1),
        1024,
        &[("kernel", "uniform"), ("radius", "64px")],
    ),
    ((4, 8, 5), 256, &[("radius", "350km")]),
    (
        (4, 8, 5),
        256,
        &[("radius", "350km"), ("kernel", "quartic")],
    ),
    (
        (4, 8, 5),
        256,
        &[("radius", "350km"), ("kernel", "uniform")],
    ),
    (
        (4, 8, 5),
        256,
        &[("radius", "350km"), ("kernel", "triangular")],
    ),
    ((0, 0, 0), 1024, &[("radius", "5000km")]),
    (
        (0, 0, 0),
        1024,
        &[("radius", "5000km"), ("kernel", "uniform")],
    ),
    (
        (0, 0, 0),
        1024,
        &[("radius", "1000km"), ("kernel", "epanechnikov")],
    ),
    (
        (0, 0, 0),
        256,
        &[("radius", "200km"), ("kernel", "triangular")],
    ),
    ((2, 1, 1), 256, &[("overlap", "cover"), ("radius", "24px")]),
    ((2, 1, 1), 256, &[("overlap", "cover"), ("radius", "16px")]),
    ((2, 1, 1), 256, &[("overlap", "cover"), ("radius", "3px")]),
    ((2, 1, 1), 256, &[("overlap", "set"), ("radius", "16px")]),
    ((2, 1, 1), 256, &[("kernel", "cubic"), ("radius", "16px")]),
    ((2, 1, 1), 256, &[("overlap", "over:ellipse:10x10@0.2")]),
    (
        (6, 30, 30),
        256,
        &[("overlap", "over:ellipse:32x32@0.2*weight")],
    ),
    (
        (9, 274, 167),
        256,
        &[("overlap", "plus:ellipse:8x8@0.2;blur:16x16;blur:16x16")],
    ),
];

fn main() {
    let picked: Vec<String> = std::env::args().skip(1).collect();
    let picked: Vec<_> = picked.iter().filter(|word| *word != "--bench").collect();
    let count = if data::smoke() { 10_000 } else { 1_000_000 };
    for (what, points) in [("made-up", data::points(count)), ("even", even(count))] {
        let points = Points::from_lon_lat(points).expect("points lie on the map");
        let layer = Layer::on_cpu("bench", points, Style::default());
        println!("{count} {what} points, processor time and what was said in ms:");
        for ((z, x, y), side, words) in ROWS {
            let mut style = Style::default();
            for (name, value) in words {
                style.set(name, value).expect("a style");
            }
            let words: Vec<_> = words.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let words = words.join(" ");
            if !picked.is_empty() && !picked.iter().any(|word| words.contains(&**word)) {
                continue;
            }
            let window = Window::tile(TileId::new(z, x, y).expect("a tile"), side);
            let started = Instant::now();
            let [said, said_scale] =
                heatsplat_server::estimate(&layer, &style, &window, 1, level::of_zoom(z));
            let told = started.elapsed();
            let drawn = spent(|| drop(layer.map(window).style(&style).density()));
            let (set, by) = (layer.data(), layer.backend());
            let fresh = Layer::new("fresh", Arc::clone(set), style.clone(), Arc::clone(by));
            let before = ProcessTime::now();
            if !data::smoke() {
                drop(fresh.statistics(level::of_zoom(z), &style));
            }
            let scaled = before.elapsed();
            let ms = |time: Duration| 1e3 * time.as_secs_f64();
            println!(
                "{words:44} {z:2} {side:4} px: drawn {:9.2}, said {:9.2} ×{:5.2}; \
                 scale {:8.1}, said {:8.1} ×{:5.2}; told in {told:.0?}",
                ms(drawn),
                ms(said),
                ms(said) / ms(drawn),
                ms(scaled),
                ms(said_scale),
                ms(said_scale) / ms(scaled),
            );
        }
    }
}

/// The mean CPU time, of all threads, of a run of `work`. A first run does not count. Further runs
/// are made until they have taken a tenth of a second of CPU time together.
fn spent(mut work: impl FnMut()) -> Duration {
    work();
    let before = ProcessTime::now();
    let mut times = 0;
    while times == 0 || before.elapsed() < Duration::from_millis(100) {
        work();
        times += 1;
    }
    before.elapsed() / times
}

/// Makes `count` points, as longitude and latitude in degrees and weight. They lie evenly on the
/// map between the latitudes ±70°, and their weights are evenly spread from 0 to 1. The i-th point
/// has the fractional parts of i times three constants, a sequence that fills a cube evenly.
fn even(count: usize) -> Vec<(f64, f64, f32)> {
    let place = |i: usize| {
        let [x, y, weight] = [0.819_172_5, 0.671_043_6, 0.549_700_5].map(|a| i as f64 * a % 1.0);
        (x * 360.0 - 180.0, y * 140.0 - 70.0, weight as f32)
    };
    (0..count).map(place).collect()
}
