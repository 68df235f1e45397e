//! Times the GPU backend on the adapter that it finds: whole tiles, the stages of a tile, and
//! batches of tiles.
//!
//! Run with `cargo bench --bench gpu`. Whole tiles and batches have a time by the clock, and the
//! CPU time of all threads of the process. If the adapter is a software driver, this CPU time
//! contains the drawing itself. With a real GPU it is only the work that is left to the CPU. Stages
//! have the time that the device measures.
#![allow(
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a bench that fails should say so at once"
)]

mod data;

use cpu_time::ProcessTime;
use heatsplat::render::gpu::{AdapterChoice, GpuBackend, GpuError, adapters};
use heatsplat::render::{Job, Normalizer, evaluate};
use heatsplat::{Backend, Layer, Style, TileSize, Window};
use std::time::{Duration, Instant};

fn main() {
    let gpu = match GpuBackend::new(AdapterChoice::Any) {
        Ok(gpu) => gpu,
        Err(error @ GpuError::NoAdapter) => return println!("LEFT OUT: {error}"),
        Err(error) => panic!("{error}"),
    };
    for adapter in adapters() {
        println!("{adapter}, driver {}", adapter.driver);
    }
    println!("drawing with {}\n", gpu.name());
    let layer = ten_thousand_cells();
    println!(
        "one 256 px tile of {} cells, radius 16",
        layer.points().summary().count
    );
    let job = (
        job(
            &layer,
            Window::tile(heatsplat::TileId::new(0, 0, 0).expect("a tile"), 256),
        ),
        &*layer.normalizer(8, layer.style()),
    );
    tile(&gpu, &[job]);
    stages(&gpu, &[job]);
    for n in data::sizes().into_iter().take(2) {
        let layer = data::layer(n);
        println!("\n{n} made-up points, radius 16");
        println!("zoom  batch  tiles/s  CPU ms a tile  cells/s");
        for z in [0, 4, 8, 12] {
            batches(&gpu, &layer, z);
        }
        host(&gpu, &layer);
    }
    kept(&gpu, &layer);
}

/// Runs `work`, which draws `tiles` tiles. Returns a row of a table with the columns [`COUNTED`]:
/// by how much `work` increased the counters of the backend's report, divided by the number of
/// tiles. Only the column `a batch` is the number of pictures for each batch.
fn counted(gpu: &GpuBackend, tiles: usize, work: impl FnOnce()) -> String {
    let before = gpu.report();
    work();
    let after = gpu.report();
    let each = |n: u64| n as f64 / tiles as f64;
    let us = |time: Duration| time.as_secs_f64() * 1e6 / tiles as f64;
    for (reason, n) in after.failures {
        assert_eq!(n, before.failed(reason), "{reason}");
    }
    format!(
        "{:>9.1} {:>9.1} {:>11.2} {:>7.1} {:>8.0} {:>9.0}",
        us(after.worker_time - before.worker_time),
        us(after.caller_time - before.caller_time),
        each(after.submissions - before.submissions),
        (after.drawn - before.drawn) as f64 / (after.batches - before.batches) as f64,
        each(after.copies - before.copies),
        each(after.staged_bytes - before.staged_bytes),
    )
}

const COUNTED: &str = "worker µs caller µs submissions  a batch   copies    staged";

/// Prints rows with the columns [`COUNTED`] for tiles of zoom 4: 1, 16 and 64 tiles that are drawn
/// by one call, 8 and 32 threads that draw a tile each, and a tile with a radius of 100 km.
fn host(gpu: &GpuBackend, layer: &Layer) {
    let turns = if data::smoke() { 1 } else { 20 };
    println!("each tile of zoom 4          {COUNTED}");
    let scale = layer.normalizer(heatsplat::points::level::of_zoom(4), layer.style());
    let tiles = data::tiles(layer, 4, 64);
    let all: Vec<_> = tiles
        .iter()
        .cycle()
        .take(64)
        .map(|&tile| (job(layer, Window::tile(tile, 256)), &*scale))
        .collect();
    for size in [1, 16, 64] {
        let jobs = &all[..size];
        gpu.pictures(jobs);
        let row = counted(gpu, turns * size, || {
            (0..turns).for_each(|_| drop(gpu.pictures(jobs)));
        });
        println!("{size:>4} in one call             {row}");
    }
    for threads in [8, 32] {
        let row = counted(gpu, turns * threads, || {
            std::thread::scope(|scope| {
                for job in &all[..threads] {
                    scope.spawn(move || (0..turns).for_each(|_| drop(gpu.pictures(&[*job]))));
                }
            });
        });
        println!("{threads:>4} threads, a tile each    {row}");
    }
    let style = layer.style().clone();
    let style = style.with_radius("100km".parse().expect("a radius"));
    let view = Window::tile(tiles[0], 256).into();
    let draw = || drop(evaluate::density(layer.data(), &style, &view, gpu));
    draw();
    let row = counted(gpu, turns, || (0..turns).for_each(|_| draw()));
    println!("   1 with radius=100km       {row}");
}

