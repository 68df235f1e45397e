//! The GPU's pictures are the CPU's, and when a device fails the CPU answers.
//!
//! Any adapter will do, Mesa's software driver too (`scripts/test` installs it). Without one
//! these tests say so, and fail where `HEATSPLAT_REQUIRE_ALL=1`.

use crate::parts::left_out;
use crate::scenes::{self, Dice, EDGED, SMOOTH};
use heatsplat::render::gpu::{Choice, Failure, GpuBackend, GpuError, GpuOptions};
use heatsplat::render::{
    Backend, Comparison, CpuBackend, Density, Job, Normalizer, Picture, PointSet, Transform,
};
use heatsplat::{Layer, Point, Points, Style, TileId, TileSize, Window};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How far a density may be off, as a share of the picture's peak.
const TOLERANCE: f32 = 1e-5;

/// A device, or `None` where there is none and that may be.
fn device(options: impl Into<GpuOptions>) -> Option<GpuBackend> {
    match GpuBackend::new(options) {
        Ok(gpu) => Some(gpu),
        Err(GpuError::NoAdapter) => {
            left_out("the GPU tests need an adapter: mesa-vulkan-drivers has one in software");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// The greatest density, |…|, of a picture.
fn peak(density: &Density) -> f32 {
    density.values.iter().fold(0.0f32, |m, v| m.max(v.abs()))
}

/// The greatest density that a picture and a kernel's reach around it have: a picture may
/// show no more than the foot of what lies beside it.
fn around(cpu: &CpuBackend, job: &Job<'_>) -> f32 {
    let window = job.window.grown(job.kernel.reach().ceil() as u32);
    peak(&cpu.densities(&[Job { window, ..*job }])[0])
}

/// What is wrong with densities, if anything is.
fn wrong_density(drawn: &Density, truth: &Density, peak: f32) -> Option<String> {
    if (drawn.width, drawn.height) != (truth.width, truth.height) {
        return Some("another size".to_owned());
    }
    // NaN is far from everything
    let far = |(a, b): (&f32, &f32)| (a - b).abs() > TOLERANCE * peak || a.is_nan();
    let place = drawn.values.iter().zip(&truth.values).position(far)?;
    let (a, b) = (drawn.values[place], truth.values[place]);
    Some(format!("pixel {place}: {a} and not {b}, peak {peak}"))
}

/// What is wrong with colour indices, if anything is, where densities may be a little off:
/// some scales make a colour of every density there is, however small.
fn wrong_colors(drawn: &Picture, truth: &Density, scale: &Normalizer, peak: f32) -> Option<String> {
    let off = TOLERANCE * peak;
    let wrong = |(&index, &density): (&u8, &f32)| {
        let lowest = scale.index(density - off).saturating_sub(1);
        let highest = scale.index(density + off).saturating_add(1);
        !(lowest..=highest).contains(&index)
    };
    let place = drawn.indices.iter().zip(&truth.values).position(wrong)?;
    let (index, density) = (drawn.indices[place], truth.values[place]);
    Some(format!("pixel {place}: {index} for {density}"))
}

/// What is wrong with colour indices, if anything is.
fn wrong_picture(drawn: &Picture, truth: &Picture) -> Option<String> {
    if (drawn.width, drawn.height) != (truth.width, truth.height) {
        return Some("another size".to_owned());
    }
    let far = |(a, b): (&u8, &u8)| a.abs_diff(*b) > 1;
    let place = drawn.indices.iter().zip(&truth.indices).position(far)?;
    let (a, b) = (drawn.indices[place], truth.indices[place]);
    Some(format!("pixel {place}: {a} and not {b}"))
}

/// Draws jobs on both, densities and colours, and compares.
fn assert_parity(gpu: &GpuBackend, jobs: &[(Job<'_>, &Normalizer)], what: &str) {
    let cpu = CpuBackend::new();
    let plain: Vec<Job<'_>> = jobs.iter().map(|(job, _)| *job).collect();
    let (drawn, truths) = (gpu.densities(&plain), cpu.densities(&plain));
    let (colored, pictures) = (gpu.pictures(jobs), cpu.pictures(jobs));
    assert_eq!((drawn.len(), colored.len()), (jobs.len(), jobs.len()));
    for (i, (job, scale)) in jobs.iter().enumerate() {
        let peak = around(&cpu, job);
        let wrong = wrong_density(&drawn[i], &truths[i], peak).or_else(|| {
            if scale.transform() == Transform::EqHist {
                wrong_colors(&colored[i], &truths[i], scale, peak)
            } else {
                wrong_picture(&colored[i], &pictures[i])
            }
        });
        if let Some(wrong) = wrong {
            panic!("{what}, {:?}, {:?}: {wrong}", job.kernel, job.window);
        }
    }
}

/// No picture of these was the CPU's in truth.
fn assert_drew_all(gpu: &GpuBackend, before: u64) {
    let report = gpu.report();
    assert!(report.drawn > before, "{report:?}");
    for (failure, count) in report.failures {
        assert_eq!(count, 0, "{failure}");
    }
}

fn at_zoom(z: u8, x: u32, y: u32, size: u32) -> Window {
    Window::tile(TileId::new(z, x, y).unwrap(), size)
}

#[test]
fn every_kernel_scale_and_size_on_every_scene() {
    let Some(gpu) = device(Choice::Any) else {
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
                // the large sizes less often: they cost most
                let size = sizes[[0, 0, 1, 0, 0, 2, 0][turn % 7]];
                let pixels = size.pixels();
                let windows = [
                    at_zoom(0, 0, 0, pixels),
                    // across ±180°, and beyond the pole
                    Window::at_level(9, -130, 150, 200, 180),
                    Window::at_level(8, 0, -60, 250, 100),
                ];
                let scale = layer.normalizer(8, &style);
                let job = |&window: &Window| Job {
                    points: layer.points(),
                    window,
                    kernel: style.kernel_in(&window, size.ratio()),
                    strip: false,
                };
                let jobs: Vec<_> = windows.iter().map(|w| (job(w), &*scale)).collect();
                assert_parity(&gpu, &jobs, &format!("{name} {words:?}"));
            }
        }
    }
    assert_drew_all(&gpu, before);
}

/// The date line is where a cell may be taken for another copy of itself.
#[test]
fn few_points_at_the_date_line_and_the_poles() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    let before = gpu.report().drawn;
    let mut dice = Dice(180);
    for z in 0..=22u8 {
        let points = crate::date_line::near_the_line(&mut dice);
        let south = Point::from_lon_lat(-179.99, -85.0511, 1.0).unwrap();
        let points = Points::from_slice(&[points, vec![south]].concat());
        let last = (1u32 << z) - 1;
        let y = (u64::from(points.as_slice()[0].y) >> (32 - u32::from(z))) as u32;
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
                kernel: style.kernel_in(&window, 1),
                strip: false,
            };
            let scale = style.scale.resolve(
                &heatsplat::render::Statistics::default(),
                heatsplat::render::Nature::Amount,
                8,
            );
            assert_parity(&gpu, &[(job, &scale)], &format!("z{z} {kernel} {radius}"));
        }
    }
    assert!(gpu.report().drawn > before);
}

