//! Points by their times: windows against a test of each point.
#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use heatsplat_points::{Point, PointSink, Points, PointsBuilder, TileId, Window};
use heatsplat_time::{EXACT_BELOW, LengthClass, Span, Step, Timeline, Zone};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000;

/// An index of points, and the times of its points in its order.
fn indexed(points: &[(Point, Option<i64>)]) -> (Points, Vec<Option<i64>>) {
    let mut builder = PointsBuilder::new();
    points.iter().for_each(|(point, _)| builder.push(&[*point]));
    let (index, order) = builder.build_with_order().unwrap();
    let times = order.iter().map(|row| points[*row as usize].1).collect();
    (index, times)
}

fn timeline(index: &Points, times: &[Option<i64>], step: Option<Step>, zone: &Zone) -> Timeline {
    Timeline::new("t", index, |row| times[row], step, zone).unwrap()
}

/// Points and cells of an index, as bytes.
fn bytes(points: &Points) -> Vec<u8> {
    let mut all = Vec::new();
    points.stream_into(&mut all);
    bytemuck_bytes(&all)
}

fn bytemuck_bytes(points: &[Point]) -> Vec<u8> {
    let each = |p: &Point| {
        [
            p.x.to_le_bytes(),
            p.y.to_le_bytes(),
            p.weight.to_bits().to_le_bytes(),
        ]
    };
    points.iter().flat_map(each).flatten().collect()
}

/// The index that is made of the points of a window alone, as a loader with a filter makes it.
fn loaded(points: &[(Point, Option<i64>)], within: std::ops::Range<i64>) -> Points {
    let inside = points
        .iter()
        .filter(|(_, time)| time.is_some_and(|time| within.contains(&time)));
    Points::from_slice(&inside.map(|(point, _)| *point).collect::<Vec<_>>())
}

/// Points in some crowds, of which half may have no time.
fn crowded(seed: u64, count: usize, seconds: i64, missing: u64) -> Vec<(Point, Option<i64>)> {
    let mut state = seed | 1;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut point = || {
        let crowd = random() % 7;
        let near = |of: u64, random: u64| {
            (of as u32)
                .wrapping_mul(600_000_001)
                .wrapping_add(random as u32 >> 12)
        };
        let (x, y) = (near(crowd, random()), near(crowd + 3, random()));
        let weight = (random() % 5) as f32 - 1.0;
        let time = (random() % 100 >= missing)
            .then(|| (random() as i64 % seconds.max(1)) * SECOND - 1000 * SECOND);
        (Point { x, y, weight }, time)
    };
    (0..count).map(|_| point()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Each window has the points and the cells of an index that is loaded with a filter for it, to
    /// the bit.
    #[test]
    fn windows_equal_what_a_filter_loads(
        seed: u64,
        count in 1usize..6000,
        seconds in prop::sample::select(vec![1i64, 2, 1000, 65_536, 3_000_000, 200_000_000]),
        missing in prop::sample::select(vec![0u64, 50, 99]),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "+05:45"]),
        ends in prop::collection::vec((0.0..1.0, 0.0..1.0), 1..5),
    ) {
        let mut points = crowded(seed, count, seconds, missing);
        // At least one point has a time.
        points[0].1.get_or_insert(-1);
        let (index, times) = indexed(&points);
        let line = timeline(&index, &times, None, &zone.parse().unwrap());
        let buckets = line.buckets();
        let some = times.iter().flatten().count();
        prop_assert_eq!(line.count(buckets.all()), some);
        prop_assert_eq!(line.without(), count - some);
        for (a, b) in ends.into_iter().chain([(0.0, 1.0)]) {
            let border = |share: f64| (share * buckets.count() as f64).round() as u32;
            let span = Span::new(border(a).min(border(b)), border(a).max(border(b)));
            let expected = loaded(&points, buckets.border(span.first())..buckets.border(span.end()));
            let found = line.select(&index, span);
            prop_assert_eq!(found.summary().count, line.count(span));
            prop_assert_eq!(found.summary().count, (0..count).filter(|row| line.holds(*row, span)).count());
            prop_assert!(bytes(&found) == bytes(&expected));
            let window = Window::tile(TileId::WORLD, 256);
            prop_assert_eq!(found.cells(&window, 1.0).len(), expected.cells(&window, 1.0).len());
        }
    }
}

