//! Times tiles in other projections beside tiles of Web Mercator of the same size on the ground, by
//! CPU time. Run with `cargo bench --bench projections`; `HEATSPLAT_BENCH_N` sets the number of
//! points.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use cpu_time::ThreadTime;
use heatsplat::loader::{PlaneCrs, ProjectedSquare};
use heatsplat::points::mercator::{self, WORLD};
use heatsplat::points::projected::Projection;
use heatsplat::render::{ProjectedLayer, View};
use heatsplat::{TileId, Window};
use std::sync::Arc;

/// The systems, each with the top left corner and the side of its square in metres.
const SYSTEMS: [(u32, [f64; 2], f64); 3] = [
    (3035, [-179_000.0, 7_710_000.0], 9_000_000.0),
    (3031, [-10_000_000.0, 10_000_000.0], 20_000_000.0),
    (25832, [-4_000_000.0, 10_000_000.0], 9_000_000.0),
];

/// The least CPU time of this thread, in microseconds, of five runs of `work`.
fn least(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let began = ThreadTime::now();
        work();
        began.elapsed().as_secs_f64() * 1e6
    };
    (0..5).map(time).fold(f64::INFINITY, f64::min)
}

/// The window of 256 pixels, `pixel` world units each, around a place.
fn around([x, y]: [f64; 2], pixel: f64) -> Window {
    Window::new(x - 128.0 * pixel, y - 128.0 * pixel, pixel, 256, 256)
}

fn main() {
    for n in data::sizes() {
        let layer = Arc::new(data::layer(n));
        for (code, corner, side) in SYSTEMS {
            let crs = PlaneCrs::from_epsg(code).expect("a known system");
            let square = Arc::new(ProjectedSquare::new(crs, corner, side));
            let Ok(projected) = ProjectedLayer::new(&layer, Arc::clone(&square) as _) else {
                println!("{n} points, EPSG:{code}: the middle of the points lies elsewhere");
                continue;
            };
            for z in data::zooms() {
                let mut ratios = Vec::new();
                for tile in data::tiles(&layer, z, 40) {
                    let Some(times) = times(&projected, &layer, &square, tile) else {
                        continue;
                    };
                    ratios.push(times);
                }
                if ratios.is_empty() {
                    continue;
                }
                let mean = |of: fn(&(f64, f64)) -> f64| {
                    ratios.iter().map(of).sum::<f64>() / ratios.len() as f64
                };
                let (theirs, ours) = (mean(|t| t.0), mean(|t| t.1));
                println!(
                    "{n} points, EPSG:{code}, zoom {z:>2}, {} tiles: {theirs:.0} µs in Web \
                     Mercator, {ours:.0} µs projected, {:.2} times",
                    ratios.len(),
                    ours / theirs
                );
            }
        }
    }
}

/// The CPU times in microseconds of a picture around the middle of a tile in Web Mercator, and of
/// one in a projection with pixels of the same size at that place. `None` if the place lies outside
/// of the square.
fn times(
    projected: &ProjectedLayer,
    layer: &heatsplat::Layer,
    square: &ProjectedSquare,
    tile: TileId,
) -> Option<(f64, f64)> {
    let window = Window::tile(tile, 256);
    let middle = [window.left(), window.top()].map(|edge| edge + 128.0 * window.pixel());
    let [x, y] = middle;
    let place = |x, y| square.place(mercator::longitude(x), mercator::latitude(y));
    let there = place(x, y)?;
    let beside = place(x + window.pixel(), y)?;
    let pixel = (beside[0] - there[0]).hypot(beside[1] - there[1]);
    if !there.iter().all(|c| (0.0..WORLD).contains(c)) || pixel > WORLD / 512.0 {
        return None;
    }
    let style = layer.style();
    let picture = around(there, pixel);
    projected.check(picture, style).ok()?;
    let theirs = least(|| {
        std::hint::black_box(
            layer
                .map(View::from(around(middle, window.pixel())))
                .density(),
        );
    });
    let ours = least(|| {
        std::hint::black_box(projected.map(picture).density());
    });
    Some((theirs, ours))
}
