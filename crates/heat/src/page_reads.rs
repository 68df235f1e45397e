//! Reads of pages. Neighbouring pages are read together, and several reads are done at the same
//! time. From a source whose reads are dear, such as an object at an address, pages that will
//! probably be needed next are read along with the wanted ones.

use crate::error::HeatError;
use crate::pages::{Page, PageAddress, PagePlace, Pages, StreamNumber};
use crate::retry::read_retrying;
use crate::source::{ByteRead, ReadCosts};
use std::cell::RefCell;
use std::io;
use std::sync::Arc;

/// The greatest number of bytes of pages of nodes that are read along with a wanted one, from a
/// source whose reads are dear: a choice. A search needs a page of each depth, one after the other.
const NODES_ALONG: u64 = 1 << 18;

/// The greatest number of pages of nodes before the wanted one that are read along with it.
const NODES_BEFORE: u32 = 16;

/// The greatest number of pages of one stream that are read along with a wanted one: a choice.
const PAGES_ALONG: u32 = 256;

/// The number of bytes before a wanted directory, and behind it, in which other directories are
/// read along with it: a choice. The directories in so many bytes list 130,000 pages.
const DIRECTORIES_ALONG: u64 = 1 << 20;

/// The greatest size, in bytes, of a buffer that a thread saves for its next read: a choice.
const KEPT_BUFFER: usize = 1 << 20;

/// A page that is to be read.
#[derive(Clone, Copy, Debug)]
struct PageRead {
    address: PageAddress,
    place: PagePlace,
    /// The index of the page in the caller's list of wanted pages; `None` if the page is only read
    /// along with others.
    slot: Option<usize>,
}

impl PageRead {
    fn end(&self) -> u64 {
        self.place.offset + u64::from(self.place.len)
    }
}

/// A function that takes the bytes of a page that was read, or the error if it couldn't be read.
type PageTaker<'a> = dyn FnMut(&PageRead, Result<&[u8], HeatError>) + 'a;

impl Pages {
    /// Returns a page of a stream, from the cache or the file.
    pub(crate) fn page(&self, stream: StreamNumber, page: u32) -> Result<Arc<Page>, HeatError> {
        let address = (stream, page);
        if let Some(page) = self.cached(address) {
            return Ok(page);
        }
        let mut reads = vec![self.wanted(address, 0)?];
        if self.source().costs().are_high() && self.are_nodes(stream) {
            self.add_nodes_along(&mut reads, address);
        }
        let mut found = vec![None];
        self.fetch(reads, &mut found)?;
        let found = found.pop().flatten();
        found.ok_or_else(|| self.damaged_page(stream, page))
    }

    /// Returns pages of several streams, in the order of `wanted`. Pages that aren't in the cache
    /// are read.
    pub(crate) fn pages(&self, wanted: &[PageAddress]) -> Result<Vec<Arc<Page>>, HeatError> {
        let mut found = Vec::with_capacity(wanted.len());
        let mut missing = Vec::new();
        for (slot, &address) in wanted.iter().enumerate() {
            let cached = self.cached(address);
            if cached.is_none() {
                missing.push(self.wanted(address, slot)?);
            }
            found.push(cached);
        }
        self.fetch(missing, &mut found)?;
        Ok(found.into_iter().flatten().collect())
    }

    fn wanted(&self, address: PageAddress, slot: usize) -> Result<PageRead, HeatError> {
        Ok(PageRead {
            address,
            place: self.place(address.0, address.1)?,
            slot: Some(slot),
        })
    }

    /// Reads the pages of a stream whose numbers, counted from 0, are `numbers`, without the cache.
    /// Each page has a result of its own: an error if it can't be read or is damaged.
    pub(crate) fn load(
        &self,
        stream: StreamNumber,
        numbers: std::ops::Range<u32>,
    ) -> Vec<Result<Page, HeatError>> {
        let mut all = Vec::with_capacity(numbers.len());
        let mut reads = Vec::with_capacity(numbers.len());
        for page in numbers {
            match self.wanted((stream, page), all.len()) {
                Ok(read) => {
                    reads.push(read);
                    all.push(Err(self.damaged_page(stream, page)));
                }
                Err(error) => all.push(Err(error)),
            }
        }
        let costs = self.source().costs();
        let extents = extents(&reads, costs);
        for batch in extents.chunks(costs.at_once) {
            self.read_batch(batch, &mut |read, bytes| {
                if let Some(to) = read.slot.and_then(|slot| all.get_mut(slot)) {
                    *to = bytes.and_then(|bytes| self.check(read.address, read.place, bytes));
                }
            });
        }
        all
    }

