//! Times of two ways to draw that other heat maps have: markers in 8 bits, compared with Mapnik
//! itself, and points with their own radii. Times are CPU times of one thread. Run with `cargo
//! bench --bench dialects`.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use cpu_time::ThreadTime;
use heatsplat::render::PointSet;
use heatsplat::{CpuBackend, Layer, Point, Style, TileId};
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;

/// A Python program that prints the CPU time, in seconds, that Mapnik takes to draw the world in
/// 256 × 256 pixels. It draws three times and prints the least time, since only the first drawing
/// reads the points from their file.
const MAPNIK: &str = "
import mapnik, sys, time
m = mapnik.Map(256, 256)
mapnik.load_map(m, sys.argv[1])
half = 20037508.342789244
m.zoom_to_box(mapnik.Box2d(-half, -half, half, half))
times = []
for _ in range(3):
    image = mapnik.Image(256, 256)
    start = time.process_time()
    mapnik.render(m, image)
    times.append(time.process_time() - start)
print(min(times))
";

fn main() {
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    one.install(|| {
        recipe();
        own_radii();
    });
}

/// The least CPU time of this thread, in seconds, of five runs of `work`.
fn time(mut work: impl FnMut()) -> f64 {
    let run = |_| {
        let start = ThreadTime::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..5).map(run).fold(f64::INFINITY, f64::min)
}

fn style(words: &[(&str, &str)]) -> Style {
    let mut style = Style::default();
    for (name, value) in words {
        style.set(name, value).expect("a style parameter");
    }
    style
}

fn world() -> TileId {
    TileId::new(0, 0, 0).expect("a tile")
}

fn recipe() {
    let n = if data::smoke() { 10_000 } else { 1_000_000 };
    let layer = data::layer(n);
    println!("zoom 0, {n} points               ms   Mapnik ms   times as fast");
    for (mode, comp_op) in [("over", "src-over"), ("plus", "plus")] {
        let marker = format!("{mode}:ellipse:10x10@0.1;blur:4x4");
        let style = style(&[
            ("overlap", &marker),
            ("domain", "0,255"),
            ("scale", "linear"),
        ]);
        let ours = time(|| drop(layer.tile(world()).style(&style).picture()));
        let theirs = mapnik(n, comp_op);
        let shown = theirs.map_or_else(
            || "LEFT OUT: no python3-mapnik".to_owned(),
            |t| format!("{:>8.1}   {:>8.0}", t * 1e3, t / ours),
        );
        println!(
            "{mode}, ellipse of 10, blurred  {:>6.1}   {shown}",
            ours * 1e3
        );
    }
}

/// The CPU time, in seconds, that Mapnik takes to draw `n` made-up points as markers that are
/// combined by the operator `comp_op`, like `src-over`. `None` if Mapnik's module for Python isn't
/// installed.
fn mapnik(n: usize, comp_op: &str) -> Option<f64> {
    let folder = std::env::temp_dir().join(format!("heatsplat-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).ok()?;
    let mut csv = String::from("lon,lat\n");
    for (lon, lat, _) in data::points(n) {
        let _ = writeln!(csv, "{lon},{lat}");
    }
    std::fs::write(folder.join("points.csv"), csv).ok()?;
    let xml = folder.join("map.xml");
    std::fs::write(
        &xml,
        format!(
            r#"<Map srs="epsg:3857"><Style name="h" image-filters="agg-stack-blur(4,4) colorize-alpha(blue,red)"><Rule>
<MarkersSymbolizer width="10" fill="blue" opacity="0.1" stroke-width="0" comp-op="{comp_op}" allow-overlap="true"
 ignore-placement="true"/></Rule></Style><Layer name="l" srs="epsg:4326"><StyleName>h</StyleName><Datasource>
<Parameter name="type">csv</Parameter><Parameter name="file">points.csv</Parameter></Datasource></Layer></Map>"#
        ),
    )
    .ok()?;
    let out = Command::new("/usr/bin/python3")
        .args(["-c", MAPNIK])
        .arg(&xml)
        .output()
        .ok()?;
    let _ = std::fs::remove_dir_all(&folder);
    String::from_utf8_lossy(&out.stdout).trim().parse().ok()
}

/// Times the drawing of points with their own radii: whole numbers from 4 to 12 pixels, so that
/// each radius has a ninth of the points.
fn own_radii() {
    let n = if data::smoke() { 10_000 } else { 1_000_000 };
    let made = data::points(n);
    let points: Vec<Point> = made
        .iter()
        .filter_map(|&(lon, lat, weight)| Point::from_lon_lat(lon, lat, weight).ok())
        .collect();
    let radii: Vec<f32> = (0..points.len()).map(|i| 4.0 + (i % 9) as f32).collect();
    let set = Arc::new(PointSet::with_radii(&points, &radii));
    let style = style(&[("kernel", "quartic"), ("domain", "0,100")]);
    let layer = Layer::new("radii", set, style, Arc::new(CpuBackend::new()));
    let seconds = time(|| drop(layer.tile(world()).picture()));
    println!(
        "{n} points with radii of 4 to 12 at zoom 0: {:.1} ms, {:.1} million stamps a second",
        seconds * 1e3,
        n as f64 / seconds / 1e6
    );
}
