//! Tests that points that are not in memory are drawn like points in memory, bit for bit, and that
//! a failed read never leaves a picture of a part of them.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, and share helpers"
)]

mod double;

use double::PagedDouble;
use heatsplat_points::cancel::{CancelToken, Cancelled};
use heatsplat_points::{Point, Points, TileId, Window, WorldCoord};
use heatsplat_render::{
    Comparison, Layer, Length, NearestPoints, PointQuery, PointSet, Radius, Style,
};
use proptest::prelude::*;
use std::sync::Arc;

/// Styles for each plan, measure and way of drawing.
const STYLES: [&[(&str, &str)]; 22] = [
    &[],
    &[("radius", "90px")],
    &[("radius", "1.5px")],
    &[("radius", "3px"), ("kernel", "quartic")],
    &[("radius", "8px"), ("kernel", "quartic")],
    &[("radius", "12px"), ("kernel", "quartic")],
    &[("radius", "9px"), ("kernel", "triweight")],
    &[("radius", "9px"), ("kernel", "uniform")],
    &[("radius", "30px"), ("kernel", "epanechnikov")],
    &[("radius", "60px"), ("kernel", "triangular")],
    &[("radius", "6px"), ("kernel", "triangular")],
    &[("kernel", "pixel")],
    &[("kernel", "cubic")],
    &[("radius", "900km"), ("kernel", "epanechnikov")],
    &[("radius", "20px"), ("precision", "exact")],
    &[("overlap", "cover"), ("radius", "12px")],
    &[("overlap", "plus:ellipse:9x9@0.1;blur:9x9")],
    &[("measure", "sum_per_km2"), ("isolines", "9")],
    &[("measure", "mean")],
    &[("measure", "count")],
    &[("scale", "local")],
    &[("scale", "eq_hist")],
];

fn style(words: &[(&str, &str)]) -> Style {
    let mut style = Style::default();
    for (name, value) in words {
        style.set(name, value).unwrap();
    }
    style
}

/// Points in crowds, some of them at one place, and others anywhere. `weights` are taken in turn.
fn points(n: u32, seed: u32, weights: &[f32]) -> Vec<Point> {
    let mix = |i: u32| (i ^ seed).wrapping_mul(2_654_435_769).rotate_left(13) ^ seed;
    let place = |i: u32| match i % 4 {
        0 => (mix(i), mix(mix(i) ^ 0x55aa)),
        1 => (
            0x8123_4567 + (mix(i) >> 9),
            0x6fff_ff00 + (mix(mix(i)) >> 9),
        ),
        2 => (
            0xffff_0000 ^ (mix(i) >> 12),
            0x7000_0000 + (mix(mix(i)) >> 14),
        ),
        _ => (0x8123_4567, 0x6fff_ff00 + (mix(i) >> 30)),
    };
    let weight = |i: u32| weights[i as usize % weights.len()];
    let point = |i: u32| {
        let (x, y) = place(i);
        Point {
            x,
            y,
            weight: weight(i),
        }
    };
    (0..n).map(point).collect()
}

fn paged(points: &[Point], most: usize) -> (Arc<PagedDouble>, Points) {
    let double = PagedDouble::new(Points::from_slice(points), most);
    let index: Arc<PagedDouble> = Arc::clone(&double);
    (double, Points::from_paged(index))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]
    #[test]
    fn every_picture_is_that_of_points_in_memory(
        n in 1u32..5000, seed in any::<u32>(), most in 1usize..300, weighing in 0usize..4,
    ) {
        let weights: &[f32] = [&[1.0][..], &[2.5], &[1.0, 3.0, 0.5, 7.0], &[1.0, -2.0, 3.0]][weighing];
        let all = points(n, seed, weights);
        for words in STYLES {
            let style = style(words);
            let memory = Layer::on_cpu("a", Points::from_slice(&all), style.clone());
            let layer = Layer::on_cpu("a", paged(&all, most).1, style.clone());
            if layer.data().check(style.measure()).is_err() {
                prop_assert!(weighing > 1 && style.measure().to_string() != "sum");
                continue;
            }
            let token = CancelToken::default();
            for (z, x, y) in [(0, 0, 0), (1, 1, 0), (3, 4, 3), (9, 258, 223)] {
                let tile = TileId::new(z, x, y).unwrap();
                let expected = memory.tile(tile).png().unwrap();
                let drawn = token.run(|| layer.tile(tile).png().unwrap());
                prop_assert!(drawn == Ok(expected), "{:?} {:?} {:?}", words, tile, weights);
            }
            // The window shows the world more than twice.
            let wide = Window::at_level(7, -150, 20, 300, 80);
            let expected = memory.map(wide).density().values;
            let drawn = token.run(|| layer.map(wide).density().values);
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            prop_assert_eq!(drawn.map(bits), Ok(bits(expected)), "{:?}", words);
        }
    }
}

