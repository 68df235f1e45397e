//! Exports of all tiles of a layer into an archive, a raster or a folder.

use crate::data::bounds;
use crate::errors;
use crate::layer::{Layer, tile_size};
use crate::work::{Reporter, interruptible_with};
use heatsplat::archive::{Export, ExportSummary, IfExists, Target};
use heatsplat::archive::{ExportError, TileContent};
use pyo3::prelude::*;
use std::path::Path;

/// The numbers of an export: tiles, different tiles, bytes, and tiles that an earlier run had
/// drawn.
type Exported = (u64, u64, u64, u64);

/// Writes the tiles of the zooms `zooms`, the first and the last, to `target`. `format` is the
/// content of the tiles, and `rules` are whether an existing target is replaced and whether an
/// export that was broken off is resumed. Returns `None` if that one is complete already.
#[pyfunction]
#[pyo3(signature = (layer, target, zooms, area, size, format, attribution, rules, progress))]
#[expect(clippy::too_many_arguments, reason = "each is an argument of Python")]
pub(crate) fn export(
    py: Python<'_>,
    layer: PyRef<'_, Layer>,
    target: &str,
    zooms: (u8, u8),
    area: Option<[f64; 4]>,
    size: (u32, u32),
    format: Option<&str>,
    attribution: Option<String>,
    rules: (bool, bool),
    progress: Option<Py<PyAny>>,
) -> PyResult<Option<Exported>> {
    let target = Target::from_path(Path::new(target)).map_err(refused)?;
    let if_exists = match rules {
        (true, _) => IfExists::Overwrite,
        (_, true) => IfExists::Resume,
        _ => IfExists::Fail,
    };
    let export = Export::new(&layer.layer, zooms.0..=zooms.1)
        .area(area.map(bounds).transpose()?)
        .size(tile_size(size)?)
        .content(format.map(content).transpose()?)
        .attribution(attribution)
        .if_exists(if_exists)
        // An export that the program began can be resumed here, and the other way round.
        .backend_name(layer.layer.backend().name());
    let reporter = Reporter::new(progress);
    let written = interruptible_with(py, &reporter, || {
        export.write(&target, |now| reporter.report(now.quads, now.total))
    })?;
    let summary: Option<ExportSummary> = written.map_err(refused)?;
    Ok(summary.map(|all| (all.tiles, all.distinct, all.bytes, all.resumed)))
}

fn content(name: &str) -> PyResult<TileContent> {
    match name {
        "png" => Ok(TileContent::Png),
        "rgba" => Ok(TileContent::Rgba),
        "webp" => Ok(TileContent::WebP),
        "f32" => Ok(TileContent::Density),
        _ => Err(errors::other(format!(
            "format={name:?}: expected png, rgba, webp or f32"
        ))),
    }
}

/// An exception with the names of the arguments that solve the problem.
fn refused(error: ExportError) -> PyErr {
    let text = error.to_string();
    match error {
        ExportError::Exists { .. } => errors::exists(format!("{text}; overwrite=True replaces it")),
        ExportError::Interrupted { .. } => errors::exists(format!(
            "{text}; resume=True finishes it, overwrite=True starts anew"
        )),
        ExportError::OtherSettings { .. } => errors::exists(format!(
            "{text}; finish that one, or start anew with overwrite=True"
        )),
        ExportError::Write { .. }
        | ExportError::Sqlite { .. }
        | ExportError::Locked { .. }
        | ExportError::ForeignFiles { .. } => errors::write(text),
        _ => errors::other(text),
    }
}
