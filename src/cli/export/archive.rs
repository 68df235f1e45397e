//! Export of tiles into a file or a folder, with a progress bar and a summary.

use super::super::backend;
use super::{ExportCommand, suggest_flags};
use crate::cli::error::BoxError;
use crate::cli::logging::say;
use crate::cli::units::size;
use heatsplat::{Backend, Layer};
use heatsplat_archive::{Estimate, ExportProgress, Target, ZoomEstimate};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// Writes the tiles of a layer into a file or a folder. With `--dry-run` it only prints an estimate
/// of their number, their bytes and the time.
pub(super) fn write(
    flags: &ExportCommand,
    target: &Target,
    layer: &Layer,
    backend: &dyn Backend,
) -> Result<(), BoxError> {
    let mut export = heatsplat_archive::Export::new(layer, flags.zooms()?)
        .area(flags.bbox)
        .size(flags.size())
        .content(flags.written_as)
        .attribution(flags.attribution.clone())
        .if_exists(flags.if_exists())
        .backend_name(backend.name());
    if let Some(threads) = backend::default_renders(backend) {
        export = export.threads(threads);
    }
    let shown = target.path().display();
    if flags.dry_run {
        let estimate = export.estimate(target)?;
        return Ok(io::stdout().write_all(table(&estimate).as_bytes())?);
    }
    let start = Instant::now();
    let bar = ExportBar::new();
    let summary = export.write(target, |progress| bar.show(progress));
    bar.0.finish_and_clear();
    let Some(summary) = summary.map_err(suggest_flags)? else {
        say!("{shown}: is whole already");
        return Ok(());
    };
    let seconds = start.elapsed().as_secs_f64().max(1e-3);
    let rate = (summary.tiles - summary.resumed) as f64 / seconds;
    let twins = match summary.tiles - summary.distinct {
        0 => String::new(),
        twins => format!(" ({} of them like others)", HumanCount(twins)),
    };
    say!(
        "{shown}: {} tiles{twins}, {} ({seconds:.1} s, {} tiles/s)",
        HumanCount(summary.tiles),
        size(summary.bytes),
        HumanCount(rate as u64),
    );
    Ok(())
}

/// A progress bar on standard error, and the time when the export began. The bar is hidden if
/// standard error is not a terminal.
struct ExportBar(ProgressBar, Instant);

impl ExportBar {
    fn new() -> Self {
        let bar = ProgressBar::no_length();
        let look = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {eta} left");
        Self(
            bar.with_style(look.unwrap_or_else(|_| ProgressStyle::default_bar())),
            Instant::now(),
        )
    }

    fn show(&self, progress: ExportProgress) {
        let Self(bar, start) = self;
        if let Some(of) = progress.total {
            bar.set_length(of);
        }
        bar.set_position(progress.quads);
        let rate = progress.tiles as f64 / start.elapsed().as_secs_f64().max(1e-3);
        bar.set_message(format!(
            "{} tiles  {}  {}/s",
            HumanCount(progress.tiles),
            size(progress.bytes),
            HumanCount(rate as u64),
        ));
    }
}

fn table(estimate: &Estimate) -> String {
    let mut text = String::from("zoom         tiles       bytes\n");
    let about = |exact: bool, number: String| format!("{}{number}", if exact { "" } else { "~" });
    for ZoomEstimate {
        z,
        tiles,
        bytes,
        exact,
        ..
    } in &estimate.zooms
    {
        let (tiles, bytes) = (
            about(*exact, HumanCount(*tiles).to_string()),
            about(*exact, size(*bytes)),
        );
        text += &format!("{z:>4}  {tiles:>12}  {bytes:>10}\n");
    }
    let time = HumanDuration(estimate.time().max(Duration::from_secs(1)));
    let exact = estimate.zooms.iter().all(|zoom| zoom.exact);
    let tiles = about(exact, HumanCount(estimate.tiles()).to_string());
    let bytes = about(exact, size(estimate.bytes()));
    text + &format!(" all  {tiles:>12}  {bytes:>10}  about {time}\n")
}
