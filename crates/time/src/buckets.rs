//! Buckets: the range of a layer's times, cut into steps of the calendar.

use crate::instant::{SECOND, instant_text, is_representable};
use crate::step::Step;
use crate::window::Span;
use crate::zone::Zone;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::ops::RangeInclusive;

/// The greatest number of buckets of a layer, so that a bucket's number takes two bytes.
pub const MOST_BUCKETS: usize = 1 << 16;

/// The range of a layer's times, cut into steps of the calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    step: Step,
    zone: Zone,
    /// The instants at which buckets begin, rising, and last the instant at which the last bucket
    /// ends; in microseconds since 1970.
    borders: Vec<i64>,
    /// The length of a bucket in microseconds if all are equally long; otherwise `None`.
    length: Option<i64>,
}

/// The error for a range of times that can't be cut into buckets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BucketsError {
    /// The range has more steps than [`MOST_BUCKETS`].
    #[error(
        "a step of {step} is too fine for times from {first} to {last}: that is more than {MOST_BUCKETS} \
         steps; {possible} is the finest step that fits"
    )]
    TooFine {
        /// The step that was asked for.
        step: Step,
        /// The first time of the range, for example `2019-06-01T00:00:00Z`.
        first: String,
        /// The last time of the range, as text like the first one.
        last: String,
        /// The finest of [`Step::COMMON`] of which the range has at most [`MOST_BUCKETS`].
        possible: Step,
    },
    /// The range of the times is empty, or reaches beyond the years of the calendar.
    #[error("times beyond the years -9976 to 9987 have no place in a calendar")]
    OutOfRange,
}

impl Buckets {
    /// Cuts a range of times into steps. The range has the first and the last time in microseconds
    /// since 1970. Without a `step`, it is cut into the finest of [`Step::COMMON`] of which it has
    /// at most [`MOST_BUCKETS`].
    ///
    /// # Errors
    /// The step is too fine, or the range is empty or reaches beyond the years of the calendar.
    pub fn new(
        range: RangeInclusive<i64>,
        step: Option<Step>,
        zone: &Zone,
    ) -> Result<Self, BucketsError> {
        let (first, last) = range.into_inner();
        if !is_representable(first) || !is_representable(last) || first > last {
            return Err(BucketsError::OutOfRange);
        }
        let cut = |step: Step| Self::cut(first, last, step, zone);
        let common = || Step::COMMON.into_iter().find_map(cut);
        match step {
            None => common().ok_or(BucketsError::OutOfRange),
            Some(step) => cut(step).ok_or_else(|| BucketsError::TooFine {
                step,
                first: instant_text(first),
                last: instant_text(last),
                possible: common().map_or(Step::Year, |buckets| buckets.step),
            }),
        }
    }

    /// Cuts the range from `first` to `last`, both included and in microseconds since 1970, into
    /// steps. Returns `None` if `last` is before `first`, if the range reaches beyond the calendar,
    /// or if there are more than [`MOST_BUCKETS`] steps.
    fn cut(first: i64, last: i64, step: Step, zone: &Zone) -> Option<Self> {
        // This is tested first, since to list the borders of seconds in a century takes long.
        if (last - first) / step.longest() > MOST_BUCKETS as i64 {
            return None;
        }
        let mut borders = borders(first, last, step, zone);
        let begins = borders
            .partition_point(|border| *border <= first)
            .saturating_sub(1);
        borders.drain(..begins);
        let ends = borders.partition_point(|border| *border <= last);
        borders.truncate(ends + 1);
        if borders.len() < 2 || borders.len() > MOST_BUCKETS + 1 {
            return None;
        }
        let lengths = || {
            borders.windows(2).map(|pair| match pair {
                [start, end] => end - start,
                _ => 0,
            })
        };
        let length = lengths()
            .next()
            .filter(|one| lengths().all(|other| other == *one));
        Some(Self {
            step,
            zone: zone.clone(),
            length,
            borders,
        })
    }

    /// The step of the calendar that each bucket is.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The time zone in which days begin.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The number of buckets: 1 to [`MOST_BUCKETS`].
    pub fn count(&self) -> usize {
        self.borders.len().saturating_sub(1)
    }

    /// The span of all buckets.
    pub fn all(&self) -> Span {
        Span::new(0, self.count() as u32)
    }

    /// The instant at which the first bucket begins, in microseconds since 1970.
    pub fn start(&self) -> i64 {
        self.borders.first().copied().unwrap_or_default()
    }

    /// The instant at which the last bucket ends, in microseconds since 1970.
    pub fn end(&self) -> i64 {
        self.borders.last().copied().unwrap_or_default()
    }

