//! Durations of ISO 8601, for example `P1Y2M`, `P7D` or `PT12H`.

use crate::zone::Zone;
use jiff::{Span, ToSpan};

/// The largest number in a duration. It is a choice, beyond the years of the calendar.
const LARGEST: i64 = 99_999_999;

/// A duration that is longer than nothing. Years, months, weeks and days are counted by the
/// calendar, so a day may have 23 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duration {
    years: i64,
    months: i64,
    days: i64,
    seconds: i64,
}

impl Duration {
    /// Parses a duration; `None` if the text is no duration of ISO 8601, or if the duration is
    /// zero.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let (date, clock) = match upper.strip_prefix('P')?.split_once('T') {
            Some((_, "")) => return None,
            Some(both) => both,
            None => (upper.strip_prefix('P')?, ""),
        };
        let mut found = Self {
            years: 0,
            months: 0,
            days: 0,
            seconds: 0,
        };
        let [years, months, weeks, days] = numbers(date, ['Y', 'M', 'W', 'D'])?;
        let [hours, minutes, seconds] = numbers(clock, ['H', 'M', 'S'])?;
        found.years = years;
        found.months = months;
        found.days = 7 * weeks + days;
        found.seconds = (hours * 60 + minutes) * 60 + seconds;
        let is_some = (found.years, found.months, found.days, found.seconds) != (0, 0, 0, 0);
        is_some.then_some(found)
    }

    fn spans(self) -> Option<[Span; 2]> {
        let date = Span::new().try_years(self.years).ok()?;
        let date = date
            .try_months(self.months)
            .ok()?
            .try_days(self.days)
            .ok()?;
        Some([date, 0.seconds().try_seconds(self.seconds).ok()?])
    }

    /// The instant that is later than `micros` by this duration. Both are in microseconds since
    /// 1970.
    pub(super) fn after(self, micros: i64, zone: &Zone) -> i64 {
        let spans = self.spans();
        let end = spans.and_then(|[date, clock]| {
            let at = zone.at(micros).checked_add(date).ok()?;
            at.checked_add(clock).ok()
        });
        end.map_or(i64::MAX, |at| at.timestamp().as_microsecond())
    }

    /// The instant that is earlier than `micros` by this duration. Both are in microseconds since
    /// 1970.
    pub(super) fn before(self, micros: i64, zone: &Zone) -> i64 {
        let spans = self.spans();
        let start = spans.and_then(|[date, clock]| {
            let at = zone.at(micros).checked_sub(date).ok()?;
            at.checked_sub(clock).ok()
        });
        start.map_or(i64::MIN, |at| at.timestamp().as_microsecond())
    }
}

/// Reads whole numbers, each followed by one of `units`, in the order of `units`. The number of a
/// unit that the text doesn't have is 0. Returns `None` for any other text.
fn numbers<const N: usize>(mut text: &str, units: [char; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    for (slot, unit) in found.iter_mut().zip(units) {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at_checked(digits)?;
        if let Some(rest) = rest.strip_prefix(unit) {
            *slot = number.parse().ok().filter(|number| *number <= LARGEST)?;
            text = rest;
        }
    }
    text.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_by_the_calendar() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        for (start, length, end) in [
            ("2019-01-31T00:00:00Z", "P1M", "2019-02-28T00:00:00Z"),
            ("2020-02-29T00:00:00Z", "P1Y", "2021-02-28T00:00:00Z"),
            ("2020-02-28T00:00:00Z", "P1D", "2020-02-29T00:00:00Z"),
            ("1969-12-31T23:00:00Z", "PT2H", "1970-01-01T01:00:00Z"),
            (
                "2019-06-01T00:00:00Z",
                "P1Y2M1W3DT4H5M6S",
                "2020-08-11T04:05:06Z",
            ),
        ] {
            let length = Duration::parse(length).unwrap();
            assert_eq!(length.after(at(start), &Zone::UTC), at(end), "{length:?}");
        }
        // The day on which clocks go forward.
        let day = Duration::parse("p1d").unwrap();
        let start = at("2019-03-30T23:00:00Z");
        assert_eq!(day.after(start, &berlin), at("2019-03-31T22:00:00Z"));
        assert_eq!(day.before(at("2019-03-31T22:00:00Z"), &berlin), start);
        let forever = Duration::parse("P99999999Y").unwrap();
        assert_eq!(
            (forever.after(0, &berlin), forever.before(0, &berlin)),
            (i64::MAX, i64::MIN)
        );
    }

    #[test]
    fn what_is_no_duration() {
        for text in [
            "",
            "P",
            "PT",
            "P0D",
            "P1",
            "P1H",
            "PT1D",
            "P1DT",
            "P-1D",
            "-P1D",
            "P1.5D",
            "P1D2W",
            "P1Y1Y",
            "P999999999D",
        ] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }
}
