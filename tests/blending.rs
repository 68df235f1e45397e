use crate::reference::{self, LonLat};
use crate::scenes;
use heatsplat::{TileId, Window};

/// Styles of all blend modes, and of kernels that are stamped pixel by pixel.
const MODES: [&[(&str, &str)]; 10] = [
    &[
        ("overlap", "cover:0,3,0.05@4"),
        ("kernel", "plateau:0.15"),
        ("radius", "20px"),
    ],
    &[
        ("overlap", "cover:0,20"),
        ("kernel", "gaussian"),
        ("radius", "6px"),
    ],
    &[
        ("overlap", "cover"),
        ("kernel", "shadow:0.6"),
        ("radius", "40px"),
    ],
    &[
        ("overlap", "reach:8"),
        ("kernel", "epanechnikov"),
        ("radius", "16px"),
    ],
    &[("overlap", "over:ellipse:10x6@0.2"), ("domain", "0,255")],
    &[
        ("overlap", "plus:ellipse:5x5@0.1*weight;blur:8x3;blur:2x2"),
        ("domain", "0,255"),
    ],
    &[
        ("overlap", "over:image:3x2:10ff4080ff20@0.4"),
        ("domain", "0,255"),
    ],
    &[("kernel", "cubic"), ("radius", "9px")],
    &[("overlap", "set"), ("radius", "20px"), ("domain", "p100")],
    &[
        ("kernel", "cone:0.3"),
        ("radius", "30px"),
        ("measure", "mean"),
    ],
];

#[test]
fn tiles_of_every_mode_are_crops_of_one_picture() {
    for (name, points) in scenes::all() {
        let layer = scenes::layer(&points);
        for mode in MODES {
            let style = scenes::style(mode);
            let z = 3;
            let whole = Window::at_level(z + 8, -300, 256, 1100, 900);
            let whole = layer.map(whole).style(&style).density();
            // One tile lies west of the date line, one begins at it, and two lie further inside the
            // world.
            for (x, y) in [(7u32, 2u32), (0, 2), (1, 3), (2, 3)] {
                let tile = TileId::new(z, x, y).unwrap();
                let drawn = layer.tile(tile).style(&style).density();
                let left = if x == 7 { -256 } else { i64::from(x) * 256 };
                let corner = ((left + 300) as u32, y * 256 - 256);
                for row in 0..256u32 {
                    for column in 0..256u32 {
                        let got = drawn.at(column, row);
                        let expected = whole.at(corner.0 + column, corner.1 + row);
                        assert!(
                            got.to_bits() == expected.to_bits(),
                            "{name} {mode:?} tile {x},{y} pixel {column},{row}: {got} {expected}"
                        );
                    }
                }
            }
        }
    }
}

/// Calls `each` for every pair of a point and a pixel of a tile, with the index of the pixel, the
/// weight of the point, and their distance in pixels.
fn brute(points: &[LonLat], (z, x, y): (u8, u32, u32), mut each: impl FnMut(usize, f64, f64)) {
    let world = 256.0 * 2f64.powi(i32::from(z));
    for &(lon, lat, weight) in points {
        let (px, py) = reference::project(lon, lat);
        let (px, py) = (
            px * world - f64::from(x) * 256.0,
            py * world - f64::from(y) * 256.0,
        );
        for j in 0..256 {
            for i in 0..256 {
                let distance = (f64::from(i) + 0.5 - px).hypot(f64::from(j) + 0.5 - py);
                each((j * 256 + i) as usize, f64::from(weight), distance);
            }
        }
    }
}

/// The tolerance has two causes: positions of spots are rounded to half a pixel at most, and an
/// opacity is a multiple of 1/255.
#[test]
fn spots_cover_each_other_as_brute_force_says() {
    let at = (4, 8, 5);
    for (name, points) in scenes::all() {
        let few: Vec<LonLat> = points.into_iter().step_by(5).take(400).collect();
        let style = [
            ("overlap", "cover:0,4"),
            ("kernel", "quartic"),
            ("radius", "20px"),
        ];
        let layer = scenes::layer(&few);
        let tile = TileId::new(at.0, at.1, at.2).unwrap();
        let drawn = layer.tile(tile).style(&scenes::style(&style)).density();
        let mut light = vec![1.0; 256 * 256];
        brute(&few, at, |pixel, weight, distance| {
            let opacity = (weight / 4.0).clamp(0.0, 1.0);
            light[pixel] *= 1.0 - opacity * reference::kernel("quartic", distance, 20.0);
        });
        for (pixel, (got, light)) in drawn.values.iter().zip(&light).enumerate() {
            let off = (f64::from(*got) - (1.0 - light)).abs();
            assert!(off < 0.02, "{name} {pixel}: {got} {}", 1.0 - light);
        }
    }
}