    /// The instant, in microseconds since 1970, at which the bucket with the number `bucket`,
    /// counted from 0, begins. If `bucket` is greater than the number of the last bucket, it is the
    /// instant at which the last bucket ends.
    pub fn border(&self, bucket: u32) -> i64 {
        let border = self.borders.get(bucket as usize);
        border.copied().unwrap_or_else(|| self.end())
    }

    /// The number, counted from 0, of the bucket in which an instant lies; `None` if it lies in
    /// none. The instant is in microseconds since 1970.
    #[inline]
    pub fn find(&self, micros: i64) -> Option<u16> {
        if micros < self.start() || micros >= self.end() {
            return None;
        }
        let bucket = match self.length {
            Some(length) => (micros - self.start()) / length,
            None => self.borders.partition_point(|border| *border <= micros) as i64 - 1,
        };
        u16::try_from(bucket).ok()
    }

    /// The buckets that overlap a range of instants: from `start` to just before `end`, both in
    /// microseconds since 1970.
    pub(crate) fn touched(&self, start: i64, end: i64) -> Span {
        if start >= end || end <= self.start() || start >= self.end() {
            return Span::default();
        }
        let first = self.find(start.max(self.start())).map_or(0, u32::from);
        let last = self.find((end - 1).min(self.end() - 1));
        Span::new(first, last.map_or(first, u32::from) + 1)
    }

    /// The memory that the borders take, in bytes.
    pub fn bytes(&self) -> usize {
        self.borders.capacity() * size_of::<i64>()
    }
}

/// Instants at which steps begin, in order. They contain at least the last one that isn't after
/// `first`, the first one after `last`, and all between these. All are in microseconds since 1970.
fn borders(first: i64, last: i64, step: Step, zone: &Zone) -> Vec<i64> {
    let first_day = zone.at(first).date();
    match step {
        Step::Seconds(seconds) => {
            let length = i64::from(seconds) * SECOND;
            let mut borders = Vec::new();
            let mut day = first_day;
            let mut start = zone.start_of(day);
            while start <= last {
                day = day.saturating_add(1.day());
                let end = zone.start_of(day).max(start + SECOND);
                // Of the first day nothing before `first` is needed, and of the last nothing after
                // `last`.
                let skipped = ((first - start) / length).max(0);
                let from = start + skipped * length;
                let steps = (from..end).step_by(length as usize);
                borders.extend(steps.take_while(|border| *border - length <= last));
                start = end;
            }
            borders.push(start);
            borders
        }
        Step::Day => list(first_day, last, zone, |day| day.saturating_add(1.day())),
        Step::Week => {
            let monday = i64::from(first_day.weekday().to_monday_zero_offset());
            let first = first_day.saturating_sub(monday.days());
            list(first, last, zone, |day| day.saturating_add(1.week()))
        }
        Step::Month => list(first_day.first_of_month(), last, zone, |day| {
            day.saturating_add(1.month())
        }),
        Step::Year => {
            let first = date(first_day.year(), 1, 1);
            list(first, last, zone, |day| day.saturating_add(1.year()))
        }
    }
}

