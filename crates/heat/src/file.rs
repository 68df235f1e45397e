//! Opened `.heat` files: header, root (the summary of the points and the list of the streams), and
//! streams of pages, from which searches read.

use crate::bytes::has_crc;
use crate::cache::{PageCache, PageCounters};
use crate::columns::{ColumnRecord, MOST_COLUMNS};
use crate::error::HeatError;
use crate::file_columns::FileColumn;
use crate::layout::{COLUMNS, COUNTS, HEADER, Header, HeaderError, METADATA, ROOT, Section};
use crate::metadata::Metadata;
use crate::pages::{Pages, Stream, StreamNumber};
use crate::retry::read_vec;
use crate::root::{DEEPEST, PageKind, Root, RootError, StreamRecord, page_len};
use crate::source::{ByteSource, FileSource};
use heatsplat_points::Summary;
use heatsplat_points::paged::PagedIndex;
use std::path::Path;
use std::sync::Arc;

/// The number of bytes that are read first. The writer puts everything that opening needs into
/// these bytes if it is small enough.
const FIRST_READ: usize = 1 << 16;

/// An opened file of points. Its pages are read when they are needed.
///
/// This is also the type of a file's counting index. Then points, nodes, cells and summary are
/// those of the counting index, although they are in the same file.
#[derive(Debug)]
pub struct HeatFile {
    pub(crate) pages: Arc<Pages>,
    pub(crate) header: Header,
    pub(crate) root: Root,
    metadata: Metadata,
    /// The number, counted from 0 in the list of all streams, of the stream of points; `None` if
    /// the file has no points.
    pub(crate) points: Option<StreamNumber>,
    /// For each depth, from 0 on, the number of the stream of its nodes; `None` where the depth has
    /// no nodes.
    pub(crate) nodes: Vec<Option<StreamNumber>>,
    /// For each depth, from 0 on, the number of the stream of the cells in its nodes' blocks;
    /// `None` where the depth has no cells.
    pub(crate) cells: Vec<Option<StreamNumber>>,
    /// True if each point is taken with the weight 1, whatever its weight in the file is. This is
    /// so in a counting index that shares the file's own points.
    pub(crate) are_ones: bool,
    /// The counting index, if the file has one: the points that have a weight, each with the weight
    /// 1 (section `CNTS`). Counts and means are drawn from it.
    pub(crate) counts: Option<Arc<HeatFile>>,
    pub(crate) columns: Vec<FileColumn>,
}

/// The numbers of the streams that one root lists, which is the root of the file's points or the
/// root of the counting index: the stream of the points, and for each depth the streams of the
/// nodes and of the cells. Streams are numbered from 0 through both roots.
struct StreamsByKind {
    points: Option<StreamNumber>,
    nodes: Vec<Option<StreamNumber>>,
    cells: Vec<Option<StreamNumber>>,
}

impl StreamsByKind {
    /// Finds the streams that a root lists. `first` is the number of the root's first stream,
    /// counted from 0 through all streams of the file.
    fn find(root: &Root, first: usize) -> Self {
        let find = |kind: PageKind, depth: u32| {
            let found = |s: &StreamRecord| (s.kind, s.depth) == (kind, depth);
            let number = root.streams.iter().position(found)?;
            StreamNumber::try_from(first + number).ok()
        };
        let of_depths = |kind| (0..=DEEPEST).map(|depth| find(kind, depth)).collect();
        Self {
            points: find(PageKind::POINTS, 0),
            nodes: of_depths(PageKind::Nodes),
            cells: of_depths(PageKind::CELLS),
        }
    }
}

impl HeatFile {
    /// Opens a file of this machine. Its pages go into `cache`.
    ///
    /// # Errors
    /// A [`HeatError`] if the file can't be read, has another format or a newer version, or is
    /// damaged in a part that opening reads. Pages are checked only when they are used.
    pub fn open(path: &Path, cache: &Arc<PageCache>) -> Result<Self, HeatError> {
        let source = FileSource::open(path).map_err(|source| HeatError::Read {
            name: path.display().to_string(),
            source,
        })?;
        Self::from_source(Box::new(source), cache)
    }

