//! Pages of a file: found by directories, read in few reads, checked once and then cached.

use crate::bytes::{ByteReader, has_crc};
use crate::cache::{PageCache, PageCounters, PageKey};
use crate::column_page::ColumnPage;
use crate::error::HeatError;
use crate::node_page::NodePage;
use crate::page::EntryPage;
use crate::root::{DIRECTORY_PAGES, PAGE_RECORD, PageKind, StreamRecord};
use crate::source::ByteSource;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// Greatest number of bytes of a page: a choice, more than any page can need.
const LARGEST_PAGE: u32 = 1 << 20;

/// Greatest number of bytes that are read at once, for neighbouring pages: a choice. Larger reads
/// of a local disk are no faster.
const JOINED: u64 = 1 << 18;

/// Page that was read and checked.
#[derive(Debug)]
pub(crate) enum Page {
    Entries(EntryPage),
    Nodes(NodePage),
    Column(ColumnPage),
}

impl Page {
    fn from_bytes(kind: PageKind, len: usize, bytes: &[u8]) -> Option<Self> {
        match kind {
            PageKind::Entries(kind) => {
                EntryPage::from_bytes(kind, len, bytes.into()).map(Self::Entries)
            }
            PageKind::Nodes => NodePage::from_bytes(len, bytes).map(Self::Nodes),
            PageKind::Column => ColumnPage::from_bytes(len, bytes.into()).map(Self::Column),
        }
    }

    /// Bytes of memory that the page takes.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Entries(page) => page.memory(),
            Self::Nodes(page) => page.memory(),
            Self::Column(page) => page.memory(),
        }
    }
}

/// Place of a page in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PagePlace {
    pub(crate) offset: u64,
    pub(crate) len: u32,
    crc: u32,
}

/// Pages of one kind and depth.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) record: StreamRecord,
    /// Number of entries or nodes in all pages but the last.
    pub(crate) page_len: u64,
    /// Number of pages of the streams before this one in the file, for messages.
    first_page: u64,
    directories: Vec<OnceLock<Box<[PagePlace]>>>,
}

impl Stream {
    pub(crate) fn new(record: StreamRecord, page_len: u64, first_page: u64) -> Self {
        let directories = record.directories.iter().map(|_| OnceLock::new());
        Self {
            directories: directories.collect(),
            record,
            page_len,
            first_page,
        }
    }

    /// Number of pages.
    pub(crate) fn pages(&self) -> u64 {
        self.record.entries.div_ceil(self.page_len)
    }

    /// Number of entries or nodes of a page.
    fn len_of(&self, page: u32) -> usize {
        let before = u64::from(page) * self.page_len;
        self.record
            .entries
            .saturating_sub(before)
            .min(self.page_len) as usize
    }
}

/// Number of a stream in [`Pages::streams`].
pub(crate) type StreamNumber = u8;

/// All pages of a file.
#[derive(Debug)]
pub(crate) struct Pages {
    source: Box<dyn ByteSource>,
    streams: Vec<Stream>,
    cache: Arc<PageCache>,
    /// Number by which the cache distinguishes files.
    file: u64,
    len: u64,
}

impl Pages {
    pub(crate) fn new(
        source: Box<dyn ByteSource>,
        streams: Vec<Stream>,
        cache: Arc<PageCache>,
        len: u64,
    ) -> Self {
        Self {
            source,
            streams,
            file: cache.new_file(),
            cache,
            len,
        }
    }

    pub(crate) fn streams(&self) -> &[Stream] {
        &self.streams
    }

    pub(crate) fn source(&self) -> &dyn ByteSource {
        &*self.source
    }

    pub(crate) fn counters(&self) -> PageCounters {
        self.cache.counters()
    }

    /// Error for a damaged part of the file.
    pub(crate) fn damaged(&self, part: impl Into<String>) -> HeatError {
        HeatError::Damaged {
            name: self.source.name().to_owned(),
            part: part.into(),
        }
    }

    /// Error for the damaged page `page` of a stream. Pages are numbered from 0 through the file.
    pub(crate) fn damaged_page(&self, stream: StreamNumber, page: u32) -> HeatError {
        let first = self.streams.get(usize::from(stream));
        let number = first.map_or(0, |stream| stream.first_page) + u64::from(page);
        self.damaged(format!("page {number}"))
    }

    /// Calls `used` with bytes that were read. They lie in a buffer that each thread has once.
    fn read<T>(
        &self,
        offset: u64,
        len: usize,
        used: impl FnOnce(&[u8]) -> Result<T, HeatError>,
    ) -> Result<T, HeatError> {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let mut buffer = BUFFER.take();
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        let bytes = buffer.get_mut(..len).unwrap_or_default();
        let read = self.source.read_at(offset, bytes);
        let used = match read {
            Ok(()) => used(bytes),
            Err(source) => Err(HeatError::Read {
                name: self.source.name().to_owned(),
                source,
            }),
        };
        BUFFER.set(buffer);
        used
    }

    /// Place of a page, from its directory, which is read when it is first needed.
    pub(crate) fn place(&self, stream: StreamNumber, page: u32) -> Result<PagePlace, HeatError> {
        let missing = || self.damaged("the table of pages");
        let of = self.streams.get(usize::from(stream)).ok_or_else(missing)?;
        let number = (u64::from(page) / DIRECTORY_PAGES) as usize;
        let directory = of.directories.get(number).ok_or_else(missing)?;
        let places = match directory.get() {
            Some(places) => places,
            None => {
                let read = self.read_directory(of, number)?;
                directory.get_or_init(|| read)
            }
        };
        let place = places.get((u64::from(page) % DIRECTORY_PAGES) as usize);
        place.copied().ok_or_else(missing)
    }

