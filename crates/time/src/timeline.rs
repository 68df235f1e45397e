//! Timelines: the points of an index, ordered by their times.

use crate::buckets::{Buckets, BucketsError};
use crate::chunks::Chunks;
use crate::instant::is_representable;
use crate::step::Step;
use crate::window::Span;
use crate::zone::Zone;
use heatsplat_points::{Point, Points, cancel};
use rayon::prelude::*;
use std::sync::OnceLock;

/// The greatest number of points in a window whose points are selected from the copy of the points
/// in time chunks: measured. The points of a larger window are selected by a look at all points. To
/// make an index of so many points takes some 15 ms.
pub const EXACT_BELOW: usize = 200_000;

/// The multiplier of a timeline's hash, which is multiplied once for each point. It is odd: 2⁶⁴
/// divided by the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number of points that a thread handles between two looks at its cancel token: a choice.
const POINTS: usize = 1 << 16;

/// The points of an index with their times, by which the points of a window of time are found.
///
/// It takes 2 bytes for each point, and 14 more for a copy in time chunks, which is made when a
/// short window is first selected. Points without a time are in no window.
#[derive(Debug)]
pub struct Timeline {
    column: String,
    buckets: Buckets,
    /// For each point, in the order of the index, the number of its bucket, counted from 0; any
    /// number for a point without a time.
    times: Vec<u16>,
    /// A bit for each point, in the order of the index: 1 if the point has no time. Empty if all
    /// points have a time.
    missing: Vec<u64>,
    without: usize,
    /// A hash of the buckets of all points.
    fingerprint: u64,
    /// For each bucket, the number of points in all earlier buckets; and, as the last item, the
    /// number of all points with a time.
    rank: Vec<u32>,
    /// For each bucket, the sum of the weights of its points.
    sums: Vec<f64>,
    /// The copy of the points in time chunks, made when a short window is first selected.
    chunks: OnceLock<Chunks>,
}

/// The error for points that can't be put on a timeline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimelineError {
    /// The range of the times can't be cut into buckets.
    #[error(transparent)]
    Buckets(#[from] BucketsError),
    /// No point has a time.
    #[error("no row has a time in the column \"{column}\"")]
    NoTimes {
        /// The name of the column.
        column: String,
    },
    /// The points are not in memory.
    #[error("points that are not in memory have no times")]
    NotInMemory,
}

impl Timeline {
    /// Puts the points of an index on a timeline. `column` is the name of the column that has the
    /// times. `time` returns the time of a point, in microseconds since 1970, by its number in the
    /// index; `None` for a point without a time. Without a `step`, the buckets are the finest of
    /// [`Step::COMMON`] of which there are at most [`MOST_BUCKETS`](crate::MOST_BUCKETS).
    ///
    /// # Errors
    /// No point has a time, the step is too fine, or the points are not in memory.
    pub fn new(
        column: &str,
        points: &Points,
        time: impl Fn(usize) -> Option<i64> + Sync,
        step: Option<Step>,
        zone: &Zone,
    ) -> Result<Self, TimelineError> {
        let points = points.as_slice().ok_or(TimelineError::NotInMemory)?;
        let time = |row: usize| time(row).filter(|time| is_representable(*time));
        let times = (0..points.len()).into_par_iter().filter_map(time);
        let widened = |(a, b): (i64, i64), (c, d): (i64, i64)| (a.min(c), b.max(d));
        let (first, last) = times
            .map(|time| (time, time))
            .reduce(|| (i64::MAX, i64::MIN), widened);
        if first > last {
            return Err(TimelineError::NoTimes {
                column: column.to_owned(),
            });
        }
        let buckets = Buckets::new(first..=last, step, zone)?;
        let found: Vec<Option<u16>> = (0..points.len())
            .into_par_iter()
            .map(|row| buckets.find(time(row)?))
            .collect();
        let mut counts = vec![0u32; buckets.count()];
        let mut sums = vec![0.0; buckets.count()];
        let mut missing = Vec::new();
        let mut without = 0;
        let mut fingerprint = buckets.start() as u64;
        for (row, (bucket, point)) in found.iter().zip(points).enumerate() {
            let number = bucket.map_or(u64::MAX, u64::from);
            fingerprint = (fingerprint.rotate_left(5) ^ number).wrapping_mul(MULTIPLIER);
            match bucket {
                Some(bucket) => {
                    let at = usize::from(*bucket);
                    if let (Some(count), Some(sum)) = (counts.get_mut(at), sums.get_mut(at)) {
                        *count += 1;
                        *sum += f64::from(point.weight);
                    }
                }
                None => {
                    without += 1;
                    if missing.is_empty() {
                        missing = vec![0u64; points.len().div_ceil(64)];
                    }
                    if let Some(bits) = missing.get_mut(row / 64) {
                        *bits |= 1 << (row % 64);
                    }
                }
            }
        }
        let mut before = 0;
        let ranks = std::iter::once(0).chain(counts.into_iter().map(|count| {
            before += count;
            before
        }));
        let rank: Vec<u32> = ranks.collect();
        Ok(Self {
            column: column.to_owned(),
            times: found
                .par_iter()
                .map(|bucket| bucket.unwrap_or_default())
                .collect(),
            buckets,
            missing,
            without,
            fingerprint,
            rank,
            sums,
            chunks: OnceLock::new(),
        })
    }

