//! Weights that are missing, that cancel each other, or that are as large or small as floats can
//! be.

use crate::reference::{self, LonLat};
use crate::scenes::{self, Dice, EDGED, SMOOTH};
use heatsplat::points::mercator;
use heatsplat::render::encode::{ImageEncoding, ImageFormat};
use heatsplat::render::{Comparison, PointSet};
use heatsplat::{CpuBackend, Layer, Point, Points, Style, TileId};
use std::sync::Arc;

fn tile(z: u8, x: u32, y: u32) -> TileId {
    TileId::new(z, x, y).unwrap()
}

fn layer(points: &[Point]) -> Layer {
    Layer::on_cpu("weights", Points::from_slice(points), Style::default())
}

fn point(lon: f64, lat: f64, weight: Option<f32>) -> Point {
    Point::weighing(mercator::project(lon, lat).unwrap(), weight)
}

// Missing weights.

#[test]
fn a_missing_weight_takes_no_part_in_means_and_counts() {
    let here = |weight| point(10.0, 20.0, weight);
    let missing = [here(Some(10.0)), here(Some(20.0)), here(None)];
    let zero = [here(Some(10.0)), here(Some(20.0)), here(Some(0.0))];
    for (points, mean, count) in [(missing, 15.0, 2), (zero, 10.0, 3)] {
        let layer = layer(&points);
        let at = mercator::project(10.0, 20.0).unwrap();
        let density = |measure, z| {
            let style = scenes::style(&[("measure", measure), ("radius", "12px")]);
            let (x, y) = reference::project(10.0, 20.0);
            let side = f64::from(1u32 << z);
            let tile = tile(z, (x * side) as u32, (y * side) as u32);
            let drawn = layer.tile(tile).style(&style).density();
            let values = drawn.values.into_iter().filter(|v| !v.is_nan());
            values.fold(0f32, f32::max)
        };
        for z in [0, 5] {
            assert!(
                (density("mean", z) - mean).abs() < 1e-4,
                "{}",
                density("mean", z)
            );
            let sums = density("sum", z) / density("count", z) * count as f32;
            assert!((sums - 30.0).abs() < 1e-3, "{sums}");
            let per_area = density("sum_per_km2", z) / density("count_per_km2", z);
            assert!((per_area - mean).abs() < 0.02 * mean, "{per_area}");
            let value = layer.value(at, z, &scenes::style(&[("measure", "mean")]));
            assert_eq!(value.count, count);
            assert!((value.mean.unwrap() - f64::from(mean)).abs() < 1e-9);
            assert!((value.value.unwrap() - f64::from(mean)).abs() < 1e-9);
        }
    }
}

/// If all points at a place lack a weight, there is no mean and nothing to count.
#[test]
fn points_without_weights_alone_have_no_mean() {
    let mut dice = Dice(3);
    let mut anywhere = |weight| {
        let (lon, lat) = (dice.within(-60.0, -20.0), dice.within(-40.0, 40.0));
        point(lon, lat, weight)
    };
    let mut points: Vec<Point> = (0..3000).map(|_| anywhere(None)).collect();
    let drawn = |points: &[Point], measure| {
        let style = scenes::style(&[("measure", measure)]);
        layer(points)
            .tile(tile(0, 0, 0))
            .style(&style)
            .density()
            .values
    };
    assert!(drawn(&points, "mean").iter().all(|v| v.is_nan()));
    assert!(
        drawn(&points, "count")
            .iter()
            .chain(&drawn(&points, "sum"))
            .all(|v| *v == 0.0)
    );
    // If points with weights are among them, the picture is that of the points with weights alone.
    let others: Vec<Point> = (0..500).map(|i| anywhere(Some(i as f32))).collect();
    points.extend(&others);
    let (among, alone) = (drawn(&points, "count"), drawn(&others, "count"));
    assert_eq!(among, alone);
    for (among, alone) in drawn(&points, "mean").iter().zip(drawn(&others, "mean")) {
        let same = among.is_nan() && alone.is_nan() || (among - alone).abs() < 0.5;
        assert!(same, "{among} {alone}");
    }
    // The same holds for the comparison of two sets.
    let set = |points: &[Point]| Arc::new(PointSet::new(Points::from_slice(points)));
    let rate = PointSet::from_comparison(&set(&points), Comparison::Over, set(&others));
    let style = scenes::style(&[("measure", "count")]);
    let rate = Layer::new(
        "rate",
        Arc::new(rate),
        Style::default(),
        Arc::new(CpuBackend::new()),
    );
    let rates = rate.tile(tile(0, 0, 0)).style(&style).density().values;
    assert!(rates.iter().all(|v| v.is_nan() || (v - 1.0).abs() < 1e-5));
}

