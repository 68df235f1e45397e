//! Measures other than sums: counts, means, values per km², differences and quotients. Radii in
//! metres and local scales are tested here too.

use crate::properties::assert_seamless;
use crate::reference::{self, LonLat};
use crate::scenes::{self, EDGED, SMOOTH};
use heatsplat::render::{Comparison, PointSet, ValueKind};
use heatsplat::{CpuBackend, Layer, Points, Style, TileId, TileSize, Window};
use std::sync::Arc;

/// The radius of the sphere of Web-Mercator, in metres.
const EARTH: f64 = 6_378_137.0;

fn set(points: &[LonLat]) -> Arc<PointSet> {
    let points = Points::from_lon_lat(points.iter().copied()).unwrap();
    Arc::new(PointSet::new(points))
}

fn of(set: Arc<PointSet>) -> Layer {
    Layer::new("set", set, Style::default(), Arc::new(CpuBackend::new()))
}

fn comparison(a: &[LonLat], how: Comparison, b: &[LonLat]) -> Layer {
    of(Arc::new(PointSet::from_comparison(&set(a), how, set(b))))
}

fn scene(name: &str) -> Vec<LonLat> {
    let all = scenes::all();
    all.into_iter().find(|(n, _)| *n == name).unwrap().1
}

fn tile(z: u8, x: u32, y: u32) -> TileId {
    TileId::new(z, x, y).unwrap()
}

fn weighing(points: &[LonLat], weight: f32) -> Vec<LonLat> {
    points.iter().map(|p| (p.0, p.1, weight)).collect()
}

// The measures.

