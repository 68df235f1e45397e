//! The writer of files: points and nodes go in, along the Z-order curve, and a finished file comes
//! out.

use crate::column_writer::{ColumnsWriter, NewColumn, WrittenColumns};
use crate::columns::MOST_COLUMNS;
use crate::counts_writer::CountsWriter;
use crate::error::WriteError;
use crate::finish::{FileHead, Tail};
use crate::group::EntryKind;
use crate::layout::is_page_size;
use crate::metadata::Metadata;
use crate::options::{HeatSummary, WriterOptions, partial_folder, reserved};
use crate::stream::{EntryStream, IntoHeatError as _};
use crate::tally::Tally;
use crate::tree_writer::TreeWriter;
use heatsplat_points::{Focus, PartNode, Point};
use std::fs::{self, File, TryLockError};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The name of the unfinished file in the folder `NAME.partial`.
const UNFINISHED: &str = "unfinished.heat";

/// The writer of a file. Points and nodes may come in any alternation: the writer puts each kind in
/// its place.
///
/// Until [`finish`](Self::finish) has ended, the target doesn't exist, or is what it was before:
/// everything is in the folder `NAME.partial` beside it.
#[derive(Debug)]
pub struct HeatWriter {
    target: PathBuf,
    path: PathBuf,
    file: File,
    /// The length of the file so far.
    end: u64,
    options: WriterOptions,
    tally: Tally,
    points: EntryStream,
    tree: TreeWriter,
    /// The writer of the counting index, if the options ask for one.
    counts: Option<CountsWriter>,
    columns: Option<ColumnsWriter>,
}

impl HeatWriter {
    /// Begins a file. It makes the folder `NAME.partial` beside the target, which may exist already
    /// and may have other programs' files in it.
    ///
    /// # Errors
    /// A [`WriteError`] if a file can't be written, if another program is writing it, or if pages
    /// can't have the size that the options ask for.
    pub fn create(target: &Path, options: WriterOptions) -> Result<Self, WriteError> {
        if !is_page_size(options.page_entries) || !(1..=1 << 14).contains(&options.page_nodes) {
            return Err(WriteError::Inconsistent("pages can't have this size"));
        }
        let folder = partial_folder(target);
        fs::create_dir_all(&folder).at(&folder)?;
        let path = folder.join(UNFINISHED);
        // Another program's file is cut only when it is certain that no program writes it.
        let mut how = File::options();
        how.read(true).write(true).create(true).truncate(false);
        let mut file = how.open(&path).at(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(WriteError::Locked { path }),
            // Some file systems have no locks.
            Err(TryLockError::Error(_)) => {}
        }
        let end = reserved(&options);
        file.set_len(0).and_then(|()| file.set_len(end)).at(&path)?;
        file.seek(SeekFrom::Start(end)).at(&path)?;
        Ok(Self {
            target: target.to_owned(),
            path,
            file,
            end,
            options,
            tally: Tally::new(options.signed),
            points: EntryStream::new(EntryKind::Points, options.page_entries),
            tree: TreeWriter::new(&options, &folder, "", true),
            counts: options.counts.then(|| CountsWriter::new(&options, &folder)),
            columns: None,
        })
    }

    /// Adds the next points, in the order of an index: along the Z-order curve, and points of one
    /// position by weight.
    ///
    /// # Errors
    /// A [`WriteError`] if
    ///
    /// * the file can't be written,
    /// * the points are not in order,
    /// * a weight is not finite, or
    /// * a weight is negative, or (with `counts`) missing, although the options say that none is.
    pub fn points(&mut self, points: &[Point]) -> Result<(), WriteError> {
        if !self.tally.add(points) {
            return Err(WriteError::Inconsistent(
                "points are not in Z-order, or have weights that they can't have",
            ));
        }
        if let Some(counts) = &mut self.counts
            && !counts.points(points)?
        {
            return Err(WriteError::Inconsistent("a weight is missing"));
        }
        let pages = self.points.add(points, &[]);
        self.write_pages(&pages)
    }