// Weights of both signs.

/// Makes `pairs` of points whose weights cancel each other, and `ones` points of weight 1. All lie
/// within ten degrees of one place.
fn cancelling(dice: &mut Dice, weight: f32, pairs: usize, ones: usize, apart: f64) -> Vec<LonLat> {
    let mut near = || {
        (
            20.0 + dice.within(-10.0, 10.0),
            10.0 + dice.within(-10.0, 10.0),
        )
    };
    let mut points = Vec::new();
    for _ in 0..ones {
        let (lon, lat) = near();
        points.push((lon, lat, 1.0));
    }
    let mut places: Vec<(f64, f64)> = (0..pairs).map(|_| near()).collect();
    for (lon, lat) in places.drain(..) {
        points.push((lon, lat, weight));
        let (dx, dy) = (dice.within(-apart, apart), dice.within(-apart, apart));
        points.push((lon + dx, lat + dy, -weight));
    }
    points
}

fn assert_true(name: &str, points: &[LonLat], kernel: &str, radius: f64, at: (u8, u32, u32)) {
    assert_within(1.0 / 256.0, name, points, kernel, (radius, at));
}

fn assert_within(
    share: f64,
    name: &str,
    points: &[LonLat],
    kernel: &str,
    (radius, at): (f64, (u8, u32, u32)),
) {
    let style = scenes::style(&[("kernel", kernel), ("radius", &format!("{radius}px"))]);
    let drawn = scenes::layer(points)
        .tile(tile(at.0, at.1, at.2))
        .style(&style)
        .density();
    let truth = reference::tile(points, kernel, radius, at, 256);
    let peak = truth.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(peak > 0.05, "{name}: nothing is left");
    for (i, (got, wanted)) in drawn.values.iter().zip(&truth).enumerate() {
        let off = (f64::from(*got) - wanted).abs() / peak;
        assert!(
            off <= share,
            "{name}, {kernel} {radius} px, {at:?}, pixel {i}: {got} and not {wanted}, peak {peak}"
        );
    }
}

#[test]
fn what_is_left_of_cancelling_weights_is_true_to_1_256_of_the_peak() {
    let mut dice = Dice(16);
    for weight in [1e3, 1e5, 1e6, 1e7, 1e8] {
        let three = vec![
            (20.0, 10.0, weight),
            (20.0, 10.0, -weight),
            (20.0, 10.0, 1.0),
        ];
        let few = cancelling(&mut dice, weight, 5, 20, 0.0);
        let many = cancelling(&mut dice, weight, 400, 60, 0.0);
        let scenes = [("three", three), ("few", few), ("many", many)];
        for (name, points) in scenes {
            for kernel in SMOOTH {
                for radius in [1.0, 2.5, 6.0, 9.0, 16.0, 40.0] {
                    assert_true(
                        &format!("{name} {weight}"),
                        &points,
                        kernel,
                        radius,
                        (0, 0, 0),
                    );
                }
            }
            assert_true(
                &format!("{name} {weight}"),
                &points,
                "gaussian",
                16.0,
                (3, 4, 3),
            );
        }
    }
}

/// There are too many points here to evaluate each of them.
#[test]
fn crowds_of_cancelling_weights_leave_what_is_left() {
    let mut dice = Dice(17);
    for weight in [1e4, 1e8] {
        let points = cancelling(&mut dice, weight, 20_000, 2_000, 0.0);
        for (kernel, radius) in [("gaussian", 16.0), ("quartic", 9.0), ("gaussian", 2.5)] {
            assert_true("crowd", &points, kernel, radius, (1, 1, 0));
        }
    }
}

