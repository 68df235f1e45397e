//! Searches in projections, against all points projected one by one.

use super::{ProjectedIndex, Projection};
use crate::mercator::{self, WORLD};
use crate::paged::{POINTS_LEVEL, PagedIndex};
use crate::{Point, Points, Window};
use proptest::prelude::*;
use std::sync::Arc;

/// The stereographic projection of a sphere from the south pole, around the north pole: a disc of
/// all of the north, in which each meridian is a straight line.
#[derive(Debug)]
struct Polar;

impl Projection for Polar {
    fn place(&self, lon: f64, lat: f64) -> Option<[f64; 2]> {
        let distance = (45.0 - lat / 2.0).to_radians().tan();
        let (sin, cos) = lon.to_radians().sin_cos();
        // The equator is a circle that fills the square's inner half.
        let of = |share: f64| WORLD * (0.5 + share / 4.0);
        (lat > -80.0).then(|| [of(distance * sin), of(distance * cos)])
    }

    fn name(&self) -> &str {
        "polar"
    }
}

/// The projected points, one by one: those that lie in the square.
fn projected(points: &Points) -> Vec<Point> {
    let all = points.as_slice().unwrap().iter();
    all.filter_map(|p| {
        let lon = mercator::longitude(f64::from(p.x));
        let lat = mercator::latitude(f64::from(p.y));
        let [x, y] = Polar.place(lon, lat)?;
        let inside = |c: f64| (0.0..WORLD).contains(&c);
        (inside(x) && inside(y)).then_some(Point {
            x: x as u32,
            y: y as u32,
            weight: p.weight,
        })
    })
    .collect()
}

fn in_window(p: &Point, window: &Window) -> bool {
    let (x, y) = (f64::from(p.x), f64::from(p.y));
    x >= window.left() && x < window.right() && y >= window.top() && y < window.bottom()
}

/// Points anywhere, in a crowd near the pole, and in one at ±180°.
fn scattered() -> impl Strategy<Value = Vec<Point>> {
    let anywhere = (any::<u32>(), any::<u32>());
    let polar = (any::<u32>(), 0u32..1 << 26);
    let seam =
        (0u32..1 << 20, 0u32..1 << 20).prop_map(|(x, y)| (x.wrapping_sub(1 << 19), y + (1 << 30)));
    let at = prop_oneof![anywhere, polar, seam];
    let point = (at, 1u32..9).prop_map(|((x, y), weight)| Point {
        x,
        y,
        weight: weight as f32,
    });
    prop::collection::vec(point, 0..2000)
}

fn index(points: &[Point]) -> (ProjectedIndex, Arc<Points>) {
    let base = Arc::new(Points::from_slice(points));
    (
        ProjectedIndex::new(Arc::clone(&base), Arc::new(Polar)),
        base,
    )
}

