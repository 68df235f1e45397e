//! `heatsplat bench`: how fast the backends here draw somebody's own points.

mod measure;
mod report;

use super::Failure;
use super::backend::{self, Measured, Stages};
use super::output;
use super::source_flags::{SourceFlags, shown};
use super::style_flags::StyleFlags;
use clap::Args;
use heatsplat::render::{Job, PointSet};
use heatsplat::{Layer, Points, TileId, TileSize, Window, generate};
use heatsplat_render::say;
use measure::Row;
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

/// Zooms that are tried.
const ZOOMS: [u8; 4] = [0, 4, 8, 12];

/// Tiles of a batch, and of a kind.
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

/// A backend's figures.
struct Figures {
    backend: String,
    rows: Vec<Row>,
    /// Seconds of each of a device's own stages, for a batch.
    device: Vec<(&'static str, f64)>,
}

impl Bench {
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let (style, columns) = self.style.style_and_columns()?;
        self.flags.suggest(&columns);
        let set = match &self.source {
            Some(source) => {
                let loaded = self.flags.read(source)?;
                say!("{}", loaded.summary(&shown(source)));
                loaded.into_set()?.0
            }
            None => {
                let points = Points::from_lon_lat(generate::points(self.points, 1))?;
                Arc::new(PointSet::new(points))
            }
        };
        let time = Duration::from_secs_f64(self.seconds.clamp(0.01, 600.0));
        let mut out: Box<dyn io::Write> = match &self.json {
            // one thing on standard output
            Some(file) if file.as_os_str() == "-" => Box::new(io::stderr()),
            _ => Box::new(io::stdout()),
        };
        write!(
            out,
            "{}",
            report::head(set.points().summary().count, &style)
        )?;
        let mut all = Vec::new();
        for Measured { backend, stages } in backend::every(self.gpu == "any") {
            let layer = Layer::of(
                "bench",
                Arc::clone(&set),
                style.clone(),
                Arc::clone(&backend),
            );
            let threads = backend::renders(&*backend);
            write!(out, "\n{}", report::title(backend.name()))?;
            let mut rows = Vec::new();
            for (kind, tiles) in self.kinds(&layer) {
                let row = measure::row(&layer, kind, &tiles, time, threads);
                write!(out, "{}", report::line(&row))?;
                rows.push(row);
            }
            let device = stages.map_or_else(Vec::new, |stages| of_device(&layer, &stages));
            write!(out, "{}", report::device(&device))?;
            all.push(Figures {
                backend: backend.name().to_owned(),
                rows,
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

    /// What is timed: kinds of tiles.
    fn kinds(&self, layer: &Layer) -> Vec<(String, Vec<TileId>)> {
        if self.tile.is_empty() {
            return ZOOMS.into_iter().flat_map(|z| of_zoom(layer, z)).collect();
        }
        let named = |tile: &TileId| {
            let name = format!("{}/{}/{}", tile.z(), tile.x(), tile.y());
            (name, vec![*tile])
        };
        self.tile.iter().map(named).collect()
    }
}

/// The tiles of a zoom that the most points lie in, and some of all others.
fn of_zoom(layer: &Layer, z: u8) -> Vec<(String, Vec<TileId>)> {
    let mut occupied = layer.points().occupied_tiles(z);
    occupied.sort_by(|a, b| b.mass.total_cmp(&a.mass));
    let dense = (occupied.len() / 8).clamp(1, BATCH).min(occupied.len());
    let (dense, sparse) = occupied.split_at(dense);
    let step = sparse.len().div_ceil(BATCH).max(1);
    let kinds = [
        (format!("{z} dense"), dense.iter().map(|t| t.tile).collect()),
        (
            format!("{z} sparse"),
            sparse.iter().step_by(step).map(|t| t.tile).collect(),
        ),
    ];
    kinds
        .into_iter()
        .filter(|(_, tiles): &(_, Vec<_>)| !tiles.is_empty())
        .collect()
}

/// Each stage's seconds on a device, for a batch of the first zoom with many tiles.
fn of_device(layer: &Layer, stages: &Stages) -> Vec<(&'static str, f64)> {
    let z = 4;
    let scale = layer.normalizer(z + 8, layer.style());
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
                kernel: layer.style().kernel_in(&window, 1),
                strip: false,
            };
            (job, &*scale)
        })
        .collect();
    // the first time shaders are compiled
    stages(&jobs);
    stages(&jobs)
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
