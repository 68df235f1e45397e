//! Kernels are compared with brute force at every pixel. Most of the tests are about kernels with
//! an edge.

use crate::reference;
use crate::scenes::{self, Dice, EDGED, SMOOTH};
use heatsplat::{Layer, Point, Points, Style, TileId, TileSize};

/// A position in pixels of the tile [`TILE`], and a weight.
pub type Place = (f64, f64, f32);

pub const TILE: (u8, u32, u32) = (4, 8, 5);
const PIXEL: f64 = (1u64 << (32 - 12)) as f64;

/// Makes a layer of points. Their positions count in pixels from the corner of the tile [`TILE`].
pub fn layer(places: &[Place]) -> (Layer, Vec<Point>) {
    let corner = |tile: u32| f64::from(tile) * 256.0;
    let world = |pixel: f64, tile| ((pixel + corner(tile)) * PIXEL).round() as u32;
    let points: Vec<Point> = places
        .iter()
        .map(|&(x, y, weight)| Point {
            x: world(x, TILE.1),
            y: world(y, TILE.2),
            weight,
        })
        .collect();
    (
        Layer::on_cpu("edges", Points::from_slice(&points), Style::default()),
        points,
    )
}

pub fn truth(points: &[Point], name: &str, radius: f64) -> Vec<f64> {
    let mut density = vec![0.0; 256 * 256];
    let reach = 4.0 / 3.0 * radius + 2.0;
    for p in points {
        let at = |v: u32, tile: u32| f64::from(v) / PIXEL - f64::from(tile) * 256.0;
        let (x, y) = (at(p.x, TILE.1), at(p.y, TILE.2));
        let range = |v: f64| {
            ((v - reach).max(0.0) as usize)..((v + reach + 1.0).clamp(0.0, 256.0) as usize)
        };
        for j in range(y) {
            for i in range(x) {
                let distance = (i as f64 + 0.5 - x).hypot(j as f64 + 0.5 - y);
                density[j * 256 + i] +=
                    f64::from(p.weight) * reference::kernel(name, distance, radius);
            }
        }
    }
    density
}

/// The greatest error of a pixel, as a fraction of the peak, and the index of this pixel.
fn worst(places: &[Place], name: &str, radius: f64) -> (f64, usize) {
    let (layer, points) = layer(places);
    let style = scenes::style(&[("kernel", name), ("radius", &format!("{radius}px"))]);
    let tile = TileId::new(TILE.0, TILE.1, TILE.2).unwrap();
    let drawn = layer.tile(tile).style(&style).density();
    let truth = truth(&points, name, radius);
    let peak = truth.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let off = |i: usize| (f64::from(drawn.values[i]) - truth[i]).abs() / peak;
    let worst = (0..truth.len())
        .max_by(|&a, &b| off(a).total_cmp(&off(b)))
        .unwrap();
    (off(worst), worst)
}

/// Scenes in which errors at a kernel's edge would show. Each is difficult in its own way.
pub fn scenes_of(radius: f64) -> Vec<(&'static str, Vec<Place>)> {
    let mut dice = Dice(7);
    let mut near = |x: f64, y: f64, spread: f64, count: usize| -> Vec<Place> {
        (0..count)
            .map(|_| {
                (
                    x + spread * (dice.unit() - 0.5),
                    y + spread * (dice.unit() - 0.5),
                    1.0,
                )
            })
            .collect()
    };
    let crowd = near(128.37, 127.81, 0.02, 3000);
    let mut crowd_and_few = near(128.37, 127.81, 0.4, 5000);
    crowd_and_few.extend(near(128.0, 128.0, 250.0, 2000));
    let mut two = near(128.06, 128.94, 0.03, 2000);
    two.extend(near(128.93, 128.07, 0.03, 2000));
    // The ring must not be so narrow that no kernel reaches the centre of a pixel, or there would
    // be nothing to compare.
    let on = radius.max(0.6);
    let ring = (0..360)
        .map(|i| f64::from(i).to_radians())
        .map(|a| (128.5 + on * a.cos(), 128.5 + on * a.sin(), 1.0))
        .collect();
    let coast = (0..4000)
        .map(|i| f64::from(i) / 4000.0 * 256.0)
        .map(|x| {
            (
                x,
                128.0 + 20.0 * (x / 17.0).sin() + 3.0 * (x * 1.7).sin(),
                1.0,
            )
        })
        .collect();
    let random = near(128.0, 128.0, 300.0, 5000);
    vec![
        ("crowd", crowd),
        ("crowd and few", crowd_and_few),
        ("two crowds in a pixel", two),
        ("ring", ring),
        ("coast", coast),
        ("random", random),
    ]
}

