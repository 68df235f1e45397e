//! Compares the CPU times of tiles for different measures, scales, kernels and kinds of radii. They
//! are CPU times of one thread, and include the encoding as PNG. Two more times are printed: of
//! drawing a tile in another ramp and scale when its density is already there, and, by the clock,
//! of measuring the statistics of a zoom.
//!
//! Run with `cargo bench --bench measures`.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use cpu_time::ThreadTime;
use heatsplat::points::level;
use heatsplat::render::encode::ImageEncoding;
use heatsplat::{ImageFormat, Layer, Style};
use std::time::Instant;

type Words = [(&'static str, &'static str)];

/// Groups of styles, each with a title. A style is written as the parameters that are not the
/// default. The times of a group's styles are compared with the time of its first style.
const GROUPS: [(&str, &[&Words]); 5] = [
    (
        "measures, linear",
        &[
            &[("scale", "linear")],
            &[("scale", "linear"), ("measure", "count")],
            &[("scale", "linear"), ("measure", "mean")],
            &[("scale", "linear"), ("measure", "sum_per_km2")],
            &[("scale", "linear"), ("radius", "0:16px,14:16px")],
        ],
    ),
    (
        "scales",
        &[
            &[("scale", "linear")],
            &[("scale", "log")],
            &[("scale", "power:0.4")],
            &[("scale", "eq_hist")],
            &[("scale", "local")],
        ],
    ),
    (
        "kernels, 8 px",
        &[
            &[("radius", "8px")],
            &[("radius", "8px"), ("kernel", "quartic")],
            &[("radius", "8px"), ("kernel", "triweight")],
            &[("radius", "8px"), ("kernel", "epanechnikov")],
            &[("radius", "8px"), ("kernel", "uniform")],
        ],
    ),
    (
        "kernels, 16 px",
        &[
            &[],
            &[("kernel", "quartic")],
            &[("kernel", "triweight")],
            &[("kernel", "epanechnikov")],
            &[("kernel", "triangular")],
            &[("kernel", "uniform")],
        ],
    ),
    (
        "kernels, 64 px",
        &[
            &[("radius", "64px")],
            &[("radius", "64px"), ("kernel", "quartic")],
            &[("radius", "64px"), ("kernel", "triweight")],
            &[("radius", "64px"), ("kernel", "epanechnikov")],
            &[("radius", "64px"), ("kernel", "uniform")],
        ],
    ),
];

fn main() {
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    for n in data::sizes() {
        let layer = data::layer(n);
        one.install(|| compare(&layer, n));
        restyle(&layer);
        for z in [0, 6, 10] {
            statistics(&layer, n, z);
        }
    }
}

fn compare(layer: &Layer, n: usize) {
    for (group, kinds) in GROUPS {
        println!("{n} points, {group}: median ms at z0, z4, z8 and times the first");
        let mut first = [0.0; 3];
        for words in kinds {
            let style = styled(layer, words);
            print!("  {:<44}", shown(words));
            for (place, z) in [0, 4, 8].into_iter().enumerate() {
                let took = median(
                    &data::tiles(layer, z, if data::smoke() { 8 } else { 60 }),
                    |t| {
                        layer.tile(t).style(&style).png().expect("a PNG");
                    },
                );
                if words == &kinds[0] {
                    first[place] = took;
                }
                print!("{took:>9.3} {:>5.2}", took / first[place]);
            }
            println!();
        }
    }
    let metres = styled(layer, &[("radius", "20km")]);
    let took = median(&data::tiles(layer, 8, 60), |t| {
        layer.tile(t).style(&metres).png().expect("a PNG");
    });
    println!("  radius=20km at z8{took:>36.3}");
}

/// Times the drawing of tiles in another ramp and scale from densities that were computed before.
fn restyle(layer: &Layer) {
    for (z, scale) in [
        (0, "cbrt"),
        (4, "cbrt"),
        (8, "cbrt"),
        (0, "local"),
        (4, "local"),
    ] {
        let style = styled(layer, &[("ramp", "viridis"), ("scale", scale)]);
        let tiles = data::tiles(layer, z, 20);
        let numbers: Vec<_> = tiles
            .iter()
            .map(|&t| (t, layer.tile(t).style(&style).density()))
            .collect();
        let took = median(&numbers, |(tile, numbers)| {
            let picture = layer.tile(tile).style(&style).colorize(&numbers);
            let encoding = ImageEncoding::from(ImageFormat::Png);
            encoding.picture(&picture, style.ramp()).expect("a PNG");
        });
        println!("  restyle to {scale} at z{z}: {took:.3} ms");
    }
}

fn statistics(layer: &Layer, n: usize, z: u8) {
    for words in [&[("radius", "23px")] as &Words, &[("kernel", "uniform")]] {
        let style = styled(layer, words);
        let start = Instant::now();
        layer.statistics(level::of_zoom(z), &style);
        let took = start.elapsed().as_secs_f64();
        println!(
            "  statistics of {n} points at z{z}, {}: {took:.3} s by the clock",
            shown(words)
        );
    }
}

fn styled(layer: &Layer, words: &Words) -> Style {
    let mut style = layer.style().clone();
    for (name, value) in words {
        style.set(name, value).expect("a style parameter");
    }
    layer.suited(style)
}

fn shown(words: &Words) -> String {
    let words: Vec<_> = words.iter().map(|(n, v)| format!("{n}={v}")).collect();
    words.join(" ")
}

fn median<T: Clone>(each: &[T], work: impl Fn(T)) -> f64 {
    if each.is_empty() {
        return 0.0;
    }
    for one in each {
        work(one.clone()); // what a zoom, or a neighbourhood, needs once
    }
    let mut times: Vec<f64> = each
        .iter()
        .map(|one| {
            let start = ThreadTime::now();
            work(one.clone());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
