//! `heatsplat bench`: how fast the backends here draw somebody's own points.

use super::Failure;
use super::backend::{self, Measured, Stages};
use super::source::{self, SourceFlags};
use super::style_flags::StyleFlags;
use clap::Args;
use heatsplat::render::{Job, Normalizer};
use heatsplat::{Backend, Layer, Points, TileId, TileSize, Window, generate};
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  heatsplat bench --points 1000000
  heatsplat bench examples/cities.csv.gz --radius 8
  heatsplat bench quakes.csv.gz --gpu any";

/// Zooms that are tried.
const ZOOMS: [u8; 4] = [0, 4, 8, 12];

/// Tiles of a batch.
const BATCH: usize = 64;

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Bench {
    /// A file of points, as for `serve`
    #[arg(conflicts_with = "points")]
    source: Option<String>,
    /// Make up so many points instead
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    points: usize,
    /// Which GPUs to try beside the CPU: real ones, or any, drivers in software too
    #[arg(long, value_name = "real|any", default_value = "real", value_parser = ["real", "any"])]
    gpu: String,
    /// Seconds for each figure
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    #[command(flatten)]
    flags: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
}

impl Bench {
    pub(super) fn run(self) -> Result<(), Failure> {
        let style = self.style.style()?;
        let points = match &self.source {
            Some(source) => {
                let loaded = self.flags.read(source)?;
                eprintln!("{}", loaded.summary(source));
                loaded.points
            }
            None => Points::from_lon_lat(generate::points(self.points, 1))?,
        };
        let time = Duration::from_secs_f64(self.seconds.clamp(0.01, 600.0));
        let layer = Layer::on_cpu("bench", points, style);
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "{} points, {}; 256 px tiles, PNG not included",
            source::grouped(layer.points().summary().count as u64),
            layer.style(),
        )?;
        for Measured { backend, stages } in backend::every(self.gpu == "any") {
            writeln!(out, "\n{}", backend.name())?;
            writeln!(out, "zoom  tiles  alone, ms each  together, tiles/s")?;
            for z in ZOOMS {
                let (tiles, alone, together) = zoom(&layer, backend.as_ref(), z, time);
                writeln!(out, "{z:>4}  {tiles:>5}  {alone:>14.3}  {together:>17.0}")?;
            }
            for (name, seconds) in stages.iter().flat_map(|s| one_by_one(&layer, s)) {
                writeln!(out, "      {name:<10}  {:>9.3} ms", seconds * 1e3)?;
            }
        }
        Ok(())
    }
}

/// Each stage's seconds for a batch of the first zoom with many tiles.
fn one_by_one(layer: &Layer, stages: &Stages) -> Vec<(&'static str, f64)> {
    let z = 4;
    let scale = layer.normalizer(z + 8, layer.style());
    let jobs = jobs(layer, z, &scale);
    stages(&jobs);
    stages(&jobs)
}

/// How many tiles a zoom has here, milliseconds for each drawn alone, and tiles a second
/// when many are asked for at once.
fn zoom(layer: &Layer, backend: &dyn Backend, z: u8, time: Duration) -> (usize, f64, f64) {
    let scale = layer.normalizer(z + 8, layer.style());
    let jobs = jobs(layer, z, &scale);
    let Some(first) = jobs.first() else {
        return (0, 0.0, 0.0);
    };
    // shaders are compiled and points go to the device before the clock runs
    backend.pictures(&[*first]);
    backend.pictures(&jobs);
    let (tiles, took) = repeat(time, |turn| {
        let job = jobs.get(turn % jobs.len()).unwrap_or(first);
        backend.pictures(&[*job]).len()
    });
    let alone = took.as_secs_f64() * 1e3 / tiles as f64;
    let (tiles, took) = repeat(time, |_| backend.pictures(&jobs).len());
    (jobs.len(), alone, tiles as f64 / took.as_secs_f64())
}

fn repeat(time: Duration, mut work: impl FnMut(usize) -> usize) -> (usize, Duration) {
    let start = Instant::now();
    let mut done = 0;
    for turn in 0.. {
        done += work(turn);
        if start.elapsed() >= time {
            break;
        }
    }
    (done.max(1), start.elapsed())
}

/// Up to a batch of a zoom's occupied tiles, spread evenly.
fn jobs<'a>(layer: &'a Layer, z: u8, scale: &'a Arc<Normalizer>) -> Vec<(Job<'a>, &'a Normalizer)> {
    let occupied = layer.points().occupied_tiles(z);
    let step = (occupied.len() / BATCH).max(1);
    let job = |tile: TileId| {
        let window = Window::tile(tile, TileSize::NORMAL.pixels());
        Job {
            points: layer.points(),
            window,
            kernel: layer.style().kernel_in(&window, 1),
        }
    };
    let tiles = occupied.iter().step_by(step).take(BATCH);
    tiles.map(|t| (job(t.tile), &**scale)).collect()
}
