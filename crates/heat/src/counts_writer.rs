//! Counts of points on their way to a file: a second tree of cells, in which each point weighs 1.

use crate::error::WriteError;
use crate::finish::Tail;
use crate::group::EntryKind;
use crate::options::WriterOptions;
use crate::stream::{EntryStream, Spool};
use crate::tally::{Tallied, Tally};
use crate::tree_writer::TreeWriter;
use heatsplat_points::{PartNode, Point};
use std::path::Path;

/// Writer of the points that have a weight, each with the weight 1.
///
/// If no weight is missing, the points are those of the file, and only cells are written. Their
/// nodes are those of the file too, unless some weights are negative: then the file's own blocks
/// may have two cells for a square.
#[derive(Debug)]
pub(crate) struct CountsWriter {
    tally: Tally,
    /// Points, if some weights are missing, and their pages.
    points: Option<(EntryStream, Spool)>,
    tree: TreeWriter,
}

impl CountsWriter {
    pub(crate) fn new(options: &WriterOptions, folder: &Path) -> Self {
        let stream = || EntryStream::new(EntryKind::Points, options.page_entries);
        let spool = || Spool::new(folder.join("counted-points.pages"));
        Self {
            tally: Tally::without_identity(false),
            points: options.missing.then(|| (stream(), spool())),
            tree: TreeWriter::new(
                options,
                folder,
                "counted-",
                options.missing || options.signed,
            ),
        }
    }

    /// Adds the next points of the file. Returns false if one has no weight, and none should.
    pub(crate) fn points(&mut self, points: &[Point]) -> Result<bool, WriteError> {
        let ones = ones(points);
        if self.points.is_none() && ones.len() < points.len() || !self.tally.add(&ones) {
            return Ok(false);
        }
        if let Some((stream, spool)) = &mut self.points {
            for page in stream.add(&ones, &[]) {
                spool.write(&page)?;
            }
        }
        Ok(true)
    }

    /// Adds the next node of its depth.
    pub(crate) fn node(&mut self, node: &PartNode<'_>) -> Result<(), WriteError> {
        self.tree.node(node)
    }

    /// Copies all pages to the end of the file. Returns the numbers of the counted points.
    pub(crate) fn copy_to(mut self, tail: &mut Tail) -> Result<Tallied, WriteError> {
        self.tree.complete()?;
        if let Some((mut stream, mut spool)) = self.points {
            for page in stream.finish() {
                spool.write(&page)?;
            }
            tail.add(stream.record(0), stream.list, spool)?;
        }
        self.tree.copy_to(tail)?;
        Ok(self.tally.finish())
    }
}

/// The points that have a weight, each with the weight 1.
pub(crate) fn ones(points: &[Point]) -> Vec<Point> {
    let with = points.iter().filter(|point| point.has_weight());
    with.map(|point| Point {
        weight: 1.0,
        ..*point
    })
    .collect()
}
