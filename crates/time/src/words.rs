//! The texts by which web map services (WMS) state the times of a layer.

use crate::buckets::Buckets;
use crate::instant::instant_text;
use crate::window::TimeWindow;
use crate::zone::Zone;

/// The dimension `time` of a layer, as the capabilities of WMS 1.3.0 and 1.1.1 (annexes C and D)
/// state it: two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeWords {
    /// The default time, which a request that names no time gets: all times, as `start/end`.
    pub default: String,
    /// The windows of time that can be requested: `start/end/step`, or the instants at which they
    /// begin, separated by commas.
    pub extent: String,
}

/// The greatest number of buckets whose beginnings are listed one by one: a choice. So long a list
/// has some 90 KiB.
const MOST_LISTED: usize = 4096;

impl Buckets {
    /// The texts by which web map services state these buckets.
    ///
    /// A program that reads `start/end/step` adds the step to an instant in UTC. So the step is
    /// stated only if this leads from each bucket to the next. Otherwise, for example for days of a
    /// zone whose clocks change, the beginnings of the buckets are listed. If these are too many,
    /// the stated step is a second: then every instant is legal, and stands for the bucket in which
    /// it lies.
    pub fn words(&self) -> TimeWords {
        let default = TimeWindow::from_span(self.all(), self).to_string();
        let extent = if self.is_regular() {
            format!("{default}/{}", self.step())
        } else if self.count() <= MOST_LISTED {
            let starts = (0..self.count() as u32).map(|bucket| instant_text(self.border(bucket)));
            starts.collect::<Vec<String>>().join(",")
        } else {
            format!("{default}/PT1S")
        };
        TimeWords { default, extent }
    }

    /// Returns true if adding the step in UTC leads from the beginning of each bucket to that of
    /// the next.
    fn is_regular(&self) -> bool {
        let borders = |bucket: u32| self.border(bucket + 1) - self.border(bucket);
        let mut lengths = (0..self.count() as u32).map(borders);
        let first = lengths.next();
        *self.zone() == Zone::UTC || lengths.all(|length| Some(length) == first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Step, TimeQuery};

    fn buckets(first: &str, last: &str, step: &str, zone: &str) -> Buckets {
        let micros = |text: &str| {
            let at: jiff::Timestamp = text.parse().unwrap();
            at.as_microsecond()
        };
        let step: Step = step.parse().unwrap();
        let zone: Zone = zone.parse().unwrap();
        Buckets::new(micros(first)..=micros(last), Some(step), &zone).unwrap()
    }

    #[test]
    fn every_listed_instant_means_its_own_bucket() {
        let berlin = buckets(
            "2019-10-25T12:00:00Z",
            "2019-10-30T12:00:00Z",
            "1d",
            "Europe/Berlin",
        );
        let words = berlin.words();
        let listed: Vec<&str> = words.extent.split(',').collect();
        assert_eq!(listed.len(), berlin.count());
        assert_eq!(
            listed[1..4],
            [
                "2019-10-25T22:00:00Z",
                "2019-10-26T22:00:00Z",
                "2019-10-27T23:00:00Z",
            ]
        );
        for (number, text) in listed.iter().enumerate() {
            let query: TimeQuery = text.parse().unwrap();
            let span = query.resolve(&berlin).unwrap().span();
            assert_eq!((span.first(), span.len()), (number as u32, 1), "{text}");
        }
    }

    #[test]
    fn regular_steps_are_stated() {
        for (step, zone, shown) in [
            ("1d", "UTC", "/P1D"),
            ("1mo", "UTC", "/P1M"),
            ("1d", "+02:00", "/P1D"),
            ("1h", "Europe/Berlin", "/PT1H"),
        ] {
            let all = buckets("2019-01-05T12:00:00Z", "2019-12-30T12:00:00Z", step, zone);
            assert!(all.words().extent.ends_with(shown), "{step} {zone}");
        }
        let long = buckets(
            "1990-01-05T12:00:00Z",
            "2019-12-30T12:00:00Z",
            "1d",
            "Europe/Berlin",
        );
        assert!(long.words().extent.ends_with("Z/PT1S"));
    }
}
