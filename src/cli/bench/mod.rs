//! `heatsplat bench`: measures the speed of all backends, with points from a source or made-up
//! points, and names what limits each of them.

mod bottleneck;
mod device_work;
mod json;
mod measure;
mod picture;
mod report;
mod subjects;

use super::backend::bench_device::{BenchBackend, BenchPass, DeviceSettings, PassTimer};
use super::backend::{self, BackendChoice, cores};
use super::error::BoxError;
use super::output;
use super::source_flags::SourceFlags;
use super::source_name::redact;
use super::style_flags::StyleFlags;
use super::tile_kinds;
use super::units::bytes;
use crate::cli::logging::say;
use bottleneck::{Bottleneck, Loads};
use clap::Args;
use device_work::CounterValues;
use heatsplat::points::{LonLatBox, level};
use heatsplat::render::{Job, PointSet, View};
use heatsplat::{Layer, Points, Style, TileId, TileSize, Window, generate};
use measure::BenchTiming;
use picture::{BenchFormat, BenchPicture, WindowSize};
use serde_json::Value;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  heatsplat bench --points 1000000
  heatsplat bench examples/cities.csv.gz --radius 8 --json cities.json
  heatsplat bench quakes.csv.gz --gpu any --tile 4/14/6
  heatsplat bench --backend gpu:0 --also 'kernel=quartic radius=9' --format none
  heatsplat bench --window 4096x4096 --threads 1

Pictures are drawn as a server draws them, from points in memory to the bytes of a PNG. Tiles of a
zoom that most points lie in are dense, the others sparse. CPU time is that of all threads of the
program, alone; the columns from `a second` on are of many threads at once: for each picture the
size of its batch, its share of a submission, and the CPU time of the thread that owns the device
(worker) and of the thread that asks. The last line names what is busiest. --json has all figures.";

/// The zooms whose tiles are measured if no flag names pictures.
const ZOOMS: [u8; 4] = [0, 4, 8, 12];

/// The number of tiles in the batch by which a device's passes are timed. It is also the largest
/// number of dense tiles that are measured at a zoom, and the largest number of sparse tiles.
const BATCH: usize = 64;

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BenchCommand {
    /// A file of points, as for `serve`
    #[arg(conflicts_with = "points")]
    source: Option<String>,
    /// Number of points to make up if there is no SOURCE
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = count)]
    points: usize,
    /// GPUs to time beside the CPU: real ones, or any, with drivers in software
    #[arg(long, value_name = "real|any", default_value = "real", value_parser = ["real", "any"])]
    gpu: String,
    /// Time only this backend, like cpu or gpu:0; may be repeated. If a GPU that is named doesn't
    /// draw, the program ends with an error
    #[arg(long, value_name = "cpu|gpu[:N|:NAME]", value_parser = backend::choice)]
    backend: Vec<BackendChoice>,
    /// GPU memory that points may take, like 512M or 4G
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = bytes)]
    gpu_memory: u64,
    /// The most pictures that a GPU draws in one batch [default: as in a server]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    batch: Option<u16>,
    /// Pictures drawn at a time [default: as many as a server draws]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Format of the pictures: png, webp, npy, tif, or none for colour indices without a file
    #[arg(long, value_name = "FORMAT", default_value = "png", value_parser = BenchFormat::parse)]
    format: BenchFormat,
    /// Seconds that each measurement takes
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Time this tile alone, instead of dense and sparse ones of several zooms; may be repeated
    #[arg(long, value_name = "Z/X/Y", value_parser = tile)]
    tile: Vec<TileId>,
    /// Time a picture of all points in this size, like 4096x4096, instead of tiles; may be repeated
    #[arg(long, value_name = "WxH", value_parser = WindowSize::parse)]
    window: Vec<WindowSize>,
    /// Time a further style too: parameters that differ, like 'kernel=quartic radius=9'; may be
    /// repeated
    #[arg(long, value_name = "STYLE")]
    also: Vec<String>,
    /// Write all measurements, with the machine and the settings, as JSON; `-` is standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    flags: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
}

/// The settings of a benchmark, which all of its measurements share.
struct BenchRun {
    points: usize,
    time: Duration,
    format: BenchFormat,
    settings: DeviceSettings,
}

/// The measurements of all backends in one style.
struct StyleTiming {
    style: Style,
    backends: Vec<BackendTiming>,
}