/// Windows of more points are found by another way, and those of chunks and parts of chunks by
/// theirs: all give one result.
#[test]
fn large_windows_and_small_ones_have_the_points_of_a_filter() {
    let points = crowded(7, 450_000, 40_000_000, 10);
    let (index, times) = indexed(&points);
    let line = timeline(&index, &times, None, &Zone::UTC);
    let count = line.buckets().count() as u32;
    let mut sizes = Vec::new();
    for (first, end) in [
        (0, count),
        (0, count / 2),
        (count / 3, count / 2),
        (5, 6),
        (count / 7, count / 3),
        (9, 9),
    ] {
        let span = Span::new(first, end);
        let found = line.select(&index, span);
        let expected = loaded(
            &points,
            line.buckets().border(first)..line.buckets().border(end),
        );
        assert!(bytes(&found) == bytes(&expected), "{first}/{end}");
        sizes.push(found.summary().count);
    }
    assert!(
        sizes[0] > EXACT_BELOW && (1..EXACT_BELOW).contains(&sizes[2]),
        "{sizes:?}"
    );
    assert_eq!(sizes[5], 0);
}

#[test]
fn times_that_are_all_equal_are_one_bucket() {
    let points: Vec<_> = crowded(3, 1000, 1, 0);
    let (index, times) = indexed(&points);
    let line = timeline(&index, &times, None, &Zone::UTC);
    assert_eq!(
        (line.buckets().count(), line.count(line.buckets().all())),
        (1, 1000)
    );
    assert!(bytes(&line.select(&index, line.buckets().all())) == bytes(&index));
    let mut others = times.clone();
    others[500] = Some(times[500].unwrap() + SECOND);
    let other = timeline(&index, &others, None, &Zone::UTC);
    assert_ne!(line.fingerprint(), other.fingerprint());
    let sum: f64 = points
        .iter()
        .map(|(point, _)| f64::from(point.weight))
        .sum();
    assert_eq!(line.sum(line.buckets().all()), sum);
}

#[test]
fn sixty_five_thousand_buckets_and_their_last_one() {
    let at = |i: u32| Point {
        x: i.wrapping_mul(2_654_435_761),
        y: i,
        weight: 1.0,
    };
    let points: Vec<_> = (0..65_536)
        .map(|i| (at(i), Some(i64::from(i) * SECOND)))
        .collect();
    let (index, times) = indexed(&points);
    let line = timeline(&index, &times, Some(Step::Seconds(1)), &Zone::UTC);
    assert_eq!(line.buckets().count(), 65_536);
    let last = line.select(&index, Span::new(65_535, 65_536));
    assert_eq!(last.as_slice().unwrap(), [at(65_535)]);
    assert_eq!(line.count(Span::new(65_000, 65_536)), 536);
}

#[test]
fn without_times_there_is_no_timeline() {
    let (index, _) = indexed(&crowded(3, 10, 1, 0));
    let error = Timeline::new("seen", &index, |_| None, None, &Zone::UTC).unwrap_err();
    assert!(error.to_string().contains("\"seen\""));
    // A time beyond the calendar is none.
    assert!(Timeline::new("seen", &index, |_| Some(i64::MAX), None, &Zone::UTC).is_err());
}

/// The positions at which a scale is measured depend on the times alone, and have at most as many
/// points as there are.
#[test]
fn positions_of_windows_are_some_and_the_fullest_is_among_them() {
    let points = crowded(11, 30_000, 60_000_000, 5);
    let (index, times) = indexed(&points);
    let line = timeline(&index, &times, None, &Zone::UTC);
    for days in [1, 7, 30, 400, 100_000] {
        let class = LengthClass::new(days * 86_400 * SECOND);
        let positions = line.positions(class);
        let all: usize = positions.iter().map(|span| line.count(*span)).sum();
        assert!((1..=12).contains(&positions.len()), "{days}");
        assert!(all <= line.count(line.buckets().all()), "{days}");
        assert!(positions.is_sorted_by_key(|span| span.first()), "{days}");
        let count = line.buckets().count() as u32;
        let fullest = positions.iter().map(|span| line.count(*span)).max();
        let length = positions[0].len() as u32;
        if length < count {
            let others =
                (0..count - length).map(|first| line.count(Span::new(first, first + length)));
            assert!(
                fullest.unwrap() * 101 / 100 >= others.max().unwrap(),
                "{days}"
            );
            assert!(positions.len() > 1, "{days}");
        }
        assert_eq!(positions, line.positions(class));
    }
}
