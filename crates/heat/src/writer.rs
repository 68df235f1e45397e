//! Writer of files: points and nodes go in, in the order of the Z-order curve, and a finished file
//! comes out.

use crate::error::WriteError;
use crate::finish::{Head, Tail};
use crate::group::EntryKind;
use crate::layout::{HEADER, is_page_size};
use crate::metadata::Metadata;
use crate::node_page::{BLOCK, StoredNode};
use crate::root::DEEPEST;
use crate::stream::{AtPath as _, EntryStream, NodeStream, Spool};
use crate::tally::Tally;
use heatsplat_points::{Focus, PartNode, Point, Quad};
use std::fs::{self, File, TryLockError};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Name of the unfinished file in the folder `NAME.partial`.
const UNFINISHED: &str = "unfinished.heat";

/// Choices of a file that is to be written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WriterOptions {
    /// Number of points or cells in a page: a multiple of 128, at most 16,384.
    pub page_entries: u32,
    /// Number of nodes in a page, at most 16,384.
    pub page_nodes: u32,
    /// Number of bytes at the beginning that are left for the header, the table of pages and the
    /// metadata, so that one request opens a remote file. Where they don't fit, all but the header
    /// lies at the end.
    pub reserved: u32,
    /// True if some weights may be negative.
    pub signed: bool,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            page_entries: 2048,
            page_nodes: 512,
            reserved: 1 << 16,
            signed: false,
        }
    }
}

/// Numbers of a finished file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HeatSummary {
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Number of points.
    pub points: u64,
    /// Number of cells at all levels.
    pub cells: u64,
    /// Number of nodes of the quadtree.
    pub nodes: u64,
    /// SHA-256 of the points.
    pub identity: [u8; 32],
}

/// Writer of a file. Points and nodes may come in turn: the writer puts each kind in its place.
///
/// Until [`finish`](Self::finish) has ended, the target doesn't exist, or is what it was before:
/// everything is in the folder `NAME.partial` beside it.
#[derive(Debug)]
pub struct HeatWriter {
    target: PathBuf,
    path: PathBuf,
    file: File,
    /// Length of the file so far.
    end: u64,
    options: WriterOptions,
    tally: Tally,
    points: EntryStream,
    /// Nodes and cells of each depth, and their pages.
    depths: Vec<Depth>,
}

#[derive(Debug)]
struct Depth {
    nodes: NodeStream,
    cells: EntryStream,
    /// Pages of nodes, and of cells.
    spools: (Spool, Spool),
    /// Quad of the last node.
    last: Option<Quad>,
}

