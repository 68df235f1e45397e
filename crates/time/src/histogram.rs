//! Histograms of times: the points of a timeline, counted in bars that are steps of the calendar.

use crate::buckets::Buckets;
use crate::instant::{DAY, SECOND};
use crate::step::Step;
use crate::timeline::Timeline;
use crate::window::Span;

/// The number of points and the sum of their weights in each bar; a bar is a step of the calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeHistogram {
    /// The bars, which are steps of the calendar as buckets are.
    pub bars: Buckets,
    /// The number of points in each bar.
    pub counts: Vec<usize>,
    /// The sum of the weights of the points in each bar.
    pub sums: Vec<f64>,
}

impl Timeline {
    /// Counts all points that have a time, in bars. The bars are steps of the calendar: the finest
    /// of [`Step::COMMON`] that isn't finer than the timeline's buckets and makes at most `most`
    /// bars. If even years make more, the bars are the buckets, however many. A bucket that lies in
    /// two bars counts in the one in which it begins.
    pub fn histogram(&self, most: usize) -> TimeHistogram {
        let buckets = self.buckets();
        let (first, last) = (buckets.start(), buckets.end() - 1);
        let steps = Step::COMMON.into_iter();
        let steps = steps.filter(|step| step.longest() >= buckets.step().longest());
        // Steps of which there are far too many are left out before they are listed.
        let fitting = steps.filter(|step| (last - first) / step.longest() <= most as i64);
        let mut bars =
            fitting.filter_map(|step| Buckets::new(first..=last, Some(step), buckets.zone()).ok());
        let bars = bars.find(|bars| bars.count() <= most.max(1));
        let bars = bars.unwrap_or_else(|| buckets.clone());
        let mut counts = vec![0; bars.count()];
        let mut sums = vec![0.0; bars.count()];
        for bucket in 0..buckets.count() as u32 {
            let span = Span::new(bucket, bucket + 1);
            let bar = bars.find(buckets.border(bucket)).map_or(0, usize::from);
            if let (Some(count), Some(sum)) = (counts.get_mut(bar), sums.get_mut(bar)) {
                *count += self.count(span);
                *sum += self.sum(span);
            }
        }
        TimeHistogram { bars, counts, sums }
    }

    /// Two durations that suit a map that plays, in the notation of ISO 8601, for example `P7D` and
    /// `P1D`: the length of each window, and the step from one window to the next. A window is
    /// about a thirtieth of the range of times; the step is never finer than the buckets.
    pub fn suggestion(&self) -> (&'static str, &'static str) {
        const YEAR: i64 = 365 * DAY;
        /// The suggestions. Each has the shortest range of times, in microseconds, that it is for;
        /// the length of a window; and the step between windows as text and in microseconds.
        const SUGGESTED: [(i64, &str, &str, i64); 9] = [
            (0, "PT1M", "PT1S", SECOND),
            (3600 * SECOND, "PT15M", "PT1M", 60 * SECOND),
            (8 * 3600 * SECOND, "PT1H", "PT15M", 900 * SECOND),
            (2 * DAY, "PT6H", "PT1H", 3600 * SECOND),
            (10 * DAY, "P1D", "PT6H", 6 * 3600 * SECOND),
            (60 * DAY, "P7D", "P1D", DAY),
            (YEAR, "P30D", "P1D", DAY),
            (8 * YEAR, "P1Y", "P1M", 31 * DAY),
            (40 * YEAR, "P5Y", "P1Y", 366 * DAY),
        ];
        let buckets = self.buckets();
        let range = buckets.end() - buckets.start();
        let finest = buckets.step().longest();
        let coarsest = ("P5Y", "P1Y");
        let possible = SUGGESTED.iter().filter(|row| row.3 >= finest);
        let mut fitting = possible.clone().filter(|row| row.0 <= range);
        // A range of a few buckets has the finest row that is possible.
        let row = fitting.next_back().or(possible.clone().next());
        row.map_or(coarsest, |(_, window, step, _)| (*window, *step))
    }
}
