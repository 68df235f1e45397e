//! The progress bar of loading, on standard error. It is hidden if standard error is not a
//! terminal.

use super::error::BoxError;
use heatsplat_loader::{LoadProgress, Source};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// Calls `read` to read a source, and shows a progress bar meanwhile. `read` gets a function that
/// it must call with each report of progress.
pub(super) fn with_bar<T, E: Into<BoxError>>(
    source: &mut dyn Source,
    read: impl FnOnce(&mut dyn Source, &mut dyn FnMut(&LoadProgress)) -> Result<T, E>,
) -> Result<T, BoxError> {
    let bar = bar(source.progress());
    let read = read(source, &mut |progress| {
        bar.set_position(progress.bytes_read);
        bar.set_message(format!("{} rows", HumanCount(progress.rows)));
    });
    bar.finish_and_clear();
    read.map_err(Into::into)
}

fn bar(progress: LoadProgress) -> ProgressBar {
    let (bar, template) = match progress.bytes_total {
        Some(total) => (
            ProgressBar::new(total),
            "{bar:32} {bytes}/{total_bytes}  {msg}  {bytes_per_sec}",
        ),
        None => (
            ProgressBar::no_length(),
            "{spinner} {bytes}  {msg}  {bytes_per_sec}",
        ),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