    fn read_directory(&self, of: &Stream, number: usize) -> Result<Box<[PagePlace]>, HeatError> {
        let damaged = || {
            let kind = match of.record.kind {
                PageKind::Nodes => "nodes",
                PageKind::Column => "a column",
                kind if kind == PageKind::POINTS => "points",
                _ => "cells",
            };
            self.damaged(format!(
                "directory {number} of {kind} at depth {}",
                of.record.depth
            ))
        };
        let at = of.record.directories.get(number).ok_or_else(damaged)?;
        let before = number as u64 * DIRECTORY_PAGES;
        let pages = of.pages().saturating_sub(before).min(DIRECTORY_PAGES) as usize;
        let bytes = pages * PAGE_RECORD;
        if at
            .offset
            .checked_add(bytes as u64)
            .is_none_or(|end| end > self.len)
        {
            return Err(damaged());
        }
        self.read(at.offset, bytes, |bytes| {
            if !has_crc(bytes, at.crc) {
                self.cache.count_failure();
                return Err(damaged());
            }
            let mut from = ByteReader::new(bytes);
            let mut offset = at.pages;
            let mut places = Vec::with_capacity(pages);
            while let (Some(len), Some(crc)) = (from.u32(), from.u32()) {
                places.push(PagePlace { offset, len, crc });
                offset = offset.checked_add(u64::from(len)).ok_or_else(damaged)?;
                if len > LARGEST_PAGE || offset > self.len {
                    return Err(damaged());
                }
            }
            Ok(places.into())
        })
    }

    /// Page from the cache; `None` if it isn't there.
    fn cached(&self, stream: StreamNumber, page: u32) -> Option<Arc<Page>> {
        let of = self.streams.get(usize::from(stream));
        let are_nodes = of.is_some_and(|of| of.record.kind == PageKind::Nodes);
        self.cache.get(&self.key(stream, page), are_nodes)
    }

    fn key(&self, stream: StreamNumber, page: u32) -> PageKey {
        PageKey {
            file: self.file,
            stream,
            page,
        }
    }

    /// Page of a stream, from the cache or the file.
    pub(crate) fn page(&self, stream: StreamNumber, page: u32) -> Result<Arc<Page>, HeatError> {
        if let Some(page) = self.cached(stream, page) {
            return Ok(page);
        }
        let loaded = Arc::new(self.load(stream, page)?);
        self.cache.insert(self.key(stream, page), &loaded);
        Ok(loaded)
    }

    /// Page of a stream, from the file.
    pub(crate) fn load(&self, stream: StreamNumber, page: u32) -> Result<Page, HeatError> {
        let place = self.place(stream, page)?;
        self.cache.count_read(1, place.len as usize);
        self.read(place.offset, place.len as usize, |bytes| {
            self.check((stream, page), place, bytes)
        })
    }

    /// Pages of several streams, in the given order. Those that the cache hasn't got are read, and
    /// neighbours in the file by one read.
    pub(crate) fn pages(&self, wanted: &[PageAddress]) -> Result<Vec<Arc<Page>>, HeatError> {
        let mut found = Vec::with_capacity(wanted.len());
        let mut missing = Vec::new();
        for (slot, &(stream, page)) in wanted.iter().enumerate() {
            let cached = self.cached(stream, page);
            if cached.is_none() {
                missing.push((self.place(stream, page)?, slot));
            }
            found.push(cached);
        }
        missing.sort_unstable_by_key(|(place, _)| place.offset);
        let mut rest = missing.as_slice();
        while let Some(((first, _), _)) = rest.split_first() {
            let start = first.offset;
            let end_of = |place: &PagePlace| place.offset + u64::from(place.len);
            let mut end = start;
            let joined = rest.iter().take_while(|(place, _)| {
                let next = place.offset == end && (end == start || end_of(place) - start <= JOINED);
                end = if next { end_of(place) } else { end };
                next
            });
            let (now, later) = rest.split_at(joined.count().max(1));
            self.cache.count_read(now.len(), (end - start) as usize);
            self.read(start, (end - start) as usize, |bytes| {
                for (place, slot) in now {
                    let from = (place.offset - start) as usize;
                    let page = bytes.get(from..from + place.len as usize);
                    let address = wanted.get(*slot).copied().unwrap_or_default();
                    let page = self.check(address, *place, page.unwrap_or_default())?;
                    let page = Arc::new(page);
                    self.cache.insert(self.key(address.0, address.1), &page);
                    if let Some(to) = found.get_mut(*slot) {
                        *to = Some(page);
                    }
                }
                Ok(())
            })?;
            rest = later;
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Checks the bytes of a page.
    fn check(
        &self,
        (stream, page): PageAddress,
        place: PagePlace,
        bytes: &[u8],
    ) -> Result<Page, HeatError> {
        let of = self.streams.get(usize::from(stream));
        let checked = of
            .filter(|_| has_crc(bytes, place.crc))
            .and_then(|of| Page::from_bytes(of.record.kind, of.len_of(page), bytes));
        checked.ok_or_else(|| {
            self.cache.count_failure();
            self.damaged_page(stream, page)
        })
    }
}

/// Stream and number of a page.
pub(crate) type PageAddress = (StreamNumber, u32);
