//! Instants: microseconds since 1970 in UTC, and their texts.

use jiff::Timestamp;
use std::ops::RangeInclusive;

/// The number of microseconds in a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// The number of microseconds in a day of 24 hours.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// The instants, in microseconds since 1970, with which the calendar counts: about the years −9976
/// to 9987, a choice. The calendar's own years end some years later, so steps and zones never lead
/// out of them.
const REPRESENTABLE: RangeInclusive<i64> = -377_000_000_000 * SECOND..=253_000_000_000 * SECOND;

/// Returns true if an instant, in microseconds since 1970, lies in the years with which the
/// calendar counts: about −9976 to 9987.
pub fn is_representable(micros: i64) -> bool {
    REPRESENTABLE.contains(&micros)
}

/// The instant itself, or the nearest one with which the calendar counts. It is given in
/// microseconds since 1970.
pub(crate) fn timestamp(micros: i64) -> Timestamp {
    let micros = micros.clamp(*REPRESENTABLE.start(), *REPRESENTABLE.end());
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// An instant, given in microseconds since 1970, as text, for example `2019-06-01T00:00:00Z`.
pub fn instant_text(micros: i64) -> String {
    timestamp(micros).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_iso_8601_does() {
        assert_eq!(instant_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant_text(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(instant_text(1_546_300_800 * SECOND), "2019-01-01T00:00:00Z");
        assert!(is_representable(0) && !is_representable(i64::MIN) && !is_representable(i64::MAX));
        let ends = [*REPRESENTABLE.start(), *REPRESENTABLE.end()].map(instant_text);
        assert_eq!(ends, ["-009977-05-07T01:46:40Z", "9987-04-02T17:46:40Z"]);
    }
}
