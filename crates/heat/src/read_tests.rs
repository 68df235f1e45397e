//! Tests of sources that fail, and of sources whose reads are dear.

use crate::source::{ByteRead, ByteSource, ReadCosts};
use crate::tests::{bytes_of, open, small_pages};
use crate::{HeatFile, PageCache};
use heatsplat_points::paged::{POINTS_LEVEL, PagedIndex as _};
use heatsplat_points::{Points, Window};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A source of bytes in memory that counts its reads, and fails as often as it is asked to.
#[derive(Debug, Default)]
struct FaultySource {
    bytes: Vec<u8>,
    costs: Option<ReadCosts>,
    /// The number of reads to come that fail, and how.
    faults: AtomicUsize,
    kind: Mutex<Option<io::ErrorKind>>,
    reads: AtomicUsize,
    /// The greatest number of ranges that were asked for at a time.
    at_once: AtomicUsize,
}

impl ByteSource for Arc<FaultySource> {
    fn name(&self) -> &str {
        "a.heat"
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let less = |faults: usize| faults.checked_sub(1);
        if self
            .faults
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
        {
            let kind = *self.kind.lock().unwrap();
            return Err(kind.unwrap_or(io::ErrorKind::ConnectionReset).into());
        }
        self.bytes.read_at(offset, bytes)
    }

    fn read_all(&self, reads: &mut [ByteRead<'_>], _: Duration) {
        self.at_once.fetch_max(reads.len(), Ordering::Relaxed);
        for read in reads {
            read.result = self.read_at(read.offset, read.bytes);
        }
    }

    fn costs(&self) -> ReadCosts {
        self.costs.unwrap_or(ReadCosts::LOCAL)
    }
}

fn source(bytes: &[u8], costs: Option<ReadCosts>) -> Arc<FaultySource> {
    Arc::new(FaultySource {
        bytes: bytes.to_vec(),
        costs,
        ..FaultySource::default()
    })
}

fn file(source: &Arc<FaultySource>, cache: u64) -> HeatFile {
    let cache = Arc::new(PageCache::new(cache));
    HeatFile::from_source(Box::new(Arc::clone(source)), &cache).unwrap()
}

fn points() -> Points {
    let rows = (0..60_000u32).map(|i| {
        let x = f64::from(i.wrapping_mul(2_654_435_769)) / f64::from(u32::MAX);
        let y = f64::from(i.wrapping_mul(1_540_483_477)) / f64::from(u32::MAX);
        (x * x * 300.0 - 150.0, y * 120.0 - 60.0, i as f32)
    });
    Points::from_lon_lat(rows).unwrap()
}

#[test]
fn failed_reads_are_tried_twice_again_and_name_their_page() {
    let bytes = bytes_of(&points(), small_pages());
    let source = source(&bytes, None);
    let file = file(&source, 0);
    let world = Window::at_level(8, 0, 0, 256, 256);
    let expected = file.search(POINTS_LEVEL, &world).unwrap().entries.len();
    let fail = |times: usize, kind: Option<io::ErrorKind>| {
        *source.kind.lock().unwrap() = kind;
        source.faults.store(times, Ordering::Relaxed);
        source.reads.store(0, Ordering::Relaxed);
        let read = file.search(POINTS_LEVEL, &world);
        read.map(|cells| cells.entries.len())
            .map_err(|error| error.to_string())
    };
    let usual = {
        assert_eq!(fail(0, None), Ok(expected));
        source.reads.load(Ordering::Relaxed)
    };
    for times in 1..=2 {
        assert_eq!(fail(times, None), Ok(expected));
        assert_eq!(source.reads.load(Ordering::Relaxed), usual + times);
    }
    let error = fail(3, None).unwrap_err();
    assert!(
        error.starts_with("page ") && error.contains(" of a.heat cannot be read: "),
        "{error}"
    );
    assert_eq!(source.reads.load(Ordering::Relaxed), 3);
    // What is not there won't come.
    assert!(fail(1, Some(io::ErrorKind::NotFound)).is_err());
    assert_eq!(source.reads.load(Ordering::Relaxed), 1);
    let counters = file.counters();
    assert_eq!(counters.page_read_failures, 2);
    assert_eq!(fail(0, None), Ok(expected));
}

#[test]
fn dear_reads_are_few_and_find_what_cheap_ones_find() {
    let bytes = bytes_of(&points(), small_pages());
    let cheap = open(&bytes).unwrap();
    let dear = source(&bytes, Some(ReadCosts::REMOTE));
    let file = file(&dear, 1 << 24);
    assert_eq!(dear.reads.load(Ordering::Relaxed), 1);
    let small = ReadCosts {
        gap: 1,
        most: 1 << 12,
        at_once: 8,
    };
    let apart = source(&bytes, Some(small));
    let many = self::file(&apart, 1 << 24);
    for level in [3, 8, 12, POINTS_LEVEL] {
        for (z, x, y) in [(0, 0, 0), (3, 2, 3), (5, 9, 14), (7, 40, 60)] {
            let window = Window::at_level(8 + z, x * 256, y * 256, 256, 256);
            let before = dear.reads.load(Ordering::Relaxed);
            let found = file.search(level, &window).unwrap();
            let expected = cheap.search(level, &window).unwrap();
            assert_eq!(found.entries, expected.entries);
            assert_eq!(found.runs, expected.runs);
            assert_eq!(
                many.search(level, &window).unwrap().entries,
                expected.entries
            );
            let reads = dear.reads.load(Ordering::Relaxed) - before;
            assert!(reads <= 6, "{level} {z}/{x}/{y}: {reads}");
        }
    }
    // All is in the cache now.
    let before = dear.reads.load(Ordering::Relaxed);
    file.search(POINTS_LEVEL, &Window::at_level(8, 0, 0, 256, 256))
        .unwrap();
    assert_eq!(dear.reads.load(Ordering::Relaxed), before);
    assert_eq!(apart.at_once.load(Ordering::Relaxed), 8);
    let verified = file.verify(&mut |_| {});
    assert!(verified.is_good() && verified.pages == file.pages_len());
}
