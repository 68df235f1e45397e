use crate::reference::{self, LonLat};
use crate::scenes::{self, Dice, EDGED, SMOOTH};
use heatsplat::points::mercator;
use heatsplat::render::View;
use heatsplat::{Layer, Points, TileId, TileSize, Window};
use proptest::prelude::*;

/// The greatest |a − b|, as a fraction of the greatest |b|.
fn worst(a: &[f32], b: &[f64]) -> f64 {
    let peak = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let off = a
        .iter()
        .zip(b)
        .fold(0.0f64, |m, (a, b)| m.max((f64::from(*a) - b).abs()));
    if peak > 0.0 { off / peak } else { off }
}

fn tile(z: u8, x: u32, y: u32) -> TileId {
    TileId::new(z, x, y).unwrap()
}

// Truth: a density differs from brute force by at most 1/256 of the peak.

fn assert_true(
    name: &str,
    points: &[LonLat],
    kernels: &[&str],
    radii: &[f64],
    tiles: &[(u8, u32, u32)],
) {
    let layer = scenes::layer(points);
    for kernel in kernels {
        for radius in radii {
            let style = scenes::style(&[("kernel", kernel), ("radius", &format!("{radius}px"))]);
            for &at in tiles {
                let density = layer.tile(tile(at.0, at.1, at.2)).style(&style).density();
                let truth = reference::tile(points, kernel, *radius, at, 256);
                if truth.iter().all(|v| v.abs() < 0.5) {
                    continue; // Tails of splats beyond the edge are less than any error.
                }
                let off = worst(&density.values, &truth);
                assert!(
                    off <= 1.0 / 256.0,
                    "{name}, {kernel} {radius} px, tile {at:?}: {off}"
                );
            }
        }
    }
}

#[test]
fn density_is_the_sum_of_smooth_kernels_to_1_256() {
    let radii = [1.0, 1.5, 2.5, 4.0, 6.0, 7.43, 7.9, 9.0, 12.0, 16.0, 30.0];
    for (name, points) in scenes::all() {
        assert_true(
            name,
            &points,
            &SMOOTH,
            &radii,
            &[(0, 0, 0), (2, 2, 1), (5, 17, 10)],
        );
    }
}

/// Wide kernels use coarse grids. The radii are those at which the next coarser grid begins to be
/// used, and some between them.
#[test]
fn wide_kernels_are_as_true() {
    let radii = [
        16.0, 19.0, 23.9, 24.0, 31.9, 32.0, 35.0, 47.9, 64.0, 70.0, 100.0, 128.0,
    ];
    for (name, points) in scenes::all() {
        let few: Vec<LonLat> = points.into_iter().step_by(7).take(300).collect();
        assert_true(name, &few, &SMOOTH, &radii, &[(2, 2, 1)]);
    }
}

/// Kernels with an edge or a cusp are as exact as smooth ones, at the edge or cusp too.
#[test]
fn density_is_the_sum_of_edged_kernels_to_1_256() {
    for (name, points) in scenes::all() {
        let few: Vec<LonLat> = points.into_iter().step_by(3).take(1000).collect();
        let radii = [1.0, 2.5, 6.0, 11.0, 16.0, 40.0];
        assert_true(
            name,
            &few,
            &EDGED,
            &radii,
            &[(0, 0, 0), (2, 2, 1), (5, 17, 10)],
        );
    }
}

