//! Points near ±180° and at the poles. Each point is drawn at its place exactly once, even if the
//! points are few.

use crate::scenes::{self, Dice, EDGED, SMOOTH};
use heatsplat::points::mercator::{self, WORLD};
use heatsplat::render::View;
use heatsplat::{Layer, Point, Points, Style, TileId, Window};

/// Makes 1 to 40 points within 2° of ±180°. Most of them lie much nearer, so that at every zoom
/// some lie at the edge of a tile.
pub fn near_the_line(dice: &mut Dice) -> Vec<Point> {
    let count = 1 + (dice.unit() * 40.0) as usize;
    let lat = dice.within(-75.0, 75.0);
    let place = |dice: &mut Dice| {
        let far = 2.0 * 10f64.powf(-dice.unit() * 9.0);
        let east = if dice.unit() < 0.5 { far } else { -far };
        let weight = dice.within(0.5, 3.0) as f32;
        Point::from_lon_lat(180.0 + east, lat + east * (dice.unit() - 0.5), weight).unwrap()
    };
    (0..count).map(|_| place(dice)).collect()
}

fn layer(points: &[Point]) -> Layer {
    Layer::on_cpu("points", Points::from_slice(points), Style::default())
}

/// The density of a window by brute force in f64: each point in each copy of the world is evaluated
/// at each pixel.
fn brute(points: &[Point], window: &Window, kernel: impl Fn(f64) -> f64) -> Vec<f64> {
    let (width, height) = (window.width() as usize, window.height() as usize);
    let mut density = vec![0.0; width * height];
    let copies = (-4..=4).map(|copy| f64::from(copy) * WORLD);
    for (point, shift) in copies.flat_map(|s| points.iter().map(move |p| (p, s))) {
        let x = (f64::from(point.x) + shift - window.left()) / window.pixel();
        let y = (f64::from(point.y) - window.top()) / window.pixel();
        if x < -200.0 || y < -200.0 || x > width as f64 + 200.0 || y > height as f64 + 200.0 {
            continue;
        }
        for (i, sum) in density.iter_mut().enumerate() {
            let (dx, dy) = ((i % width) as f64 + 0.5 - x, (i / width) as f64 + 0.5 - y);
            *sum += f64::from(point.weight) * kernel(dx.hypot(dy));
        }
    }
    density
}

/// Tiles of a zoom at the latitude of a point: two on each side of ±180°, and the tile that
/// contains the point.
fn tiles_about(point: &Point, z: u8) -> Vec<TileId> {
    let last = (1u32 << z) - 1;
    let of = |v: u32| if z == 0 { 0 } else { v >> (32 - u32::from(z)) };
    let mut columns = vec![0, 1, last.saturating_sub(1), last, of(point.x)];
    columns.retain(|x| *x <= last);
    columns.sort_unstable();
    columns.dedup();
    let tile = |x: u32| TileId::new(z, x, of(point.y)).unwrap();
    columns.into_iter().map(tile).collect()
}

/// The greatest difference between a drawn density and the truth, as a fraction of `peak`.
fn worst(drawn: &[f32], truth: &[f64], peak: f64) -> f64 {
    let off = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs();
    drawn.iter().zip(truth).map(off).fold(0.0, f64::max) / peak
}

#[test]
fn few_points_at_the_date_line_are_those_of_brute_force() {
    let mut dice = Dice(180);
    for z in 0..=22u8 {
        for turn in 0..2 {
            let points = near_the_line(&mut dice);
            let layer = layer(&points);
            let radius = [1.2, 3.0, 8.0, 16.0, 40.0][(dice.unit() * 5.0) as usize];
            let number = (usize::from(z) + 3 * turn) % 6;
            let name = *SMOOTH.iter().chain(&EDGED).nth(number).unwrap();
            let words = [("kernel", name), ("radius", &format!("{radius}px"))];
            let style = scenes::style(&words);
            let kernel = |d: f64| crate::reference::kernel(name, d, radius);
            for tile in tiles_about(&points[0], z) {
                let drawn = layer.tile(tile).style(&style).density();
                let truth = brute(&points, &Window::tile(tile, 256), kernel);
                let peak = truth.iter().fold(1.0, |m: f64, v| m.max(*v));
                let what = format!("{words:?} {tile:?} {points:?}");
                let off = worst(&drawn.values, &truth, peak);
                assert!(off <= 1.0 / 256.0, "{off}: {what}");
            }
        }
    }
}

