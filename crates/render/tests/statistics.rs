//! Tests of the statistics that scales are measured by: styles with nearly equal radii share them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use heatsplat_points::cancel::CancelToken;
use heatsplat_points::{Point, Points, TileId, level};
use heatsplat_render::{Layer, Style};
use std::collections::HashSet;
use std::sync::Arc;

/// 100,000 points: a crowd, and others anywhere.
fn layer() -> Layer {
    let mix = |i: u32| i.wrapping_mul(2_654_435_769);
    let point = |i: u32| {
        let (x, y) = (mix(i), mix(mix(i) ^ 0x55aa));
        let crowded = i.is_multiple_of(2);
        Point {
            x: if crowded { 0x8123_4567 + (x >> 6) } else { x },
            y: if crowded { 0x6fff_ff00 + (y >> 6) } else { y },
            weight: (1 + i % 5) as f32,
        }
    };
    let points: Vec<Point> = (0..100_000).map(point).collect();
    Layer::on_cpu("a", Points::from_slice(&points), Style::default())
}

fn styled(layer: &Layer, parameters: &[(&str, &str)]) -> Style {
    let mut style = layer.style().clone();
    for (name, value) in parameters {
        style.set(name, value).unwrap();
    }
    style
}

/// A thousand different radii from `least` to `most`, in an order that jumps.
fn radii(least: f64, most: f64, unit: &str) -> Vec<String> {
    let share = |i: u32| f64::from(i) * 0.618_033_988_75 % 1.0;
    let radius = |i| format!("{}{unit}", least + (most - least) * share(i));
    let radii: Vec<String> = (0..1000).map(radius).collect();
    assert_eq!(radii.iter().collect::<HashSet<_>>().len(), 1000);
    radii
}

#[test]
fn a_flood_of_new_radii_measures_little() {
    let tile = TileId::new(4, 8, 7).unwrap();
    let units = |work: &dyn Fn()| {
        let token = CancelToken::default();
        token.run(work).unwrap();
        token.work_done() as f64
    };
    for (kernel, least, most, unit) in [
        ("gaussian", 4.0, 40.0, "px"),
        ("uniform", 100.0, 120.0, "px"),
        ("gaussian", 20.0, 400.0, "km"),
    ] {
        let layer = layer();
        let style = |radius: &str, more: &[_]| {
            let all = [&[("kernel", kernel), ("radius", radius)], more].concat();
            styled(&layer, &all)
        };
        let draw = |style: &Style| drop(layer.tile(tile).style(style).png());
        let (mut plain, mut flooded) = (0.0, 0.0);
        for radius in radii(least, most, unit) {
            let style = [style(&radius, &[("domain", "0,100")]), style(&radius, &[])];
            plain += units(&|| draw(&style[0]));
            flooded += units(&|| draw(&style[1]));
        }
        let ratio = flooded / plain;
        assert!(ratio < 5.0, "{kernel}, {least} to {most} {unit}: {ratio}");
    }
}

#[test]
fn nearly_equal_radii_share_a_scale_and_no_density() {
    let layer = layer();
    let level = level::of_zoom(4);
    let scale = |parameters: &[_]| layer.normalizer(level, &styled(&layer, parameters));
    let local = |radius| styled(&layer, &[("radius", radius), ("scale", "local")]);
    for (one, near, other) in [("16px", "16.3px", "17px"), ("500km", "507km", "525km")] {
        let [one, near, other] =
            [one, near, other].map(|radius| styled(&layer, &[("radius", radius)]));
        let statistics = |style| layer.statistics(level, style);
        assert!(Arc::ptr_eq(&statistics(&one), &statistics(&near)));
        assert!(!Arc::ptr_eq(&statistics(&one), &statistics(&other)));
        assert_eq!(one.statistics_key(level), near.statistics_key(level));
        assert_ne!(one.values_key(level), near.values_key(level));
        let density = |style| layer.tile(TileId::WORLD).style(style).density().values;
        assert_ne!(density(&one), density(&near));
    }
    // A layer's own radius has the scale that a request for it has.
    let own = Layer::on_cpu(
        "b",
        Arc::clone(layer.data()).points().clone(),
        Style::default(),
    );
    let of_own = |radius| own.normalizer(level, &styled(&own, &[("radius", radius)]));
    assert_eq!(
        scale(&[("radius", "16.3px")]).domain(),
        of_own("16px").domain()
    );
    // The neighbourhoods' histograms are measured by the rule, too, so the second radius needs only
    // a density.
    let work = |style: &Style| {
        let token = CancelToken::default();
        let draw = || drop(layer.tile(TileId::new(4, 8, 7).unwrap()).style(style).png());
        token.run(draw).unwrap();
        token.work_done()
    };
    let [_, near, other] = ["16px", "16.3px", "17px"].map(|radius| work(&local(radius)));
    assert!(2 * near < other, "{near} {other}");
}

/// The scale of a style whose domain is that of another zoom follows from the radius at that zoom,
/// in any order of requests.
#[test]
fn a_domain_of_another_zoom_has_the_radius_of_that_zoom() {
    let styles = |layer: &Layer| {
        ["5:4px,8:12px", "12px"]
            .map(|radius| styled(layer, &[("radius", radius), ("domain", "auto@5")]))
    };
    let ends = |turned: bool| {
        let layer = layer();
        let mut styles = styles(&layer);
        if turned {
            styles.reverse();
        }
        let mut ends = styles.map(|style| layer.normalizer(level::of_zoom(8), &style).domain());
        if turned {
            ends.reverse();
        }
        ends
    };
    let [table, one] = ends(false);
    assert_ne!(table, one);
    assert_eq!(ends(true), [table, one]);
}