#[test]
fn five_hundred_random_scenes() {
    let Some(gpu) = device(Choice::Any) else {
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
        // a view of about the points, or a part of it
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
            kernel: style.kernel_in(&window, 1),
            strip: false,
        };
        let scale = style.scale.resolve(
            &heatsplat::render::Statistics::default(),
            heatsplat::render::Nature::Amount,
            8,
        );
        assert_parity(&gpu, &[(job, &scale)], &format!("scene {number}"));
    }
    assert_drew_all(&gpu, before);
}

/// Kernels with an edge, and pixels, are the processor's whatever draws the others.
#[test]
fn edged_kernels_are_drawn_by_the_processor() {
    let Some(gpu) = device(Choice::Any) else {
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
            kernel: style.kernel_in(&window, 1),
            strip: false,
        };
        let scale = layer.normalizer(10, &style);
        assert_parity(&gpu, &[(job, &*scale)], kernel);
    }
    assert_eq!(gpu.report().drawn, before);
}

#[test]
fn a_swapped_result_is_seen() {
    let cpu = CpuBackend::new();
    let scenes = scenes::all();
    let draw = |number: usize| {
        let layer = scenes::layer(&scenes[number].1);
        let job = Job {
            points: layer.points(),
            window: at_zoom(0, 0, 0, 256),
            kernel: layer.style().kernel_in(&at_zoom(0, 0, 0, 256), 1),
            strip: false,
        };
        let scale = layer.normalizer(8, layer.style());
        let density = cpu.densities(&[job]).remove(0);
        (density, cpu.pictures(&[(job, &scale)]).remove(0))
    };
    let (a, b) = (draw(2), draw(3));
    let wrong_density = |drawn, truth| wrong_density(drawn, truth, peak(truth));
    assert!(wrong_density(&a.0, &a.0).is_none() && wrong_picture(&a.1, &a.1).is_none());
    assert!(wrong_density(&a.0, &b.0).is_some() && wrong_picture(&a.1, &b.1).is_some());
    // a single pixel, by little more than is allowed
    let mut off = a.clone();
    let place = off.1.indices.iter().position(|&i| i > 100).unwrap();
    off.0.values[place] *= 1.01;
    off.1.indices[place] += 2;
    assert!(wrong_density(&off.0, &a.0).is_some() && wrong_picture(&off.1, &a.1).is_some());
}

