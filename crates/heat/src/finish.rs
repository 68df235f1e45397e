//! The end of writing: everything that comes behind the pages of points, and at last the header.

use crate::cache::PageCache;
use crate::column_writer::WrittenColumns;
use crate::columns::ColumnRecord;
use crate::error::{HeatError, WriteError};
use crate::file::HeatFile;
use crate::layout::{COLUMNS, COUNTS, HEADER, Header, METADATA, ROOT, Section};
use crate::metadata::Metadata;
use crate::options::{HeatSummary, WriterOptions, reserved};
use crate::root::{PageKind, Root, StreamRecord};
use crate::stream::{IntoHeatError as _, PageList, Spool};
use crate::tally::TallyResults;
use heatsplat_points::cancel::CancelToken;
use heatsplat_points::{Focus, Points};
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The limit, in bytes, of the cache of pages that is used while the first view is searched for: a
/// choice.
const FOCUS_CACHE: u64 = 1 << 25;

/// Everything from which the header and the tables of a file are made, apart from the metadata and
/// the streams of pages.
pub(crate) struct FileHead {
    pub(crate) options: WriterOptions,
    /// The summary, identity and statistics of all points.
    pub(crate) tallied: TallyResults,
    /// The first view of a map of the points; `None` if it has to be searched for.
    pub(crate) focus: Option<Focus>,
    /// The summary and statistics of the counting index's points; `None` if the file has no such
    /// index.
    pub(crate) counted: Option<TallyResults>,
    /// The columns, whose pages are in the file already.
    pub(crate) columns: WrittenColumns,
}

/// An unfinished file to whose end pages are added, and the list of the pages that are in it.
pub(crate) struct Tail {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) end: u64,
    /// The streams whose pages are in the file: for each its record, the lengths and checksums of
    /// its pages, and the offset of its first page in the file.
    streams: Vec<(StreamRecord, PageList, u64)>,
    /// The number of streams before the first one of the counting index, and the offset of the
    /// first page of the counting index; `None` until the counting index begins.
    counts: Option<(usize, u64)>,
    /// The offset behind the last page of the counting index; `None` until the counting index has
    /// ended.
    counts_end: Option<u64>,
}

impl Tail {
    pub(crate) fn new(path: PathBuf, file: File, end: u64) -> Self {
        Self {
            path,
            file,
            end,
            streams: Vec::new(),
            counts: None,
            counts_end: None,
        }
    }

    /// Sets the end of the counting index's pages: here, at the end of the file so far.
    pub(crate) fn end_counts(&mut self) {
        self.counts_end = Some(self.end);
    }

    /// Marks the beginning of the counting index: all streams that are added from here on belong to
    /// it.
    pub(crate) fn begin_counts(&mut self) {
        self.counts = Some((self.streams.len(), self.end));
    }

    /// Adds a stream whose pages are in the file already to the list of streams. `first` is the
    /// offset of its first page in the file. A stream without entries is left out.
    pub(crate) fn has(&mut self, record: StreamRecord, list: PageList, first: u64) {
        if record.entries > 0 {
            self.streams.push((record, list, first));
        }
    }

    /// Copies the pages of a stream from `spool`, where they wait, to the end of the file.
    pub(crate) fn add(
        &mut self,
        record: StreamRecord,
        list: PageList,
        spool: Spool,
    ) -> Result<(), WriteError> {
        let first = self.end;
        self.end += spool.copy_to(&mut self.file, &self.path)?;
        self.has(record, list, first);
        Ok(())
    }

    /// Completes the file:
    ///
    /// 1. It writes directories, tables and header.
    /// 2. It searches for the first view if `head` has none.
    /// 3. It makes the file durable and gives it the name of the target.
    pub(crate) fn finish(
        mut self,
        mut head: FileHead,
        metadata: &Metadata,
        target: &Path,
    ) -> Result<HeatSummary, WriteError> {
        let pages_end = self.end;
        let mut streams = Vec::new();
        let (file, end) = (&mut self.file, &mut self.end);
        for (mut record, list, first) in self.streams {
            record.directories = list.write_directories(first, end, file).at(&self.path)?;
            streams.push(record);
        }
        let (own, first) = self.counts.unwrap_or((streams.len(), pages_end));
        let counted = streams.split_off(own.min(streams.len()));
        let sum = |wanted: PageKind| {
            let some = streams.iter().filter(|stream| stream.kind == wanted);
            some.map(|stream| stream.entries).sum()
        };
        let written = std::mem::take(&mut head.columns);
        let columns = written.write_tables(file, &self.path, end)?;
        let columns_bytes = columns.iter().map(ColumnRecord::bytes).sum();
        let mut summary = HeatSummary {
            bytes: 0,
            points: sum(PageKind::POINTS),
            cells: sum(PageKind::CELLS),
            nodes: sum(PageKind::Nodes),
            counts_bytes: self.counts_end.unwrap_or(pages_end) - first,
            columns_bytes,
            identity: head.tallied.identity,
        };
        let mut roots = Roots {
            own: root(&head.tallied, head.focus, streams),
            counted: head.counted.as_ref().map(|of| root(of, None, counted)),
            columns,
        };
        summary.bytes = write_head(file, *end, &head, &roots, metadata).at(&self.path)?;
        if roots.own.summary.count > 0 && (head.focus.is_none() || roots.counted.is_some()) {
            // On some systems a locked file can't be read.
            let _ = file.unlock();
            roots.find_focus(&self.path)?;
            summary.bytes = write_head(file, *end, &head, &roots, metadata).at(&self.path)?;
        }
        self.file.sync_all().at(&self.path)?;
        drop(self.file);
        fs::rename(&self.path, target).at(target)?;
        sync_folder(target);
        Ok(summary)
    }
}