#[test]
fn counts_and_means_are_those_of_brute_force() {
    let normal = TileSize::NORMAL;
    for name in ["clustered", "date line", "signed", "sparse"] {
        let points = scene(name);
        let layer = scenes::layer(&points);
        let spread = points
            .iter()
            .fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(p.2), h.max(p.2)));
        for kernel in SMOOTH {
            for at in [(0, 0, 0), (3, 4, 2)] {
                let style = |measure| {
                    scenes::style(&[("kernel", kernel), ("radius", "12px"), ("measure", measure)])
                };
                let (z, x, y) = at;
                let sums = reference::tile(&points, kernel, 12.0, at, 256);
                let counts = reference::tile(&weighing(&points, 1.0), kernel, 12.0, at, 256);
                let peak = counts.iter().fold(0.0, |m: f64, v| m.max(*v));
                let counted = layer
                    .tile(tile(z, x, y))
                    .size(normal)
                    .style(&style("count"))
                    .density();
                let means = layer
                    .tile(tile(z, x, y))
                    .size(normal)
                    .style(&style("mean"))
                    .density();
                for (i, (sum, count)) in sums.iter().zip(&counts).enumerate() {
                    let off = (f64::from(counted.values[i]) - count).abs() / peak;
                    assert!(
                        peak < 0.5 || off <= 1.0 / 256.0,
                        "{name} {kernel} {at:?}: {off}"
                    );
                    let mean = f64::from(means.values[i]);
                    // At the rim of a crowd both sums are nearly 0, so their quotient is not
                    // compared.
                    if *count > 0.1 && *count > peak / 50.0 {
                        let off =
                            (mean - sum / count).abs() / f64::from(spread.1 - spread.0).max(1e-3);
                        assert!(
                            off < 0.03,
                            "{name} {kernel} {at:?} {i}: {mean} {}",
                            sum / count
                        );
                    }
                    // Only sparse points are tested. Beside a crowd, an error of half a pixel may
                    // give a mean where there should be none.
                    if *count == 0.0 && name == "sparse" {
                        assert!(mean.is_nan(), "{name} {kernel} {at:?} {i}: {mean}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_mean_of_equals_is_what_they_are_wherever_there_is_one() {
    for name in ["clustered", "sparse", "lone", "poles"] {
        let layer = scenes::layer(&weighing(&scene(name), 2.7));
        for kernel in SMOOTH.iter().chain(&EDGED) {
            let style = scenes::style(&[("kernel", kernel), ("measure", "mean")]);
            let field = layer.tile(tile(0, 0, 0)).style(&style).density();
            let some = field.values.iter().filter(|v| !v.is_nan()).count();
            assert!(some > 100, "{name} {kernel}: {some}");
            assert!(some < 65_536 || name != "lone");
            let all = |v: &f32| v.is_nan() || *v == 2.7;
            assert!(field.values.iter().all(all), "{name} {kernel}");
        }
    }
}

#[test]
fn means_lie_between_the_weights() {
    let points = scene("signed");
    let layer = scenes::layer(&points);
    let style = scenes::style(&[("measure", "mean"), ("kernel", "quartic")]);
    for at in [tile(0, 0, 0), tile(4, 8, 7)] {
        let field = layer.tile(at).style(&style).density();
        let inside = |v: &f32| v.is_nan() || (-2.0..=3.0).contains(v);
        assert!(field.values.iter().all(inside));
    }
}

#[test]
fn per_km2_adds_up_to_the_weight_at_every_zoom_and_latitude() {
    for lat in [0.0, 45.0, 60.0, 80.0] {
        let layer = scenes::layer(&[(10.0, lat, 7.0)]);
        for z in [4, 7, 11] {
            let side = 256.0 * f64::from(1 << z);
            let (x, y) = reference::project(10.0, lat);
            let corner = |at: f64| (at * side) as i64 - 64;
            let window = Window::at_level(8 + z, corner(x), corner(y), 128, 128);
            for (measure, whole) in [("sum_per_km2", 7.0), ("count_per_km2", 1.0)] {
                let style = scenes::style(&[("measure", measure), ("radius", "16px")]);
                let field = layer.map(window).style(&style).density();
                let row_km2 = |row: usize| {
                    let y = (corner(y) as f64 + row as f64 + 0.5) / side;
                    let phi = (std::f64::consts::PI * (1.0 - 2.0 * y)).sinh().atan();
                    let km = 2.0 * std::f64::consts::PI * EARTH * phi.cos() / side / 1000.0;
                    km * km
                };
                let rows = field.values.chunks_exact(128).enumerate();
                let all: f64 = rows
                    .map(|(row, v)| v.iter().map(|v| f64::from(*v)).sum::<f64>() * row_km2(row))
                    .sum();
                assert!(
                    (all / whole - 1.0).abs() < 0.005,
                    "{measure} {lat}° z{z}: {all}"
                );
            }
        }
    }
}

#[test]
fn one_domain_for_all_zooms_holds_still() {
    let layer = scenes::layer(&scene("clustered"));
    for domain in ["auto@5", "p95@5", "0,3"] {
        let style = scenes::style(&[("measure", "sum_per_km2"), ("domain", domain)]);
        let scales: Vec<_> = [8, 13, 16]
            .map(|level| layer.normalizer(level, &style).domain())
            .to_vec();
        assert!(
            scales.windows(2).all(|s| s[0] == s[1]),
            "{domain}: {scales:?}"
        );
    }
    let by_zoom = scenes::style(&[("domain", "2:0,400;6:0,25")]);
    let ends = [2, 4, 6, 9].map(|z| layer.normalizer(8 + z, &by_zoom).domain().1);
    assert_eq!(ends, [400.0, 100.0, 25.0, 25.0]);
}

// The comparisons of two sets.

#[test]
fn differences_are_differences_and_their_colours_are_even() {
    let (a, b) = (scene("clustered"), scene("dense"));
    let (minus, back) = (
        comparison(&a, Comparison::Minus, &b),
        comparison(&b, Comparison::Minus, &a),
    );
    assert_eq!(
        minus.data().value_kind(minus.style().measure()),
        ValueKind::Signed
    );
    let (la, lb) = (scenes::layer(&a), scenes::layer(&b));
    for at in [tile(0, 0, 0), tile(3, 4, 2)] {
        let style = minus.style();
        let field = minus.tile(at).style(style).density();
        let (fa, fb) = (
            la.tile(at).style(style).density(),
            lb.tile(at).style(style).density(),
        );
        for ((d, a), b) in field.values.iter().zip(&fa.values).zip(&fb.values) {
            assert_eq!(*d, a - b);
        }
        let (there, here) = (
            minus.tile(at).style(style).picture(),
            back.tile(at).picture(),
        );
        assert!(there.indices.iter().any(|i| *i > 160) || at.z() > 0);
        for (i, j) in there.indices.iter().zip(&here.indices) {
            let even = *i == 0 && *j == 0 || (254..=257).contains(&(u16::from(*i) + u16::from(*j)));
            assert!(even, "{i} {j}");
        }
    }
    let same = comparison(&a, Comparison::Minus, &a);
    let nothing = same.tile(tile(0, 0, 0)).picture();
    assert!(nothing.indices.iter().all(|i| *i == 0));
}

#[test]
fn a_quotient_of_equals_is_one_and_halves_mirror_doubles() {
    let points = scene("dense");
    let twice: Vec<LonLat> = points.iter().map(|p| (p.0, p.1, p.2 * 2.0)).collect();
    for (a, expected) in [(&points, 1.0), (&twice, 2.0)] {
        let layer = comparison(a, Comparison::Over, &points);
        let field = layer.tile(tile(2, 2, 1)).density();
        let some = field.values.iter().filter(|v| !v.is_nan());
        assert!(some.clone().count() > 10_000);
        assert!(some.clone().all(|v| (v - expected).abs() < 1e-5));
    }
    let layer = comparison(&twice, Comparison::Over, &points);
    let style = scenes::style(&[("domain", "0.25,4"), ("scale", "linear")]);
    let scale = layer.normalizer(10, &style);
    assert_eq!(scale.middle(), Some(1.0));
    assert!((scale.position(2.0) + scale.position(0.5) - 1.0).abs() < 1e-12);
    assert!((scale.position(2.0) - 0.75).abs() < 1e-12);
}

#[test]
fn sums_of_signed_weights_have_nothing_where_nothing_is() {
    let layer = scenes::layer(&scene("signed"));
    assert_eq!(layer.normalizer(8, layer.style()).middle(), Some(0.0));
    let picture = layer.tile(tile(0, 0, 0)).picture();
    let nothing = picture.indices.iter().filter(|i| **i == 0).count();
    assert!((40_000..64_000).contains(&nothing), "{nothing}");
}

// Radii in metres.

/// The distance in metres between two positions on the great circle.
fn on_the_ground(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (phi, psi) = (a.1.to_radians(), b.1.to_radians());
    let (dphi, dlam) = (psi - phi, (b.0 - a.0).to_radians());
    let h = (dphi / 2.0).sin().powi(2) + phi.cos() * psi.cos() * (dlam / 2.0).sin().powi(2);
    2.0 * EARTH * h.sqrt().asin()
}

fn lon_lat(x: f64, y: f64) -> (f64, f64) {
    let phi = (std::f64::consts::PI * (1.0 - 2.0 * y)).sinh().atan();
    (x * 360.0 - 180.0, phi.to_degrees())
}

#[test]
fn a_radius_in_metres_is_a_circle_on_the_ground() {
    // Each case is a latitude, a radius in metres and a zoom. The radii are 20 to 30 pixels, except
    // one of 80 and one of 600 pixels.
    for (lat, metres, z) in [
        (0.0, 4_000.0, 10),
        (45.0, 3_000.0, 10),
        (60.0, 2_000.0, 10),
        (80.0, 700.0, 10),
        (60.0, 6_000.0, 10),
        (60.0, 47_000.0, 10),
        (-80.0, 600.0, 10),
    ] {
        let layer = scenes::layer(&[(10.123, lat, 1.0)]);
        let side = 256.0 * f64::from(1 << z);
        let (x, y) = reference::project(10.123, lat);
        let pixels = metres / (2.0 * std::f64::consts::PI * EARTH * lat.to_radians().cos() / side);
        let half = (pixels * 1.2) as i64 + 3;
        let (left, top) = ((x * side) as i64 - half, (y * side) as i64 - half);
        let window = Window::at_level(8 + z, left, top, 2 * half as u32, 2 * half as u32);
        let radius = format!("{metres}m");
        let style = scenes::style(&[("kernel", "quartic"), ("radius", &radius)]);
        let field = layer.map(window).style(&style).density();
        // The kernel's steepest slope is 1.54 per radius. An error of 1 % of the radius is allowed,
        // and the usual 1/256 of the peak.
        let allowed = 0.0154 + 1.0 / 256.0;
        for (i, v) in field.values.iter().enumerate() {
            let (column, row) = (i as i64 % (2 * half), i as i64 / (2 * half));
            let at = |n: i64| (n as f64 + 0.5) / side;
            let place = lon_lat(at(left + column), at(top + row));
            let u = on_the_ground((10.123, lat), place) / metres;
            let expected = if u < 1.0 { (1.0 - u * u).powi(2) } else { 0.0 };
            let off = (f64::from(*v) - expected).abs();
            assert!(
                off < allowed,
                "{lat}° {radius} at {u:.3} radii: {v} for {expected}"
            );
        }
        let value = |lon: f64| {
            let at = heatsplat::points::mercator::project(lon, lat).unwrap();
            layer.value(at, z, &style).value.unwrap()
        };
        let half_way = metres / 2.0 / (EARTH * lat.to_radians().cos());
        let got = value(10.123 + half_way.to_degrees());
        assert!((got - 0.5625).abs() < 0.01, "{lat}° {radius}: {got}");
    }
}

#[test]
fn radii_in_metres_and_neighbourhoods_have_no_seams() {
    for name in ["clustered", "date line", "poles"] {
        let layer = scenes::layer(&scene(name));
        for kernel in ["gaussian", "quartic", "uniform"] {
            for words in [
                [("radius", "300km"), ("scale", "log")],
                [("radius", "60km"), ("measure", "mean")],
                [("radius", "0:4px,6:40px"), ("scale", "local")],
                [("measure", "count_per_km2"), ("scale", "power:0.4")],
            ] {
                let mut style = scenes::style(&words);
                style.set("kernel", kernel).unwrap();
                let style = layer.suited(style);
                let exact = SMOOTH.contains(&kernel);
                for (z, x, y) in [(1, -1, 0), (4, 14, 6)] {
                    assert_seamless(&layer, &style, z, x, y, 256, exact);
                }
            }
        }
    }
}

// The scales.

#[test]
fn no_scale_depends_on_what_was_asked_first() {
    let points = scene("clustered");
    let tiles = [
        tile(5, 17, 10),
        tile(0, 0, 0),
        tile(3, 4, 2),
        tile(6, 33, 21),
    ];
    for scale in ["linear", "eq_hist", "local", "power:0.5"] {
        for measure in ["sum", "mean"] {
            let style = scenes::style(&[("scale", scale), ("measure", measure)]);
            let draw = |order: &mut dyn Iterator<Item = &TileId>| {
                let layer = scenes::layer(&points);
                let mut all: Vec<_> = order
                    .map(|t| (*t, layer.tile(*t).style(&style).picture().indices))
                    .collect();
                all.sort_by_key(|(t, _)| *t);
                all
            };
            let there = draw(&mut tiles.iter());
            assert!(there == draw(&mut tiles.iter().rev()), "{scale} {measure}");
            let spread = there.iter().flat_map(|(_, i)| i).max();
            assert!(spread > Some(&200), "{scale} {measure}: {spread:?}");
        }
    }
}

#[test]
fn a_local_scale_shows_country_and_city() {
    // A city of 20,000 points, and far from it 300 points that are spread widely.
    let mut dice = scenes::Dice(5);
    let mut points: Vec<LonLat> = (0..20_000)
        .map(|_| (10.0 + dice.normal() * 0.3, 50.0 + dice.normal() * 0.2, 1.0))
        .collect();
    points.extend((0..300).map(|_| (40.0 + dice.normal() * 4.0, 20.0 + dice.normal() * 4.0, 1.0)));
    let layer = scenes::layer(&points);
    let greatest = |scale: &str, at: TileId| {
        let style = scenes::style(&[("scale", scale), ("domain", "p100")]);
        let picture = layer.tile(at).style(&style).picture();
        picture.indices.into_iter().max().unwrap()
    };
    let (city, country) = (tile(5, 16, 10), tile(5, 19, 14));
    assert!(greatest("linear", country) < 10);
    assert!(greatest("local", country) > 200);
    assert!(greatest("local", city) > 240);
}
