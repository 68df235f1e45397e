//! Times the drawing of tiles of points in a `.heat` file, beside the drawing of the same points in
//! memory.
//!
//! For each zoom, three medians of the CPU time of one thread are printed:
//!
//! * *memory*: the points are in memory;
//! * *kept*: all pages of the file that a tile needs are in the cache;
//! * *read*: the cache has only the pages of nodes, so each page of points and cells is read from
//!   the file, which the operating system has in memory.
//!
//! Each picture of the file must have the same bytes as the picture of the points in memory. The
//! size of the file is printed too. Run with `cargo bench --bench heat`.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use cpu_time::{ProcessTime, ThreadTime};
use heatsplat::{Layer, Points, Style, TileId};
use heatsplat_heat::{HeatFile, Metadata, PageCache, WriterOptions, write_index};
use std::sync::Arc;

fn main() {
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    let n = data::sizes().last().copied().unwrap_or(10_000);
    // The decimals that `heatsplat generate` writes.
    let round = |v: f64, by: f64| (v * by).round() / by;
    let points = data::points(n).into_iter().map(|(lon, lat, weight)| {
        let weight = round(f64::from(weight), 1e4) as f32;
        (round(lon, 1e7), round(lat, 1e7), weight)
    });
    let points = Points::from_lon_lat(points).expect("made-up points lie on the map");
    let path = std::env::temp_dir().join(format!("heatsplat-bench-{}.heat", std::process::id()));
    let start = ProcessTime::now();
    let written = one.install(|| {
        write_index(
            &points,
            &path,
            &Metadata::default(),
            WriterOptions::default(),
        )
    });
    let written = written.expect("a file");
    println!(
        "{n} points, {} cells, {} nodes: {:.2} bytes a point, written in {:.2} s",
        written.cells,
        written.nodes,
        written.bytes as f64 / n as f64,
        start.elapsed().as_secs_f64()
    );
    let from_file = |cache: u64| {
        let file = HeatFile::open(&path, &Arc::new(PageCache::new(cache))).expect("a file");
        layer(Points::from_paged(Arc::new(file)))
    };
    let layers = [layer(points), from_file(1 << 32), from_file(0)];
    println!("zoom  tiles  memory ms  kept ms  read ms  kept ×  read ×");
    for z in data::zooms() {
        one.install(|| zoom(&layers, z));
    }
    let _ = std::fs::remove_file(&path);
}

fn layer(points: Points) -> Layer {
    Layer::on_cpu("bench", points, Style::default())
}

fn zoom(layers: &[Layer; 3], z: u8) {
    let [memory, ..] = layers;
    let tiles = data::tiles(memory, z, if data::smoke() { 8 } else { 300 });
    let draw = |layer: &Layer, tile: TileId| {
        let start = ThreadTime::now();
        let png = layer.tile(tile).png().expect("a PNG");
        (start.elapsed().as_secs_f64() * 1e3, png)
    };
    // The first drawing of a tile reads its pages, or measures the zoom's statistics.
    let mut times = [const { Vec::new() }; 3];
    for &tile in &tiles {
        let (_, wanted) = draw(memory, tile);
        for (layer, times) in layers.iter().zip(&mut times) {
            draw(layer, tile);
            let (time, png) = draw(layer, tile);
            assert!(png == wanted, "{tile:?} is another picture");
            times.push(time);
        }
    }
    let [memory, kept, read] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(0.0)
    });
    println!(
        "{z:>4}  {:>5}  {memory:>9.3}  {kept:>7.3}  {read:>7.3}  {:>6.2}  {:>6.2}",
        tiles.len(),
        kept / memory,
        read / memory
    );
}
