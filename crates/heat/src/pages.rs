//! The pages of a file. A page is found by its directory, checked once when it is read, and then
//! kept in the cache. `page_reads.rs` does the reading.

use crate::bytes::{ByteReader, has_crc};
use crate::cache::{PageCache, PageCounters, PageKey};
use crate::column_page::ColumnPage;
use crate::error::HeatError;
use crate::node_page::NodePage;
use crate::page::EntryPage;
use crate::root::{DIRECTORY_PAGES, PAGE_RECORD, PageKind, StreamRecord};
use crate::source::ByteSource;
use std::sync::{Arc, OnceLock};

/// The greatest number of bytes of a page: a choice, more than any page can need.
const LARGEST_PAGE: u32 = 1 << 20;

/// A page that was read and checked.
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

    /// Returns the bytes of memory that the page takes.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Entries(page) => page.memory(),
            Self::Nodes(page) => page.memory(),
            Self::Column(page) => page.memory(),
        }
    }
}

/// The place of a page in the file, and the CRC-32 of its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PagePlace {
    pub(crate) offset: u64,
    pub(crate) len: u32,
    crc: u32,
}

/// The pages of one kind and depth: all pages of cells of depth 7, for example, or those of one
/// column.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) record: StreamRecord,
    /// The number of entries, nodes or values in each page but the last.
    pub(crate) page_len: u64,
    /// The number of pages in all streams before this one: messages number pages through the whole
    /// file.
    first_page: u64,
    /// For each directory of the stream, the places of the pages that it lists; a directory's item
    /// is unset until the directory is read.
    pub(crate) directories: Vec<OnceLock<Box<[PagePlace]>>>,
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

    /// Returns the number of pages of the stream.
    pub(crate) fn pages(&self) -> u64 {
        self.record.entries.div_ceil(self.page_len)
    }

    /// Returns the number of pages that one directory of the stream lists: [`DIRECTORY_PAGES`], or
    /// the rest in the last directory. `number` is the directory's index, from 0.
    pub(crate) fn directory_pages(&self, number: usize) -> usize {
        let before = number as u64 * DIRECTORY_PAGES;
        self.pages().saturating_sub(before).min(DIRECTORY_PAGES) as usize
    }

    /// Returns the number of entries, nodes or values in the page with the number `page`, counted
    /// from 0.
    fn len_of(&self, page: u32) -> usize {
        let before = u64::from(page) * self.page_len;
        self.record
            .entries
            .saturating_sub(before)
            .min(self.page_len) as usize
    }
}

/// The index of a stream in [`Pages::streams`].
pub(crate) type StreamNumber = u8;

/// All pages of a file, of each kind and depth.
#[derive(Debug)]
pub(crate) struct Pages {
    source: Box<dyn ByteSource>,
    streams: Vec<Stream>,
    pub(crate) cache: Arc<PageCache>,
    /// The number by which the cache distinguishes the file from others.
    file: u64,
    /// The length of the file in bytes.
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

    /// Returns the error for a damaged part of the file.
    pub(crate) fn damaged(&self, part: impl Into<String>) -> HeatError {
        HeatError::Damaged {
            name: self.source.name().to_owned(),
            part: part.into(),
        }
    }

    /// Returns the error for the damaged page `page` of a stream. The message numbers pages from 0
    /// through the whole file.
    pub(crate) fn damaged_page(&self, stream: StreamNumber, page: u32) -> HeatError {
        self.damaged(format!("page {}", self.number((stream, page))))
    }

    /// Returns the number of a page in messages: pages are counted from 0 through the whole file.
    pub(crate) fn number(&self, (stream, page): PageAddress) -> u64 {
        let first = self.streams.get(usize::from(stream));
        first.map_or(0, |stream| stream.first_page) + u64::from(page)
    }

    /// Returns the place of a page, which its directory lists. The directory is read when one of
    /// its pages is first needed.
    pub(crate) fn place(&self, stream: StreamNumber, page: u32) -> Result<PagePlace, HeatError> {
        let missing = || self.damaged("the table of pages");
        let of = self.streams.get(usize::from(stream)).ok_or_else(missing)?;
        let number = (u64::from(page) / DIRECTORY_PAGES) as usize;
        let directory = of.directories.get(number).ok_or_else(missing)?;
        let places = match directory.get() {
            Some(places) => places,
            None => {
                self.read_directories(stream, number)?;
                directory.get().ok_or_else(missing)?
            }
        };
        let place = places.get((u64::from(page) % DIRECTORY_PAGES) as usize);
        place.copied().ok_or_else(missing)
    }