/// Tiles with points the GPU has, as the tests below draw them.
fn cities() -> (Layer, Vec<Window>) {
    let mut dice = Dice(5);
    let points: Vec<_> = (0..30_000)
        .map(|_| {
            let lon = 10.0 + dice.normal() * 4.0;
            (
                lon,
                48.0 + dice.normal() * 2.0,
                dice.within(0.1, 9.0) as f32,
            )
        })
        .collect();
    let windows = (0..24)
        .map(|i| at_zoom(6, 30 + i % 6, 20 + i / 6, 256))
        .collect();
    (scenes::layer(&points), windows)
}

fn draw(backend: &dyn Backend, layer: &Layer, windows: &[Window]) -> Vec<Density> {
    let job = |&window: &Window| Job {
        points: layer.points(),
        window,
        kernel: layer.style().kernel_in(&window, 1),
        strip: false,
    };
    backend.densities(&windows.iter().map(job).collect::<Vec<_>>())
}

#[test]
fn tiles_of_a_batch_are_those_drawn_alone_and_crops_of_one_picture() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    let (layer, windows) = cities();
    let before = gpu.report();
    let together = draw(&gpu, &layer, &windows);
    let after = gpu.report();
    let (drawn, batches) = (after.drawn - before.drawn, after.batches - before.batches);
    assert!(drawn > 12 && batches * 4 <= drawn, "{drawn} in {batches}");
    for (window, tile) in windows.iter().zip(&together) {
        assert_eq!(&draw(&gpu, &layer, &[*window])[0], tile);
    }
    // one picture of them all, itself drawn in blocks
    let whole = &draw(
        &gpu,
        &layer,
        &[Window::at_level(14, 30 * 256, 20 * 256, 6 * 256, 4 * 256)],
    )[0];
    for (i, tile) in (0..).zip(&together) {
        for y in 0..256 {
            let at = ((i / 6 * 256 + y) * whole.width + i % 6 * 256) as usize;
            let row = &tile.values[(y * 256) as usize..][..256];
            assert_eq!(&whole.values[at..at + 256], row, "tile {i} row {y}");
        }
    }
}

#[test]
fn points_on_the_device_or_sent_along_make_the_same_pictures() {
    let Some(all_there) = device(Choice::Any) else {
        return;
    };
    let (layer, windows) = cities();
    let expected = draw(&all_there, &layer, &windows);
    assert!(all_there.resident_bytes() >= 12 * 30_000);
    for (memory, chunk) in [
        (0, 1 << 20),
        (12 * 7_000, 1000),
        (12 * 25_000, 1000),
        (u64::MAX, 777),
    ] {
        let some_there = device(GpuOptions {
            choice: Choice::Any,
            memory,
            chunk,
        })
        .unwrap();
        assert!(
            draw(&some_there, &layer, &windows) == expected,
            "{memory} {chunk}"
        );
        assert!(some_there.resident_bytes() <= memory);
        assert_drew_all(&some_there, 0);
    }
    // and they leave with their layer
    drop(layer);
    let lone = scenes::layer(&[(1.0, 2.0, 3.0)]);
    draw(&all_there, &lone, &windows[15..16]);
    assert!(
        all_there.resident_bytes() < 10_000,
        "{}",
        all_there.resident_bytes()
    );
}

