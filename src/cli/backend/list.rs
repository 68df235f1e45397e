//! The list of backends that `heatsplat info --backends` prints, and races of them on a file's
//! tiles.

use super::adapter_listing::AdapterListing;
use super::race::{LEAD, RaceTrack};
use super::{GpuChoice, cores, cpu, default_renders, gpu};
use crate::cli::error::BoxError;
use crate::cli::logging::say;
use heatsplat::Style;
use heatsplat::render::PointSet;
use indicatif::HumanCount;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The bytes of a GPU's memory that points may take in a race: 2 GiB, as by the default of
/// `--gpu-memory`.
const MEMORY: u64 = 2 << 30;

/// All GPUs of this machine, the best first.
pub(in crate::cli) fn adapters() -> Vec<AdapterListing> {
    gpu::adapters()
}

/// The first GPU of the list that fits the user's choice.
///
/// # Errors
/// No GPU fits. The error names the command that lists all GPUs.
pub(in crate::cli) fn find(choice: &GpuChoice) -> Result<AdapterListing, BoxError> {
    let takes = |adapter: &AdapterListing| match choice {
        GpuChoice::Any => true,
        GpuChoice::Number(number) => adapter.number == *number,
        GpuChoice::Named(part) => {
            let name = adapter.name.to_lowercase();
            name.contains(&part.to_lowercase())
        }
    };
    let missing = "there is no such GPU; `heatsplat info --backends` lists those there are";
    let found = adapters().into_iter().find(takes);
    found.ok_or_else(|| missing.into())
}

/// The outcome of a race between the CPU and a GPU on the tiles of a file.
struct RaceReport {
    gpu: String,
    cpu_rate: f64,
    gpu_rate: f64,
    gpu_failed: bool,
    wins: bool,
}

/// The list of all backends, as text or as JSON. It ends with the choice of `auto`, and its reason.
/// With a set of points, each GPU draws the set's tiles in a race against the CPU.
pub(in crate::cli) fn list(
    as_json: bool,
    drawn: Option<(Arc<PointSet>, Style)>,
) -> Result<String, BoxError> {
    let adapters = adapters();
    let races = drawn.map(|(set, style)| races(&adapters, &set, &style));
    let why = reason(&adapters);
    if as_json {
        let all: Vec<&Value> = adapters.iter().map(|adapter| &adapter.json).collect();
        let mut list = json!({
            "cpu": { "threads": cores() },
            "gpu": all,
            "auto": { "takes": "cpu", "why": why },
        });
        if let Some(races) = &races {
            list["races"] = races.iter().map(RaceReport::json).collect();
        }
        return Ok(serde_json::to_string_pretty(&list)? + "\n");
    }
    let mut text = format!("cpu   {} threads\n", cores());
    for adapter in &adapters {
        text.push_str(&adapter.text);
    }
    for race in races.iter().flatten() {
        text.push_str(&race.text());
    }
    text.push_str(&format!("auto  takes the cpu: {why}\n"));
    Ok(text)
}

/// Explains, for the list of backends, why `--backend auto` begins with the CPU.
fn reason(adapters: &[AdapterListing]) -> String {
    match adapters.iter().find(|adapter| adapter.real) {
        Some(adapter) => format!(
            "to begin with. In `serve`, {} draws a layer\n      from its next reload on if it draws its \
             tiles {LEAD} times as fast as all cores",
            adapter.name
        ),
        None if !adapters.is_empty() => {
            "no adapter is a real GPU; --backend gpu takes one all the same".to_owned()
        }
        None if cfg!(feature = "gpu") => {
            "no adapter for Vulkan, Metal or Direct3D 12 was found".to_owned()
        }
        None => "this heatsplat was built without the feature `gpu`".to_owned(),
    }
}

/// Lets each GPU race against the CPU on tiles of a set of points. Returns a report for each race.
/// A GPU that can't be opened has none, and a message names it.
fn races(adapters: &[AdapterListing], set: &Arc<PointSet>, style: &Style) -> Vec<RaceReport> {
    let cpu = cpu();
    let mut all = Vec::new();
    for adapter in adapters {
        let gpu = match gpu::open(&GpuChoice::Number(adapter.number), MEMORY) {
            Ok(gpu) => gpu,
            Err(error) => {
                say!("heatsplat: {error}");
                continue;
            }
        };
        let renders = default_renders(&*gpu).unwrap_or_else(cores);
        let track = RaceTrack::new(Arc::clone(set), style.clone(), renders);
        let result = track.and_then(|track| track.run([&cpu, &gpu], &AtomicBool::new(false)));
        all.extend(result.map(|result| RaceReport {
            gpu: format!("gpu:{} {}", adapter.number, adapter.name),
            cpu_rate: result.present,
            gpu_rate: result.other,
            gpu_failed: result.other_failed,
            wins: result.changes(),
        }));
    }
    all
}

impl RaceReport {
    fn text(&self) -> String {
        let count = |rate: f64| HumanCount(rate as u64).to_string();
        let outcome = match self {
            Self {
                gpu_failed: true, ..
            } => "its device failed",
            Self { wins: true, .. } => "it wins",
            _ => "the cpu wins",
        };
        format!(
            "race  {}: {} tiles/s, cpu: {} tiles/s; {outcome}\n",
            self.gpu,
            count(self.gpu_rate),
            count(self.cpu_rate),
        )
    }

    fn json(&self) -> Value {
        json!({
            "gpu": self.gpu,
            "gpu_tiles_per_s": self.gpu_rate.round(),
            "cpu_tiles_per_s": self.cpu_rate.round(),
            "gpu_failed": self.gpu_failed,
            "gpu_wins": self.wins,
        })
    }
}