    /// Opens a file from any source of its bytes. Its pages go into `cache`.
    ///
    /// # Errors
    /// A [`HeatError`] if the bytes can't be read, have another format or a newer version, or are
    /// damaged in a part that opening reads.
    pub fn from_source(
        source: Box<dyn ByteSource>,
        cache: &Arc<PageCache>,
    ) -> Result<Self, HeatError> {
        let opening = Opening::begin(&*source)?;
        let root = opening.root()?;
        let metadata = opening.metadata()?;
        let counted = opening.counted(&root)?;
        let column_records = opening.columns()?;
        let header = opening.header;
        let mut before = 0;
        let mut streams = Vec::new();
        let others = counted.iter().flat_map(|(_, root)| &root.streams);
        for record in root.streams.iter().chain(others) {
            let stream = Stream::new(record.clone(), page_len(record.kind, &header), before);
            before += stream.pages();
            streams.push(stream);
        }
        let mut columns = Vec::new();
        for record in column_records {
            let number = StreamNumber::try_from(streams.len());
            let stream = StreamRecord {
                kind: PageKind::Column,
                depth: 0,
                entries: header.points,
                directories: record.places(),
            };
            let stream = Stream::new(stream, u64::from(header.page_entries), before);
            before += stream.pages();
            streams.push(stream);
            columns.push(FileColumn::new(record, number.unwrap_or_default()));
        }
        let StreamsByKind {
            points,
            nodes,
            cells,
        } = StreamsByKind::find(&root, 0);
        let pages = Arc::new(Pages::new(source, streams, cache.clone(), header.len));
        let counts = counted.map(|(header, counted)| {
            let own = StreamsByKind::find(&counted, root.streams.len());
            // All points have a weight if none are stored here: then they are the file's.
            let are_ones = own.points.is_none() && counted.summary.count > 0;
            let has_nodes = !are_ones || own.nodes.iter().any(Option::is_some);
            Arc::new(Self {
                pages: Arc::clone(&pages),
                header,
                root: counted,
                metadata: metadata.clone(),
                points: if are_ones { points } else { own.points },
                nodes: if has_nodes { own.nodes } else { nodes.clone() },
                cells: own.cells,
                are_ones,
                counts: None,
                columns: Vec::new(),
            })
        });
        Ok(Self {
            points,
            nodes,
            cells,
            pages,
            header,
            root,
            metadata,
            are_ones: false,
            counts,
            columns,
        })
    }

    /// Returns the name of the file, for messages.
    pub fn name(&self) -> &str {
        self.pages.source().name()
    }

    /// Returns the number of the points, their weights and their bounds.
    pub fn summary(&self) -> &Summary {
        &self.root.summary
    }

    /// Returns the metadata: name, attribution and the like.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns the SHA-256 of all points in Z-order, 12 bytes each, and of the columns if there are
    /// any. Two files with the same points and columns have the same identity, whatever program or
    /// settings wrote them.
    pub fn identity(&self) -> [u8; 32] {
        self.header.identity
    }

    /// Returns the counting index, which can be drawn like points in memory; `None` if the file has
    /// none.
    pub(crate) fn counted(&self) -> Option<Arc<dyn PagedIndex>> {
        Some(Arc::clone(self.counts.as_ref()?) as _)
    }

    /// Returns true if the file has a counting index, a second index that is only for counting: the
    /// points that have a weight, each with the weight 1 (section `CNTS`). Counts and means are
    /// drawn from it.
    pub fn has_counts(&self) -> bool {
        self.counts.is_some()
    }

    /// Returns the length of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.header.len
    }

    /// Returns the number of cells at all levels; cells of the counting index don't count.
    pub fn cells_len(&self) -> u64 {
        self.len_of(PageKind::CELLS)
    }

    /// Returns the number of nodes of the quadtree; nodes of the counting index don't count.
    pub fn nodes_len(&self) -> u64 {
        self.len_of(PageKind::Nodes)
    }

    fn len_of(&self, kind: PageKind) -> u64 {
        let streams = self.root.streams.iter().filter(|s| s.kind == kind);
        streams.map(|s| s.entries).sum()
    }

    /// Returns the number of all pages: of points, nodes, cells and columns, and of the counting
    /// index.
    pub fn pages_len(&self) -> u64 {
        self.pages.streams().iter().map(Stream::pages).sum()
    }

    /// Returns the counters of the cache, which are sums over all files that share it.
    pub fn counters(&self) -> PageCounters {
        self.pages.counters()
    }
}

/// A file that is being opened: its header was read and checked.
struct Opening<'a> {
    source: &'a dyn ByteSource,
    /// The first bytes of the file, at most [`FIRST_READ`].
    front: Vec<u8>,
    header: Header,
}

impl<'a> Opening<'a> {
    fn begin(source: &'a dyn ByteSource) -> Result<Self, HeatError> {
        let name = || source.name().to_owned();
        let unreadable = |error| HeatError::Read {
            name: name(),
            source: error,
        };
        let found = source.size().map_err(unreadable)?;
        let first = usize::try_from(found).unwrap_or(usize::MAX).min(FIRST_READ);
        let front = read_vec(source, 0, first).map_err(unreadable)?;
        let header = Header::from_bytes(&front).map_err(|error| match error {
            HeaderError::Foreign => HeatError::Foreign { name: name() },
            HeaderError::Version(major) => HeatError::Version {
                name: name(),
                major,
            },
            HeaderError::Damaged => damaged(source, "the header"),
        })?;
        if found != header.len {
            let wanted = header.len;
            return Err(HeatError::Length {
                name: name(),
                found,
                wanted,
            });
        }
        let known = |section: &&Section| {
            section.required && ![ROOT, METADATA, COUNTS, COLUMNS].contains(&section.tag)
        };
        if let Some(section) = header.sections.iter().find(known) {
            return Err(HeatError::Unknown {
                name: name(),
                part: format!("its section {}", section.tag.escape_ascii()),
            });
        }
        Ok(Self {
            source,
            front,
            header,
        })
    }

