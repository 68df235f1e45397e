//! Windows of time: some buckets in a row.

use crate::buckets::Buckets;
use crate::instant::instant_text;
use std::fmt;
use std::ops::Range;

/// A range of buckets, by their numbers, which are counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    first: u32,
    end: u32,
}

impl Span {
    /// The buckets from `first` up to the one before `end`; no buckets if `end` isn't greater than
    /// `first`.
    pub fn new(first: u32, end: u32) -> Self {
        Self {
            first,
            end: end.max(first),
        }
    }

    /// The number of the first bucket.
    pub fn first(self) -> u32 {
        self.first
    }

    /// The number of the bucket after the last one.
    pub fn end(self) -> u32 {
        self.end
    }

    /// The number of buckets.
    pub fn len(self) -> usize {
        (self.end - self.first) as usize
    }

    /// Returns true if there are no buckets.
    pub fn is_empty(self) -> bool {
        self.first == self.end
    }

    /// Returns true if the bucket with this number is in the span.
    #[inline]
    pub fn contains(self, bucket: u16) -> bool {
        // One comparison does for both ends.
        u32::from(bucket).wrapping_sub(self.first) < self.end - self.first
    }
}

/// A window of time on the buckets of a layer: it begins and ends at borders of buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    span: Span,
    times: Range<i64>,
    /// The length in microseconds: of the interval that was asked for, or of `times` if `times` is
    /// longer. The interval is longer than `times` if it reaches beyond all buckets.
    length: i64,
}

impl TimeWindow {
    /// Makes the window that has the buckets of a span.
    pub fn from_span(span: Span, buckets: &Buckets) -> Self {
        let times = buckets.border(span.first)..buckets.border(span.end);
        Self {
            span,
            length: times.end.saturating_sub(times.start),
            times,
        }
    }

    /// Sets the length, in microseconds, to the length of the interval that was asked for, unless
    /// the window itself is longer.
    #[must_use]
    pub(crate) fn asked_as(mut self, length: i64) -> Self {
        self.length = self.length.max(length);
        self
    }

    /// Makes a window without buckets, from `start` to `end`, which lies before or after all
    /// buckets. Both are in microseconds since 1970.
    pub(crate) fn beside(start: i64, end: i64) -> Self {
        Self {
            span: Span::default(),
            length: end.saturating_sub(start),
            times: start..end,
        }
    }

    /// The buckets in the window.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The length in microseconds, which includes parts that lie before or after all buckets.
    /// Windows of about one length share a scale.
    pub fn length(&self) -> i64 {
        self.length
    }

    /// The instants at which the window begins and ends, in microseconds since 1970. The end isn't
    /// in the window.
    pub fn times(&self) -> Range<i64> {
        self.times.clone()
    }
}

/// Writes the window as an interval of ISO 8601 in UTC:
/// `2019-01-01T00:00:00Z/2019-07-01T00:00:00Z`. The end isn't in the window.
impl fmt::Display for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (instant_text(self.times.start), instant_text(self.times.end));
        write!(f, "{start}/{end}")
    }
}