#[test]
fn when_a_device_fails_the_cpu_answers_the_same_request() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    let (layer, windows) = cities();
    let truth = draw(&CpuBackend::new(), &layer, &windows[8..16]);
    let good = draw(&gpu, &layer, &windows[8..16]);
    let failures = [
        Failure::Lost,
        Failure::OutOfMemory,
        Failure::TimedOut,
        Failure::WrongSum,
    ];
    for (number, failure) in failures.into_iter().enumerate() {
        let before = gpu.report();
        gpu.fail_next(failure);
        assert!(draw(&gpu, &layer, &windows[8..16]) == truth, "{failure}");
        assert!(
            gpu.report().failed(failure) > before.failed(failure),
            "{failure}"
        );
        // it rests, for longer each time, and the CPU goes on
        let resting = gpu.report().failed(Failure::Resting);
        assert!(draw(&gpu, &layer, &windows[8..16]) == truth);
        assert!(gpu.report().failed(Failure::Resting) > resting, "{failure}");
        if number > 1 {
            break; // the others below: a rest of many seconds is long for a test
        }
        let patience = Instant::now() + Duration::from_secs(20);
        while gpu.report().drawn == before.drawn {
            assert!(
                Instant::now() < patience,
                "{failure}: the device was not made anew"
            );
            std::thread::sleep(Duration::from_millis(100));
            draw(&gpu, &layer, &windows[15..16]);
        }
        assert!(draw(&gpu, &layer, &windows[8..16]) == good, "{failure}");
    }
    let gpu = device(Choice::Any).unwrap();
    gpu.fail_next(Failure::WrongSum);
    assert!(draw(&gpu, &layer, &windows[15..16]) == truth[7..]);
    assert_eq!(gpu.report().failed(Failure::WrongSum), 1);
}

#[test]
fn what_the_shaders_can_not_draw_the_cpu_does() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    let (layer, _) = cities();
    // the whole world in less than a pixel
    let window = Window::new(-1e12, -1e12, 2e10, 99, 99);
    let far = Job {
        points: layer.points(),
        window,
        kernel: layer.style().kernel_in(&window, 1),
        strip: false,
    };
    let truth = CpuBackend::new().densities(&[far]);
    assert!(gpu.densities(&[far]) == truth);
    assert_eq!(gpu.report().failed(Failure::Beyond), 1);
}

#[test]
fn weights_of_any_size() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    for weights in [
        [1e-30, 3e-30],
        [1e36, 1e30],
        [-1e36, 1e36],
        [1e-8, 1e3],
        [0.0, 0.0],
    ] {
        let points: Vec<_> = (0..60)
            .map(|i| {
                let (i, weight) = (f64::from(i), weights[i as usize % 2]);
                (i * 5.0 - 150.0, (i * 0.7).sin() * 60.0, weight as f32)
            })
            .collect();
        let layer = scenes::layer(&points);
        let scale = layer.normalizer(8, layer.style());
        let job = Job {
            points: layer.points(),
            window: at_zoom(0, 0, 0, 256),
            kernel: layer.style().kernel_in(&at_zoom(0, 0, 0, 256), 1),
            strip: false,
        };
        assert_parity(&gpu, &[(job, &scale)], &format!("{weights:?}"));
    }
}

/// The tiles of some zooms about a place, as jobs of a kernel.
fn tiles_about<'a>(points: &'a Points, style: &Style, at: Point) -> Vec<Job<'a>> {
    let tiles = [0u8, 3, 6, 9].map(|z| {
        let tile = |v: u32| if z == 0 { 0 } else { v >> (32 - z) };
        at_zoom(z, tile(at.x), tile(at.y), 256)
    });
    let job = |window: Window| Job {
        points,
        window,
        kernel: style.kernel_in(&window, 1),
        strip: false,
    };
    tiles.map(job).to_vec()
}

