//! Pictures of the GPU, compared with those of the CPU: kernels, scales, sizes, measures and random
//! scenes.

use super::*;

#[test]
fn every_kernel_scale_and_size_on_every_scene() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let scales = ["linear", "log", "sqrt", "cbrt", "eq_hist"];
    let sizes = [
        TileSize::NORMAL,
        TileSize::RETINA,
        TileSize::new(512, 1).unwrap(),
    ];
    let mut turn = 0;
    let before = gpu.report().drawn;
    for (name, points) in scenes::all() {
        let layer = scenes::layer(&points);
        for kernel in SMOOTH {
            for radius in ["1.2px", "3px", "5px", "8px", "16px", "40px"] {
                turn += 1;
                let domain = ["auto", "p90", "-1,3"][turn % 3];
                let words = [
                    ("kernel", kernel),
                    ("radius", radius),
                    ("scale", scales[turn % 5]),
                    ("domain", domain),
                ];
                let style = scenes::style(&words);
                // The large sizes are drawn less often, since they take the longest.
                let size = sizes[[0, 0, 1, 0, 0, 2, 0][turn % 7]];
                let pixels = size.pixels();
                let windows = [
                    at_zoom(0, 0, 0, pixels),
                    // One window crosses ±180°, another lies partly beyond the pole.
                    Window::at_level(9, -130, 150, 200, 180),
                    Window::at_level(8, 0, -60, 250, 100),
                ];
                let scale = layer.normalizer(8, &style);
                let job = |&window: &Window| Job {
                    points: layer.points(),
                    window,
                    kernel: style.kernel_in(View::new(window, size.ratio())),
                    strip: false,
                };
                let jobs: Vec<_> = windows.iter().map(|w| (job(w), &*scale)).collect();
                assert_parity(&gpu, &jobs, &format!("{name} {words:?}"));
            }
        }
    }
    assert_drew_all(&gpu, before);
}

/// At the date line, a cell might be mistaken for its copy in the next copy of the world.
#[test]
fn few_points_at_the_date_line_and_the_poles() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let before = gpu.report().drawn;
    let mut dice = Dice(180);
    for z in 0..=22u8 {
        let points = crate::date_line::near_the_line(&mut dice);
        let south = Point::from_lon_lat(-179.99, -85.0511, 1.0).unwrap();
        let points = Points::from_slice(&[points, vec![south]].concat());
        let last = (1u32 << z) - 1;
        let y = (u64::from(points.as_slice().unwrap()[0].y) >> (32 - u32::from(z))) as u32;
        for (turn, (x, y)) in [(0, y), (last, y), (0, 0), (last, last)]
            .into_iter()
            .enumerate()
        {
            let kernel = SMOOTH
                .iter()
                .chain(&EDGED)
                .nth((usize::from(z) + turn) % 6)
                .unwrap();
            let radius = ["1.3px", "5px", "16px"][(usize::from(z) + turn) % 3];
            let style = scenes::style(&[("kernel", kernel), ("radius", radius), ("domain", "0,9")]);
            let window = at_zoom(z, x, y, 256);
            let job = Job {
                points: &points,
                window,
                kernel: style.kernel_in(window),
                strip: false,
            };
            let scale = style.scale().resolve(
                &heatsplat::render::Statistics::default(),
                heatsplat::render::ValueKind::Amount,
                8,
            );
            assert_parity(&gpu, &[(job, &scale)], &format!("z{z} {kernel} {radius}"));
        }
    }
    assert!(gpu.report().drawn > before);
}

#[test]
fn five_hundred_random_scenes() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let before = gpu.report().drawn;
    let mut dice = Dice(2026);
    for number in 0..500 {
        let count = 10f64.powf(dice.within(0.0, 3.3)) as usize;
        let signed = dice.unit() < 0.3;
        let (spread, decades) = (dice.within(0.01, 1.0), dice.within(0.0, 6.0));
        let middle = (dice.unit(), dice.within(0.2, 0.8));
        let unit = 2f64.powi(32);
        let points: Vec<Point> = (0..count)
            .map(|_| {
                let x = middle.0 + (dice.unit() - 0.5) * spread;
                let y = middle.1 + (dice.unit() - 0.5) * spread * 0.4;
                let weight = 10f64.powf(dice.unit() * decades);
                Point {
                    x: (x.rem_euclid(1.0) * unit) as u32,
                    y: (y * unit) as u32,
                    weight: if signed && dice.unit() < 0.5 {
                        -weight
                    } else {
                        weight
                    } as f32,
                }
            })
            .collect();
        let points = Points::from_slice(&points);
        let shape = SMOOTH[(dice.unit() * 3.0) as usize];
        let radius = 10f64.powf(dice.within(-0.2, 1.9));
        let radius = format!("{radius:.3}px");
        let style = scenes::style(&[("kernel", shape), ("radius", &radius), ("domain", "0,9")]);
        let (width, height) = (
            dice.within(1.0, 260.0) as u32,
            dice.within(1.0, 200.0) as u32,
        );
        // The view shows about the area of the points, or a part of it.
        let pixel = unit * spread / f64::from(width.max(8)) * dice.within(0.2, 1.2);
        let window = if dice.unit() < 0.5 {
            let level = (unit / pixel).log2().round().clamp(3.0, 32.0) as u8;
            let side = 2f64.powi(i32::from(level));
            let left = (middle.0 * side) as i64 - i64::from(width) / 2;
            Window::at_level(level, left, (middle.1 * side) as i64 - 50, width, height)
        } else {
            let left = middle.0 * unit - pixel * f64::from(width) / 2.0;
            let top = middle.1 * unit - pixel * f64::from(height) / 2.0;
            Window::new(left, top, pixel, width, height)
        };
        let job = Job {
            points: &points,
            window,
            kernel: style.kernel_in(window),
            strip: false,
        };
        let scale = style.scale().resolve(
            &heatsplat::render::Statistics::default(),
            heatsplat::render::ValueKind::Amount,
            8,
        );
        assert_parity(&gpu, &[(job, &scale)], &format!("scene {number}"));
    }
    assert_drew_all(&gpu, before);
}

