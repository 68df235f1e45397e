//! `precision=exact`: the kernel of every point is evaluated at the point's true position. The
//! error is at most a millionth of the peak.

use crate::edges;
use crate::scenes::{self, EDGED, SMOOTH};
use heatsplat::{Density, Style, TileId, Window};
use heatsplat_points::WorldCoord;

/// The greatest error of a drawn density, as a fraction of the peak.
const TRUE: f64 = 1e-6;

/// The number of pairs of a point and a pixel in a scene. More would take brute force too long on a
/// slow machine.
const PAIRS: f64 = 1e6;

fn kernels() -> impl Iterator<Item = &'static str> {
    SMOOTH.into_iter().chain(EDGED)
}

/// Makes a style with `precision=exact`.
fn exact(words: &[(&str, &str)]) -> Style {
    let mut style = scenes::style(words);
    style.set("precision", "exact").unwrap();
    style
}

fn tile(z: u8, x: u32, y: u32) -> TileId {
    TileId::new(z, x, y).unwrap()
}

/// The greatest difference of two densities, as a fraction of the peak.
fn off(drawn: &[f32], truth: &[f64]) -> f64 {
    assert_eq!(drawn.len(), truth.len());
    let peak = truth.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let each = drawn.iter().zip(truth);
    each.map(|(a, b)| (f64::from(*a) - b).abs())
        .fold(0.0, f64::max)
        / peak
}

#[test]
fn all_kernels_are_true_to_a_millionth_of_the_peak() {
    let mut bad = String::new();
    for radius in [0.5, 1.0, 3.0, 9.0, 19.6, 128.0] {
        let seen = (8.0 / 3.0 * radius + 5.0f64).powi(2).min(65_536.0);
        for (scene, places) in edges::scenes_of(radius) {
            let step = (places.len() as f64 * seen / PAIRS).ceil() as usize;
            let places: Vec<_> = places.into_iter().step_by(step.max(1)).collect();
            let (layer, points) = edges::layer(&places);
            let (z, x, y) = edges::TILE;
            for kernel in kernels() {
                let style = exact(&[("kernel", kernel), ("radius", &format!("{radius}px"))]);
                let drawn = layer.tile(tile(z, x, y)).style(&style).density();
                let off = off(&drawn.values, &edges::truth(&points, kernel, radius));
                if off > TRUE {
                    bad += &format!("{kernel} {radius} px, {scene}: {off:e}\n");
                }
            }
        }
    }
    assert!(bad.is_empty(), "\n{bad}");
}

/// The bits of the densities in a square part of a picture.
fn bits(density: &Density, from: (u32, u32), side: u32) -> Vec<u32> {
    let pixel = |i: u32| (from.0 + i % side, from.1 + i / side);
    let at = |(x, y): (u32, u32)| density.values[(y * density.width + x) as usize].to_bits();
    (0..side * side).map(|i| at(pixel(i))).collect()
}

#[test]
fn exact_tiles_are_crops_of_one_picture_bit_for_bit() {
    let some = ["date line", "signed", "poles", "clustered"];
    for (name, points) in scenes::all() {
        if !some.contains(&name) {
            continue;
        }
        let layer = scenes::layer(&points);
        for kernel in kernels() {
            let style = exact(&[("kernel", kernel), ("radius", "11.3px")]);
            let whole = Window::at_level(9, -37, -5, 600, 400);
            let whole = layer.map(whole).style(&style).density();
            for (x, y) in [(0, 0), (1, 0)] {
                let part = layer.tile(tile(1, x, y)).style(&style).density();
                let from = (37 + 256 * x, 5);
                assert_eq!(
                    bits(&part, (0, 0), 256),
                    bits(&whole, from, 256),
                    "{name} {kernel} {x}/{y}"
                );
            }
        }
    }
}

#[test]
fn each_row_of_a_radius_in_metres_has_the_values_own_kernel() {
    let points = scenes::all().into_iter().find(|(n, _)| *n == "clustered");
    let layer = scenes::layer(&points.unwrap().1);
    let words = [("radius", "90km"), ("kernel", "uniform")];
    for words in [&words[..], &words[..1]] {
        let style = exact(words);
        for (z, x, y) in [(5, 16, 10), (5, 17, 10)] {
            let window = Window::tile(tile(z, x, y), 256);
            let drawn = layer.map(window).style(&style).density();
            let peak = drawn.values.iter().fold(0.0f32, |m, v| m.max(*v));
            assert!(peak > 1.0, "{z}/{x}/{y}");
            for (i, j) in (0..256)
                .step_by(23)
                .flat_map(|i| [(i, 7), (i, 128), (i, 255)])
            {
                let at = |edge: f64, i: u32| (edge + (f64::from(i) + 0.5) * window.pixel()) as u32;
                let at = WorldCoord {
                    x: at(window.left(), i),
                    y: at(window.top(), j),
                };
                let value = layer.value(at, z, &style).value.unwrap();
                let pixel = f64::from(drawn.values[(j * 256 + i) as usize]);
                let off = (pixel - value).abs() / f64::from(peak);
                assert!(off < TRUE, "{style} {i},{j}: {pixel} {value}");
            }
        }
    }
}

/// Densities of forty points by LIBKDV 1.1.20 at pixels of the tile, divided by the greatest
/// density of its grid. They have ten digits. The bandwidth is 20, which LIBKDV doubles.
const OF_LIBKDV: [((usize, usize), f64); 9] = [
    ((64, 64), 0.309_774_500_3),
    ((72, 180), 0.175_622_522_8),
    ((100, 91), 0.550_927_065_5),
    ((128, 128), 0.971_823_84),
    ((131, 77), 0.142_960_481),
    ((150, 150), 0.788_696_381_7),
    ((177, 66), 0.147_576_970_8),
    ((191, 128), 0.231_487_574_7),
    ((192, 192), 0.041_302_262_03),
];

