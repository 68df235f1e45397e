//! Index that behaves as if it were not in memory: it hands out copies of the cells of an index in
//! memory, in short batches, and fails on demand.

use heatsplat_points::paged::{POINTS_LEVEL, PagedCells, PagedIndex, PagedRun};
use heatsplat_points::{Focus, Point, Points, Quad, ReadError, Summary, TileId, Window};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
pub struct PagedDouble {
    inner: Points,
    /// The most cells in a batch.
    most: usize,
    /// The number of reads that succeed before each further one fails.
    left: AtomicUsize,
}

impl PagedDouble {
    /// Points like `inner`, handed out in batches of at most `most` cells.
    pub fn new(inner: Points, most: usize) -> Arc<Self> {
        Arc::new(Self {
            inner,
            most,
            left: AtomicUsize::new(usize::MAX),
        })
    }

    /// Lets all reads fail after the next `reads`.
    pub fn fail_after(&self, reads: usize) {
        self.left.store(reads, Ordering::SeqCst);
    }

    /// The number of reads that still succeed.
    #[allow(dead_code, reason = "each binary of tests takes what it needs")]
    pub fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }

    fn read_one(&self) -> Result<(), ReadError> {
        let less = |left: usize| left.checked_sub(1);
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        left.map_err(|_| ReadError::new("page 4711 is damaged"))?;
        Ok(())
    }

    fn cells(&self, level: u32, window: &Window) -> heatsplat_points::Cells<'_> {
        // The cells of a level are 2^(32 − level) world units wide. The factor is far from the next
        // level, so that rounding doesn't matter.
        let finest = match level {
            POINTS_LEVEL => 0.0,
            level => 1.5 * f64::from(32 - level).exp2() / window.pixel(),
        };
        self.inner.cells(window, finest)
    }
}

impl PagedIndex for PagedDouble {
    fn summary(&self) -> &Summary {
        self.inner.summary()
    }

    fn content_identity(&self) -> [u8; 32] {
        [7; 32]
    }

    fn search(&self, level: u32, window: &Window) -> Result<PagedCells, ReadError> {
        self.read_one()?;
        let mut found = PagedCells::default();
        for batch in self.cells(level, window).batches() {
            let first = found.entries.len();
            found.entries.extend_from_slice(batch.cells);
            match batch.counts {
                Some(counts) => found.counts.extend_from_slice(counts),
                None => found.counts.resize(found.entries.len(), 0),
            }
            for from in (first..found.entries.len()).step_by(self.most) {
                found.runs.push(PagedRun {
                    level: 0,
                    range: from..(from + self.most).min(found.entries.len()),
                    shift: batch.shift,
                    are_points: batch.counts.is_none(),
                });
            }
        }
        Ok(found)
    }

    fn count(&self, level: u32, window: &Window) -> Result<usize, ReadError> {
        Ok(self.cells(level, window).len())
    }

    fn quad_range(&self, quad: Quad) -> Result<Range<u64>, ReadError> {
        let tile = TileId::new(quad.depth as u8, quad.x, quad.y);
        let range = self.inner.tile_range(tile.unwrap())?;
        Ok(range.start as u64..range.end as u64)
    }

    fn read(&self, numbers: Range<u64>) -> Result<Vec<Point>, ReadError> {
        self.read_one()?;
        let all = self.inner.as_slice().unwrap();
        let end = all.len().min(numbers.end as usize);
        Ok(all[end.min(numbers.start as usize)..end].to_vec())
    }

    fn occupied(&self, level: u32) -> u64 {
        let all = self.inner.as_slice().unwrap();
        all.chunk_by(|a, b| a.shares(b, level)).count() as u64
    }

    fn remaining(&self, level: u32) -> f64 {
        self.inner.remaining(level)
    }

    fn focus(&self) -> Option<Focus> {
        self.inner.focus()
    }
}
