//! The tables of `docs/time.md`, row by row.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what is not there fails the test"
)]

use heatsplat_time::{Buckets, TimeQuery, TimeWindow, Zone, instant_text};
use proptest::prelude::*;
use std::ops::RangeInclusive;

const PAGE: &str = include_str!("../../../docs/time.md");

/// The first second of 2019 and the last one of 2023.
const FIVE_YEARS: RangeInclusive<i64> = 1_546_300_800_000_000..=1_704_067_199_000_000;

fn hours() -> Buckets {
    Buckets::new(FIVE_YEARS, None, &Zone::UTC).unwrap()
}

/// The rows of the table whose first column has this title.
fn table(title: &str) -> Vec<(&'static str, &'static str)> {
    let begins = PAGE.find(&format!("| {title} |")).unwrap();
    let rows = PAGE[begins..].lines().skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = |line: &'static str| {
        let (query, drawn) = line.trim_matches('|').split_once('|').unwrap();
        (query.trim().trim_matches('`'), drawn.trim())
    };
    rows.map(cells).collect()
}

/// An instant of the second column, in full.
fn full(text: &str) -> String {
    match text.split_once('T') {
        Some((day, hour)) => format!("{day}T{hour}:00:00Z"),
        None => format!("{text}T00:00:00Z"),
    }
}

fn check(query: &str, drawn: &str, window: Result<TimeWindow, String>) {
    match (drawn.strip_prefix("error: "), window) {
        (Some(why), Err(error)) => assert!(error.contains(why), "{query}: {error}"),
        (None, Ok(window)) if drawn == "nothing" => assert!(window.span().is_empty(), "{query}"),
        (None, Ok(window)) => {
            let (start, end) = drawn.split_once(" / ").unwrap();
            let expected = format!("{}/{}", full(start), full(end));
            assert_eq!(window.to_string(), expected, "{query}");
            assert!(!window.span().is_empty(), "{query}");
        }
        (_, window) => panic!("{query}: expected {drawn}, and it is {window:?}"),
    }
}

#[test]
fn windows_are_those_of_the_page() {
    let rows = table("window");
    assert!(rows.len() >= 40, "{}", rows.len());
    for (query, drawn) in rows {
        let parsed = query
            .parse()
            .map_err(|e: heatsplat_time::TimeQueryError| e.to_string());
        let window = |query: TimeQuery| query.resolve(&hours()).map_err(|e| e.to_string());
        check(query, drawn, parsed.and_then(window));
    }
}

#[test]
fn closed_windows_are_those_of_the_page() {
    for (query, drawn) in table("datetime") {
        let closed = query.parse::<TimeQuery>().unwrap().closed();
        check(
            query,
            drawn,
            closed.resolve(&hours()).map_err(|e| e.to_string()),
        );
    }
}

#[test]
fn dates_are_those_of_the_zone() {
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    let days = Buckets::new(FIVE_YEARS, Some("1d".parse().unwrap()), &zone).unwrap();
    for (query, start, end) in [
        ("2019-03-31", "2019-03-30T23:00:00Z", "2019-03-31T22:00:00Z"),
        ("2019-07", "2019-06-30T22:00:00Z", "2019-07-31T22:00:00Z"),
        (
            "2019-03-31/P1D",
            "2019-03-30T23:00:00Z",
            "2019-03-31T22:00:00Z",
        ),
        (
            "2019-03-31T10:00Z/2019-04-01T10:00Z",
            "2019-03-30T23:00:00Z",
            "2019-04-01T22:00:00Z",
        ),
        (
            "2019-10-27T02:30/P1D",
            "2019-10-26T22:00:00Z",
            "2019-10-28T23:00:00Z",
        ),
    ] {
        let window = query.parse::<TimeQuery>().unwrap().resolve(&days).unwrap();
        assert_eq!(window.to_string(), format!("{start}/{end}"), "{query}");
    }
    // A day of 23 hours isn't shorter than its own bucket, and 23 hours of another day are.
    let short = "2019-06-01T00:00/PT23H".parse::<TimeQuery>().unwrap();
    assert!(
        short
            .resolve(&days)
            .unwrap_err()
            .to_string()
            .contains("P1D")
    );
}

#[test]
fn instants_before_1970_and_one_bucket() {
    let one = Buckets::new(-1..=-1, None, &Zone::UTC).unwrap();
    let window = |query: &str| query.parse::<TimeQuery>().unwrap().resolve(&one).unwrap();
    assert_eq!(one.count(), 1);
    assert_eq!(window("latest").times(), window("1969").times());
    // What was asked for is longer than what there is: the scale is that of years.
    assert!(window("1969").length() > 364 * 86_400_000_000);
    assert_eq!(
        window("1969-12-31T23:59:59Z").to_string(),
        "1969-12-31T23:59:59Z/1970-01-01T00:00:00Z"
    );
    assert!(window("1970").span().is_empty());
}

proptest! {
    #[test]
    fn no_text_does_harm(text: String, near in "[0-9PTWYMDHSZ:./+ -]{0,30}") {
        for text in [text, near] {
            if let Ok(query) = text.parse::<TimeQuery>() {
                let _ = (query.resolve(&hours()), query.closed().resolve(&hours()));
            }
        }
    }

    /// Both ends are moved outwards to the nearest borders, and the window that is named by its own
    /// text is the same.
    #[test]
    fn windows_hold_what_was_asked_for(start in FIVE_YEARS, seconds in 3600i64..100_000_000) {
        let buckets = hours();
        let (start, end) = (start / 1_000_000 * 1_000_000, start / 1_000_000 * 1_000_000 + seconds * 1_000_000);
        let text = format!("{}/{}", instant_text(start), instant_text(end));
        let window = text.parse::<TimeQuery>().unwrap().resolve(&buckets).unwrap();
        let times = window.times();
        let hour = 3_600_000_000;
        prop_assert!(times.start <= start && start - times.start < hour);
        prop_assert!(times.end >= end.min(buckets.end()) && times.end - end < hour);
        let again: TimeQuery = window.to_string().parse().unwrap();
        prop_assert_eq!(again.resolve(&buckets).unwrap().times(), window.times());
    }
}