/// The measurements of one backend.
struct BackendTiming {
    name: String,
    identity: String,
    /// The number of pictures that were drawn at the same time, each by one thread.
    threads: usize,
    rows: Vec<BenchTiming>,
    /// A description of the GPU as JSON; `None` for the CPU.
    adapter: Option<Value>,
    /// The values of the backend's counters before its first measurement. `after` has their values
    /// after its last measurement.
    before: CounterValues,
    after: CounterValues,
    /// The time of each compute pass of the GPU for a batch of `pass_pictures` tiles. Empty for the
    /// CPU.
    passes: Vec<BenchPass>,
    pass_pictures: usize,
    load: Loads,
    bottleneck: Bottleneck,
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
        let styles = self.styles(style.if_asked(set.points()))?;
        for style in &styles {
            set.check(style.measure())?;
        }
        let run = BenchRun {
            points: set.points().summary().count,
            time: Duration::from_secs_f64(self.seconds.clamp(0.01, 600.0)),
            format: self.format,
            settings: DeviceSettings {
                memory: self.gpu_memory,
                batch: self.batch.map(usize::from),
            },
        };
        let subjects = subjects::list(&self.backend, self.gpu == "any", run.settings)?;
        let mut out: Box<dyn io::Write> = match &self.json {
            // With the JSON on standard output, the table goes to standard error.
            Some(file) if file.as_os_str() == "-" => Box::new(io::stderr()),
            _ => Box::new(io::stdout()),
        };
        write!(out, "{}", report::head(run.points, run.format))?;
        let mut all = Vec::new();
        let mut idle = Vec::new();
        for style in styles {
            write!(out, "{}", report::style(&style))?;
            let mut backends = Vec::new();
            for subject in &subjects {
                let backend = Arc::clone(&subject.backend);
                let layer = Layer::new("bench", Arc::clone(&set), style.clone(), backend);
                let timing = self.measure(&run, subject, &layer, &mut out)?;
                let is_named = subject
                    .device
                    .as_ref()
                    .is_some_and(|device| device.is_named);
                if is_named && timing.rows.iter().any(|row| !row.fallbacks.is_empty()) {
                    idle.push(format!("{} in the style {style}", timing.name));
                }
                backends.push(timing);
            }
            all.push(StyleTiming { style, backends });
        }
        if let Some(file) = &self.json {
            let text = json::report(&run, &all);
            output::write(file, |file| file.write_all(text.as_bytes()))?;
        }
        match idle.is_empty() {
            true => Ok(()),
            false => Err(format!("the CPU drew pictures of {}", idle.join(", and of ")).into()),
        }
    }

    /// The styles to measure: `first`, which the flags set, and those of `--also`.
    fn styles(&self, first: Style) -> Result<Vec<Style>, BoxError> {
        let mut all = vec![first.clone()];
        for text in &self.also {
            let mut style = first.clone();
            for word in text.split_whitespace() {
                let (name, value) = word
                    .split_once('=')
                    .ok_or_else(|| format!("--also: {word}: expected NAME=VALUE"))?;
                let set = style.set(name, value);
                set.map_err(|error| format!("--also: {error}"))?;
            }
            all.push(style);
        }
        Ok(all)
    }

    /// Measures one backend in the style of `layer`, and writes the backend's part of the table to
    /// `out`.
    fn measure(
        &self,
        run: &BenchRun,
        BenchBackend { backend, device }: &BenchBackend,
        layer: &Layer,
        out: &mut dyn io::Write,
    ) -> Result<BackendTiming, BoxError> {
        let threads = self.threads.map(usize::from);
        let threads = threads.or_else(|| backend::default_renders(&**backend));
        let threads = threads.unwrap_or_else(cores);
        let title = report::title(backend.name(), device.as_ref(), threads);
        write!(out, "\n{title}")?;
        let before = CounterValues::of(&**backend);
        let mut rows = Vec::new();
        for (kind, pictures) in self.kinds(layer)? {
            let kind = (kind, pictures.as_slice());
            let row = measure::pictures(layer, kind, run.format, run.time, threads);
            write!(out, "{}", report::line(&row))?;
            rows.push(row);
        }
        let after = CounterValues::of(&**backend);
        let has_drawn = rows.iter().any(|row| row.has_drawn);
        let timed = device.as_ref().filter(|_| has_drawn);
        let (passes, pass_pictures) =
            timed.map_or_else(Default::default, |device| time_passes(layer, &device.timer));
        write!(out, "{}", report::passes(&passes, pass_pictures))?;
        let load = |row| Loads::new(row, cores(), &passes, pass_pictures);
        let load = Loads::mean(&rows.iter().map(load).collect::<Vec<_>>());
        let stages = rows.first().map_or(&[][..], |row| &row.stages);
        let is_software = device.as_ref().is_some_and(|device| !device.adapter.real);
        let bottleneck = load.bottleneck(stages, &passes, is_software);
        writeln!(out, "  bottleneck: {}", bottleneck.text)?;
        Ok(BackendTiming {
            name: backend.name().to_owned(),
            identity: backend.identity(),
            threads,
            rows,
            adapter: device.as_ref().map(|device| device.adapter.json.clone()),
            before,
            after,
            passes,
            pass_pictures,
            load,
            bottleneck,
        })
    }

    /// The kinds of pictures that are measured, each as its name, like `4 dense`, and its pictures.
    fn kinds(&self, layer: &Layer) -> Result<Vec<(String, Vec<BenchPicture>)>, BoxError> {
        let tile = |tile: &TileId| {
            let name = format!("{}/{}/{}", tile.z(), tile.x(), tile.y());
            (name, vec![BenchPicture::Tile(*tile)])
        };
        let mut all: Vec<_> = self.tile.iter().map(tile).collect();
        let bounds = layer.data_bounds().map(LonLatBox::with_margin);
        for size in &self.window {
            let WindowSize { width, height } = *size;
            let view = View::around(bounds.unwrap_or(LonLatBox::WORLD), width, height, 1)?;
            all.push((format!("{width}x{height}"), vec![BenchPicture::Map(view)]));
        }
        if all.is_empty() {
            for z in ZOOMS {
                let kinds = tile_kinds::of_zoom(layer.points(), z, BATCH).into_iter();
                all.extend(kinds.map(|(name, tiles)| {
                    (name, tiles.into_iter().map(BenchPicture::Tile).collect())
                }));
            }
        }
        Ok(all)
    }
}

/// Times each pass of a device for one batch of tiles of zoom 4. Returns the times, and the number
/// of tiles in the batch.
fn time_passes(layer: &Layer, timer: &PassTimer) -> (Vec<BenchPass>, usize) {
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
    (timer(&jobs), jobs.len())
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
