//! Export of the points themselves, as GeoParquet.

use super::ExportCommand;
use crate::cli::error::{BoxError, UsageError};
use crate::cli::load::LoadedSource;
use crate::cli::logging::say;
use crate::cli::output;
use heatsplat_loader::{write_geoparquet, write_geoparquet_rows};
use std::io;
use std::path::Path;

/// Tests whether an output of `heatsplat export` is a file of points.
pub(super) fn is_points(output: &Path) -> bool {
    let extension = output.extension().unwrap_or_default();
    ["parquet", "geoparquet"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

/// Checks, before the source is read, that the file can be written and that no flags are about
/// tiles.
pub(super) fn check(flags: &ExportCommand, path: &Path) -> Result<(), BoxError> {
    let ExportCommand {
        zoom,
        bbox,
        retina,
        resume,
        dry_run,
        written_as,
        tile_size,
        ..
    } = flags;
    for (is_given, flag) in [
        (zoom.is_some(), "--zoom"),
        (
            bbox.is_some(),
            "--bbox (--within takes the points of a box)",
        ),
        (*retina, "--retina"),
        (*resume, "--resume"),
        (*dry_run, "--dry-run"),
        (written_as.is_some(), "--as"),
        (tile_size != "256", "--tile-size"),
    ] {
        if is_given {
            let message = format!("{flag} is for tiles, and a .parquet has the points themselves");
            return Err(UsageError::new("export", message).into());
        }
    }
    if path.exists() && !flags.overwrite {
        return Err(format!("{}: exists; --overwrite replaces it", path.display()).into());
    }
    output::check(path)
}

/// Writes the points of a source, with their weights and the columns of `--keep`.
pub(super) fn write(loaded: &LoadedSource, path: &Path) -> Result<(), BoxError> {
    let columns = match &loaded.packed {
        Some(packed) => packed.columns()?,
        None => None,
    };
    output::write(path, |file| {
        let weight = loaded.columns.weight.as_deref();
        let points = &loaded.points;
        let packed = loaded.packed.as_ref().zip(columns.as_ref());
        match packed {
            Some((packed, columns)) => {
                write_geoparquet_rows(points, columns, weight, file, &mut |rows| {
                    packed.table(rows.start as u64..rows.end as u64)
                })
            }
            None => write_geoparquet(points, &loaded.table, weight, file),
        }
        .map_err(io::Error::other)
    })?;
    let count = loaded.points.summary().count;
    say!("{}: {count} points", path.display());
    Ok(())
}
