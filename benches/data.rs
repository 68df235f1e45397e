//! Data sets for the benches: points made by `heatsplat::generate` with a fixed seed, so that they
//! are always equal.
//!
//! With the environment variable `HEATSPLAT_BENCH_SMOKE=1` they are small, so that CI can run every
//! bench in seconds.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    reason = "each bench takes what it needs"
)]

use heatsplat::{Layer, Points, Style, TileId};

/// True if the environment variable `HEATSPLAT_BENCH_SMOKE` is set. Then benches have little data
/// and few repetitions, so that they only show that they run.
pub fn smoke() -> bool {
    std::env::var_os("HEATSPLAT_BENCH_SMOKE").is_some()
}

/// The numbers of points that a bench is run with, one run for each: 100,000, a million and ten
/// million, or only 10,000 if [`smoke`] is true. If the environment variable `HEATSPLAT_BENCH_N` is
/// set, there is one run, with the number in this variable.
pub fn sizes() -> Vec<usize> {
    if let Some(n) = std::env::var("HEATSPLAT_BENCH_N")
        .ok()
        .and_then(|n| n.parse().ok())
    {
        return vec![n];
    }
    if smoke() {
        vec![10_000]
    } else {
        vec![100_000, 1_000_000, 10_000_000]
    }
}

/// The zooms that a bench draws tiles of: 0, 2, 4 … 14. If the environment variable
/// `HEATSPLAT_BENCH_ZOOM` is set, it is only the zoom in this variable.
pub fn zooms() -> Vec<u8> {
    match std::env::var("HEATSPLAT_BENCH_ZOOM")
        .ok()
        .and_then(|z| z.parse().ok())
    {
        Some(z) => vec![z],
        None => (0..=14).step_by(2).collect(),
    }
}

/// Makes `n` points, each as (longitude in degrees, latitude in degrees, weight).
pub fn points(n: usize) -> Vec<(f64, f64, f32)> {
    heatsplat::generate::points(n, 1).collect()
}

/// Makes a layer of `n` points in the default style.
pub fn layer(n: usize) -> Layer {
    let points = Points::from_lon_lat(points(n)).expect("made-up points lie on the map");
    Layer::on_cpu("bench", points, Style::default())
}

/// Picks up to `most` tiles of zoom `z` that have points. The first half are the tiles around
/// points that are spread over all points of the layer, so dense tiles are frequent and may occur
/// twice. The second half is every n-th of the tiles that have points.
pub fn tiles(layer: &Layer, z: u8, most: usize) -> Vec<TileId> {
    let all = layer.points().as_slice().unwrap_or_default();
    let shift = 32 - u32::from(z);
    let of = |v: u32| v.checked_shr(shift).unwrap_or(0);
    let chance = (0..most / 2).filter_map(|i| {
        let p = all.get(i * 7919 % all.len())?;
        TileId::new(z, of(p.x), of(p.y)).ok()
    });
    let occupied = layer.points().occupied_tiles(z);
    let step = (occupied.len() / (most / 2)).max(1);
    let even = occupied.iter().step_by(step).map(|t| t.tile);
    chance.chain(even).take(most).collect()
}