/// Scenes that test how well a cell of the index stands for its points, which are drawn at their
/// common middle. In two scenes the points fill a cell, or a quarter of a cell. In the third, two
/// crowds lie in opposite corners of a cell.
fn cells_of(radius: f64) -> Vec<(&'static str, Vec<Place>)> {
    let mut dice = Dice(8);
    let mut near = |x: f64, y: f64, side: f64| -> Vec<Place> {
        let mut within = |from: f64| from + side * dice.unit();
        (0..1500).map(|_| (within(x), within(y), 1.0)).collect()
    };
    let cell = (radius / 12.0).log2().floor().exp2();
    // A cell of at most half a pixel lies at the middle of a pixel.
    let at = if cell > 0.5 { 128.0 } else { 128.5 };
    let mut corners = near(at, at, 0.02 * cell);
    corners.extend(near(at + 0.98 * cell, at + 0.98 * cell, 0.02 * cell));
    vec![
        ("a cell", near(at, at, cell)),
        ("a quarter of a cell", near(at, at, cell / 2.0)),
        ("two corners", corners),
    ]
}

/// The page of the documentation with the table of measured errors.
const TABLE: &str = include_str!("../docs/exactness.md");

/// The cells of a line of the table.
fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

/// Asserts that in all scenes, each kernel is at least as exact at every pixel as the table states.
fn assert_true(names: &[&str]) {
    let rows: Vec<_> = TABLE
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(cells)
        .collect();
    let radii: Vec<f64> = rows[0][1..].iter().map(|r| r.parse().unwrap()).collect();
    assert_eq!(
        radii,
        [0.75, 1.0, 2.0, 4.5, 6.0, 8.0, 12.0, 19.6, 32.0, 64.0, 128.0]
    );
    let mut bad = String::new();
    for name in names {
        let row = rows.iter().find(|row| row[0] == *name).unwrap();
        let mut now = format!("| {name} ");
        for (radius, said) in radii.iter().zip(&row[1..]) {
            let (off, scene) = worst_of(name, *radius);
            now += &format!("| 1/{:.0} ", (1.0 / off).floor());
            let most: f64 = said.trim_start_matches("1/").parse().unwrap();
            if off > 1.0 / most || most < 256.0 {
                bad += &format!(
                    "{name} {radius} px, {scene}: 1/{:.0}, not {said}\n",
                    1.0 / off
                );
            }
        }
        bad += &if bad.is_empty() {
            String::new()
        } else {
            format!("{now}|\n")
        };
    }
    assert!(bad.is_empty(), "\n{bad}");
}

/// The greatest error of a pixel in all scenes, and the name of that scene.
fn worst_of(name: &str, radius: f64) -> (f64, &'static str) {
    let mut scenes = scenes_of(radius);
    if SMOOTH.contains(&name) {
        scenes.extend(cells_of(radius));
    }
    let each = scenes
        .into_iter()
        .map(|(scene, places)| (worst(&places, name, radius).0, scene));
    each.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[test]
fn edged_kernels_are_true_at_every_pixel() {
    assert_true(&EDGED);
}

#[test]
fn smooth_kernels_are_true_at_every_pixel() {
    assert_true(&SMOOTH);
    // At these radii the grid of a kernel changes, and the cells are widest in proportion to the
    // radius.
    for radius in [0.75, 1.5, 3.0, 5.25, 6.25, 10.5, 14.0, 16.0, 24.0, 48.0] {
        for (scene, places) in cells_of(radius) {
            for name in SMOOTH {
                let (off, _) = worst(&places, name, radius);
                assert!(
                    off < 1.0 / 256.0,
                    "{name} {radius} px, {scene}: 1/{:.0}",
                    1.0 / off
                );
            }
        }
    }
}

#[test]
fn edged_kernels_take_each_point_once() {
    // Crowds lie beside few points. So for some squares of the pyramid the index has cells in one
    // part and points in another.
    let tile = TileId::new(0, 0, 0).unwrap();
    for seed in 1..=3 {
        let points: Vec<_> = heatsplat::generate::points(5000, seed)
            .map(|(lon, lat, _)| (lon, lat, 1.0))
            .collect();
        let layer = Layer::on_cpu(
            "once",
            Points::from_lon_lat(points.clone()).unwrap(),
            Style::default(),
        );
        for name in ["epanechnikov", "triangular"] {
            let style = scenes::style(&[("kernel", name), ("radius", "10px")]);
            let size = TileSize::new(512, 2).unwrap();
            let drawn = layer.tile(tile).size(size).style(&style).density().values;
            let truth = reference::tile(&points, name, 20.0, (0, 0, 0), 1024);
            let peak = truth.iter().fold(0.0f64, |m, v| m.max(*v));
            for (drawn, truth) in drawn.iter().zip(truth) {
                let off = (f64::from(*drawn) - truth).abs();
                assert!(
                    off < peak / 256.0,
                    "{name}, seed {seed}: {drawn}, not {truth}"
                );
            }
        }
    }
}
