//! The measurements of a benchmark as text and as JSON.

use super::BackendTiming;
use super::measure::{Quartiles, TileTiming};
use heatsplat::Style;
use indicatif::HumanCount;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) fn head(points: usize, style: &Style) -> String {
    let points = HumanCount(points as u64);
    format!("{points} points, {style}; 256 px tiles, PNG included\n")
}

pub(super) fn title(backend: &str) -> String {
    format!(
        "{backend}\n{:<11} {:>5}  {:>22}  {:>22}  {:>9}  stages, ms\n",
        "zoom", "tiles", "alone, CPU ms", "alone, wall ms", "tiles/s"
    )
}

pub(super) fn line(timing: &TileTiming) -> String {
    let spread = |s: &Quartiles| format!("{:.3} ({:.3}–{:.3})", s.median, s.low, s.high);
    let stages: Vec<String> = timing
        .stages
        .iter()
        .map(|(stage, ms)| format!("{} {ms:.3}", stage.name()))
        .collect();
    format!(
        "{:<11} {:>5}  {:>22}  {:>22}  {:>9}  {}\n",
        timing.kind,
        timing.tiles,
        spread(&timing.cpu),
        spread(&timing.wall),
        HumanCount(timing.rate as u64).to_string(),
        stages.join(" · "),
    )
}

/// Lines of text, one for each stage of a device, with the milliseconds that the stage takes for a
/// batch.
pub(super) fn device(stages: &[(&'static str, f64)]) -> String {
    let line = |(name, seconds): &(&str, f64)| {
        format!("  {name:<10}  {:>9.3} ms a batch\n", seconds * 1e3)
    };
    stages.iter().map(line).collect()
}

pub(super) fn json(points: usize, style: &Style, time: Duration, all: &[BackendTiming]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let style: serde_json::Map<_, _> = style
        .parameters()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let whole = json!({
        "heatsplat": env!("CARGO_PKG_VERSION"),
        "optimised": !cfg!(debug_assertions),
        "time": now.map_or(0, |now| now.as_secs()),
        "machine": {
            "cpu": cpu(),
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
        },
        "points": points,
        "style": style,
        "seconds_a_figure": time.as_secs_f64(),
        "backends": all.iter().map(backend).collect::<Vec<_>>(),
    });
    format!("{whole:#}\n")
}

fn backend(timing: &BackendTiming) -> Value {
    let device: serde_json::Map<_, _> = timing
        .device
        .iter()
        .map(|(name, seconds)| ((*name).to_owned(), json!(rounded(seconds * 1e3))))
        .collect();
    let mut value = json!({
        "name": timing.backend,
        "tiles": timing.tiles.iter().map(tile).collect::<Vec<_>>(),
    });
    if let (false, Some(value)) = (device.is_empty(), value.as_object_mut()) {
        value.insert("device_stages_ms_a_batch".to_owned(), device.into());
    }
    value
}

fn tile(timing: &TileTiming) -> Value {
    let spread = |s: &Quartiles| {
        let [median, low, high] = [s.median, s.low, s.high].map(rounded);
        json!({ "median": median, "low": low, "high": high })
    };
    let stages: serde_json::Map<_, _> = timing
        .stages
        .iter()
        .map(|(stage, ms)| (stage.name().to_owned(), json!(rounded(*ms))))
        .collect();
    json!({
        "kind": timing.kind,
        "tiles": timing.tiles,
        "turns": timing.turns,
        "cpu_ms": spread(&timing.cpu),
        "wall_ms": spread(&timing.wall),
        "stages_ms": stages,
        "bytes": timing.bytes,
        "together_tiles_per_s": rounded(timing.rate),
        "together_cpu_ms": rounded(timing.rate_cpu),
    })
}

/// Rounds a measurement to four decimal places. Its further digits are noise.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The name of the processor; `None` if the system doesn't have it in `/proc/cpuinfo`.
fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