#[test]
fn values_are_those_of_libkdv() {
    let places: Vec<edges::Place> = (0..40u16)
        .map(|i| {
            let quarter = |n: u16| 64.0 + f64::from(n % 512) / 4.0;
            let weight = 1.0 + f32::from(i % 3) / 2.0;
            (quarter(i * 37), quarter(i * i * 29), weight)
        })
        .collect();
    let (layer, _) = edges::layer(&places);
    let style = exact(&[("kernel", "epanechnikov"), ("radius", "40px")]);
    let (z, x, y) = edges::TILE;
    let drawn = layer.tile(tile(z, x, y)).style(&style).density();
    let at = |x: usize, y: usize| f64::from(drawn.values[y * 256 + x]);
    let grid = (64..=192).flat_map(|y| (64..=192).map(move |x| (x, y)));
    let most = grid.map(|(x, y)| at(x, y)).fold(0.0, f64::max);
    for ((x, y), theirs) in OF_LIBKDV {
        let ours = at(x, y) / most;
        assert!((ours - theirs).abs() < 1e-6, "{x},{y}: {ours} {theirs}");
    }
}

#[test]
fn all_that_is_measured_is_exact() {
    let scene = scenes::all().into_iter().find(|(n, _)| *n == "clustered");
    let layer = scenes::layer(&scene.unwrap().1);
    for measure in ["sum", "count", "mean", "sum_per_km2"] {
        let words = [
            ("measure", measure),
            ("kernel", "triangular"),
            ("radius", "30px"),
        ];
        let (fast, exact) = (scenes::style(&words), exact(&words));
        let drawn = layer.tile(tile(4, 8, 5)).style(&exact).density();
        let window = Window::tile(tile(4, 8, 5), 256);
        let mut truth = Vec::new();
        let mut numbers = Vec::new();
        for (i, number) in drawn.values.iter().enumerate().step_by(61) {
            let at = |edge: f64, i: usize| (edge + (i as f64 + 0.5) * window.pixel()) as u32;
            let (x, y) = (at(window.left(), i % 256), at(window.top(), i / 256));
            let value = layer.value(WorldCoord { x, y }, 4, &exact).value;
            if let Some(value) = value.filter(|_| !number.is_nan()) {
                truth.push(value);
                numbers.push(*number);
            }
        }
        let off = off(&numbers, &truth);
        assert!(off < TRUE && numbers.len() > 100, "{measure}: {off:e}");
        // The scale is measured for the exact style itself. It is near the scale of the fast style.
        let end = |style: &Style| layer.normalizer(12, style).domain().1;
        let (fast, exact) = (end(&fast), end(&exact));
        assert!(
            (fast / exact - 1.0).abs() < 0.02,
            "{measure}: {fast} {exact}"
        );
    }
}

/// The shapes of other heat maps are stamped in other styles. With `precision=exact` they are
/// evaluated too.
#[test]
fn shapes_of_other_heat_maps_are_exact() {
    let (layer, points) = edges::layer(&[(100.3, 120.7, 2.0), (130.0, 128.1, 1.0)]);
    let (z, x, y) = edges::TILE;
    for kernel in ["cubic", "plateau:0.15", "cone:0.3", "shadow:0.625"] {
        let style = exact(&[("kernel", kernel), ("radius", "33.3px")]);
        let drawn = layer.tile(tile(z, x, y)).style(&style).density();
        let window = Window::tile(tile(z, x, y), 256);
        let kernel = style.kernel_in(window);
        let truth: Vec<f64> = (0..256 * 256)
            .map(|i| {
                let at = |i: i32| (f64::from(i) + 0.5) * window.pixel();
                let (x, y) = (window.left() + at(i % 256), window.top() + at(i / 256));
                let away = |p: &heatsplat::Point| {
                    (f64::from(p.x) - x).hypot(f64::from(p.y) - y) / window.pixel()
                };
                let each = points.iter();
                each.map(|p| f64::from(p.weight) * kernel.at(away(p))).sum()
            })
            .collect();
        let off = off(&drawn.values, &truth);
        assert!(off < TRUE, "{kernel:?}: {off:e}");
    }
}

#[cfg(feature = "gpu")]
#[test]
fn beside_a_gpu_the_processor_draws_what_is_exact() {
    use heatsplat::Layer;
    use heatsplat::render::gpu::{AdapterChoice, FallbackReason, GpuBackend, GpuError};
    use std::sync::Arc;
    let gpu = match GpuBackend::new(AdapterChoice::Any) {
        Ok(gpu) => Arc::new(gpu),
        Err(GpuError::NoAdapter) => return crate::requirements::left_out("a GPU for exact tiles"),
        Err(other) => panic!("{other}"),
    };
    let scene = scenes::all().into_iter().find(|(n, _)| *n == "dense");
    let cpu = scenes::layer(&scene.unwrap().1);
    let points = heatsplat::Points::from_slice(cpu.points().as_slice().unwrap());
    let beside = Layer::new("gpu", points, Style::default(), Arc::clone(&gpu) as _);
    let style = exact(&[("radius", "12px"), ("domain", "0,40")]);
    let tile = tile(3, 4, 3);
    let before = gpu.report();
    let drawn = beside.tile(tile).style(&style).picture();
    assert_eq!(
        drawn.indices,
        cpu.tile(tile).style(&style).picture().indices
    );
    let after = gpu.report();
    assert_eq!(
        after.failed(FallbackReason::Beyond),
        before.failed(FallbackReason::Beyond) + 1
    );
    assert_eq!(after.drawn, before.drawn);
}
