//! Tests of the kernel `pixel`, which adds up the points in each pixel without smoothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use heatsplat_points::{Point, Points, TileId, Window, WorldCoord};
use heatsplat_render::{Layer, Style, TileSize};

/// Makes 60,000 points that lie close together, 20,000 points anywhere, and 4 points at the edges
/// and in the middle of the map. Their weights are 1, 2 or 3.
fn points() -> Vec<Point> {
    let mix = |i: u32| i.wrapping_mul(2_654_435_769);
    let crowd = (0..60_000u32).map(|i| {
        (
            0x8123_4567 + (mix(i) >> 12),
            0x6fff_ff00 + (mix(i * 7 + 1) >> 14),
        )
    });
    let anywhere = (0..20_000u32).map(|i| (mix(i), mix(mix(i) ^ 0x55aa)));
    let rim = [
        (0, 0),
        (u32::MAX, 0x8000_0000),
        (0, u32::MAX),
        (0x8000_0000, 0x8000_0000),
    ];
    let all = crowd.chain(anywhere).chain(rim);
    let weighed = all.zip(0u32..);
    weighed
        .map(|((x, y), i)| Point {
            x,
            y,
            weight: (1 + i % 3) as f32,
        })
        .collect()
}

fn layer(style: &[(&str, &str)]) -> Layer {
    let mut wanted = Style::default();
    for (name, value) in style {
        wanted.set(name, value).unwrap();
    }
    Layer::on_cpu("pixels", Points::from_slice(&points()), wanted)
}

/// Adds up the numbers that `weigh` gives to points, for each pixel of a window, as SQL's GROUP BY
/// does.
fn group_by(points: &[Point], window: &Window, weigh: impl Fn(&Point) -> f64) -> Vec<f64> {
    let (width, height) = (window.width() as usize, window.height() as usize);
    let mut sums = vec![0.0; width * height];
    for p in points {
        let column = ((f64::from(p.x) - window.left()) / window.pixel()).floor();
        let row = ((f64::from(p.y) - window.top()) / window.pixel()).floor();
        if (0.0..width as f64).contains(&column) && (0.0..height as f64).contains(&row) {
            sums[row as usize * width + column as usize] += weigh(p);
        }
    }
    sums
}

#[test]
fn each_pixel_is_the_sum_of_its_points_exactly() {
    let layer = layer(&[("kernel", "pixel")]);
    let at = |z: u8| {
        TileId::new(
            z,
            0x8123_5000 >> (32 - u32::from(z)),
            0x7000_0000 >> (32 - u32::from(z)),
        )
    };
    let tiles = [
        TileId::new(0, 0, 0),
        TileId::new(1, 1, 0),
        at(6),
        at(11),
        at(16),
    ];
    for tile in tiles.map(Result::unwrap) {
        for (size, ratio) in [(TileSize::NORMAL, 1), (TileSize::new(256, 2).unwrap(), 2)] {
            let drawn = layer.tile(tile).size(size).density();
            let truth = group_by(&points(), &Window::tile(tile, 256 * ratio), |p| {
                f64::from(p.weight)
            });
            let same = drawn
                .values
                .iter()
                .zip(&truth)
                .all(|(a, b)| f64::from(*a) == *b);
            assert!(same, "{tile:?} at {ratio}");
        }
    }
}

#[test]
fn pictures_between_zooms_count_as_well() {
    let layer = layer(&[("kernel", "pixel"), ("measure", "count")]);
    let window = Window::around([-5.0, 18.0, 4.7, 25.3].try_into().unwrap(), 331, 217).unwrap();
    let drawn = layer.map(window).density();
    let truth = group_by(&points(), &window, |_| 1.0);
    assert!(truth.iter().sum::<f64>() > 1000.0);
    assert!(
        drawn
            .values
            .iter()
            .zip(&truth)
            .all(|(a, b)| f64::from(*a) == *b)
    );
}

#[test]
fn a_value_is_that_of_its_pixel_and_a_radius_is_refused() {
    let layer = layer(&[("kernel", "pixel")]);
    let tile = TileId::new(11, 0x8123_5000 >> 21, 0x7000_0000 >> 21).unwrap();
    let drawn = layer.tile(tile).density();
    let window = Window::tile(tile, 256);
    let (best, most) = (0u32..)
        .zip(&drawn.values)
        .max_by(|a, b| a.1.total_cmp(b.1))
        .unwrap();
    let place = |from: f64, n: u32| (from + (f64::from(n) + 0.4) * window.pixel()) as u32;
    let at = WorldCoord {
        x: place(window.left(), best % 256),
        y: place(window.top(), best / 256),
    };
    let value = layer.value(at, 11, layer.style());
    assert_eq!(value.value, Some(f64::from(*most)));

    assert_eq!(layer.style().unit(), "weight per pixel");
    let text = layer.style().to_string();
    assert!(
        text.contains("kernel=pixel") && !text.contains("radius"),
        "{text}"
    );
    let message = layer
        .style()
        .clone()
        .set("radius", "5px")
        .unwrap_err()
        .to_string();
    assert!(message.contains("pixel has no radius"), "{message}");
}

#[test]
fn a_mean_is_that_of_a_pixels_points() {
    let layer = layer(&[("kernel", "pixel"), ("measure", "mean")]);
    let tile = TileId::new(6, 0x8123_5000 >> 26, 0x7000_0000 >> 26).unwrap();
    let drawn = layer.tile(tile).density();
    let window = Window::tile(tile, 256);
    let (sums, counts) = (
        group_by(&points(), &window, |p| f64::from(p.weight)),
        group_by(&points(), &window, |_| 1.0),
    );
    for (i, value) in drawn.values.iter().enumerate() {
        match counts[i] {
            0.0 => assert!(value.is_nan(), "{value}"),
            count => assert!((f64::from(*value) - sums[i] / count).abs() < 1e-6 * 3.0),
        }
    }
}

#[test]
fn weights_of_both_signs_are_added_up_exactly() {
    let mut signed = points();
    for (i, point) in signed.iter_mut().enumerate() {
        point.weight = [1e6, 3.0, -1e6][i % 3];
    }
    let mut style = Style::default();
    style.set("kernel", "pixel").unwrap();
    let layer = Layer::on_cpu("pixels", Points::from_slice(&signed), style);
    let window = Window::tile(
        TileId::new(6, 0x8123_5000 >> 26, 0x7000_0000 >> 26).unwrap(),
        256,
    );
    let drawn = layer.map(window).density();
    let truth = group_by(&signed, &window, |p| f64::from(p.weight));
    assert!(truth.iter().any(|sum| *sum < 0.0) && truth.iter().any(|sum| *sum > 0.0));
    for (value, sum) in drawn.values.iter().zip(truth) {
        assert_eq!(*value, sum as f32);
    }
}