#[test]
fn the_value_query_is_the_oracle_at_a_coordinate() {
    let (_, points) = scenes::all().remove(5); // across the date line
    let layer = scenes::layer(&points);
    for kernel in SMOOTH.iter().chain(&EDGED) {
        let style = scenes::style(&[("kernel", kernel), ("radius", "20px")]);
        for (lon, lat) in [(179.9, 3.0), (-179.9, -3.0), (171.0, 11.0)] {
            let value = layer.value(mercator::project(lon, lat).unwrap(), 4, &style);
            let (x, y) = reference::project(lon, lat);
            let world = 256.0 * 16.0;
            let mut expected = 0.0;
            let mut count = 0;
            for &(plon, plat, weight) in &points {
                let (px, py) = reference::project(plon, plat);
                let dx = (px - x).abs();
                let distance = dx.min(1.0 - dx).hypot(py - y) * world;
                expected += f64::from(weight) * reference::kernel(kernel, distance, 20.0);
                count += usize::from(
                    distance
                        <= match *kernel {
                            "gaussian" => 80.0 / 3.0,
                            "uniform" => 21.0,
                            _ => 20.0,
                        },
                );
            }
            assert!(
                (value.value.unwrap() - expected).abs() <= 1e-4 * expected.max(1.0),
                "{kernel}: {value:?} {expected}"
            );
            assert_eq!(value.count, count, "{kernel}");
        }
    }
}

// Seams: neighbouring tiles meet as parts of one picture.

/// Asserts that all tiles around a corner equal the parts of one big picture. Unless `exact` is
/// true, colour indices may differ by one.
pub fn assert_seamless(
    layer: &Layer,
    style: &heatsplat::Style,
    z: u8,
    x: i64,
    y: u32,
    size: u32,
    exact: bool,
) {
    let ratio = size / 256;
    let sides = 3u32;
    let window = Window::at_level(
        z + size.ilog2() as u8,
        x * i64::from(size),
        i64::from(y) * i64::from(size),
        sides * size,
        2 * size,
    );
    let whole = layer.map(View::new(window, ratio)).style(style).density();
    let colours = layer.map(View::new(window, ratio)).style(style).picture();
    for (j, i) in (0..2).flat_map(|j| (0..sides).map(move |i| (j, i))) {
        let column = (x + i64::from(i)).rem_euclid(1 << z) as u32;
        if y + j >= 1 << z {
            continue;
        }
        let at = tile(z, column, y + j);
        let part = layer
            .tile(at)
            .size(TileSize::new(256, ratio).unwrap())
            .style(style)
            .density();
        let picture = layer
            .tile(at)
            .size(TileSize::new(256, ratio).unwrap())
            .style(style)
            .picture();
        for row in 0..size {
            let from = ((j * size + row) * sides * size + i * size) as usize;
            let (crop, tiles) = (
                &whole.values[from..][..size as usize],
                &part.values[(row * size) as usize..][..size as usize],
            );
            let (crop_colours, tile_colours) = (
                &colours.indices[from..][..size as usize],
                &picture.indices[(row * size) as usize..][..size as usize],
            );
            if exact {
                let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(crop), bits(tiles), "{at:?} row {row}");
                assert_eq!(crop_colours, tile_colours, "{at:?} row {row}");
            } else {
                let off = crop_colours
                    .iter()
                    .zip(tile_colours)
                    .map(|(a, b)| a.abs_diff(*b))
                    .max();
                assert!(off <= Some(1), "{at:?} row {row}: {off:?}");
            }
        }
    }
}

#[test]
fn tiles_are_crops_of_one_picture() {
    for (name, points) in scenes::all() {
        if matches!(name, "lone" | "line" | "stacked") {
            continue;
        }
        let layer = scenes::layer(&points);
        for kernel in SMOOTH.iter().chain(&EDGED) {
            for (radius, size) in [("16px", 256), ("7px", 512), ("2px", 256)] {
                let style = scenes::style(&[("kernel", kernel), ("radius", radius)]);
                let exact = SMOOTH.contains(kernel);
                // At x = −1 and in the last columns the picture crosses ±180°. At y = 0 it begins
                // at the pole.
                for (z, x, y) in [(0, -1, 0), (2, -1, 0), (4, 14, 6), (6, 33, 20)] {
                    assert_seamless(&layer, &style, z, x, y, size, exact);
                }
            }
        }
    }
}

