//! The figures for people and for programs.

use super::super::source_flags::grouped;
use super::Figures;
use super::measure::{Row, Spread};
use heatsplat::Style;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) fn head(points: usize, style: &Style) -> String {
    let points = grouped(points as u64);
    format!("{points} points, {style}; 256 px tiles, PNG included\n")
}

pub(super) fn title(backend: &str) -> String {
    format!(
        "{backend}\n{:<11} {:>5}  {:>22}  {:>22}  {:>9}  stages, ms\n",
        "zoom", "tiles", "alone, CPU ms", "alone, wall ms", "tiles/s"
    )
}

pub(super) fn line(row: &Row) -> String {
    let spread = |s: &Spread| format!("{:.3} ({:.3}–{:.3})", s.median, s.low, s.high);
    let stages: Vec<String> = row
        .stages
        .iter()
        .map(|(stage, ms)| format!("{} {ms:.3}", stage.name()))
        .collect();
    format!(
        "{:<11} {:>5}  {:>22}  {:>22}  {:>9}  {}\n",
        row.kind,
        row.tiles,
        spread(&row.cpu),
        spread(&row.wall),
        grouped(row.rate as u64),
        stages.join(" · "),
    )
}

/// A device's own stages.
pub(super) fn device(stages: &[(&'static str, f64)]) -> String {
    let line = |(name, seconds): &(&str, f64)| {
        format!("  {name:<10}  {:>9.3} ms a batch\n", seconds * 1e3)
    };
    stages.iter().map(line).collect()
}

pub(super) fn json(points: usize, style: &Style, time: Duration, all: &[Figures]) -> String {
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
        "backends": all.iter().map(figures).collect::<Vec<_>>(),
    });
    format!("{whole:#}\n")
}

fn figures(figures: &Figures) -> Value {
    let device: serde_json::Map<_, _> = figures
        .device
        .iter()
        .map(|(name, seconds)| ((*name).to_owned(), json!(rounded(seconds * 1e3))))
        .collect();
    let mut value = json!({
        "name": figures.backend,
        "tiles": figures.rows.iter().map(row).collect::<Vec<_>>(),
    });
    if let (false, Some(value)) = (device.is_empty(), value.as_object_mut()) {
        value.insert("device_stages_ms_a_batch".to_owned(), device.into());
    }
    value
}

fn row(row: &Row) -> Value {
    let spread = |s: &Spread| {
        let [median, low, high] = [s.median, s.low, s.high].map(rounded);
        json!({ "median": median, "low": low, "high": high })
    };
    let stages: serde_json::Map<_, _> = row
        .stages
        .iter()
        .map(|(stage, ms)| (stage.name().to_owned(), json!(rounded(*ms))))
        .collect();
    json!({
        "kind": row.kind,
        "tiles": row.tiles,
        "turns": row.turns,
        "cpu_ms": spread(&row.cpu),
        "wall_ms": spread(&row.wall),
        "stages_ms": stages,
        "bytes": row.bytes,
        "together_tiles_per_s": rounded(row.rate),
        "together_cpu_ms": rounded(row.rate_cpu),
    })
}

/// To a ten-thousandth: more is noise.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// What the processor calls itself, where the system says so.
fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