/// How far the GPU's densities are from the CPU's at most, as a share of each tile's own peak.
fn worst_of_tiles(gpu: &GpuBackend, jobs: &[Job<'_>]) -> f32 {
    let (drawn, truths) = (gpu.densities(jobs), CpuBackend::new().densities(jobs));
    let off = |(drawn, truth): (&Density, &Density)| {
        let pairs = drawn.values.iter().zip(&truth.values);
        let most = pairs.fold(0f32, |most, (a, b)| most.max((a - b).abs()));
        if most > 0.0 { most / peak(truth) } else { 0.0 }
    };
    drawn.iter().zip(&truths).map(off).fold(0.0, f32::max)
}

/// A few giants among many ordinary weights: the GPU draws all the same, to 1/100,000 of each
/// tile's own peak, as long as it can hold both; else it leaves the picture to the CPU.
#[test]
fn a_giant_among_ordinary_weights_costs_no_tile_anything() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    let mut dice = Dice(11);
    for (giant, possible) in [(1e6, true), (1e9, true), (1e11, true), (1e15, false)] {
        let mut points: Vec<_> = (0..30_000)
            .map(|_| (dice.within(-20.0, 20.0), dice.within(-20.0, 20.0), 1.0))
            .collect();
        points.push((100.0, 50.0, giant));
        let layer = scenes::layer(&points);
        let before = gpu.report();
        for radius in ["16px", "5px", "1.2px"] {
            let style = scenes::style(&[("radius", radius)]);
            for (lon, lat) in [(0.0, 0.0), (100.0, 50.0)] {
                let at = Point::from_lon_lat(lon, lat, 1.0).unwrap();
                let jobs = tiles_about(layer.points(), &style, at);
                let off = worst_of_tiles(&gpu, &jobs);
                assert!(off <= TOLERANCE, "{giant} {radius} at {lon}, {lat}: {off}");
            }
        }
        let after = gpu.report();
        let left = after.failed(Failure::Beyond) > before.failed(Failure::Beyond);
        assert_eq!(
            (after.drawn > before.drawn, left),
            (possible, !possible),
            "{giant}"
        );
    }
}

#[test]
fn weights_over_twelve_decades_are_true_to_each_tiles_own_peak() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    let mut dice = Dice(12);
    for scene in 0..24 {
        let (least, most) = (dice.within(-6.0, 0.0), dice.within(0.0, 6.0));
        let count = 10f64.powf(dice.within(0.5, 3.5)) as usize;
        let signed = scene % 3 == 2;
        let points: Vec<Point> = (0..count)
            .map(|_| {
                let sign = if signed && dice.unit() < 0.4 {
                    -1.0
                } else {
                    1.0
                };
                let weight = sign * 10f64.powf(dice.within(least, most));
                let (lon, lat) = (dice.within(-90.0, 90.0), dice.within(-60.0, 60.0));
                Point::from_lon_lat(lon, lat, weight as f32).unwrap()
            })
            .collect();
        let index = Points::from_slice(&points);
        let radius = ["16px", "6px", "2.2px", "1.3px"][scene % 4];
        let style = scenes::style(&[("radius", radius)]);
        // about the least, whose tile may hold no other
        let by_size = |a: &&Point, b: &&Point| a.weight.abs().total_cmp(&b.weight.abs());
        for at in [points.iter().min_by(by_size), points.iter().max_by(by_size)] {
            let off = worst_of_tiles(&gpu, &tiles_about(&index, &style, *at.unwrap()));
            assert!(off <= TOLERANCE, "scene {scene}: {off}");
        }
    }
    let report = gpu.report();
    assert!(report.drawn > 50, "{report:?}");
}

#[test]
fn cancelling_weights_are_left_to_the_processor() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    for weight in [1e4, 1e8] {
        let points = [
            (20.0, 10.0, weight),
            (20.0, 10.0, -weight),
            (20.0, 10.0, 1.0),
        ];
        let layer = scenes::layer(&points);
        let at = Point::from_lon_lat(20.0, 10.0, 1.0).unwrap();
        let jobs = tiles_about(layer.points(), layer.style(), at);
        let before = gpu.report();
        assert!(gpu.densities(&jobs) == CpuBackend::new().densities(&jobs));
        let left = gpu.report().failed(Failure::Beyond) - before.failed(Failure::Beyond);
        assert_eq!(left, 4, "{weight}");
        let lone = peak(&gpu.densities(&jobs)[0]);
        assert!((0.9..1.0).contains(&lone), "{lone}");
    }
}