/// A window of 256 pixels, some of them beyond the square's edges.
fn window() -> impl Strategy<Value = Window> {
    (0u8..20, -1.0..1.0, -1.0..1.0).prop_map(|(zoom, x, y): (u8, f64, f64)| {
        // Most windows lie near the pole, in the middle of the square.
        let side = f64::from(1u32 << zoom);
        let at = |v: f64| ((v.powi(3) / 2.0 + 0.5) * side * 256.0) as i64 - 128;
        Window::at_level(zoom + 8, at(x), at(y), 256, 256)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn points_are_found_where_they_are_projected(points in scattered(), window in window()) {
        let (index, base) = index(&points);
        let found = index.search(POINTS_LEVEL, &window).unwrap();
        let mut left: Vec<_> = found.entries.clone();
        // Both coordinates are rounded down, so equal places may be a unit apart in each.
        let error = window.pixel() / 1024.0 + 1.5;
        for wanted in projected(&base).into_iter().filter(|p| in_window(p, &window)) {
            let distance = |p: &Point| {
                (f64::from(p.x) - f64::from(wanted.x)).hypot(f64::from(p.y) - f64::from(wanted.y))
            };
            // Several entries may lie near enough; each belongs to the point that is nearest to it.
            let alike = left.iter().enumerate().filter(|(_, p)| p.weight == wanted.weight);
            let nearest = alike
                .map(|(at, p)| (at, distance(p)))
                .min_by(|(_, a), (_, b)| a.total_cmp(b));
            let at = nearest.filter(|(_, distance)| *distance <= error).map(|(at, _)| at);
            prop_assert!(at.is_some(), "{wanted:?} is missing: {nearest:?}, allowed {error}");
            left.swap_remove(at.unwrap_or_default());
        }
        // What is left lies outside of the window or the square, or so near to an edge that
        // rounding decides.
        let inner = Window::new(
            window.left() + error,
            window.top() + error,
            (window.pixel() * 256.0 - 2.0 * error).max(0.0),
            1,
            1,
        );
        let in_square = |p: &&Point| {
            [p.x, p.y]
                .map(f64::from)
                .iter()
                .all(|c| (error..WORLD - error).contains(c))
        };
        let mut clear = left.iter().filter(in_square);
        prop_assert!(!clear.any(|p| in_window(p, &inner)), "{left:?}");
    }

    #[test]
    fn windows_that_overlap_see_the_same_cells_in_one_order(
        points in scattered(), zoom in 0u8..14, x in -300i64..300, y in -300i64..300, level in 0u32..12,
    ) {
        let (index, _) = index(&points);
        let middle = 1i64 << (zoom + 7);
        let level = u32::from(zoom) + 4 + level;
        let search = |x: i64, y: i64| {
            let window = Window::at_level(zoom + 8, middle + x, middle + y, 256, 256);
            index.search(level, &window).unwrap().entries.clone()
        };
        let shared = Window::at_level(zoom + 8, middle + x.max(x + 70), middle + y.max(y - 90), 186, 166);
        let seen = |entries: Vec<Point>| -> Vec<Point> {
            entries.into_iter().filter(|p| in_window(p, &shared)).collect()
        };
        prop_assert_eq!(seen(search(x, y)), seen(search(x + 70, y - 90)));
    }

    #[test]
    fn cells_have_all_the_weight(points in scattered(), level in 4u32..30) {
        let (index, base) = index(&points);
        let whole = Window::at_level(10, 0, 0, 1024, 1024);
        let found = index.search(level, &whole).unwrap();
        let all = projected(&base);
        // A cell at the square's edge may lie outside as a whole.
        let sum = |points: &[Point]| points.iter().map(|p| f64::from(p.weight)).sum::<f64>();
        let edge = 2.0 * WORLD / f64::from(level).exp2();
        let near = |v: u32| f64::from(v) < edge || f64::from(v) > WORLD - edge;
        let doubtful: f64 = all.iter().filter(|p| near(p.x) || near(p.y)).map(|p| f64::from(p.weight)).sum();
        prop_assert!((sum(&found.entries) - sum(&all)).abs() <= doubtful + 1e-6 * sum(&all));
        let points: u32 = found.counts.iter().sum();
        prop_assert!(found.entries.len() <= points as usize);
        prop_assert!(index.count(level, &whole).unwrap() >= found.entries.len());
    }
}

#[test]
fn a_crowd_is_seen_as_cells() {
    // A hundred thousand points around a place in the north.
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let points: Vec<Point> = (0..100_000)
        .map(|_| Point {
            x: (1 << 30) + random() % (1 << 24),
            y: (1 << 29) + random() % (1 << 24),
            weight: 1.0,
        })
        .collect();
    let (index, base) = index(&points);
    let whole = Window::at_level(8, 0, 0, 256, 256);
    let found = index.search(9, &whole).unwrap();
    assert!(found.entries.len() < 200, "{} entries", found.entries.len());
    assert_eq!(found.counts.iter().sum::<u32>(), 100_000);
    assert_eq!(base.summary().count, 100_000);
}