    /// Adds columns to the file. This must be called before the first points come. Afterwards the
    /// values of each batch of points must be added by [`columns`](Self::columns).
    ///
    /// # Errors
    /// A [`WriteError`] if there are more than [`MOST_COLUMNS`] columns.
    pub fn with_columns(mut self, columns: Vec<NewColumn>) -> Result<Self, WriteError> {
        if columns.len() > MOST_COLUMNS {
            return Err(WriteError::Inconsistent("there are more than 64 columns"));
        }
        let folder = partial_folder(&self.target);
        let page = self.options.page_entries;
        self.columns = (!columns.is_empty()).then(|| ColumnsWriter::new(columns, page, &folder));
        Ok(self)
    }

    /// Adds the values of the next points: a list of values for each column. Points of equal
    /// position and weight must be in the order of their values: of the values in the first column
    /// in which they differ.
    ///
    /// # Errors
    /// A [`WriteError`] if the file can't be written, or if columns or values are missing.
    pub fn columns(&mut self, values: &[Vec<u64>]) -> Result<(), WriteError> {
        let rows = values.first().map_or(0, Vec::len);
        let added = match &mut self.columns {
            Some(columns) => columns.add(values, rows)?,
            None => values.is_empty(),
        };
        match added {
            true => Ok(()),
            false => Err(WriteError::Inconsistent("values of columns are missing")),
        }
    }

    /// Adds the next node of its depth. The nodes of each depth must come in Z-order; nodes of
    /// several depths may alternate, for example each node after all nodes inside it.
    ///
    /// # Errors
    /// A [`WriteError`] if a file can't be written, or if the node is out of order or impossible.
    pub fn node(&mut self, node: &PartNode<'_>) -> Result<(), WriteError> {
        self.tree.node(node)
    }

    /// Adds the next node of its depth to the counting index: the tree over the points that have a
    /// weight, each with the weight 1. The nodes must come in the order that [`node`](Self::node)
    /// demands.
    ///
    /// # Errors
    /// A [`WriteError`] if a file can't be written, if the node is out of order or impossible, or
    /// if the options ask for no counting index.
    pub fn counted_node(&mut self, node: &PartNode<'_>) -> Result<(), WriteError> {
        match &mut self.counts {
            Some(counts) => counts.node(node),
            None => Err(WriteError::Inconsistent("there are no counts")),
        }
    }

    fn write_pages(&mut self, pages: &[Vec<u8>]) -> Result<(), WriteError> {
        for page in pages {
            self.file.write_all(page).at(&self.path)?;
            self.end += page.len() as u64;
        }
        Ok(())
    }

    /// Writes what is left, makes the file durable and gives it its name. `focus` is the first view
    /// of a map of the points; if it is `None`, the first view is searched for.
    ///
    /// # Errors
    /// A [`WriteError`] if a file can't be written or the finished file can't be read back, or if
    /// nodes or values of columns are missing.
    pub fn finish(
        mut self,
        metadata: &Metadata,
        focus: Option<Focus>,
    ) -> Result<HeatSummary, WriteError> {
        let pages = self.points.finish();
        self.write_pages(&pages)?;
        self.tree.complete()?;
        let reserved = reserved(&self.options);
        let mut tail = Tail::new(self.path, self.file, self.end);
        tail.has(self.points.record(0), self.points.list, reserved);
        self.tree.copy_to(&mut tail)?;
        let counted = match self.counts {
            Some(counts) => {
                tail.begin_counts();
                let counted = counts.copy_to(&mut tail)?;
                tail.end_counts();
                Some(counted)
            }
            None => None,
        };
        let mut tallied = self.tally.finish();
        let mut written = WrittenColumns::default();
        if let Some(mut columns) = self.columns {
            if columns.rows() != tallied.summary.count as u64 {
                return Err(WriteError::Inconsistent("values of columns are missing"));
            }
            tallied.identity = columns.finish(tallied.identity)?;
            written = columns.copy_to(&mut tail.file, &tail.path, &mut tail.end)?;
        }
        let head = FileHead {
            options: self.options,
            tallied,
            columns: written,
            focus,
            counted,
        };
        let summary = tail.finish(head, metadata, &self.target)?;
        // The folder is left where it has files of others.
        let _ = fs::remove_dir(partial_folder(&self.target));
        Ok(summary)
    }
}