#[test]
fn every_measure_and_scale_is_the_same_with_either() {
    let Some(gpu) = device(Choice::Any) else {
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
        Arc::new(PointSet::comparing(&clustered, how, other))
    };
    let sets = [
        ("clustered", Arc::clone(&clustered)),
        ("signed", Arc::clone(&signed)),
        ("difference", against(Comparison::Minus)),
        ("quotient", against(Comparison::Over)),
    ];
    for (name, set) in sets {
        let layer = |by: Arc<dyn Backend>| Layer::of(name, Arc::clone(&set), Style::default(), by);
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
                let [a, b] = [&cpu, &twin].map(|l| l.tile_density(at, TileSize::NORMAL, &style));
                let most = a.values.iter().filter(|v| v.is_finite());
                let most = most
                    .fold(0f32, |m, v| m.max(v.abs()))
                    .max(f32::MIN_POSITIVE);
                // whether there is enough for a mean is decided at a rim: there one may say no
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
                let [a, b] = [&cpu, &twin].map(|l| l.tile(at, TileSize::NORMAL, &style));
                let more = |(a, b): &(&u8, &u8)| a.abs_diff(**b) > 1;
                let apart = a.indices.iter().zip(&b.indices).filter(more).count();
                assert!(apart < 40, "{name} {words:?} {at:?}: {apart} pixels");
            }
        }
    }
}

#[test]
fn layers_draw_the_same_tiles_with_either() {
    let Some(gpu) = device(Choice::Any) else {
        return;
    };
    let (layer, _) = cities();
    let points = Points::from_slice(layer.points().as_slice());
    let twin = Layer::new("twin", points, layer.style().clone(), Arc::new(gpu));
    for (z, x, y) in [(0, 0, 0), (4, 8, 5), (6, 33, 22), (9, 270, 177), (2, 0, 3)] {
        let at = TileId::new(z, x, y).unwrap();
        let truth = layer.tile(at, TileSize::NORMAL, layer.style());
        let drawn = twin.tile(at, TileSize::NORMAL, twin.style());
        assert_eq!(wrong_picture(&drawn, &truth), None, "{at:?}");
    }
}

mod embedded {
    use super::*;
    use heatsplat::render::gpu::wgpu;

    /// A program's own device.
    fn own() -> Option<(wgpu::Device, wgpu::Queue)> {
        device(Choice::Any)?;
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::all();
        let instance = wgpu::Instance::new(descriptor);
        let adapter =
            ready(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
        Some(ready(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap())
    }

    /// The result of a future that is ready at once, as wgpu's are on native platforms.
    fn ready<T>(future: impl Future<Output = T>) -> T {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => panic!("not ready"),
        }
    }

    fn read(device: &wgpu::Device, queue: &wgpu::Queue, buffer: &wgpu::Buffer) -> Vec<u8> {
        let back = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: buffer.size(),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &back, 0, buffer.size());
        queue.submit([encoder.finish()]);
        back.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
        device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        back.get_mapped_range(..).unwrap().to_vec()
    }

    #[test]
    fn pictures_stay_on_a_programs_own_device() {
        let Some((device, queue)) = own() else { return };
        let gpu =
            GpuBackend::from_device(device.clone(), queue.clone(), &GpuOptions::default()).unwrap();
        let (layer, _) = cities();
        // wider than a block, odd, and half of it empty
        let window = Window::at_level(12, 2100, 1350, 701, 333);
        let job = Job {
            points: layer.points(),
            window,
            kernel: layer.style().kernel_in(&window, 1),
            strip: false,
        };
        let density = gpu.density_buffer(&job).unwrap();
        assert_eq!((density.width, density.height), (701, 333));
        let values = read(&device, &queue, &density.buffer);
        let values = values
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        let drawn = Density {
            width: 701,
            height: 333,
            values,
        };
        let truth = &CpuBackend::new().densities(&[job])[0];
        assert_eq!(wrong_density(&drawn, truth, peak(truth)), None);

        for domain in ["auto", "-5,5"] {
            let style = scenes::style(&[("domain", domain)]);
            let scale = layer.normalizer(12, &style);
            let colors = gpu.color_buffer(&job, &scale, style.ramp()).unwrap();
            let bytes = read(&device, &queue, &colors.buffer);
            let table = style.ramp().colors();
            let truth = &CpuBackend::new().pictures(&[(job, &scale)])[0];
            for (color, &index) in bytes.as_chunks::<4>().0.iter().zip(&truth.indices) {
                let near =
                    usize::from(index.saturating_sub(1))..=usize::from(index.saturating_add(1));
                assert!(
                    table[near].contains(color),
                    "{domain}: {color:?} at {index}"
                );
            }
        }
    }
}

