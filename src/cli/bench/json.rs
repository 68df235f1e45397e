//! The measurements of a benchmark as JSON.

use super::measure::{BenchTiming, Quartiles};
use super::{BackendTiming, BenchRun, StyleTiming};
use crate::cli::backend::bench_device::BenchPass;
use crate::cli::backend::cores;
use heatsplat::Style;
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The whole report. Its members `style` and `backends` are the first style and the measurements of
/// the backends in it. Its member `more_styles` is a list of objects with the same two members, one
/// for each further style.
pub(super) fn report(run: &BenchRun, styles: &[StyleTiming]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut whole = json!({
        "heatsplat": env!("CARGO_PKG_VERSION"),
        "optimised": !cfg!(debug_assertions),
        "time": now.map_or(0, |now| now.as_secs()),
        "machine": {
            "cpu": cpu(),
            "cores": cores(),
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
        },
        "points": run.points,
        "seconds_a_figure": run.time.as_secs_f64(),
        "format": run.format.name(),
        "gpu_memory_bytes": run.settings.memory,
        "most_in_a_batch": run.settings.batch,
    });
    let Some((first, others)) = styles.split_first() else {
        return format!("{whole:#}\n");
    };
    whole["style"] = parameters(&first.style);
    whole["backends"] = first.backends.iter().map(backend).collect();
    let more = |timing: &StyleTiming| {
        json!({
            "style": parameters(&timing.style),
            "backends": timing.backends.iter().map(backend).collect::<Vec<_>>(),
        })
    };
    whole["more_styles"] = others.iter().map(more).collect();
    format!("{whole:#}\n")
}

fn parameters(style: &Style) -> Value {
    let all = style.parameters().into_iter();
    let all = all.map(|(name, value)| (name.to_owned(), Value::from(value)));
    Value::Object(all.collect())
}

fn backend(timing: &BackendTiming) -> Value {
    let mut value = json!({
        "name": timing.name,
        "identity": timing.identity,
        "threads": timing.threads,
        "tiles": timing.rows.iter().map(row).collect::<Vec<_>>(),
        "load": {
            "cores": rounded(timing.load.cores),
            "worker": timing.load.worker.map(rounded),
            "device": timing.load.device.map(rounded),
        },
        "bottleneck": timing.bottleneck.name,
        "bottleneck_text": timing.bottleneck.text,
    });
    let Some(adapter) = &timing.adapter else {
        return value;
    };
    value["adapter"] = adapter.clone();
    value["counters_before"] = json!(timing.before.0);
    value["counters_after"] = json!(timing.after.0);
    let ms = |seconds: f64| rounded(seconds * 1e3);
    let wall = |pass: &BenchPass| (pass.name.to_owned(), json!(ms(pass.wall)));
    let pass = |pass: &BenchPass| json!({ "name": pass.name, "wall_ms": ms(pass.wall), "device_ms": pass.device.map(ms) });
    let by_wall: Map<_, _> = timing.passes.iter().map(wall).collect();
    value["passes_pictures"] = timing.pass_pictures.into();
    value["device_stages_ms_a_batch"] = by_wall.into();
    value["passes"] = timing.passes.iter().map(pass).collect();
    value
}

fn row(timing: &BenchTiming) -> Value {
    let spread = |s: &Quartiles| {
        let [median, low, high] = [s.median, s.low, s.high].map(rounded);
        json!({ "median": median, "low": low, "high": high })
    };
    let stages: Map<_, _> = timing
        .stages
        .iter()
        .map(|(stage, ms)| (stage.name().to_owned(), json!(rounded(*ms))))
        .collect();
    let mut value = json!({
        "kind": timing.kind,
        "tiles": timing.pictures,
        "turns": timing.turns,
        "cpu_ms": spread(&timing.cpu),
        "wall_ms": spread(&timing.wall),
        "stages_ms": stages,
        "bytes": timing.bytes,
        "together_tiles_per_s": rounded(timing.rate),
        "together_cpu_ms": rounded(timing.rate_cpu),
    });
    if let Some(work) = &timing.together_work {
        let drawn_by = match (timing.has_drawn, timing.fallbacks.is_empty()) {
            (true, true) => "gpu",
            (true, false) => "both",
            (false, _) => "cpu",
        };
        value["drawn_by"] = drawn_by.into();
        value["fallbacks"] = json!(timing.fallbacks);
        value["together_device"] = json!({
            "batch": rounded(work.batch()),
            "submissions_a_tile": rounded(work.submissions()),
            "worker_us_a_tile": rounded(work.worker_us()),
            "asker_us_a_tile": rounded(work.asker_us()),
            "sent_bytes_a_tile": rounded(work.sent_bytes()),
        });
    }
    value
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
