//! Kernels with an edge against brute force, at every pixel and above all where their edge is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use heatsplat_points::{Point, Points, TileId};
use heatsplat_render::{Layer, Style, TileSize};

/// A small deterministic generator (SplitMix64).
struct Dice(u64);

impl Dice {
    /// A number in 0..1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A place in pixels of the tile, and a weight.
type Place = (f64, f64, f32);

const TILE: (u8, u32, u32) = (4, 8, 5);
const PIXEL: f64 = (1u64 << (32 - 12)) as f64;

/// A layer of points that lie so many pixels from the corner of the tile.
fn layer(places: &[Place]) -> (Layer, Vec<Point>) {
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

/// The kernels as README and `Shape` give them.
fn kernel(name: &str, distance: f64, radius: f64) -> f64 {
    let u = distance / radius;
    match name {
        "epanechnikov" => (1.0 - u * u).max(0.0),
        "triangular" => (1.0 - u).max(0.0),
        "uniform" => {
            let (inner, outer) = ((radius - 1.0).max(0.0), radius + radius.min(1.0));
            let square = |v: f64| v * v;
            ((square(outer) - square(distance)) / (square(outer) - square(inner))).clamp(0.0, 1.0)
        }
        other => panic!("{other}"),
    }
}

fn truth(points: &[Point], name: &str, radius: f64) -> Vec<f64> {
    let mut density = vec![0.0; 256 * 256];
    let reach = radius + 2.0;
    for p in points {
        let at = |v: u32, tile: u32| f64::from(v) / PIXEL - f64::from(tile) * 256.0;
        let (x, y) = (at(p.x, TILE.1), at(p.y, TILE.2));
        let range = |v: f64| {
            ((v - reach).max(0.0) as usize)..((v + reach + 1.0).clamp(0.0, 256.0) as usize)
        };
        for j in range(y) {
            for i in range(x) {
                let distance = (i as f64 + 0.5 - x).hypot(j as f64 + 0.5 - y);
                density[j * 256 + i] += f64::from(p.weight) * kernel(name, distance, radius);
            }
        }
    }
    density
}

/// The worst pixel's error as a share of the peak, and which one it is.
fn worst(places: &[Place], name: &str, radius: f64) -> (f64, usize) {
    let (layer, points) = layer(places);
    let mut style = Style::default();
    style.set("kernel", name).unwrap();
    style.set("radius", &format!("{radius}px")).unwrap();
    let tile = TileId::new(TILE.0, TILE.1, TILE.2).unwrap();
    let drawn = layer.tile_density(tile, TileSize::NORMAL, &style);
    let truth = truth(&points, name, radius);
    let peak = truth.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let off = |i: usize| (f64::from(drawn.values[i]) - truth[i]).abs() / peak;
    let worst = (0..truth.len())
        .max_by(|&a, &b| off(a).total_cmp(&off(b)))
        .unwrap();
    (off(worst), worst)
}

/// Scenes that show what an edge is worth: each is hard in its own way.
fn scenes_of(radius: f64) -> Vec<(&'static str, Vec<Place>)> {
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
    let ring = (0..360)
        .map(|i| f64::from(i).to_radians())
        .map(|a| (128.5 + radius * a.cos(), 128.5 + radius * a.sin(), 1.0))
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

#[test]
fn edged_kernels_are_true_at_every_pixel() {
    let mut bad = String::new();
    for radius in [1.0, 2.0, 4.5, 6.0, 8.0, 12.0, 19.6, 32.0, 64.0, 128.0] {
        for (scene, places) in scenes_of(radius) {
            for name in ["epanechnikov", "triangular", "uniform"] {
                let (off, at) = worst(&places, name, radius);
                if off > 1.0 / 256.0 || std::env::var_os("SHOW").is_some() {
                    let (x, y) = (at % 256, at / 256);
                    bad += &format!(
                        "{name} {radius} px, {scene}: 1/{:.0} at {x}, {y}\n",
                        1.0 / off
                    );
                }
            }
        }
    }
    assert!(bad.is_empty(), "\n{bad}");
}
