//! The cache of pages that were read from files, bounded in bytes.

use crate::pages::Page;
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of memory that a page in the cache takes besides its own data: an estimate.
const OVERHEAD: usize = 120;

/// The least limit, in bytes, of the part of the cache that is for pages of nodes.
const LEAST_NODES: u64 = 64 << 20;

/// The typical size of a page in memory, in bytes, from which the cache computes about how many
/// pages it will have.
const USUAL: u64 = 16_000;

/// The address of a page in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageKey {
    /// The number that the cache gave the file: see [`PageCache::new_file`].
    pub(crate) file: u64,
    /// The number of the page's stream: the pages of one kind and depth.
    pub(crate) stream: u8,
    /// The number of the page in its stream, counted from 0.
    pub(crate) page: u32,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<PageKey, Arc<Page>> for Bytes {
    fn weight(&self, _: &PageKey, page: &Arc<Page>) -> u64 {
        (page.memory() + OVERHEAD) as u64
    }
}

/// A cache of pages, bounded in bytes, which any number of files share. Pages of points, cells and
/// columns are packed in it as in their files, and pages of nodes are unpacked; the checksums of
/// all were checked when they were read.
pub struct PageCache {
    pages: Cache<PageKey, Arc<Page>, Bytes>,
    /// The pages of nodes, apart from all other pages: every search needs them, and pages of points
    /// mustn't push them out.
    nodes: Cache<PageKey, Arc<Page>, Bytes>,
    limit: u64,
    files: AtomicU64,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    bytes: AtomicU64,
    hits: AtomicU64,
    reads: AtomicU64,
    broken: AtomicU64,
    failures: AtomicU64,
}

/// The counters of a [`PageCache`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageCounters {
    /// The number of pages that were read from files.
    pub pages_read: u64,
    /// The number of bytes that were read from files for pages, gaps between the pages included.
    pub page_bytes: u64,
    /// The number of reads of pages and directories. Neighbouring pages are one read, and a read
    /// that is tried again counts once. For a file at an address a read is a request.
    pub page_reads: u64,
    /// The number of reads, among those that `page_reads` counts, that failed at every try.
    pub page_read_failures: u64,
    /// The number of times that a wanted page was in the cache already.
    pub page_hits: u64,
    /// The number of pages and directories that were damaged when they were read.
    pub crc_failures: u64,
    /// The bytes of memory that the cached pages take.
    pub cached_bytes: u64,
}

impl PageCache {
    /// Makes a cache of at most `limit` bytes. A third of the bytes is for pages of nodes, but
    /// never less than 64 MiB (`LEAST_NODES`), even if `limit` is smaller: a file has about one
    /// node for 300 points, and a node takes 64 bytes of memory. With a limit of 0, a page of
    /// points, cells or a column is read whenever it is needed.
    pub fn new(limit: u64) -> Self {
        let of_nodes = limit / 3;
        Self {
            pages: bounded(limit - of_nodes),
            nodes: bounded(of_nodes.max(LEAST_NODES)),
            limit,
            files: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }

    /// Returns the counters, which are sums over all files that share this cache.
    pub fn counters(&self) -> PageCounters {
        let counts = &self.counts;
        PageCounters {
            pages_read: counts.read.load(Ordering::Relaxed),
            page_bytes: counts.bytes.load(Ordering::Relaxed),
            page_reads: counts.reads.load(Ordering::Relaxed),
            page_read_failures: counts.broken.load(Ordering::Relaxed),
            page_hits: counts.hits.load(Ordering::Relaxed),
            crc_failures: counts.failures.load(Ordering::Relaxed),
            cached_bytes: self.pages.weight() + self.nodes.weight(),
        }
    }

    /// Returns a new number for a file: no other file that shares this cache has it.
    pub(crate) fn new_file(&self) -> u64 {
        self.files.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns true if a page is in the cache. `are_nodes` is true if it is a page of nodes.
    pub(crate) fn has(&self, key: &PageKey, are_nodes: bool) -> bool {
        let cache = if are_nodes { &self.nodes } else { &self.pages };
        cache.peek(key).is_some()
    }

    pub(crate) fn get(&self, key: &PageKey, are_nodes: bool) -> Option<Arc<Page>> {
        let cache = if are_nodes { &self.nodes } else { &self.pages };
        let found = cache.get(key)?;
        self.counts.hits.fetch_add(1, Ordering::Relaxed);
        Some(found)
    }

    pub(crate) fn insert(&self, key: PageKey, page: &Arc<Page>) {
        match &**page {
            Page::Nodes(_) => self.nodes.insert(key, page.clone()),
            _ if self.limit > 0 => self.pages.insert(key, page.clone()),
            Page::Entries(_) | Page::Column(_) => {}
        }
    }

    pub(crate) fn count_read(&self, pages: usize, bytes: usize) {
        self.counts.read.fetch_add(pages as u64, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts a read of pages or of directories. `is_good` is false if every try of the read
    /// failed.
    pub(crate) fn count_one_read(&self, is_good: bool) {
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        let broken = u64::from(!is_good);
        self.counts.broken.fetch_add(broken, Ordering::Relaxed);
    }

    pub(crate) fn count_failure(&self) {
        self.counts.failures.fetch_add(1, Ordering::Relaxed);
    }
}

fn bounded(limit: u64) -> Cache<PageKey, Arc<Page>, Bytes> {
    let items = (limit / USUAL).clamp(1, 1 << 20) as usize;
    // Each shard has its part of the limit, and a large page must fit into one.
    let options = OptionsBuilder::new()
        .estimated_items_capacity(items)
        .weight_capacity(limit)
        .shards(8)
        .build();
    match options {
        Ok(options) => Cache::with_options(options, Bytes, Default::default(), Default::default()),
        // These options are complete, so this is never reached.
        Err(_) => Cache::with_weighter(items, limit, Bytes),
    }
}

impl fmt::Debug for PageCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageCache")
            .field("limit", &self.limit)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}
