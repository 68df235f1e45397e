//! The measurements of a benchmark as a table of 80 columns.

use super::measure::BenchTiming;
use super::picture::BenchFormat;
use crate::cli::backend::bench_device::{BenchDevice, BenchPass};
use heatsplat::Style;
use indicatif::HumanCount;

/// The columns of a terminal that the table fits in.
const WIDTH: usize = 80;

pub(super) fn head(points: usize, format: BenchFormat) -> String {
    let points = HumanCount(points as u64);
    format!("{points} points; times in ms, {}\n", format.note())
}

/// The parameters of a style, on as many lines as they need.
pub(super) fn style(style: &Style) -> String {
    let mut lines = vec![String::new()];
    for part in style.to_string().split_inclusive('&') {
        match lines.last_mut() {
            Some(line) if line.len() + part.len() <= WIDTH => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    format!("\n{}\n", lines.join("\n"))
}

/// The lines above a backend's measurements in the table: its name, the number of pictures at a
/// time, its GPU if it has one, and the names of the columns.
pub(super) fn title(name: &str, device: Option<&BenchDevice>, threads: usize) -> String {
    let about = device.map_or(String::new(), |device| {
        let text = |key: &str| device.adapter.json[key].as_str().unwrap_or("").to_owned();
        let note = match device.adapter.real {
            true => "",
            false => "  THESE FIGURES ARE OF A DRIVER IN SOFTWARE\n",
        };
        let [kind, interface, driver] = ["type", "interface", "driver"].map(text);
        let number = device.adapter.number;
        format!("  gpu:{number}, {kind}, {interface}, {driver}\n{note}")
    });
    let columns = format!(
        "{:<11} {:>6} {:>8} {:>8} {:>9}",
        "zoom", "number", "CPU ms", "wall ms", "a second"
    );
    let device = match device {
        Some(_) => format!(
            " {:>6} {:>6} {:>8} {:>8}",
            "batch", "subm.", "worker", "asker"
        ),
        None => String::new(),
    };
    format!("{name}, {threads} at a time\n{about}{columns}{device}\n")
}

pub(super) fn line(timing: &BenchTiming) -> String {
    let device = timing.together_work.as_ref().map_or(String::new(), |work| {
        format!(
            " {:>6.1} {:>6.2} {:>8.3} {:>8.3}",
            work.batch(),
            work.submissions(),
            work.worker_us() / 1e3,
            work.asker_us() / 1e3,
        )
    });
    let stages: Vec<String> = timing
        .stages
        .iter()
        .map(|(stage, ms)| format!("{} {ms:.3}", stage.name()))
        .collect();
    let who = timing.who_drew();
    let who = who.map_or(String::new(), |who| format!("  {who}\n"));
    format!(
        "{:<11} {:>6} {:>8.3} {:>8.3} {:>9}{device}\n  {}\n{who}",
        timing.kind,
        timing.pictures,
        timing.cpu.median,
        timing.wall.median,
        HumanCount(timing.rate as u64).to_string(),
        stages.join(" · "),
    )
}

/// A line for each pass of a device, with the milliseconds that it takes for a batch of `batch`
/// tiles.
pub(super) fn passes(passes: &[BenchPass], batch: usize) -> String {
    if passes.is_empty() {
        return String::new();
    }
    let clock = match passes.iter().any(|pass| pass.device.is_some()) {
        true => "the device's clock",
        false => "the device has no clock",
    };
    let mut text = format!("  a batch of {batch}: ms by the wall, and by {clock}\n");
    for pass in passes {
        let device = pass.device;
        let device = device.map_or(String::new(), |s| format!(" {:>9.3}", s * 1e3));
        text.push_str(&format!(
            "  {:<10} {:>9.3}{device}\n",
            pass.name,
            pass.wall * 1e3
        ));
    }
    text
}
