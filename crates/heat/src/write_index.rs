//! Writing of points that are in memory to a file.

use crate::counts_writer::ones;
use crate::error::WriteError;
use crate::metadata::Metadata;
use crate::options::{HeatSummary, WriterOptions};
use crate::writer::HeatWriter;
use heatsplat_points::Points;
use std::path::Path;

/// Writes points that are in memory to a file. The options `signed` and `missing` have no effect
/// here: they follow from the weights of the points.
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
    let missing = points.summary().without_weight > 0;
    let options = WriterOptions {
        signed,
        missing,
        ..options
    };
    let mut writer = HeatWriter::create(target, options)?;
    let all = points.as_slice();
    let all = all.ok_or(WriteError::Inconsistent("they are not in memory"))?;
    writer.points(all)?;
    points.visit_nodes(&mut |node| writer.node(&node))?;
    if options.counts {
        let counted = Points::from_sorted(ones(all));
        counted.visit_nodes(&mut |node| writer.counted_node(&node))?;
    }
    writer.finish(metadata, points.focus())
}
