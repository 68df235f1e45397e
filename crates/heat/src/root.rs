//! The root of a file (section `ROOT`): the summary of its points, and the table from which all
//! pages are found.

use crate::bytes::ByteReader;
use crate::column_page::COLUMN;
use crate::group::EntryKind;
use crate::page::{CELLS, NODES, POINTS};
use heatsplat_points::{Focus, LonLatBox, Summary};

/// The number of pages that a directory lists; the last directory of a stream may list fewer. A
/// directory is read when one of its pages is first needed.
pub(crate) const DIRECTORY_PAGES: u64 = 4096;

/// The number of bytes that a directory has for each page: the length of the page and its checksum,
/// both u32.
pub(crate) const PAGE_RECORD: usize = 8;

/// The number of levels for which a root has statistics: 0 to 32.
pub(crate) const LEVELS: usize = 33;

/// The greatest depth of a node in the quadtree.
pub(crate) const DEEPEST: u32 = 26;

const HAS_BOUNDS: u32 = 1;
const HAS_FOCUS: u32 = 2;
const IS_SIGNED: u32 = 4;

/// The kind of the pages of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageKind {
    Entries(EntryKind),
    Nodes,
    /// Values of a column. The streams of columns are not in the root, but in the section `COLS`.
    Column,
}

impl PageKind {
    pub(crate) const POINTS: Self = Self::Entries(EntryKind::Points);
    pub(crate) const CELLS: Self = Self::Entries(EntryKind::Cells);

    fn from_number(number: u8) -> Option<Self> {
        match number {
            POINTS => Some(Self::POINTS),
            CELLS => Some(Self::CELLS),
            NODES => Some(Self::Nodes),
            _ => None,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Entries(kind) => kind.number(),
            Self::Nodes => NODES,
            Self::Column => COLUMN,
        }
    }
}

/// The place of a directory, and of the pages that it lists, which lie one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirectoryPlace {
    pub(crate) offset: u64,
    pub(crate) crc: u32,
    /// The offset of the first page that the directory lists.
    pub(crate) pages: u64,
}

/// The record of a stream, which is the pages of one kind and depth. Every page of a stream has the
/// same number of entries, nodes or values, but the last page may have fewer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StreamRecord {
    pub(crate) kind: PageKind,
    /// The depth of the nodes, or of the nodes whose blocks the cells belong to; 0 for points and
    /// columns.
    pub(crate) depth: u32,
    /// The number of points, cells, nodes or values in all pages.
    pub(crate) entries: u64,
    pub(crate) directories: Vec<DirectoryPlace>,
}

/// The root of a file: the summary of its points, statistics of each level, and the records of its
/// streams. A counting index has a root of its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Root {
    pub(crate) summary: Summary,
    /// For each level, the number of occupied squares: the world has 2^level × 2^level squares, and
    /// a square is occupied if it contains points.
    pub(crate) occupied: [u64; LEVELS],
    /// For each level, the fraction of Σ |weight| of all points that remains after weights of both
    /// signs have cancelled within each square of the level; 1 if no weight is negative.
    pub(crate) remaining: [f64; LEVELS],
    pub(crate) focus: Option<Focus>,
    pub(crate) streams: Vec<StreamRecord>,
}

/// The reason why some bytes are no root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RootError {
    Damaged,
    /// The root has pages of an unknown kind, with this number, which readers must know.
    Unknown(u8),
}

impl Root {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let s = &self.summary;
        let signed = s.weight_min < 0.0;
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let flags = flag(s.bounds.is_some(), HAS_BOUNDS)
            | flag(self.focus.is_some(), HAS_FOCUS)
            | flag(signed, IS_SIGNED);
        bytes.extend_from_slice(&(s.count as u64).to_le_bytes());
        bytes.extend_from_slice(&(s.without_weight as u64).to_le_bytes());
        bytes.extend_from_slice(&s.weight_sum.to_le_bytes());
        bytes.extend_from_slice(&s.mass.to_le_bytes());
        for weight in [s.weight_min, s.weight_max, s.mass_min] {
            bytes.extend_from_slice(&weight.to_le_bytes());
        }
        bytes.extend_from_slice(&flags.to_le_bytes());
        push_box(&mut bytes, s.bounds);
        for squares in self.occupied {
            bytes.extend_from_slice(&squares.to_le_bytes());
        }
        if signed {
            for share in self.remaining {
                bytes.extend_from_slice(&share.to_le_bytes());
            }
        }
        if let Some(focus) = self.focus {
            bytes.extend_from_slice(&focus.lon.to_le_bytes());
            bytes.extend_from_slice(&focus.lat.to_le_bytes());
            bytes.extend_from_slice(&u64::from(focus.zoom).to_le_bytes());
            push_box(&mut bytes, Some(focus.bounds));
        }
        bytes.extend_from_slice(&(self.streams.len() as u64).to_le_bytes());
        for stream in &self.streams {
            // The set, 0: points with their weights; and that readers must know this kind.
            bytes.extend_from_slice(&[stream.kind.number(), stream.depth as u8, 0, 1]);
            bytes.extend_from_slice(&(stream.directories.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&stream.entries.to_le_bytes());
            for place in &stream.directories {
                bytes.extend_from_slice(&place.offset.to_le_bytes());
                bytes.extend_from_slice(&place.pages.to_le_bytes());
                bytes.extend_from_slice(&place.crc.to_le_bytes());
            }
        }
        bytes
    }