/// Kernels with an edge are as exact as smooth ones where weights cancel.
#[test]
fn what_is_left_under_edged_kernels_is_as_true() {
    let points = cancelling(&mut Dice(18), 1e8, 300, 60, 0.0);
    for kernel in EDGED {
        for radius in [2.5, 8.0, 20.0] {
            assert_true("edged", &points, kernel, radius, (2, 2, 1));
        }
    }
}

#[test]
fn tiles_of_cancelling_weights_meet() {
    let mut dice = Dice(19);
    for (pairs, ones) in [(50, 40), (20_000, 500)] {
        let points = cancelling(&mut dice, 1e7, pairs, ones, 0.1);
        let layer = scenes::layer(&points);
        for radius in ["16px", "2.5px", "1.2px"] {
            let style = scenes::style(&[("radius", radius)]);
            crate::properties::assert_seamless(&layer, &style, 3, 3, 3, 256, true);
        }
    }
}

/// Dense data of both signs. Cells stand for many points, and the errors of splats add up by
/// chance, as the weights do.
#[test]
fn crowds_of_both_signs_are_true_where_cells_stand_for_them() {
    let mut dice = Dice(20);
    let points: Vec<LonLat> = (0..60_000)
        .map(|_| {
            let (lon, lat) = (dice.within(10.0, 24.0), dice.within(3.0, 17.0));
            (lon, lat, dice.within(-1.0, 1.0) as f32)
        })
        .collect();
    for radius in [12.0, 13.0, 16.0, 24.0] {
        assert_within(
            1.0 / 256.0,
            "both signs",
            &points,
            "gaussian",
            (radius, (0, 0, 0)),
        );
    }
}

// The largest and the smallest weights that floats can hold.

#[test]
fn weights_of_any_size_have_means_and_sums() {
    for weight in [3e38f32, 1e37, 1.0, 1e-37, 1e-40] {
        let points: Vec<Point> = (0..900)
            .map(|i| {
                let (lon, lat) = (f64::from(i % 30) * 0.1, f64::from(i / 30) * 0.1);
                let share = if i % 2 == 0 { 1.0 } else { 0.5 };
                point(lon, lat, Some(weight * share))
            })
            .collect();
        let layer = layer(&points);
        let of = |measure| {
            let style = scenes::style(&[("measure", measure)]);
            layer.tile(tile(0, 0, 0)).style(&style).density()
        };
        let means = of("mean");
        let some: Vec<f32> = means
            .values
            .iter()
            .copied()
            .filter(|v| !v.is_nan())
            .collect();
        let off = |v: &f32| (f64::from(*v) / f64::from(weight) - 0.75).abs();
        assert!(
            some.len() > 500 && some.iter().all(|v| off(v) < 0.05),
            "{weight}"
        );
        let sums = of("sum");
        let counts = of("count");
        let window = heatsplat::Window::tile(tile(0, 0, 0), 256);
        let beyond = f64::from(weight) * 675.0 > f64::from(f32::MAX);
        for format in [ImageFormat::Npy, ImageFormat::Tiff] {
            let written = ImageEncoding::from(format).density(&sums, &window);
            assert_eq!(written.is_err(), beyond, "{weight}");
        }
        assert!(sums.values.iter().all(|v| !v.is_nan()), "{weight}");
        for (sum, count) in sums.values.iter().zip(&counts.values) {
            let wanted = f64::from(*count) * 0.75 * f64::from(weight);
            if *count > 1.0 && wanted < 0.98 * f64::from(f32::MAX) {
                let off = (f64::from(*sum) / wanted - 1.0).abs();
                assert!(off < 0.05, "{weight}: {sum} and not {wanted}");
            }
        }
        // Colours can be drawn even if sums are too large for an `f32`.
        let style = scenes::style(&[("domain", "0,9e29")]);
        let drawn = layer.tile(tile(0, 0, 0)).style(&style).picture();
        assert_eq!(
            drawn.indices.iter().any(|i| *i > 200),
            beyond || weight > 1e36
        );
    }
}