#[cfg(feature = "program")]
mod program {
    use super::*;
    use crate::compare::decode_png;
    use crate::program::{Server, folder, heatsplat};

    const CITIES: &str = "examples/cities.csv.gz";

    #[test]
    fn backends_are_listed_with_what_auto_takes_and_why() {
        let (code, out, _) = heatsplat(&["info", "--backends"]);
        assert!(
            code == 0 && out.contains("cpu ") && out.contains("auto  takes the"),
            "{out}"
        );
        let (code, out, _) = heatsplat(&["info", "--backends", "--json"]);
        let list: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(code == 0 && list["auto"]["why"].is_string(), "{out}");
        let adapters = heatsplat::render::gpu::adapters();
        assert_eq!(list["gpu"].as_array().unwrap().len(), adapters.len());
        let (code, _, err) = heatsplat(&["render", CITIES, "-o", "-", "--backend", "gpu:no such"]);
        assert!(code == 1 && err.contains("info --backends"), "{code} {err}");
    }

    #[test]
    fn a_rendered_map_is_the_cpus() {
        let Some(_) = device(Choice::Any) else { return };
        let dir = folder("gpu");
        let draw = |backend: &str| {
            let path = dir.join(backend);
            let out = path.to_str().unwrap();
            let words = [
                "--as",
                "png",
                "--size",
                "700",
                "--domain",
                "0,1e7",
                "--ramp",
                "black,white",
            ];
            let arguments = [
                &["render", CITIES, "-o", out, "--backend", backend],
                &words[..],
            ];
            let (code, _, err) = heatsplat(&arguments.concat());
            assert_eq!(code, 0, "{err}");
            decode_png(&std::fs::read(&path).unwrap())
        };
        let (cpu, gpu) = (draw("cpu"), draw("gpu"));
        assert_eq!(cpu.dimensions(), gpu.dimensions());
        let far = cpu.pixels().zip(gpu.pixels()).find(|(a, b)| {
            let mut channels = a.0.iter().zip(b.0);
            channels.any(|(a, b)| a.abs_diff(b) > 2)
        });
        assert_eq!(far, None);
    }

    #[test]
    fn a_server_answers_many_at_once() {
        let Some(_) = device(Choice::Any) else { return };
        let server = Server::start(&[CITIES, "--backend", "gpu", "--gpu-memory", "64M"]);
        let cpu = Server::start(&[CITIES, "--backend", "cpu"]);
        std::thread::scope(|scope| {
            for i in 0..48 {
                let (server, cpu) = (&server, &cpu);
                scope.spawn(move || {
                    let path = format!("/cities/4/{}/{}.npy", 4 + i % 8, 4 + i / 8);
                    let (status, _, drawn) = server.get(&path, "");
                    let (_, _, truth) = cpu.get(&path, "");
                    assert_eq!((status, drawn.len()), (200, truth.len()), "{path}");
                    let floats = |bytes: &[u8]| -> Vec<f32> {
                        let tail = &bytes[bytes.len() - 4 * 65536..];
                        tail.as_chunks::<4>()
                            .0
                            .iter()
                            .map(|b| f32::from_le_bytes(*b))
                            .collect()
                    };
                    let density = |bytes: &[u8]| Density {
                        width: 256,
                        height: 256,
                        values: floats(bytes),
                    };
                    let (drawn, truth) = (density(&drawn), density(&truth));
                    // the brightest tile of the zoom: a dark one may hold the foot of a city
                    let wrong = wrong_density(&drawn, &truth, peak(&truth).max(1e4));
                    assert_eq!(wrong, None, "{path}");
                });
            }
        });
    }
}