    /// Decodes a root from the bytes of its section. Its numbers are checked as far as this is
    /// possible without the rest of the file.
    pub(crate) fn from_bytes(
        bytes: &[u8],
        header: &crate::layout::Header,
    ) -> Result<Self, RootError> {
        let mut from = ByteReader::new(bytes);
        let mut root = Self::read_summary(&mut from).ok_or(RootError::Damaged)?;
        let streams = from.u64().ok_or(RootError::Damaged)?;
        for _ in 0..streams {
            root.read_stream(&mut from, header)?;
        }
        if !from.is_empty() || root.summary.count as u64 != header.points {
            return Err(RootError::Damaged);
        }
        Ok(root)
    }

    fn read_summary(from: &mut ByteReader<'_>) -> Option<Self> {
        let mut summary = Summary::default();
        summary.count = usize::try_from(from.u64()?).ok()?;
        summary.without_weight = usize::try_from(from.u64()?).ok()?;
        summary.weight_sum = finite(from.f64()?)?;
        summary.mass = finite(from.f64()?)?;
        summary.weight_min = finite32(from.f32()?)?;
        summary.weight_max = finite32(from.f32()?)?;
        summary.mass_min = finite32(from.f32()?)?;
        let flags = from.u32()?;
        let bounds = read_box(from)?;
        summary.bounds = if flags & HAS_BOUNDS != 0 {
            Some(bounds?)
        } else {
            None
        };
        let signed = flags & IS_SIGNED != 0;
        if signed != (summary.weight_min < 0.0) || summary.without_weight > summary.count {
            return None;
        }
        let mut occupied = [0; LEVELS];
        for squares in &mut occupied {
            *squares = from.u64()?;
        }
        let mut remaining = [1.0; LEVELS];
        if signed {
            for share in &mut remaining {
                *share = finite(from.f64()?)?;
            }
        }
        let mut focus = None;
        if flags & HAS_FOCUS != 0 {
            let (lon, lat) = (finite(from.f64()?)?, finite(from.f64()?)?);
            let zoom = u8::try_from(from.u64()?).ok()?;
            focus = Some(Focus::new(lon, lat, zoom, read_box(from)??));
        }
        Some(Self {
            summary,
            occupied,
            remaining,
            focus,
            streams: Vec::new(),
        })
    }

    fn read_stream(
        &mut self,
        from: &mut ByteReader<'_>,
        header: &crate::layout::Header,
    ) -> Result<(), RootError> {
        let damaged = || RootError::Damaged;
        let number = from.u8().ok_or_else(damaged)?;
        let depth = u32::from(from.u8().ok_or_else(damaged)?);
        let set = from.u8().ok_or_else(damaged)?;
        let required = from.u8().ok_or_else(damaged)? != 0;
        let count = from.u32().ok_or_else(damaged)?;
        let entries = from.u64().ok_or_else(damaged)?;
        let mut directories = Vec::new();
        for _ in 0..count {
            directories.push(DirectoryPlace {
                offset: from.u64().ok_or_else(damaged)?,
                pages: from.u64().ok_or_else(damaged)?,
                crc: from.u32().ok_or_else(damaged)?,
            });
        }
        let kind = match PageKind::from_number(number).filter(|_| set == 0) {
            Some(kind) => kind,
            None if required => return Err(RootError::Unknown(number)),
            None => return Ok(()),
        };
        let stream = StreamRecord {
            kind,
            depth,
            entries,
            directories,
        };
        let pages = entries.div_ceil(page_len(kind, header));
        let twice = |s: &StreamRecord| (s.kind, s.depth) == (kind, depth);
        if depth > DEEPEST
            || pages > u64::from(u32::MAX)
            || u64::from(count) != pages.div_ceil(DIRECTORY_PAGES)
            || kind == PageKind::POINTS && (depth != 0 || entries != header.points)
            || self.streams.iter().any(twice)
        {
            return Err(RootError::Damaged);
        }
        self.streams.push(stream);
        Ok(())
    }
}

/// Returns the number of entries, nodes or values in each page of a kind; the last page of a stream
/// may have fewer.
pub(crate) fn page_len(kind: PageKind, header: &crate::layout::Header) -> u64 {
    u64::from(match kind {
        PageKind::Entries(_) | PageKind::Column => header.page_entries,
        PageKind::Nodes => header.page_nodes,
    })
}

fn push_box(bytes: &mut Vec<u8>, bounds: Option<LonLatBox>) {
    let edges = bounds.map_or([0.0; 4], LonLatBox::edges);
    edges
        .iter()
        .for_each(|edge| bytes.extend_from_slice(&edge.to_le_bytes()));
}

/// Reads the four edges of a box. The outer `None` means that the bytes have ended; the inner one
/// means that there is no box, as where there are no points.
fn read_box(from: &mut ByteReader<'_>) -> Option<Option<LonLatBox>> {
    let edges = [from.f64()?, from.f64()?, from.f64()?, from.f64()?];
    let [west, south, east, north] = edges;
    Some(LonLatBox::new(west, south, east, north).ok())
}

fn finite(number: f64) -> Option<f64> {
    Some(number).filter(|n| n.is_finite())
}

fn finite32(number: f32) -> Option<f32> {
    Some(number).filter(|n| n.is_finite())
}