/// A picture may begin at any pixel, even in the middle of a cell of a coarse grid, and may be
/// drawn in blocks. Tiles still equal parts of it.
#[test]
fn pictures_that_begin_anywhere_agree_with_tiles() {
    let (_, points) = scenes::all().remove(3);
    let layer = scenes::layer(&points);
    for (radius, dx, dy) in [("16px", 1, 0), ("40px", 13, 7), ("128px", 255, 129)] {
        for kernel in ["gaussian", "quartic"] {
            let style = scenes::style(&[("kernel", kernel), ("radius", radius)]);
            let part = layer.tile(tile(4, 8, 5)).style(&style).density();
            let (left, top) = (8 * 256 - 512 + dx, 5 * 256 - 512 + dy);
            let window = Window::at_level(12, left, top, 1000, 900);
            let whole = layer.map(window).style(&style).density();
            for y in 0..256 {
                for x in 0..256 {
                    let there = whole.at(x + 512 - dx as u32, y + 512 - dy as u32);
                    assert_eq!(there, part.at(x, y), "{kernel} {radius} at {x}, {y}");
                }
            }
            assert!(part.values.iter().any(|&v| v > 0.0));
        }
    }
}

// Conservation: no weight is lost or added.

#[test]
fn no_weight_is_lost_or_made() {
    for (name, points) in scenes::all() {
        if name == "poles" {
            continue; // splats there reach out of the square
        }
        let sum: f64 = points.iter().map(|p| f64::from(p.2)).sum();
        let size: f64 = points.iter().map(|p| f64::from(p.2.abs())).sum();
        let layer = scenes::layer(&points);
        // The index has exactly the weight of its points.
        assert_eq!(
            layer.points().summary().weight_sum,
            sum_sorted(&layer),
            "{name}"
        );
        assert!(
            (layer.points().summary().weight_sum - sum).abs() < 1e-9 * size,
            "{name}"
        );
        for z in 0..4u8 {
            let in_tiles: usize = (0..1u32 << z)
                .flat_map(|y| (0..1u32 << z).map(move |x| tile(z, x, y)))
                .map(|t| layer.points().tile_range(t).unwrap().len())
                .sum();
            assert_eq!(in_tiles, points.len(), "{name} z{z}");
        }
        // The picture has this weight too, except for what is lost at the end of a kernel and in
        // its coefficients.
        for kernel in SMOOTH.iter().chain(&EDGED) {
            for radius in ["2px", "5px", "8px", "16px"] {
                let style = scenes::style(&[
                    ("kernel", kernel),
                    ("radius", radius),
                    ("normalize", "mass"),
                ]);
                let mass: f64 = (0..4u32)
                    .flat_map(|y| (0..4u32).map(move |x| tile(2, x, y)))
                    .flat_map(|t| layer.tile(t).style(&style).density().values)
                    .map(f64::from)
                    .sum();
                let allowed = if EDGED.contains(kernel) { 0.05 } else { 0.01 };
                assert!(
                    (mass - sum).abs() <= allowed * size,
                    "{name} {kernel} {radius}: {mass} of {sum}"
                );
            }
        }
    }
}

fn sum_sorted(layer: &Layer) -> f64 {
    layer
        .points()
        .as_slice()
        .unwrap()
        .iter()
        .map(|p| f64::from(p.weight))
        .sum()
}

// Linearity, and independence from the order of rows.