/// The points lie so far apart that no two reach a common pixel. The expected value is Σ (v − step
/// · dⁿ)₊, where v is the weight, n the degree, and d the distance from the point's pixel in whole
/// pixels.
#[test]
fn heavier_points_reach_further() {
    let points: Vec<LonLat> = vec![(0.5, 0.5, 30.0), (20.0, 10.0, 8.0), (-30.0, 40.0, 90.0)];
    let layer = scenes::layer(&points);
    for (kernel, degree) in [("triangular", 1), ("epanechnikov", 2), ("cubic", 3)] {
        let step = 0.5f64.powi(degree);
        let unit = step * 16f64.powi(degree);
        let mode = format!("reach:{unit}");
        let style = scenes::style(&[("overlap", &mode), ("kernel", kernel), ("radius", "16px")]);
        let tile = TileId::new(0, 0, 0).unwrap();
        let drawn = layer.tile(tile).style(&style).density();
        let mut truth = vec![0.0; 256 * 256];
        for &(lon, lat, weight) in &points {
            let (x, y) = reference::project(lon, lat);
            let (x, y) = ((x * 256.0).floor(), (y * 256.0).floor());
            for (pixel, value) in truth.iter_mut().enumerate() {
                let (i, j) = ((pixel % 256) as f64, (pixel / 256) as f64);
                // The spots of the next copies of the world in the west and in the east count too.
                for copy in [-256.0, 0.0, 256.0] {
                    let distance = (i - x + copy).hypot(j - y);
                    *value += (f64::from(weight) - step * distance.powi(degree)).max(0.0);
                }
            }
        }
        for (got, expected) in drawn.values.iter().zip(&truth) {
            assert!(
                (f64::from(*got) - expected).abs() < 1e-3,
                "{kernel}: {got} {expected}"
            );
        }
    }
}

/// With `overlap=set`, a pixel that contains points counts as one point of weight 1 in its middle.
/// The number of points and their weights don't matter.
#[test]
fn points_of_a_pixel_count_once() {
    let points: Vec<LonLat> = vec![
        (0.5, -0.5, 2.0),
        (0.6, -0.6, 70.0),
        (30.2, 10.0, 0.5),
        (30.2, 10.0, -4.0),
        (-40.0, 60.0, 1.0),
    ];
    let layer = scenes::layer(&points);
    let style = scenes::style(&[("overlap", "set"), ("radius", "20px")]);
    let drawn = layer.tile(TileId::WORLD).style(&style).density();
    // The first two points lie in one pixel of the world, the next two in another pixel.
    let middles = [points[0], points[2], points[4]].map(|(lon, lat, _)| {
        let (x, y) = reference::project(lon, lat);
        let middle = |at: f64| (at * 256.0).floor() + 0.5;
        (middle(x), middle(y))
    });
    for (pixel, got) in drawn.values.iter().enumerate() {
        let (i, j) = ((pixel % 256) as f64 + 0.5, (pixel / 256) as f64 + 0.5);
        let truth: f64 = middles
            .iter()
            .map(|(x, y)| reference::kernel("gaussian", (i - x).hypot(j - y), 20.0))
            .sum();
        assert!((f64::from(*got) - truth).abs() < 1e-5, "{got} {truth}");
    }
}

/// Shapes that no backend can draw are stamped. Their sums are as exact as the stamps' positions
/// are.
#[test]
fn stamped_shapes_add_up() {
    let points: Vec<LonLat> = vec![(0.5, 0.5, 2.0), (1.0, 0.7, 3.0), (20.0, 10.0, 1.0)];
    let layer = scenes::layer(&points);
    let style = scenes::style(&[("kernel", "cubic"), ("radius", "30px")]);
    let tile = TileId::new(1, 1, 0).unwrap();
    let drawn = layer.tile(tile).style(&style).density();
    let mut truth = vec![0.0; 256 * 256];
    brute(&points, (1, 1, 0), |pixel, weight, distance| {
        truth[pixel] += weight * (1.0 - (distance / 30.0).powi(3)).max(0.0);
    });
    for (got, expected) in drawn.values.iter().zip(&truth) {
        assert!(
            (f64::from(*got) - expected).abs() < 0.15,
            "{got} {expected}"
        );
    }
}

#[test]
fn a_value_is_what_the_pixel_there_says() {
    let points = [(12.0, 47.0, 1.0), (12.1, 47.0, 1.0)];
    let layer = scenes::layer(&points);
    let style = scenes::style(&[("overlap", "cover:0,2"), ("kernel", "plateau:0.5")]);
    let at = heatsplat::Point::from_lon_lat(12.05, 47.0, 1.0)
        .unwrap()
        .at();
    let value = layer.value(at, 4, &style);
    assert_eq!(value.count, 2);
    assert!((value.value.unwrap() - 0.75).abs() < 0.01, "{value:?}");
}

/// The order of stamping matters, which a GPU can't keep. So the CPU stamps in its place, and every
/// tile is identical.
#[cfg(feature = "gpu")]
#[test]
fn a_gpu_lets_the_processor_stamp() {
    use heatsplat::Layer;
    use heatsplat::render::gpu::{AdapterChoice, GpuBackend};
    use std::sync::Arc;
    let Ok(gpu) = GpuBackend::new(AdapterChoice::Any) else {
        crate::requirements::left_out("there is no GPU, not even in software");
        return;
    };
    let points = scenes::all().remove(3).1;
    let here = scenes::layer(&points);
    let there = heatsplat::Points::from_lon_lat(points.iter().copied()).unwrap();
    let there = Layer::new("there", there, here.style().clone(), Arc::new(gpu));
    let tile = TileId::new(5, 17, 10).unwrap();
    for mode in MODES {
        let style = scenes::style(mode);
        let draw = |layer: &Layer| layer.tile(tile).style(&style).picture();
        assert_eq!(draw(&here), draw(&there), "{mode:?}");
    }
}
