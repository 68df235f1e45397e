//! Cache of pages, bounded in bytes.

use crate::pages::Page;
use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of memory of an entry besides its page: an estimate.
const OVERHEAD: usize = 120;

/// Least limit of pages of nodes, in bytes.
const LEAST_NODES: u64 = 64 << 20;

/// Typical number of bytes of a page.
const USUAL: u64 = 16_000;

/// Address of a page in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageKey {
    pub(crate) file: u64,
    pub(crate) stream: u8,
    pub(crate) page: u32,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<PageKey, Arc<Page>> for Bytes {
    fn weight(&self, _: &PageKey, page: &Arc<Page>) -> u64 {
        (page.memory() + OVERHEAD) as u64
    }
}

/// Cache of pages, bounded in bytes, for any number of files. Pages are packed in it, but their
/// checksums were compared.
pub struct PageCache {
    pages: Cache<PageKey, Arc<Page>, Bytes>,
    /// Pages of nodes, which every search needs: those of points don't push them out.
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

/// Counters of a [`PageCache`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageCounters {
    /// Number of pages that were read.
    pub pages_read: u64,
    /// Number of bytes that were read for pages.
    pub page_bytes: u64,
    /// Number of reads of pages and directories, tries again not counted: one for neighbouring
    /// pages. Of files at addresses these are requests.
    pub page_reads: u64,
    /// Number of these reads that failed, after all tries.
    pub page_read_failures: u64,
    /// Number of pages that were found in the cache.
    pub page_hits: u64,
    /// Number of pages and directories that were damaged.
    pub crc_failures: u64,
    /// Bytes of memory that the cached pages take.
    pub cached_bytes: u64,
}

impl PageCache {
    /// Cache of at most `limit` bytes. A third of them is for pages of nodes, which may take 64 MiB
    /// in any case: there is about a node for 300 points, and it takes 64 bytes. With 0 every page
    /// of points and cells is read each time.
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

    /// Counters of all files that have this cache.
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

    /// Number for a file that no other file of this cache has.
    pub(crate) fn new_file(&self) -> u64 {
        self.files.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns true if a page is in the cache.
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

    /// Counts a read of pages or of directories; `is_good` is false if it failed.
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
