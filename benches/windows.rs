//! Times windows of time, by the CPU time of one run: the making of a timeline and its memory, the
//! selection of a window's points, and whole tiles of windows beside tiles of all points. Run with
//! `cargo bench --bench windows`; `HEATSPLAT_BENCH_N` sets the number of points (10 million).
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use cpu_time::{ProcessTime, ThreadTime};
use heatsplat::render::Level;
use heatsplat::{Layer, Points, Style, TileId};
use heatsplat_time::{TimeQuery, Timeline, Zone};

/// The windows that are timed: an hour, a day and 30 days of the five years from 2019 to 2023.
const WINDOWS: [&str; 3] = ["2021-03-05T07/PT1H", "2021-03-05/P1D", "2021-03-05/P30D"];

/// The number of seconds in the years 2019 to 2023, within which the points have their times.
/// [`FIRST`] is the first of these seconds, counted from 1970.
const SECONDS: u64 = 157_766_400;
const FIRST: i64 = 1_546_300_800;

/// The least CPU time of this thread, in microseconds, of `runs` runs of `work`.
fn least(runs: usize, mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let began = ThreadTime::now();
        work();
        began.elapsed().as_secs_f64() * 1e6
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}

/// The CPU time of this thread, in microseconds, that a tile takes as PNG: the mean over `tiles` of
/// the least of four runs.
fn drawn(layer: &Layer, tiles: &[TileId]) -> f64 {
    let draw = |tile: &TileId| {
        least(4, || {
            let png = layer.tile(*tile).png();
            std::hint::black_box(png.expect("tiles can be drawn"));
        })
    };
    tiles.iter().map(draw).sum::<f64>() / tiles.len().max(1) as f64
}

fn main() {
    let sizes = data::sizes();
    let n = *sizes.last().expect("there is a size");
    let layer = data::layer(n);
    let mut state = 1u64;
    let times: Vec<i64> = (0..n)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            (FIRST + ((state >> 33) % SECONDS) as i64) * 1_000_000
        })
        .collect();
    let began = ProcessTime::now();
    let time = |row: usize| times.get(row).copied();
    let line = Timeline::new("t", layer.points(), time, None, &Zone::UTC);
    let line = line.expect("five years have hours");
    let column = began.elapsed().as_secs_f64();
    let bytes = |bytes: usize| bytes as f64 / n as f64;
    let (plain, alone) = (bytes(layer.points().bytes()), bytes(line.bytes()));
    line.prepare(layer.points());
    println!(
        "{n} points: plain {plain:.1} bytes a point, times {alone:.1}, with the copy {:.1}; \
         {column:.2} s CPU for times, {:.2} with the copy",
        bytes(line.bytes()),
        began.elapsed().as_secs_f64()
    );
    let mut windows = Vec::new();
    for text in WINDOWS {
        let query: TimeQuery = text.parse().expect("a window");
        let span = query
            .resolve(line.buckets())
            .expect("within the data")
            .span();
        let mut fastest = f64::INFINITY;
        let mut selected = Points::from_slice(&[]);
        for _ in 0..4 {
            let began = ProcessTime::now();
            selected = line.select(layer.points(), span);
            fastest = fastest.min(began.elapsed().as_secs_f64());
        }
        println!(
            "{text}: {} points, new in {:.2} ms CPU",
            line.count(span),
            fastest * 1e3
        );
        windows.push(Layer::on_cpu("window", selected, Style::default()));
    }
    for z in [0, 4, 8, 12] {
        let tiles = data::tiles(&layer, z, if data::smoke() { 2 } else { 24 });
        for layer in windows.iter().chain([&layer]) {
            layer.normalizer_at(Level::from_zoom(f64::from(z)), layer.style());
        }
        let plain = drawn(&layer, &tiles);
        let each = windows.iter().map(|layer| drawn(layer, &tiles) / plain);
        let each: Vec<String> = each.map(|ratio| format!("{ratio:.2}")).collect();
        println!(
            "zoom {z}: plain {plain:.0} µs a tile; windows {} of that",
            each.join(" · ")
        );
    }
}
