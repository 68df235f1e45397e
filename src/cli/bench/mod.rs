//! `heatsplat bench`: measures the speed of all backends, with points from a source or made-up
//! points.

mod measure;
mod report;

use super::backend::{self, BenchBackend, StageTimer};
use super::error::BoxError;
use super::output;
use super::source_flags::SourceFlags;
use super::source_name::redact;
use super::style_flags::StyleFlags;
use super::tile_kinds;
use crate::cli::logging::say;
use clap::Args;
use heatsplat::points::level;
use heatsplat::render::{Job, PointSet};
use heatsplat::{Layer, Points, TileId, TileSize, Window, generate};
use measure::TileTiming;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  heatsplat bench --points 1000000
  heatsplat bench examples/cities.csv.gz --radius 8 --json cities.json
  heatsplat bench quakes.csv.gz --gpu any --tile 4/14/6

Tiles are drawn as a server draws them, from points in memory to the bytes of a PNG. Those of a
zoom that most points lie in are dense, the others sparse. CPU time is that of all threads of the
program; spread is the middle half of all turns.";

/// The zooms whose tiles are measured if no flag names tiles.
const ZOOMS: [u8; 4] = [0, 4, 8, 12];

/// The number of tiles in the batch that times a device's stages. It is also the largest number of
/// dense tiles of a zoom, and of sparse tiles.
const BATCH: usize = 64;

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BenchCommand {
    /// A file of points, as for `serve`
    #[arg(conflicts_with = "points")]
    source: Option<String>,
    /// Make up so many points instead
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = count)]
    points: usize,
    /// GPUs to time beside the CPU: real ones, or any, with drivers in software
    #[arg(long, value_name = "real|any", default_value = "real", value_parser = ["real", "any"])]
    gpu: String,
    /// Seconds for each figure
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Time this tile alone, instead of dense and sparse ones of several zooms; may be repeated
    #[arg(long, value_name = "Z/X/Y", value_parser = tile)]
    tile: Vec<TileId>,
    /// Write all figures, with the machine and the settings, as JSON; `-` is standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    flags: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
}

/// The measurements of one backend.
struct BackendTiming {
    backend: String,
    tiles: Vec<TileTiming>,
    /// The stages of the backend on its device, each with its seconds for a batch of tiles. Empty
    /// if the backend has no device.
    device: Vec<(&'static str, f64)>,
}

impl BenchCommand {
    pub(super) fn run(mut self) -> Result<(), BoxError> {
        let (style, columns) = self.style.style_and_columns()?;
        self.flags.suggest(&columns);
        let set = match &self.source {
            Some(source) => {
                let loaded = self.flags.load(source)?;
                say!("{}", loaded.summary(&redact(source)));
                loaded.into_set()?.0
            }
            None => {
                let points = Points::from_lon_lat(generate::points(self.points, 1))?;
                Arc::new(PointSet::new(points))
            }
        };
        // Figures of several versions can be compared only if nothing but a flag sets the radius.
        let style = style.if_asked(set.points());
        let time = Duration::from_secs_f64(self.seconds.clamp(0.01, 600.0));
        let mut out: Box<dyn io::Write> = match &self.json {
            // With the JSON on standard output, the table goes to standard error.
            Some(file) if file.as_os_str() == "-" => Box::new(io::stderr()),
            _ => Box::new(io::stdout()),
        };
        write!(
            out,
            "{}",
            report::head(set.points().summary().count, &style)
        )?;
        let mut all = Vec::new();
        for BenchBackend { backend, timer } in backend::for_bench(self.gpu == "any") {
            let layer = Layer::new(
                "bench",
                Arc::clone(&set),
                style.clone(),
                Arc::clone(&backend),
            );
            let threads = backend::default_renders(&*backend);
            write!(out, "\n{}", report::title(backend.name()))?;
            let mut timings = Vec::new();
            for (kind, tiles) in self.kinds(&layer) {
                let timing = measure::tiles(&layer, kind, &tiles, time, threads);
                write!(out, "{}", report::line(&timing))?;
                timings.push(timing);
            }
            let device = timer.map_or_else(Vec::new, |timer| device_stages(&layer, &timer));
            write!(out, "{}", report::device(&device))?;
            all.push(BackendTiming {
                backend: backend.name().to_owned(),
                tiles: timings,
                device,
            });
        }
        match &self.json {
            None => Ok(()),
            Some(file) => {
                let text = report::json(set.points().summary().count, &style, time, &all);
                output::write(file, |file| file.write_all(text.as_bytes()))
            }
        }
    }

    /// The kinds of tiles that are measured. Each has a name and a list of tiles.
    fn kinds(&self, layer: &Layer) -> Vec<(String, Vec<TileId>)> {
        if self.tile.is_empty() {
            return ZOOMS
                .into_iter()
                .flat_map(|z| tile_kinds::of_zoom(layer.points(), z, BATCH))
                .collect();
        }
        let named = |tile: &TileId| {
            let name = format!("{}/{}/{}", tile.z(), tile.x(), tile.y());
            (name, vec![*tile])
        };
        self.tile.iter().map(named).collect()
    }
}

/// Times each stage of a device for a batch of tiles of zoom 4. Returns the name and the seconds of
/// each stage.
fn device_stages(layer: &Layer, timer: &StageTimer) -> Vec<(&'static str, f64)> {
    let z = 4;
    let scale = layer.normalizer(level::of_zoom(z), layer.style());
    let occupied = layer.points().occupied_tiles(z);
    let step = (occupied.len() / BATCH).max(1);
    let jobs: Vec<_> = occupied
        .iter()
        .step_by(step)
        .take(BATCH)
        .map(|occupied| {
            let window = Window::tile(occupied.tile, TileSize::NORMAL.pixels());
            let job = Job {
                points: layer.points(),
                window,
                kernel: layer.style().kernel_in(window),
                strip: false,
            };
            (job, &*scale)
        })
        .collect();
    // The first call is not counted, since it compiles the shaders.
    timer(&jobs);
    timer(&jobs)
}

/// The most points that are made up: a choice. They take 18 GB.
const MOST_POINTS: usize = 1_000_000_000;

/// A clap parser for the number of points that are made up.
fn count(text: &str) -> Result<usize, &'static str> {
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=MOST_POINTS).contains(count));
    count.ok_or("expected a number of points, at least 1 and at most 1000000000")
}

fn tile(text: &str) -> Result<TileId, String> {
    const EXPECTED: &str = "expected a tile like 4/14/6";
    let parts: Vec<u32> = text
        .split('/')
        .map_while(|part| part.parse().ok())
        .collect();
    match (parts.as_slice(), text.matches('/').count()) {
        (&[z, x, y], 2) => {
            let z = u8::try_from(z).map_err(|_| EXPECTED)?;
            TileId::new(z, x, y).map_err(|e| e.to_string())
        }
        _ => Err(EXPECTED.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_named() {
        assert_eq!(tile("4/14/6").ok(), TileId::new(4, 14, 6).ok());
        for bad in ["", "4", "4/14", "4/14/6/1", "4/16/0", "300/0/0", "a/b/c"] {
            assert!(tile(bad).is_err(), "{bad}");
        }
    }
}