impl HeatWriter {
    /// Begins a file. The folder `NAME.partial` beside it may exist, and may have files of others.
    ///
    /// # Errors
    /// A [`WriteError`] if a file can't be written, or is being written by another program.
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
        let depths = (0..=DEEPEST).map(|depth| {
            let spool = |kind| Spool::new(folder.join(format!("{kind}-{depth:02}.pages")));
            Depth {
                nodes: NodeStream::new(options.page_nodes),
                cells: EntryStream::new(EntryKind::Cells, options.page_entries),
                spools: (spool("nodes"), spool("cells")),
                last: None,
            }
        });
        Ok(Self {
            target: target.to_owned(),
            path,
            file,
            end,
            options,
            tally: Tally::new(options.signed),
            points: EntryStream::new(EntryKind::Points, options.page_entries),
            depths: depths.collect(),
        })
    }

    /// Adds the next points, in the order of an index: along the Z-order curve, and at one position
    /// by weight.
    ///
    /// # Errors
    /// A [`WriteError`] if the file can't be written, if the points are not in order, or if a
    /// weight is negative although the options say that none is.
    pub fn points(&mut self, points: &[Point]) -> Result<(), WriteError> {
        if !self.tally.add(points) {
            return Err(WriteError::Inconsistent(
                "points are not in Z-order, or have weights that they can't have",
            ));
        }
        let pages = self.points.add(points, &[]);
        self.write_pages(&pages)
    }

    /// Adds the next node of its depth. The nodes of each depth come in Z-order; those of several
    /// depths may come in turn, for example each node behind all that are inside it.
    ///
    /// # Errors
    /// A [`WriteError`] if a file can't be written, or if the node is out of order or impossible.
    pub fn node(&mut self, node: &PartNode<'_>) -> Result<(), WriteError> {
        let inconsistent = WriteError::Inconsistent("a node is impossible or out of order");
        let (Some(depth), Some(stored)) = (
            self.depths.get_mut(node.quad.depth as usize),
            stored_node(node),
        ) else {
            return Err(inconsistent);
        };
        if depth
            .last
            .is_some_and(|last| last.keys() >= node.quad.keys())
        {
            return Err(inconsistent);
        }
        depth.last = Some(node.quad);
        if let Some(page) = depth.nodes.add(stored) {
            depth.spools.0.write(&page)?;
        }
        for page in depth.cells.add(node.cells, node.counts) {
            depth.spools.1.write(&page)?;
        }
        Ok(())
    }

    fn write_pages(&mut self, pages: &[Vec<u8>]) -> Result<(), WriteError> {
        for page in pages {
            self.file.write_all(page).at(&self.path)?;
            self.end += page.len() as u64;
        }
        Ok(())
    }

    /// Writes what is left, makes the file durable and gives it its name. Without a first view of
    /// the points, `focus`, it is searched for.
    ///
    /// # Errors
    /// A [`WriteError`] if a file can't be written, or if nodes are missing.
    pub fn finish(
        mut self,
        metadata: &Metadata,
        focus: Option<Focus>,
    ) -> Result<HeatSummary, WriteError> {
        let pages = self.points.finish();
        self.write_pages(&pages)?;
        self.check_nodes()?;
        let reserved = reserved(&self.options);
        let mut tail = Tail::new(self.path, self.file, self.end);
        tail.has(self.points.record(0), self.points.list, reserved);
        let (nodes, cells): (Vec<_>, Vec<_>) = (0..)
            .zip(self.depths)
            .map(|(depth, d)| ((depth, d.nodes, d.spools.0), (depth, d.cells, d.spools.1)))
            .unzip();
        for (depth, stream, spool) in nodes {
            tail.add(stream.record(depth), stream.list, spool)?;
        }
        for (depth, stream, spool) in cells {
            tail.add(stream.record(depth), stream.list, spool)?;
        }
        let head = Head {
            options: self.options,
            tallied: self.tally.finish(),
            focus,
        };
        let summary = tail.finish(&head, metadata, &self.target)?;
        // The folder is left where it has files of others.
        let _ = fs::remove_dir(partial_folder(&self.target));
        Ok(summary)
    }

    /// Completes the last pages of nodes and cells. The nodes of each depth must be as many as the
    /// depth before has inside its own.
    fn check_nodes(&mut self) -> Result<(), WriteError> {
        let mut inside = self
            .depths
            .first()
            .map_or(0, |depth| depth.nodes.len().min(1));
        for depth in &mut self.depths {
            if let Some(page) = depth.nodes.finish() {
                depth.spools.0.write(&page)?;
            }
            for page in depth.cells.finish() {
                depth.spools.1.write(&page)?;
            }
            if depth.nodes.len() != inside {
                return Err(WriteError::Inconsistent("nodes are missing, or too many"));
            }
            inside = depth.nodes.inner();
        }
        if inside > 0 {
            return Err(WriteError::Inconsistent("nodes are deeper than can be"));
        }
        Ok(())
    }
}

/// Node as it is stored; `None` if it can't be.
fn stored_node(node: &PartNode<'_>) -> Option<StoredNode> {
    let [a, b, c, d, e] = node.borders;
    let points = [
        b.checked_sub(a),
        c.checked_sub(b),
        d.checked_sub(c),
        e.checked_sub(d),
    ];
    let [Some(a), Some(b), Some(c), Some(d)] = points else {
        return None;
    };
    let bits = (0..4)
        .zip(node.quarters)
        .map(|(bit, inner)| u8::from(inner) << bit);
    let possible = node.cells.len() == node.counts.len() && node.cells.len() as u64 <= BLOCK;
    possible.then(|| StoredNode {
        points: [a, b, c, d],
        inner: bits.sum(),
        cells: node.cells.len() as u32,
    })
}

/// Folder beside a target in which everything is until the target is finished.
pub(crate) fn partial_folder(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    target.with_file_name(name)
}

/// Number of bytes before the first page.
pub(crate) fn reserved(options: &WriterOptions) -> u64 {
    u64::from(options.reserved).max(HEADER as u64)
}