/// Prints a row with the columns [`COUNTED`] for a picture of 4096 × 4096 pixels that stays on the
/// device.
fn kept(gpu: &GpuBackend, layer: &Layer) {
    println!("\na picture that stays         {COUNTED}");
    let window = Window::at_level(12, 0, 0, 4096, 4096);
    let job = job(layer, window);
    let draw = || drop(gpu.density_buffer(&job).expect("a picture"));
    draw();
    println!("4096 × 4096                  {}", counted(gpu, 1, draw));
}

/// Makes a layer of 10,000 points that lie so far apart that even at zoom 0 each is drawn as a cell
/// of its own.
fn ten_thousand_cells() -> Layer {
    let side = 100;
    let points = (0..side * side).map(|i| {
        let (x, y) = (f64::from(i % side), f64::from(i / side));
        (-178.0 + x * 3.55 + (y * 0.7).sin(), -70.0 + y * 1.4, 1.0)
    });
    let points = heatsplat::Points::from_lon_lat(points).expect("points on the map");
    Layer::on_cpu("cells", points, Style::default())
}

fn job(layer: &Layer, window: Window) -> Job<'_> {
    Job {
        points: layer.points(),
        window,
        kernel: layer.style().kernel_in(window),
        strip: false,
    }
}

/// Runs `work` 101 times, or 3 times if [`data::smoke`] is true. Returns two times of the run with
/// the median CPU time, in milliseconds: the time by the clock, and the CPU time of all threads.
fn measure(mut work: impl FnMut()) -> (f64, f64) {
    let turns = if data::smoke() { 3 } else { 101 };
    for _ in 0..3 {
        work();
    }
    let mut times: Vec<(f64, f64)> = (0..turns)
        .map(|_| {
            let (clock, cpu) = (Instant::now(), ProcessTime::now());
            work();
            let ms = |seconds: f64| seconds * 1e3;
            (
                ms(clock.elapsed().as_secs_f64()),
                ms(cpu.elapsed().as_secs_f64()),
            )
        })
        .collect();
    times.sort_by(|a, b| a.1.total_cmp(&b.1));
    times[times.len() / 2]
}

fn tile(gpu: &GpuBackend, jobs: &[(Job<'_>, &Normalizer)]) {
    let (clock, cpu) = measure(|| {
        gpu.pictures(jobs);
    });
    println!("whole tile     {clock:>8.3} ms  {cpu:>8.3} ms CPU");
    // A picture of a single pixel has hardly any work, so its time is that of the way to the device
    // and back.
    let mut small = jobs[0];
    small.0.window = small.0.window.part(128, 128, 1, 1);
    let (clock, cpu) = measure(|| {
        gpu.pictures(&[small]);
    });
    println!("lone pixel     {clock:>8.3} ms  {cpu:>8.3} ms CPU");
}

fn stages(gpu: &GpuBackend, jobs: &[(Job<'_>, &Normalizer)]) {
    let turns = if data::smoke() { 3 } else { 51 };
    let mut all: Vec<Vec<(&str, f64)>> = (0..turns).map(|_| gpu.time_stages(jobs)).collect();
    let names: Vec<&str> = all[0].iter().map(|(name, _)| *name).collect();
    for (i, name) in names.into_iter().enumerate() {
        all.sort_by(|a, b| a[i].1.total_cmp(&b[i].1));
        println!("  {name:<12} {:>8.3} ms", all[all.len() / 2][i].1 * 1e3);
    }
}

fn batches(gpu: &GpuBackend, layer: &Layer, z: u8) {
    let scale = layer.normalizer(heatsplat::points::level::of_zoom(z), layer.style());
    let tiles = data::tiles(layer, z, 64);
    let pixels = TileSize::NORMAL.pixels();
    for size in [1, 16, 64] {
        let jobs: Vec<_> = tiles
            .iter()
            .cycle()
            .take(size)
            .map(|&tile| (job(layer, Window::tile(tile, pixels)), &*scale))
            .collect();
        let cells: usize = jobs
            .iter()
            .map(|(job, _)| layer.points().cells(&job.window.grown(22), 1.0).len())
            .sum();
        let turns = if data::smoke() { 1 } else { 10 };
        gpu.pictures(&jobs);
        let (clock, cpu) = (Instant::now(), ProcessTime::now());
        for _ in 0..turns {
            gpu.pictures(&jobs);
        }
        let (clock, cpu) = (clock.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
        let drawn = (turns * size) as f64;
        println!(
            "{z:>4}  {size:>5}  {:>7.0}  {:>13.3}  {:>7.2e}",
            drawn / clock,
            cpu * 1e3 / drawn,
            (turns * cells) as f64 / clock,
        );
    }
}