    fn root(&self) -> Result<Root, HeatError> {
        let damaged = || damaged(self.source, "the table of pages");
        let section = self.header.section(ROOT).ok_or_else(damaged)?;
        let bytes = self.section(section)?.ok_or_else(damaged)?;
        let root = Root::from_bytes(&bytes, &self.header).map_err(|error| match error {
            RootError::Damaged => damaged(),
            RootError::Unknown(kind) => HeatError::Unknown {
                name: self.source.name().to_owned(),
                part: format!("its pages of kind {kind}"),
            },
        })?;
        let has = |kind| root.streams.iter().any(|s| s.kind == kind && s.depth == 0);
        let complete = has(PageKind::POINTS) || self.header.points == 0;
        if !complete || root.streams.len() + MOST_COLUMNS > usize::from(StreamNumber::MAX) {
            return Err(damaged());
        }
        Ok(root)
    }

    /// Reads the table of the columns; it is empty if the file has none.
    fn columns(&self) -> Result<Vec<ColumnRecord>, HeatError> {
        let Some(section) = self.header.section(COLUMNS) else {
            return Ok(Vec::new());
        };
        let damaged = || damaged(self.source, "the table of columns");
        let bytes = self.section(section)?.ok_or_else(damaged)?;
        let records: Vec<ColumnRecord> = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let pages = self
            .header
            .points
            .div_ceil(u64::from(self.header.page_entries));
        let possible = |record: &ColumnRecord| record.is_possible(self.header.len, pages);
        match records.len() <= MOST_COLUMNS && records.iter().all(possible) {
            true => Ok(records),
            false => Err(damaged()),
        }
    }

    /// Reads the root of the counting index; `None` if the file has no counting index. `own` is the
    /// root of the file's own points. The header in the result is a copy of the file's header with
    /// two changes: its number of points and its identity are those of the counting index.
    fn counted(&self, own: &Root) -> Result<Option<(Header, Root)>, HeatError> {
        let Some(section) = self.header.section(COUNTS) else {
            return Ok(None);
        };
        let damaged = || damaged(self.source, "the table of counts");
        let bytes = self.section(section)?.ok_or_else(damaged)?;
        let points = bytes.first_chunk().ok_or_else(damaged)?;
        let header = Header {
            points: u64::from_le_bytes(*points),
            // The counts are other points than those that are counted.
            identity: self.header.identity.map(|byte| !byte),
            ..self.header.clone()
        };
        let root = Root::from_bytes(&bytes, &header).map_err(|_| damaged())?;
        let has_points = root.streams.iter().any(|s| s.kind == PageKind::POINTS);
        let possible = match header.points == self.header.points {
            true => true,
            false => header.points < self.header.points && (has_points || header.points == 0),
        };
        let streams = own.streams.len() + root.streams.len() + MOST_COLUMNS;
        if !possible || streams > usize::from(StreamNumber::MAX) {
            return Err(damaged());
        }
        Ok(Some((header, root)))
    }

    fn metadata(&self) -> Result<Metadata, HeatError> {
        let Some(section) = self.header.section(METADATA) else {
            return Ok(Metadata::default());
        };
        let bytes = self.section(section)?;
        let metadata = bytes.and_then(|bytes| Metadata::from_bytes(&bytes));
        metadata.ok_or_else(|| damaged(self.source, "the metadata"))
    }

    /// Returns the bytes of a section; `None` if their checksum is wrong.
    fn section(&self, section: Section) -> Result<Option<Vec<u8>>, HeatError> {
        let len = section.len as usize;
        let start = usize::try_from(section.offset).unwrap_or(usize::MAX);
        let here = self.front.get(start..start.saturating_add(len));
        let bytes = match here {
            Some(bytes) if start >= HEADER => bytes.to_vec(),
            _ => {
                let read = read_vec(self.source, section.offset, len);
                read.map_err(|error| HeatError::Read {
                    name: self.source.name().to_owned(),
                    source: error,
                })?
            }
        };
        Ok(has_crc(&bytes, section.crc).then_some(bytes))
    }
}

fn damaged(source: &dyn ByteSource, part: &str) -> HeatError {
    HeatError::Damaged {
        name: source.name().to_owned(),
        part: part.to_owned(),
    }
}
