//! Points in memory to a file.

use crate::error::WriteError;
use crate::metadata::Metadata;
use crate::writer::{HeatSummary, HeatWriter, WriterOptions};
use heatsplat_points::Points;
use std::path::Path;

/// Writes points that are in memory to a file.
///
/// # Errors
/// A [`WriteError`] if a file can't be written, or if the points are not in memory.
pub fn write_index(
    points: &Points,
    target: &Path,
    metadata: &Metadata,
    options: WriterOptions,
) -> Result<HeatSummary, WriteError> {
    let signed = points.summary().weight_min < 0.0;
    let mut writer = HeatWriter::create(target, WriterOptions { signed, ..options })?;
    writer.points(
        points
            .as_slice()
            .ok_or(WriteError::Inconsistent("they are not in memory"))?,
    )?;
    points.visit_nodes(&mut |node| writer.node(&node))?;
    writer.finish(metadata, points.focus())
}
