//! Queries: windows of time in the notation of ISO 8601.
//!
//! The rules, which `docs/time.md` has as a table that a test reads:
//!
//! * A date stands for all of its unit, as a start, as an end and alone: `2019-06` is the whole
//!   month.
//! * A time of day is an instant. As the end of an interval, it isn't in the window. Alone, it
//!   stands for its own unit: `2019-06-01T10` for the hour.
//! * The start is moved to an earlier border of a bucket, and the end to a later one.

mod duration;
mod element;
mod error;

pub use error::TimeQueryError;

use crate::buckets::Buckets;
use crate::window::{Span, TimeWindow};
use duration::Duration;
use element::Element;
use std::fmt;
use std::str::FromStr;

/// The length in bytes of the longest text of a query. It is a choice.
const LONGEST: usize = 100;

/// A window of time in the notation of ISO 8601, for example `2019-01/2019-06`, `2019-06-01/P7D`,
/// `../2019` or `P7D/latest`.
///
/// [`resolve`](Self::resolve) finds the buckets of a layer that the window has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeQuery {
    text: String,
    kind: ConditionKind,
    is_closed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ConditionKind {
    /// One date or time, which stands for all of its unit: `2019-06` for the whole month.
    One(Element),
    /// The last bucket: the words `latest` or `current`.
    Latest,
    Interval(Start, End),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    Open,
    At(Element),
    /// The start lies this duration before the end: `P7D/2019-06-01`, or `P7D/latest`.
    Before(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// The end of the last bucket.
    Open,
    At(Element),
    /// The end lies this duration after the start: `2019-06-01/P7D`.
    After(Duration),
}

impl TimeQuery {
    /// Changes the query to one with a closed end, as the parameter `datetime` of OGC API means it:
    /// a time of day that ends an interval is in the window, and so is its bucket.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.is_closed = true;
        self
    }

    /// The window of buckets that the query means. Its start is moved to an earlier border of a
    /// bucket, and its end to a later one. A window that lies before or after all buckets has no
    /// bucket, which is no error.
    ///
    /// # Errors
    /// The end is not after the start, or the window is shorter than a bucket.
    pub fn resolve(&self, buckets: &Buckets) -> Result<TimeWindow, TimeQueryError> {
        let (start, end) = match &self.kind {
            ConditionKind::Latest => {
                let count = buckets.count() as u32;
                let last = Span::new(count.saturating_sub(1), count);
                return Ok(TimeWindow::from_span(last, buckets));
            }
            ConditionKind::One(one) => {
                let (start, end) = (one.start(buckets.zone()), one.end(buckets.zone()));
                return Ok(window(start, end, buckets));
            }
            ConditionKind::Interval(start, end) => self.ends(start, end, buckets),
        };
        if start >= end {
            // With an open end this is a window before or after all data, which has no points.
            let ConditionKind::Interval(first, last) = &self.kind else {
                return Ok(TimeWindow::beside(start, end));
            };
            return match (first, last) {
                (Start::Open, End::At(_)) => Ok(TimeWindow::beside(end, end)),
                (Start::At(_), End::Open) => Ok(TimeWindow::beside(start, start)),
                _ => Err(TimeQueryError::reversed(&self.text)),
            };
        }
        let window = window(start, end, buckets);
        if is_finer(start, end, window.span(), buckets) {
            return Err(TimeQueryError::finer(&self.text, buckets.step()));
        }
        Ok(window)
    }

    fn ends(&self, start: &Start, end: &End, buckets: &Buckets) -> (i64, i64) {
        let zone = buckets.zone();
        let fixed_start = match start {
            Start::Open => Some(buckets.start()),
            Start::At(at) => Some(at.start(zone)),
            Start::Before(_) => None,
        };
        let end = match end {
            End::Open => buckets.end(),
            End::At(at) if at.is_date() => at.end(zone),
            // An instant that is in the window takes its bucket with it.
            End::At(at) if self.is_closed => at.start(zone).saturating_add(1),
            End::At(at) => at.start(zone),
            End::After(length) => {
                length.after(fixed_start.unwrap_or_else(|| buckets.start()), zone)
            }
        };
        let start = match start {
            Start::Before(length) => length.before(end, zone),
            _ => fixed_start.unwrap_or(end),
        };
        (start, end)
    }
}

/// The window that has all buckets which an interval overlaps.
fn window(start: i64, end: i64, buckets: &Buckets) -> TimeWindow {
    let span = buckets.touched(start, end);
    if span.is_empty() {
        return TimeWindow::beside(start, end);
    }
    TimeWindow::from_span(span, buckets).asked_as(end.saturating_sub(start))
}

/// Returns true if an interval is shorter than the shorter one of two buckets: the first and the
/// last bucket of `span`, which are the buckets that the interval overlaps. Returns false for an
/// interval that reaches beyond all buckets, since there are no buckets there to compare it with.
fn is_finer(start: i64, end: i64, span: Span, buckets: &Buckets) -> bool {
    if span.is_empty() || start < buckets.start() || end > buckets.end() {
        return false;
    }
    let length = |bucket: u32| buckets.border(bucket + 1) - buckets.border(bucket);
    let shortest = length(span.first()).min(length(span.end().saturating_sub(1)));
    end - start < shortest && end - start > 1
}

impl FromStr for TimeQuery {
    type Err = TimeQueryError;

    fn from_str(text: &str) -> Result<Self, TimeQueryError> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return Err(TimeQueryError::unreadable(text));
        }
        let kind = parse(text).ok_or_else(|| TimeQueryError::from_text(text))?;
        Ok(Self {
            text: text.to_owned(),
            kind,
            is_closed: false,
        })
    }
}

fn parse(text: &str) -> Option<ConditionKind> {
    let Some((start, end)) = text.split_once('/') else {
        return match text {
            _ if is_latest(text) => Some(ConditionKind::Latest),
            _ => Element::parse(text).map(ConditionKind::One),
        };
    };
    let (start, end) = (start.trim(), end.trim());
    let start = match start {
        "" | ".." => Start::Open,
        _ => match Duration::parse(start) {
            Some(length) => Start::Before(length),
            None => Start::At(Element::parse(start)?),
        },
    };
    let end = match end {
        "" | ".." => End::Open,
        _ if is_latest(end) => End::Open,
        _ => match Duration::parse(end) {
            Some(length) => End::After(length),
            None => End::At(Element::parse(end)?),
        },
    };
    // Two lengths have no place in time.
    let is_placed = !matches!((&start, &end), (Start::Before(_), End::After(_)));
    is_placed.then_some(ConditionKind::Interval(start, end))
}

/// Returns true for the words that mean the end of the data: `latest`, or `current`, which WMS
/// uses.
fn is_latest(text: &str) -> bool {
    text.eq_ignore_ascii_case("latest") || text.eq_ignore_ascii_case("current")
}

impl fmt::Display for TimeQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
