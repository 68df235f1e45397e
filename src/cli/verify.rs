//! `heatsplat info --verify`: reads a whole `.heat` file and looks for damage.

use super::error::{BoxError, UsageError};
use super::packed::{PackedSource, is_named_packed, is_packed};
use super::source_name::redact;
use heatsplat_heat::PageCache;
use indicatif::{HumanCount, ProgressBar};
use serde_json::json;
use std::io::{self, Write as _};
use std::sync::Arc;

/// Verifies a file and prints the result.
///
/// # Errors
/// The file can't be opened, or it has faults. These are printed before.
pub(super) fn verify(source: &str, as_json: bool) -> Result<(), BoxError> {
    if !is_named_packed(source) && !is_packed(source) {
        let message = format!("--verify: {}: expected a .heat file", redact(source));
        return Err(UsageError::new("info", message).into());
    }
    // Verifying doesn't use the cache.
    let file = PackedSource::open_with(source, &Arc::new(PageCache::new(0)))?.file;
    let source = redact(source);
    let bar = ProgressBar::new(file.pages_len());
    let found = file.verify(&mut |pages| bar.set_position(pages));
    bar.finish_and_clear();
    let summary = file.summary();
    let text = if as_json {
        let json = json!({
            "points": summary.count,
            "cells": file.cells_len(),
            "bytes": file.bytes(),
            "identity": file.identity().map(|byte| format!("{byte:02x}")).concat(),
            "pages": found.pages,
            "faults": found.faults,
            "unread": found.unread,
            "listed": found.listed,
        });
        serde_json::to_string_pretty(&json)? + "\n"
    } else {
        let faults = found.listed.iter().map(|fault| format!("  {fault}\n"));
        format!(
            "{source}: {} points, {} pages, {} faults\n{}",
            HumanCount(summary.count as u64),
            HumanCount(found.pages),
            HumanCount(found.faults),
            faults.collect::<String>(),
        )
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    match found.faults {
        0 => Ok(()),
        faults if faults == found.unread => {
            Err(format!("{source}: can't be read as a whole: try again").into())
        }
        _ => Err(format!("{source}: is damaged: pack the source again").into()),
    }
}