/// Kernels with an edge, and `kernel=pixel`, are always drawn by the CPU.
#[test]
fn edged_kernels_are_drawn_by_the_processor() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let before = gpu.report().drawn;
    let layer = scenes::layer(&scenes::all()[3].1);
    let edged = EDGED
        .iter()
        .flat_map(|kernel| [(*kernel, "2px"), (*kernel, "16px")]);
    for (kernel, radius) in edged.chain([("pixel", "")]) {
        let words = [("kernel", kernel), ("radius", radius)];
        let style = scenes::style(if radius.is_empty() {
            &words[..1]
        } else {
            &words
        });
        let window = at_zoom(2, 2, 1, 256);
        let job = Job {
            points: layer.points(),
            window,
            kernel: style.kernel_in(window),
            strip: false,
        };
        let scale = layer.normalizer(10, &style);
        assert_parity(&gpu, &[(job, &*scale)], kernel);
    }
    assert_eq!(gpu.report().drawn, before);
}

#[test]
fn every_measure_and_scale_is_the_same_with_either() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let gpu: Arc<dyn Backend> = Arc::new(gpu);
    let scenes = scenes::all();
    let named = |name: &str| {
        let scene = scenes.iter().find(|(n, _)| *n == name).unwrap();
        Arc::new(PointSet::new(
            Points::from_lon_lat(scene.1.iter().copied()).unwrap(),
        ))
    };
    let (clustered, signed) = (named("clustered"), named("signed"));
    let against = |how| {
        let other = Arc::clone(&signed);
        Arc::new(PointSet::from_comparison(&clustered, how, other))
    };
    let sets = [
        ("clustered", Arc::clone(&clustered)),
        ("signed", Arc::clone(&signed)),
        ("difference", against(Comparison::Minus)),
        ("quotient", against(Comparison::Over)),
    ];
    for (name, set) in sets {
        let layer = |by: Arc<dyn Backend>| Layer::new(name, Arc::clone(&set), Style::default(), by);
        let (cpu, twin) = (layer(Arc::new(CpuBackend::new())), layer(Arc::clone(&gpu)));
        for words in [
            [("measure", "sum"), ("radius", "400km")],
            [("measure", "count"), ("scale", "local")],
            [("measure", "mean"), ("kernel", "quartic")],
            [("measure", "sum_per_km2"), ("scale", "cbrt")],
            [("measure", "count_per_km2"), ("scale", "eq_hist")],
        ] {
            let style = cpu.suited(scenes::style(&words));
            for (z, x, y) in [(0, 0, 0), (3, 4, 2)] {
                let at = TileId::new(z, x, y).unwrap();
                let [a, b] = [&cpu, &twin].map(|l| l.tile(at).style(&style).density());
                let most = a.values.iter().filter(|v| v.is_finite());
                let most = most
                    .fold(0f32, |m, v| m.max(v.abs()))
                    .max(f32::MIN_POSITIVE);
                // A mean is NaN if too few points contribute. At the rim of that area, GPU and CPU
                // may decide differently.
                let (mut off, mut rim) = (0f32, 0);
                for (a, b) in a.values.iter().zip(&b.values) {
                    match (a.is_nan(), b.is_nan()) {
                        (false, false) => off = off.max((a - b).abs() / most),
                        (true, true) => {}
                        _ => rim += 1,
                    }
                }
                assert!(
                    off < 1e-3 && rim < 20,
                    "{name} {words:?} {at:?}: {off} {rim}"
                );
                let [a, b] = [&cpu, &twin].map(|l| l.tile(at).style(&style).picture());
                let more = |(a, b): &(&u8, &u8)| a.abs_diff(**b) > 1;
                let apart = a.indices.iter().zip(&b.indices).filter(more).count();
                assert!(apart < 40, "{name} {words:?} {at:?}: {apart} pixels");
            }
        }
    }
}

#[test]
fn layers_draw_the_same_tiles_with_either() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let (layer, _) = cities();
    let points = Points::from_slice(layer.points().as_slice().unwrap());
    let twin = Layer::new("twin", points, layer.style().clone(), Arc::new(gpu));
    for (z, x, y) in [(0, 0, 0), (4, 8, 5), (6, 33, 22), (9, 270, 177), (2, 0, 3)] {
        let at = TileId::new(z, x, y).unwrap();
        let truth = layer.tile(at).picture();
        let drawn = twin.tile(at).picture();
        assert_eq!(wrong_picture(&drawn, &truth), None, "{at:?}");
    }
}