fn scattered(n: usize, seed: u64) -> Vec<LonLat> {
    let mut dice = Dice(seed);
    (0..n)
        .map(|_| {
            (
                dice.within(-30.0, 30.0),
                dice.within(-30.0, 30.0),
                dice.within(0.1, 2.0) as f32,
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_density_of_two_sets_is_the_sum_of_both(
        n in 1usize..400, m in 1usize..400, seed: u64, which in 0usize..6, radius in 1.0..40.0f64,
    ) {
        let (a, b) = (scattered(n, seed), scattered(m, seed ^ 1));
        let both: Vec<LonLat> = a.iter().chain(&b).copied().collect();
        let kernel = SMOOTH.iter().chain(&EDGED).nth(which).unwrap();
        let style = scenes::style(&[("kernel", kernel), ("radius", &format!("{radius}px"))]);
        let density = |points: &[LonLat]| scenes::layer(points).tile(tile(3, 4, 3)).style(&style).density().values;
        let expected: Vec<f64> = density(&a).iter().zip(density(&b)).map(|(a, b)| f64::from(a + b)).collect();
        // The cells of both sets together lie elsewhere than those of each set, so the densities
        // differ a little.
        let off = worst(&density(&both), &expected);
        prop_assert!(off < 1.0 / 256.0, "{kernel} {radius}: {off}");
    }

    #[test]
    fn rows_in_any_order_give_the_same_bytes(n in 1usize..3000, seed: u64, threads in 1usize..5) {
        let mut points = scattered(n, seed);
        // A third of the points may lie on top of others, with different weights.
        for p in points.iter_mut().step_by(3) {
            *p = (p.0.round(), p.1.round(), p.2);
        }
        let mut shuffled = points.clone();
        let mut dice = Dice(seed ^ 7);
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, (dice.unit() * (i + 1) as f64) as usize);
        }
        let draw = |points: &[LonLat]| {
            let layer = scenes::layer(points);
            let bytes = [(0, 0, 0), (3, 4, 3), (6, 30, 33)].map(|(z, x, y)| {
                let at = tile(z, x, y);
                layer.tile(at).png().unwrap()
            });
            (layer.points().as_slice().unwrap().to_vec(), bytes)
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        prop_assert_eq!(draw(&points), pool.install(|| draw(&shuffled)));
    }
}

#[test]
fn colours_do_not_depend_on_what_was_asked_first() {
    let (_, points) = scenes::all().remove(3);
    let tiles: Vec<TileId> = (0..8).map(|i| tile(5, 14 + i % 4, 9 + i / 4)).collect();
    let draw = |order: &[TileId]| {
        let layer = scenes::layer(&points);
        let mut drawn: Vec<_> = order
            .iter()
            .map(|&t| (t, layer.tile(t).picture()))
            .collect();
        drawn.sort_by_key(|(t, _)| *t);
        drawn
            .into_iter()
            .map(|(_, p)| p.indices)
            .collect::<Vec<_>>()
    };
    let backwards: Vec<TileId> = tiles.iter().rev().copied().collect();
    assert_eq!(draw(&tiles), draw(&backwards));
}

/// All threads of a pool may wait for the statistics of the same zoom at the same time.
#[test]
fn a_crowd_on_a_cold_zoom_does_not_lock_up() {
    let layer = scenes::layer(&scattered(2_000, 3));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build()
        .unwrap();
    let drawn = pool.install(|| {
        use rayon::prelude::*;
        (0..64u32)
            .into_par_iter()
            .map(|i| layer.tile(tile(3, i % 8, i / 8)).picture())
            .filter(|p| !p.is_empty())
            .count()
    });
    assert!(drawn > 0);
}

/// No request of a caller panics, at any zoom, size, radius or corner of the world.
#[test]
fn every_address_can_be_drawn() {
    let layer = scenes::layer(&[
        (180.0, 85.05, 1.0),
        (-180.0, -85.05, 1.0),
        (0.0, 0.0, 3e38),
        (0.0, 0.0, -3e38),
    ]);
    for z in 0..=24u8 {
        let last = (1u32 << z) - 1;
        for (x, y) in [(0, 0), (last, last), (last / 2, last / 2)] {
            for (size, radius) in [((256, 1), "0.5px"), ((512, 2), "16px"), ((256, 2), "128px")] {
                if z % 6 != 0 && radius == "128px" {
                    continue;
                }
                let style = scenes::style(&[("radius", radius)]);
                let size = TileSize::new(size.0, size.1).unwrap();
                let bytes = layer
                    .tile(tile(z, x, y))
                    .size(size)
                    .style(&style)
                    .png()
                    .unwrap();
                assert!(bytes.starts_with(b"\x89PNG"));
            }
        }
    }
    let nobody = Layer::on_cpu(
        "empty",
        Points::from_slice(&[]),
        heatsplat::Style::default(),
    );
    assert!(nobody.tile(tile(0, 0, 0)).picture().is_empty());
}