/// Tiles at ±180° are equal to tiles a quarter of the world away, after the points are moved by the
/// same distance. This holds for every measure and every kernel.
#[test]
fn the_date_line_is_a_line_like_any_other() {
    const QUARTER: u32 = 1 << 30;
    let mut dice = Dice(90);
    let styles: [&[(&str, &str)]; 14] = [
        &[("measure", "count")],
        &[("radius", "50km")],
        &[("radius", "2km"), ("kernel", "quartic")],
        &[("kernel", "uniform"), ("radius", "20px")],
        &[("kernel", "triangular"), ("radius", "9px")],
        &[("kernel", "epanechnikov"), ("measure", "count_per_km2")],
        &[("measure", "mean")],
        &[("measure", "sum_per_km2"), ("radius", "5px")],
        &[
            ("overlap", "cover:0,3,0.05@4"),
            ("kernel", "plateau:0.15"),
            ("radius", "20px"),
        ],
        &[
            ("overlap", "reach:8"),
            ("kernel", "epanechnikov"),
            ("radius", "16px"),
        ],
        &[("overlap", "set"), ("radius", "20px")],
        &[("overlap", "over:ellipse:10x6@0.2")],
        &[("kernel", "cubic"), ("radius", "9px")],
        &[("radius", "1.1px")],
    ];
    for z in 0..=22u8 {
        for (turn, words) in styles.iter().enumerate() {
            let points = near_the_line(&mut dice);
            let turned = |p: &Point| Point {
                x: p.x.wrapping_add(QUARTER),
                ..*p
            };
            let turned: Vec<_> = points.iter().map(turned).collect();
            let (here, there) = (layer(&points), layer(&turned));
            let style = scenes::style(words);
            let (size, ratio) = [(256, 1), (512, 2)][turn % 2];
            let tiles = tiles_about(&points[0], z);
            for tile in tiles.into_iter().skip(turn % 3).step_by(2) {
                let window = Window::tile(tile, size);
                let east = Window::new(
                    window.left() + f64::from(QUARTER),
                    window.top(),
                    window.pixel(),
                    size,
                    size,
                );
                let a = here
                    .map(View::new(window, ratio))
                    .style(&style)
                    .density()
                    .values;
                let b = there
                    .map(View::new(east, ratio))
                    .style(&style)
                    .density()
                    .values;
                let peak = b
                    .iter()
                    .filter(|v| !v.is_nan())
                    .fold(1e-9, |m: f32, v| m.max(*v));
                for (i, (a, b)) in a.iter().zip(&b).enumerate() {
                    let same = (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-4 * peak;
                    assert!(
                        same,
                        "{words:?} {tile:?} pixel {i}: {a} and not {b}; {points:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn values_and_nearest_points_at_the_date_line_are_there_once() {
    use heatsplat::render::{NearestPoints, PointQuery};
    let mut dice = Dice(17);
    for z in 0..=22u8 {
        let points = near_the_line(&mut dice);
        let layer = layer(&points);
        for (radius, lon) in [(8.0, 180.0), (100.0, 179.9), (30.0, -179.9999)] {
            let words = [("kernel", "quartic"), ("radius", &format!("{radius}px"))];
            let style = scenes::style(&words);
            let lat = mercator::unproject(points[0].at()).1;
            let at = mercator::project(lon, lat).unwrap();
            let pixel = WORLD / f64::from(z + 8).exp2();
            let window = Window::new(
                f64::from(at.x) - pixel / 2.0,
                f64::from(at.y) - pixel / 2.0,
                pixel,
                1,
                1,
            );
            let kernel = |d: f64| crate::reference::kernel("quartic", d, radius);
            let truth = brute(&points, &window, kernel)[0];
            let value = layer.value(at, z, &style);
            assert!(
                (value.value.unwrap() - truth).abs() <= 1e-6 * truth.max(1.0),
                "{z} {words:?}"
            );
            let query = PointQuery::new(at, f64::from(z), &style);
            let near = NearestPoints::new(&query, 100).among(layer.points());
            let distance = |p: &Point| {
                let dx = f64::from(p.x.wrapping_sub(at.x) as i32);
                dx.hypot(f64::from(p.y) - f64::from(at.y)) / pixel
            };
            let within = points.iter().filter(|p| distance(p) <= radius).count();
            assert_eq!(near.finish().len(), within, "{z} {words:?}");
        }
    }
}

/// Points in the far south don't show at the northern edge of the world, and points in the far
/// north don't show at the southern edge.
#[test]
fn the_poles_do_not_meet() {
    for z in 0..=22u8 {
        let last = (1u32 << z) - 1;
        for (lat, row) in [(85.0511, last), (-85.0511, 0)] {
            let layer = layer(&[Point::from_lon_lat(-179.99, lat, 1.0).unwrap()]);
            for (name, radius) in [
                ("gaussian", "40px"),
                ("quartic", "16px"),
                ("uniform", "30px"),
            ] {
                let style = scenes::style(&[("kernel", name), ("radius", radius)]);
                for x in [0, last] {
                    let tile = TileId::new(z, x, row).unwrap();
                    let drawn = layer.tile(tile).style(&style).density().values;
                    // At zoom 0 one tile shows the whole world, so only the part that is far from
                    // the point is tested.
                    let rows = if z > 0 { 256 } else { 100 };
                    let seen = if lat > 0.0 {
                        &drawn[(256 - rows) * 256..]
                    } else {
                        &drawn[..rows * 256]
                    };
                    assert!(seen.iter().all(|v| v.abs() < 1e-6), "{name} {tile:?}");
                }
            }
        }
    }
}