/// The instants, in microseconds since 1970, at which some days begin: the beginning of `day`, then
/// of `next(day)` and so on, up to the first one after the instant `last`.
fn list(mut day: Date, last: i64, zone: &Zone, next: impl Fn(Date) -> Date) -> Vec<i64> {
    let mut borders = vec![zone.start_of(day)];
    while borders.last().is_some_and(|border| *border <= last) {
        day = next(day);
        borders.push(zone.start_of(day));
    }
    borders
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    }

    fn cut(first: &str, last: &str, step: &str, zone: &str) -> Result<Buckets, BucketsError> {
        let step = (!step.is_empty()).then(|| step.parse().unwrap());
        Buckets::new(at(first)..=at(last), step, &zone.parse().unwrap())
    }

    fn shown(buckets: &Buckets) -> Vec<String> {
        let borders = 0..=buckets.count() as u32;
        borders
            .map(|border| instant_text(buckets.border(border)))
            .collect()
    }

    #[test]
    fn the_finest_step_that_fits_is_chosen() {
        for (first, last, step, count) in [
            (
                "2019-01-01T00:00:00Z",
                "2023-12-31T23:59:59Z",
                "PT1H",
                43_824,
            ),
            (
                "2019-01-01T00:00:00Z",
                "2019-02-14T23:59:59Z",
                "PT1M",
                64_800,
            ),
            (
                "2019-01-01T00:00:00Z",
                "2019-01-01T17:59:59Z",
                "PT1S",
                64_800,
            ),
            (
                "1850-01-01T00:00:00Z",
                "2019-12-31T23:59:59Z",
                "P1D",
                62_091,
            ),
            (
                "-000400-01-01T00:00:00Z",
                "2019-12-31T23:59:59Z",
                "P1M",
                29_040,
            ),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "PT1S", 1),
        ] {
            let buckets = cut(first, last, "", "UTC").unwrap();
            assert_eq!(
                (&*buckets.step().to_string(), buckets.count()),
                (step, count)
            );
        }
    }

    #[test]
    fn too_fine_a_step_is_refused_with_step_and_range() {
        let error = cut(
            "2019-01-01T00:00:00Z",
            "2023-12-31T23:59:59Z",
            "1min",
            "UTC",
        );
        let error = error.unwrap_err().to_string();
        for part in [
            "PT1M",
            "2019-01-01T00:00:00Z",
            "2023-12-31T23:59:59Z",
            "65536",
            "PT1H",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        // 65,536 buckets fit, and one more doesn't.
        let last = |seconds: i64| instant_text(seconds * SECOND);
        let most = cut("1970-01-01T00:00:00Z", &last(65_535), "1s", "UTC").unwrap();
        assert_eq!(
            (most.count(), most.find(65_535 * SECOND)),
            (65_536, Some(65_535))
        );
        assert_eq!(most.find(65_536 * SECOND), None);
        assert!(cut("1970-01-01T00:00:00Z", &last(65_536), "1s", "UTC").is_err());
    }

    #[test]
    fn days_of_a_zone_have_its_lengths() {
        let days = cut(
            "2019-03-30T12:00:00Z",
            "2019-04-01T12:00:00Z",
            "1d",
            "Europe/Berlin",
        );
        let expected = [
            "2019-03-29T23",
            "2019-03-30T23",
            "2019-03-31T22",
            "2019-04-01T22",
        ];
        assert_eq!(
            shown(&days.unwrap()),
            expected.map(|hour| format!("{hour}:00:00Z"))
        );
        // The day has 23 hours, so its last quarter has five.
        let quarters = cut(
            "2019-03-30T23:00:00Z",
            "2019-03-31T21:59:59Z",
            "6h",
            "Europe/Berlin",
        );
        let expected = ["30T23", "31T05", "31T11", "31T17", "31T22"];
        assert_eq!(
            shown(&quarters.unwrap()),
            expected.map(|hour| format!("2019-03-{hour}:00:00Z"))
        );
        let hours = cut(
            "2019-10-26T22:00:00Z",
            "2019-10-27T22:59:59Z",
            "1h",
            "Europe/Berlin",
        );
        assert_eq!(hours.unwrap().count(), 25);
    }

    #[test]
    fn weeks_months_and_years_are_the_calendars() {
        let borders = |step: &str| {
            shown(&cut("2020-02-27T10:00:00Z", "2020-03-02T10:00:00Z", step, "UTC").unwrap())
        };
        let days = |days: &[&str]| -> Vec<String> {
            days.iter().map(|day| format!("{day}T00:00:00Z")).collect()
        };
        assert_eq!(
            borders("1w"),
            days(&["2020-02-24", "2020-03-02", "2020-03-09"])
        );
        assert_eq!(
            borders("1mo"),
            days(&["2020-02-01", "2020-03-01", "2020-04-01"])
        );
        assert_eq!(borders("1y"), days(&["2020-01-01", "2021-01-01"]));
        // A leap day.
        assert_eq!(borders("1d").len(), 6);
    }

    proptest! {
        #[test]
        fn each_time_lies_in_one_bucket(
            first in -3_000_000_000i64..4_000_000_000,
            seconds in 0i64..400_000_000,
            step in prop::sample::select(Step::COMMON.to_vec()),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "+05:45"]),
            places in prop::collection::vec(0.0..=1.0, 1..20),
        ) {
            let zone: Zone = zone.parse().unwrap();
            let (first, last) = (first * SECOND, (first + seconds) * SECOND);
            if let Ok(buckets) = Buckets::new(first..=last, Some(step), &zone) {
                prop_assert!(buckets.start() <= first && buckets.end() > last);
                prop_assert!(buckets.border(1) > first && buckets.border(buckets.count() as u32 - 1) <= last);
                for place in places {
                    let time = first + ((last - first) as f64 * place) as i64;
                    let bucket = u32::from(buckets.find(time).unwrap());
                    prop_assert!(buckets.border(bucket) <= time && time < buckets.border(bucket + 1));
                }
                prop_assert_eq!(buckets.find(buckets.start() - 1), None);
                prop_assert_eq!(buckets.find(buckets.end()), None);
                let lengths = buckets.borders.windows(2).map(|pair| pair[1] - pair[0]);
                prop_assert!(lengths.clone().all(|length| length > 0));
            }
        }
    }
}
