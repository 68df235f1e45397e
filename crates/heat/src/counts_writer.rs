//! The counting index of a file (section `CNTS`) on its way to the file: the points that have a
//! weight, each with the weight 1, and a tree of nodes and cells over them. Counts and means are
//! drawn from it.

use crate::error::WriteError;
use crate::finish::Tail;
use crate::group::EntryKind;
use crate::options::WriterOptions;
use crate::stream::{EntryStream, Spool};
use crate::tally::{Tally, TallyResults};
use crate::tree_writer::TreeWriter;
use heatsplat_points::{PartNode, Point};
use std::path::Path;

/// The writer of the counting index.
///
/// If no weight is missing, the points of this index are the points of the file, and aren't written
/// a second time. The nodes are then the nodes of the file too, unless some weights are negative:
/// then the file may have two cells in a square in which this index has one, so that other quads
/// have blocks in the file than in this index.
#[derive(Debug)]
pub(crate) struct CountsWriter {
    tally: Tally,
    /// The counted points that wait until they fill a page, and their complete pages; `None` if no
    /// weight is missing.
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

    /// Adds the next points of the file; those without a weight are left out. Returns false if the
    /// points are not in Z-order, or if one has no weight although the options say that none is
    /// missing.
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

    /// Adds the next node of its depth to the counting index.
    pub(crate) fn node(&mut self, node: &PartNode<'_>) -> Result<(), WriteError> {
        self.tree.node(node)
    }

    /// Copies all pages of the counting index to the end of the file. Returns the summary and the
    /// statistics of the counted points.
    pub(crate) fn copy_to(mut self, tail: &mut Tail) -> Result<TallyResults, WriteError> {
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

/// Returns the points that have a weight, each with the weight 1 in its place: the points of the
/// counting index.
pub(crate) fn ones(points: &[Point]) -> Vec<Point> {
    let with = points.iter().filter(|point| point.has_weight());
    with.map(|point| Point {
        weight: 1.0,
        ..*point
    })
    .collect()
}