    /// Reads pages and puts all of them into the cache, and the wanted ones also into `found`, each
    /// at the index that its `slot` has. Returns the first error of a wanted page.
    fn fetch(
        &self,
        mut reads: Vec<PageRead>,
        found: &mut [Option<Arc<Page>>],
    ) -> Result<(), HeatError> {
        if reads.is_empty() {
            return Ok(());
        }
        let costs = self.source().costs();
        reads.sort_unstable_by_key(|read| read.place.offset);
        if costs.are_high() {
            reads = self.with_pages_between(&reads, costs);
        }
        let mut failed = None;
        let all = extents(&reads, costs);
        for batch in all.chunks(costs.at_once) {
            self.read_batch(batch, &mut |read, bytes| {
                let page = bytes.and_then(|bytes| self.check(read.address, read.place, bytes));
                match page {
                    Ok(page) => {
                        let page = Arc::new(page);
                        let (stream, number) = read.address;
                        self.cache.insert(self.key(stream, number), &page);
                        if let Some(to) = read.slot.and_then(|slot| found.get_mut(slot)) {
                            *to = Some(page);
                        }
                    }
                    // Damage of a page that isn't wanted hurts those who want it.
                    Err(error) if read.slot.is_some() => failed = failed.take().or(Some(error)),
                    Err(_) => {}
                }
            });
            if let Some(error) = failed.take() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Reads extents by one call of the source, and calls `take` with the bytes of each page. An
    /// extent is some pages, in the order of the file, that are read by one request.
    fn read_batch(&self, extents: &[&[PageRead]], take: &mut PageTaker<'_>) {
        let range = |extent: &[PageRead]| {
            let start = extent.first().map_or(0, |read| read.place.offset);
            let end = extent.last().map_or(0, PageRead::end);
            (start, end.saturating_sub(start) as usize)
        };
        let total: usize = extents.iter().map(|extent| range(extent).1).sum();
        with_buffer(total, |mut rest| {
            let mut reads = Vec::with_capacity(extents.len());
            for extent in extents {
                let (start, len) = range(extent);
                let (bytes, behind) = std::mem::take(&mut rest)
                    .split_at_mut_checked(len)
                    .unwrap_or_default();
                rest = behind;
                self.cache.count_read(extent.len(), len);
                reads.push(ByteRead::new(start, bytes));
            }
            read_retrying(self.source(), &mut reads);
            for (extent, read) in extents.iter().zip(reads) {
                self.cache.count_one_read(read.result.is_ok());
                for page in *extent {
                    let from = (page.place.offset - read.offset) as usize;
                    let bytes = read.bytes.get(from..from + page.place.len as usize);
                    let bytes = match &read.result {
                        Ok(()) => Ok(bytes.unwrap_or_default()),
                        Err(error) => {
                            let part = format!("page {}", self.number(page.address));
                            Err(self.unreadable(part, error))
                        }
                    };
                    take(page, bytes);
                }
            }
        });
    }

    fn unreadable(&self, part: String, error: &io::Error) -> HeatError {
        HeatError::ReadPart {
            name: self.source().name().to_owned(),
            part,
            source: io::Error::new(error.kind(), error.to_string()),
        }
    }

    /// Adds the pages between two wanted pages of a stream, where the gap is so small that it is
    /// read with them anyway.
    fn with_pages_between(&self, reads: &[PageRead], costs: ReadCosts) -> Vec<PageRead> {
        let mut all: Vec<PageRead> = Vec::with_capacity(reads.len());
        for read in reads {
            if let Some(&last) = all.last()
                && last.address.0 == read.address.0
                && read.place.offset.saturating_sub(last.end()) <= costs.gap
            {
                let between = last.address.1.saturating_add(1)..read.address.1;
                let between = between.take(PAGES_ALONG as usize);
                all.extend(between.filter_map(|page| self.along((read.address.0, page))));
            }
            all.push(*read);
        }
        all
    }

    /// Returns a read of a page that isn't wanted itself, to be done along with the reads of wanted
    /// pages. Returns `None` if the page is in the cache already, or if its place in the file isn't
    /// known since its directory wasn't read.
    fn along(&self, address: PageAddress) -> Option<PageRead> {
        let place = self.known_place(address)?;
        (!self.has(address)).then_some(PageRead {
            address,
            place,
            slot: None,
        })
    }

    /// Adds, to the read of the wanted page of nodes, reads of pages of nodes near it, and of pages
    /// of the next depths if these follow in the file: [`NODES_ALONG`] bytes at most.
    fn add_nodes_along(&self, reads: &mut Vec<PageRead>, wanted: PageAddress) {
        let (first, page) = wanted;
        let mut bytes = 0;
        for stream in first..=StreamNumber::MAX {
            let Some(of) = self.streams().get(usize::from(stream)) else {
                return;
            };
            if !self.are_nodes(stream) {
                return;
            }
            let start = match stream == first {
                true => page.saturating_sub(NODES_BEFORE),
                false => 0,
            };
            let end = (of.pages() as u32).min(start.saturating_add(PAGES_ALONG));
            for number in start..end {
                let Some(read) = self.along((stream, number)) else {
                    continue;
                };
                bytes += u64::from(read.place.len);
                if bytes > NODES_ALONG {
                    return;
                }
                if read.address != wanted {
                    reads.push(read);
                }
            }
        }
    }

    /// Reads a directory, and, from a source whose reads are dear, those around it.
    pub(crate) fn read_directories(
        &self,
        stream: StreamNumber,
        number: usize,
    ) -> Result<(), HeatError> {
        let damaged = || self.damaged_directory(stream, number);
        let wanted = self.directory_range(stream, number).ok_or_else(damaged)?;
        let mut all = vec![(wanted, stream, number)];
        if self.source().costs().are_high() {
            all = self.directories_around(wanted, self.source().costs().gap);
        }
        let start = all.first().map_or(wanted.0, |(range, ..)| range.0);
        let end = all.iter().map(|((at, len), ..)| at + len).max();
        let len = end.unwrap_or(start).saturating_sub(start) as usize;
        with_buffer(len, |bytes| {
            let mut reads = [ByteRead::new(start, bytes)];
            read_retrying(self.source(), &mut reads);
            let [read] = reads;
            self.cache.count_one_read(read.result.is_ok());
            if let Err(error) = &read.result {
                return Err(self.unreadable(self.directory_name(stream, number), error));
            }
            let mut result = Err(damaged());
            for ((at, len), of, directory) in all {
                let from = (at - start) as usize;
                let own = read.bytes.get(from..from + len as usize);
                let added = self.add_directory(of, directory, own.unwrap_or_default());
                if (of, directory) == (stream, number) {
                    result = added;
                }
            }
            result
        })
    }

    /// Returns the wanted directory and those near it that were not read yet, in the order of the
    /// file. The gap between neighbouring ones is at most `gap` bytes. Each has the range of its
    /// bytes (offset and length), the number of its stream, and its own number in the stream,
    /// counted from 0. The range of the wanted directory is `(wanted, len)`.
    fn directories_around(
        &self,
        (wanted, len): (u64, u64),
        gap: u64,
    ) -> Vec<((u64, u64), StreamNumber, usize)> {
        let mut all = Vec::new();
        for (of, stream) in (0..=StreamNumber::MAX).zip(self.streams()) {
            for (number, directory) in stream.directories.iter().enumerate() {
                let range = self.directory_range(of, number);
                let near = range.filter(|(at, length)| {
                    let start = wanted.saturating_sub(DIRECTORIES_ALONG);
                    let end = wanted + len + DIRECTORIES_ALONG;
                    directory.get().is_none() && *at >= start && at + length <= end
                });
                all.extend(near.map(|range| (range, of, number)));
            }
        }
        all.sort_unstable();
        // Only those count that no wide gap divides from the wanted one.
        let parts =
            all.chunk_by(|((at, len), ..), ((next, _), ..)| next.saturating_sub(at + len) <= gap);
        let mut part = parts.filter(|part| part.iter().any(|((at, _), ..)| *at == wanted));
        part.next().unwrap_or_default().to_vec()
    }
}

/// Divides pages, which are sorted by offset, into extents: each is some pages that are read by one
/// request. Between neighbouring pages of an extent there may be gaps that cost less than another
/// read.
fn extents(reads: &[PageRead], costs: ReadCosts) -> Vec<&[PageRead]> {
    let mut all = Vec::new();
    let mut rest = reads;
    while let Some((first, _)) = rest.split_first() {
        let start = first.place.offset;
        let mut end = first.end();
        let joined = rest.iter().skip(1).take_while(|read| {
            let gap = read.place.offset.checked_sub(end);
            let next = gap.is_some_and(|gap| gap <= costs.gap) && read.end() - start <= costs.most;
            end = if next { read.end() } else { end };
            next
        });
        let (now, later) = rest.split_at(joined.count() + 1);
        all.push(now);
        rest = later;
    }
    all
}

/// Calls `used` with a buffer of `len` bytes. Each thread has one buffer for all its reads.
fn with_buffer<T>(len: usize, used: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    let mut buffer = BUFFER.take();
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    let result = used(buffer.get_mut(..len).unwrap_or_default());
    if buffer.len() <= KEPT_BUFFER {
        BUFFER.set(buffer);
    }
    result
}
