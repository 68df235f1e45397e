//! The parameters `?time=` and `?datetime=`: windows of time of a layer whose points have times.
//!
//! A window of a layer is a filtered layer. If it has few points, they are selected from a copy of
//! all points that is ordered by time, which takes some milliseconds.

use axum::http::HeaderValue;
use heatsplat_points::Points;
use heatsplat_time::{LengthClass, Span, TimeWindow, Timeline};
use serde::Serialize;
use std::sync::Arc;

/// The times of a layer in short, as the catalog, TileJSON and `time.json` have them.
#[derive(Serialize)]
pub(crate) struct TimeSummary<'a> {
    /// The name of the column of times.
    column: &'a str,
    /// The range of all buckets, as ISO 8601 writes an interval: two instants in UTC with a `/`
    /// between them.
    extent: String,
    /// The step of the buckets, as ISO 8601 writes a duration, like `PT1H`.
    step: String,
    /// The time zone in which days begin, like `Europe/Berlin`.
    zone: String,
    /// The number of buckets.
    buckets: usize,
    /// The number of points without a time, which are in no window.
    without: usize,
}

impl<'a> TimeSummary<'a> {
    pub(crate) fn new(timeline: &'a Timeline) -> Self {
        let buckets = timeline.buckets();
        Self {
            column: timeline.column(),
            extent: TimeWindow::from_span(buckets.all(), buckets).to_string(),
            step: buckets.step().to_string(),
            zone: buckets.zone().to_string(),
            buckets: buckets.count(),
            without: timeline.without(),
        }
    }
}

/// A window of time of one layer.
#[derive(Clone, Debug)]
pub(crate) struct LayerWindow {
    timeline: Arc<Timeline>,
    window: TimeWindow,
    /// True if the window shares its scale with all windows of about its length.
    is_held: bool,
}

impl LayerWindow {
    /// A window on a timeline. If `is_held` is true, it shares its scale with all windows of about
    /// its length.
    pub(super) fn new(timeline: &Arc<Timeline>, window: TimeWindow, is_held: bool) -> Self {
        Self {
            timeline: Arc::clone(timeline),
            window,
            is_held,
        }
    }

    /// The class of the window's length: a range of lengths whose windows share one scale. `None`
    /// if the window has a scale of its own.
    pub(super) fn class(&self) -> Option<LengthClass> {
        self.is_held.then(|| LengthClass::new(self.window.length()))
    }

    /// Some windows with lengths of the class `class`, in which the scale that all windows of the
    /// class share is measured. They depend on the times of the layer alone.
    pub(super) fn positions(timeline: &Arc<Timeline>, class: LengthClass) -> Vec<Self> {
        let window = |span: Span| {
            let window = TimeWindow::from_span(span, timeline.buckets());
            Self::new(timeline, window, false)
        };
        timeline.positions(class).into_iter().map(window).collect()
    }

    /// Returns true if the point with number `row`, counted from 0 in the order of the unfiltered
    /// index, is in the window.
    #[inline]
    pub(super) fn holds(&self, row: usize) -> bool {
        self.timeline.holds(row, self.window.span())
    }

    /// Selects those of `points`, the points of the unfiltered index, that are in the window.
    pub(super) fn select(&self, points: &Points) -> Points {
        self.timeline.select(points, self.window.span())
    }

    /// A text that is equal for two windows if they have the same buckets of the same times, and
    /// the same scale.
    pub(super) fn key(&self) -> String {
        let scale = match self.class() {
            Some(class) => format!("hold {}", class.number()),
            None => "each".to_owned(),
        };
        let times = self.timeline.fingerprint();
        format!("{times:016x} time={}&time_scale={scale}", self.window)
    }

    /// The value of the header that states the window.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::try_from(self.text()).unwrap_or(HeaderValue::from_static(""))
    }

    /// The window as ISO 8601 writes an interval: two instants in UTC with a `/` between them.
    pub(crate) fn text(&self) -> String {
        self.window.to_string()
    }
}
