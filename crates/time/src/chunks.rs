//! A copy of an index's points, divided by time into chunks. From it the points of a short window
//! are selected in a time that depends on the window alone, not on the number of all points.

use crate::window::Span;
use heatsplat_points::{Point, cancel};

/// The least number of points in a chunk: a choice. The last chunk may have fewer.
const SMALLEST: usize = 1 << 15;
/// The greatest number of chunks, if none of them is a single crowded bucket: a choice.
const MOST: usize = 1 << 10;

/// The number of points that are copied between two calls of [`cancel::check`], which report the
/// work done: a choice.
const REPORTED: usize = 1 << 16;
/// The work of copying a point, in nanoseconds: an estimate.
const COPIED: u64 = 30;

/// Points with their buckets, in chunks that follow each other in time. A chunk has all points of
/// some successive buckets, in Z-order.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    buckets: Span,
    points: Vec<Point>,
    /// The number of each point's bucket, in the order of `points`.
    times: Vec<u16>,
}

impl Chunks {
    /// Copies points, which are in Z-order, into chunks. `bucket` returns the bucket of a point by
    /// its number in `points`; `None` if the point has no time, so that it is left out. `rank` has,
    /// for each bucket, the number of points in all earlier buckets, and, as its last item, the
    /// number of all points with a time.
    pub(crate) fn new(
        points: &[Point],
        bucket: impl Fn(usize) -> Option<u16>,
        rank: &[u32],
    ) -> Self {
        let total = rank.last().map_or(0, |last| *last as usize);
        let size = SMALLEST.max(total.div_ceil(MOST));
        let mut chunks: Vec<Chunk> = Vec::new();
        // The chunk of each bucket.
        let mut places: Vec<usize> = Vec::with_capacity(rank.len());
        let (mut first, mut before) = (0, 0);
        for (number, pair) in rank.windows(2).enumerate() {
            places.push(chunks.len());
            let [_, end] = *pair else { continue };
            let is_last = number + 2 == rank.len();
            let count = end as usize - before;
            if count >= size || is_last {
                chunks.push(Chunk {
                    buckets: Span::new(first, number as u32 + 1),
                    points: Vec::with_capacity(count),
                    times: Vec::with_capacity(count),
                });
                (first, before) = (number as u32 + 1, end as usize);
            }
        }
        for (number, point) in points.iter().enumerate() {
            if number.is_multiple_of(REPORTED) {
                cancel::check(REPORTED as u64 * COPIED);
            }
            let place = bucket(number).and_then(|b| Some((b, *places.get(usize::from(b))?)));
            if let Some((bucket, place)) = place
                && let Some(chunk) = chunks.get_mut(place)
            {
                chunk.points.push(*point);
                chunk.times.push(bucket);
            }
        }
        Self { chunks }
    }

    /// The points in the buckets of `span`, in Z-order.
    pub(crate) fn select(&self, span: Span) -> Vec<Point> {
        let touched = |chunk: &&Chunk| {
            chunk.buckets.first() < span.end() && span.first() < chunk.buckets.end()
        };
        let mut found = Vec::new();
        let mut runs = 0;
        for chunk in self.chunks.iter().filter(touched) {
            let before = found.len();
            let is_whole =
                span.first() <= chunk.buckets.first() && chunk.buckets.end() <= span.end();
            if is_whole {
                found.extend_from_slice(&chunk.points);
            } else {
                let points = chunk.points.iter().zip(&chunk.times);
                let inside = points.filter(|(_, bucket)| span.contains(**bucket));
                found.extend(inside.map(|(point, _)| *point));
            }
            runs += usize::from(found.len() > before);
        }
        if runs > 1 {
            // A stable sort finds the runs and merges them. Points that are equal are identical.
            found.sort_by(Point::z_order);
        }
        found
    }

    /// The memory that the chunks take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let each = |chunk: &Chunk| {
            chunk.points.capacity() * size_of::<Point>() + chunk.times.capacity() * size_of::<u16>()
        };
        self.chunks.iter().map(each).sum()
    }
}