    /// Returns the place of a page if its directory was read already.
    pub(crate) fn known_place(&self, (stream, page): PageAddress) -> Option<PagePlace> {
        let of = self.streams.get(usize::from(stream))?;
        let number = (u64::from(page) / DIRECTORY_PAGES) as usize;
        let places = of.directories.get(number)?.get()?;
        let within = (u64::from(page) % DIRECTORY_PAGES) as usize;
        places.get(within).copied()
    }

    /// Returns the error for a directory that is damaged.
    pub(crate) fn damaged_directory(&self, stream: StreamNumber, number: usize) -> HeatError {
        self.damaged(self.directory_name(stream, number))
    }

    /// Returns the name of a directory, as messages have it.
    pub(crate) fn directory_name(&self, stream: StreamNumber, number: usize) -> String {
        let of = self.streams.get(usize::from(stream));
        let (kind, depth) = of.map_or((PageKind::Nodes, 0), |of| (of.record.kind, of.record.depth));
        let kind = match kind {
            PageKind::Nodes => "nodes",
            PageKind::Column => "a column",
            kind if kind == PageKind::POINTS => "points",
            _ => "cells",
        };
        format!("directory {number} of {kind} at depth {depth}")
    }

    /// Returns the range of a directory's bytes in the file: offset and length. Returns `None` if
    /// the stream has no such directory, or if the range reaches beyond the file.
    pub(crate) fn directory_range(
        &self,
        stream: StreamNumber,
        number: usize,
    ) -> Option<(u64, u64)> {
        let of = self.streams.get(usize::from(stream))?;
        let at = of.record.directories.get(number)?;
        let len = (of.directory_pages(number) * PAGE_RECORD) as u64;
        let end = at.offset.checked_add(len)?;
        (end <= self.len).then_some((at.offset, len))
    }

    /// Checks the bytes of a directory and stores the places of its pages.
    pub(crate) fn add_directory(
        &self,
        stream: StreamNumber,
        number: usize,
        bytes: &[u8],
    ) -> Result<(), HeatError> {
        let damaged = || self.damaged_directory(stream, number);
        let of = self.streams.get(usize::from(stream)).ok_or_else(damaged)?;
        let at = of.record.directories.get(number).ok_or_else(damaged)?;
        let kept = of.directories.get(number).ok_or_else(damaged)?;
        if !has_crc(bytes, at.crc) {
            self.cache.count_failure();
            return Err(damaged());
        }
        let mut from = ByteReader::new(bytes);
        let mut offset = at.pages;
        let mut places = Vec::with_capacity(bytes.len() / PAGE_RECORD);
        while let (Some(len), Some(crc)) = (from.u32(), from.u32()) {
            places.push(PagePlace { offset, len, crc });
            offset = offset.checked_add(u64::from(len)).ok_or_else(damaged)?;
            if len > LARGEST_PAGE || offset > self.len {
                return Err(damaged());
            }
        }
        kept.get_or_init(|| places.into());
        Ok(())
    }

    /// Returns true if a stream has pages of nodes.
    pub(crate) fn are_nodes(&self, stream: StreamNumber) -> bool {
        let of = self.streams.get(usize::from(stream));
        of.is_some_and(|of| of.record.kind == PageKind::Nodes)
    }

    /// Returns a page from the cache; `None` if it isn't there.
    pub(crate) fn cached(&self, (stream, page): PageAddress) -> Option<Arc<Page>> {
        let are_nodes = self.are_nodes(stream);
        self.cache.get(&self.key(stream, page), are_nodes)
    }

    /// Returns true if a page is in the cache.
    pub(crate) fn has(&self, (stream, page): PageAddress) -> bool {
        let are_nodes = self.are_nodes(stream);
        self.cache.has(&self.key(stream, page), are_nodes)
    }

    pub(crate) fn key(&self, stream: StreamNumber, page: u32) -> PageKey {
        PageKey {
            file: self.file,
            stream,
            page,
        }
    }

    /// Makes a [`Page`] from the bytes of a page, and checks their CRC-32 and their kind.
    pub(crate) fn check(
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

/// The address of a page: the number of its stream, and its number in the stream, counted from 0.
pub(crate) type PageAddress = (StreamNumber, u32);