/// The tables of a file: the root of its points, the root of the counting index if there is one,
/// and the table of the columns.
struct Roots {
    own: Root,
    counted: Option<Root>,
    columns: Vec<ColumnRecord>,
}

fn root(tallied: &TallyResults, focus: Option<Focus>, streams: Vec<StreamRecord>) -> Root {
    Root {
        summary: tallied.summary,
        occupied: tallied.occupied,
        remaining: tallied.remaining,
        focus,
        streams,
    }
}

impl Roots {
    /// Finds the first views that the roots lack. For this it reads the file at `path`, in which
    /// only these first views are missing.
    fn find_focus(&mut self, path: &Path) -> Result<(), WriteError> {
        let cache = Arc::new(PageCache::new(FOCUS_CACHE));
        let file = HeatFile::open(path, &cache)?;
        if let (Some(root), Some(index)) = (&mut self.counted, file.counted()) {
            root.focus = focus_of(Points::from_paged(index), path)?;
        }
        if self.own.focus.is_none() {
            self.own.focus = focus_of(Points::from_paged(Arc::new(file)), path)?;
        }
        Ok(())
    }
}

/// Returns the first view of a map of points that are read from the file at `path`.
fn focus_of(points: Points, path: &Path) -> Result<Option<Focus>, WriteError> {
    let find = || Focus::find(&points, points.summary().bounds?);
    let found = CancelToken::default().run(find);
    found.map_err(|reason| {
        WriteError::ReadBack(HeatError::Read {
            name: path.display().to_string(),
            source: io::Error::other(reason),
        })
    })
}

/// Writes roots, metadata, the table of columns and, last, the header. `end` is the length of the
/// file so far, and the result its length afterwards.
fn write_head(
    file: &mut File,
    end: u64,
    head: &FileHead,
    roots: &Roots,
    metadata: &Metadata,
) -> std::io::Result<u64> {
    let mut parts = vec![
        (ROOT, roots.own.to_bytes()),
        (METADATA, metadata.to_bytes()),
    ];
    parts.extend(roots.counted.iter().map(|root| (COUNTS, root.to_bytes())));
    if !roots.columns.is_empty() {
        let table = serde_json::to_vec(&roots.columns).map_err(io::Error::from)?;
        parts.push((COLUMNS, table));
    }
    let all = parts
        .iter()
        .map(|(_, bytes)| bytes.len() as u64)
        .sum::<u64>();
    let in_front = HEADER as u64 + all <= reserved(&head.options);
    let first = if in_front { HEADER as u64 } else { end };
    let mut offset = first;
    let section = |(tag, bytes): &([u8; 4], Vec<u8>)| {
        let section = Section {
            tag: *tag,
            required: *tag == ROOT,
            offset,
            len: bytes.len() as u32,
            crc: crc32fast::hash(bytes),
        };
        offset += bytes.len() as u64;
        section
    };
    let header = Header {
        len: if in_front { end } else { end + all },
        points: head.tallied.summary.count as u64,
        identity: head.tallied.identity,
        page_entries: head.options.page_entries,
        page_nodes: head.options.page_nodes,
        sections: parts.iter().map(section).collect(),
    };
    file.seek(SeekFrom::Start(first))?;
    for (_, bytes) in &parts {
        file.write_all(bytes)?;
    }
    // With the pages on the disk before the header, a header means a whole file.
    file.sync_data()?;
    file.rewind()?;
    file.write_all(&header.to_bytes())?;
    Ok(header.len)
}

/// Makes the new name of a file durable, if the system supports this.
fn sync_folder(target: &Path) {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        // Some file systems can't do this, and they offer no other way.
        let _ = folder.sync_all();
    }
}