    /// Makes the copy of the points in time chunks now, so that the first short window needn't wait
    /// for it. `points` must be the index that the timeline was made for.
    pub fn prepare(&self, points: &Points) {
        self.chunks(points.as_slice().unwrap_or_default());
    }

    fn chunks(&self, points: &[Point]) -> &Chunks {
        let bucket = |row: usize| self.times.get(row).copied().filter(|_| self.has_time(row));
        self.chunks
            .get_or_init(|| Chunks::new(points, bucket, &self.rank))
    }

    /// The name of the column of times.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The buckets into which the range of the times is cut.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// The number of points without a time, which are in no window.
    pub fn without(&self) -> usize {
        self.without
    }

    /// A hash of the buckets of all points. The timelines of two equal indices with different times
    /// have different hashes, except by chance.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The number of points in the buckets of `span`.
    pub fn count(&self, span: Span) -> usize {
        let rank = |bucket: u32| {
            let rank = self.rank.get(bucket as usize).or(self.rank.last());
            rank.map_or(0, |rank| *rank as usize)
        };
        rank(span.end()).saturating_sub(rank(span.first()))
    }

    /// The bucket of a point, by the point's number in the order of times, counted from 0.
    pub(crate) fn bucket_of_rank(&self, number: usize) -> u32 {
        let after = self.rank.partition_point(|rank| *rank as usize <= number);
        (after as u32).saturating_sub(1)
    }

    /// The sum of the weights of the points in the buckets of `span`.
    pub fn sum(&self, span: Span) -> f64 {
        let range = span.first() as usize..(span.end() as usize).min(self.sums.len());
        self.sums.get(range).unwrap_or_default().iter().sum()
    }

    /// Returns true if a point has a time in the buckets of `span`. `row` is the point's number in
    /// the index, counted from 0.
    #[inline]
    pub fn holds(&self, row: usize, span: Span) -> bool {
        let is_inside = self
            .times
            .get(row)
            .is_some_and(|bucket| span.contains(*bucket));
        is_inside && self.has_time(row)
    }

    fn has_time(&self, row: usize) -> bool {
        let bits = self.missing.get(row / 64);
        bits.is_none_or(|bits| bits >> (row % 64) & 1 == 0)
    }

    /// Makes an index of the points in the buckets of `span`. It equals an index that is loaded
    /// from the source with a filter for these times. `points` must be the index that the timeline
    /// was made for.
    pub fn select(&self, points: &Points, span: Span) -> Points {
        let all = points.as_slice().unwrap_or_default();
        if self.count(span) <= EXACT_BELOW {
            return Points::from_sorted(self.chunks(all).select(span));
        }
        let work = cancel::inherit();
        let parts: Vec<Vec<Point>> = all
            .par_chunks(POINTS)
            .enumerate()
            .map(|(chunk, points)| {
                work.run(|| {
                    cancel::check(points.len() as u64);
                    let rows = (chunk * POINTS..).zip(points);
                    let inside = rows.filter(|(row, _)| self.holds(*row, span));
                    inside.map(|(_, point)| *point).collect()
                })
            })
            .collect();
        Points::from_sorted(parts.concat())
    }

    /// The memory that the timeline takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.times.capacity() * 2
            + self.missing.capacity() * 8
            + self.rank.capacity() * 4
            + self.sums.capacity() * 8
            + self.buckets.bytes()
            + self.chunks.get().map_or(0, Chunks::bytes)
    }
}