#[test]
fn radius_values_and_first_view_are_those_of_points_in_memory() {
    let all = points(20_000, 5, &[1.0, 3.0]);
    let memory = Points::from_slice(&all);
    let (_, paged) = paged(&all, 100);
    assert_eq!(Radius::for_points(&paged), Radius::for_points(&memory));
    assert!(matches!(
        Radius::for_points(&paged).at_zoom(2.0),
        Length::Pixels(_)
    ));
    assert_eq!(paged.focus(), memory.focus());
    let tile = TileId::new(5, 16, 13).unwrap();
    assert_eq!(paged.tile_range(tile), memory.tile_range(tile));
    assert_eq!(paged.occupied_tiles(7), memory.occupied_tiles(7));
    let style = Style::default();
    let at = WorldCoord {
        x: 0x8123_4567,
        y: 0x7000_0000,
    };
    let query = PointQuery::new(at, 9.0, &style);
    let near = |points: &Points| NearestPoints::new(&query, 9).among(points).finish();
    assert_eq!(near(&paged), near(&memory));
    let value = query.run(&PointSet::new(memory));
    assert!(value.count > 100);
    assert_eq!(query.run(&PointSet::new(paged)), value);
}

#[test]
fn a_failed_read_leaves_no_picture() {
    let all = points(30_000, 9, &[1.0, 3.0, 0.5]);
    let tile = TileId::new(1, 1, 0).unwrap();
    for words in STYLES {
        let style = style(words);
        let draw = |reads: usize| {
            let (double, points) = paged(&all, 1000);
            let layer = Layer::on_cpu("a", points, style.clone());
            double.fail_after(reads);
            let drawn = CancelToken::default().run(|| layer.tile(tile).png().unwrap());
            // The reads of statistics don't outlive the failure: a second try draws the picture.
            let needed = reads - double.left();
            double.fail_after(usize::MAX);
            if layer.data().check(style.measure()).is_ok() {
                assert!(
                    CancelToken::default()
                        .run(|| layer.tile(tile).png().is_ok())
                        .unwrap()
                );
            }
            (drawn, needed)
        };
        let (_, needed) = draw(1 << 40);
        for reads in [0, needed / 2, needed.saturating_sub(1)] {
            let (drawn, _) = draw(reads);
            assert!(
                matches!(drawn, Err(Cancelled::Unreadable(_))),
                "{words:?} {reads} {needed}"
            );
        }
    }
}

#[test]
fn counts_that_there_are_not_are_refused() {
    let set = |weights: &[f32]| PointSet::new(paged(&points(500, 3, weights), 100).1);
    let measures = ["sum", "sum_per_km2", "count", "mean", "count_per_km2"];
    let refused = |set: &PointSet| {
        let measures = measures.iter().map(|m| (m, m.parse().unwrap()));
        let refused = measures.filter_map(|(m, measure)| Some((*m, set.check(measure).err()?)));
        refused.collect::<Vec<_>>()
    };
    assert_eq!(refused(&set(&[2.0])), []);
    assert_eq!(
        refused(&PointSet::new(Points::from_slice(&points(
            500,
            3,
            &[1.0, 2.0]
        )))),
        []
    );
    let uneven = set(&[1.0, 2.0]);
    let found = refused(&uneven);
    assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), measures[2..]);
    let message = found[1].1.to_string();
    assert!(message.starts_with("measure=mean counts points") && message.contains("measure=sum"));
    let quotient = |a: &PointSet, b: PointSet| {
        let how = Comparison::Over;
        PointSet::from_comparison(a, how, Arc::new(b)).check("sum".parse().unwrap())
    };
    assert!(quotient(&uneven, set(&[2.0])).is_ok());
    let message = quotient(&set(&[2.0]), uneven).unwrap_err().to_string();
    assert!(
        message.starts_with("a quotient of two layers counts points"),
        "{message}"
    );
}
