//! The device of a GPU: batches, points in its memory, its failures, and jobs that the CPU must
//! draw.

use super::*;

#[test]
fn a_swapped_result_is_seen() {
    let cpu = CpuBackend::new();
    let scenes = scenes::all();
    let draw = |number: usize| {
        let layer = scenes::layer(&scenes[number].1);
        let job = Job {
            points: layer.points(),
            window: at_zoom(0, 0, 0, 256),
            kernel: layer.style().kernel_in(at_zoom(0, 0, 0, 256)),
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
    // In this picture a single pixel is wrong, by a little more than is allowed.
    let mut off = a.clone();
    let place = off.1.indices.iter().position(|&i| i > 100).unwrap();
    off.0.values[place] *= 1.01;
    off.1.indices[place] += 2;
    assert!(wrong_density(&off.0, &a.0).is_some() && wrong_picture(&off.1, &a.1).is_some());
}

#[test]
fn tiles_of_a_batch_are_those_drawn_alone_and_crops_of_one_picture() {
    let Some(gpu) = device(AdapterChoice::Any) else {
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
    // All tiles are also drawn as one picture, which the GPU draws in blocks.
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
    let Some(all_there) = device(AdapterChoice::Any) else {
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
        let options = GpuOptions::new(AdapterChoice::Any).with_memory(memory);
        let some_there = device(options.with_chunk(chunk)).unwrap();
        assert!(
            draw(&some_there, &layer, &windows) == expected,
            "{memory} {chunk}"
        );
        assert!(some_there.resident_bytes() <= memory);
        assert_drew_all(&some_there, 0);
    }
    // When a layer is dropped, its points are removed from the device.
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
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let (layer, windows) = cities();
    let truth = draw(&CpuBackend::new(), &layer, &windows[8..16]);
    let good = draw(&gpu, &layer, &windows[8..16]);
    let failures = [
        FallbackReason::Lost,
        FallbackReason::OutOfMemory,
        FallbackReason::TimedOut,
        FallbackReason::WrongSum,
    ];
    for (number, failure) in failures.into_iter().enumerate() {
        let before = gpu.report();
        gpu.fail_next(failure);
        assert!(draw(&gpu, &layer, &windows[8..16]) == truth, "{failure}");
        assert!(
            gpu.report().failed(failure) > before.failed(failure),
            "{failure}"
        );
        // After a failure the device rests, longer each time. Meanwhile the CPU draws.
        let resting = gpu.report().failed(FallbackReason::Resting);
        assert!(draw(&gpu, &layer, &windows[8..16]) == truth);
        assert!(
            gpu.report().failed(FallbackReason::Resting) > resting,
            "{failure}"
        );
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
    let gpu = device(AdapterChoice::Any).unwrap();
    gpu.fail_next(FallbackReason::WrongSum);
    assert!(draw(&gpu, &layer, &windows[15..16]) == truth[7..]);
    assert_eq!(gpu.report().failed(FallbackReason::WrongSum), 1);
}

#[test]
fn what_the_shaders_can_not_draw_the_cpu_does() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let (layer, _) = cities();
    // In this window the whole world is smaller than a pixel.
    let window = Window::new(-1e12, -1e12, 2e10, 99, 99);
    let far = Job {
        points: layer.points(),
        window,
        kernel: layer.style().kernel_in(window),
        strip: false,
    };
    let truth = CpuBackend::new().densities(&[far]);
    assert!(gpu.densities(&[far]) == truth);
    assert_eq!(gpu.report().failed(FallbackReason::Beyond), 1);
}

/// A radius in metres has several kernels in a tile, and requests may have radii of their own.
#[test]
fn pictures_of_many_kernels_are_one_submission() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let (layer, windows) = cities();
    let style = scenes::style(&[("radius", "300km")]);
    let view = View::new(windows[8], 1);
    let metres = || evaluate::density(layer.data(), &style, &view, &gpu);
    metres();
    let before = gpu.report();
    let drawn = metres();
    let after = gpu.report();
    let count = |of: fn(&GpuReport) -> u64| of(&after) - of(&before);
    assert!(count(|r| r.drawn) >= 3, "{after:?}");
    assert_eq!((count(|r| r.batches), count(|r| r.submissions)), (1, 1));
    let truth = evaluate::density(layer.data(), &style, &view, &CpuBackend::new());
    assert_eq!(wrong_density(&drawn, &truth, peak(&truth)), None);

    // These kernels have all plans: stamps, fine and coarse grids, several terms, a quincunx.
    let kernels = [
        ("gaussian", "1.5px"),
        ("gaussian", "5px"),
        ("gaussian", "16px"),
        ("gaussian", "100px"),
        ("quartic", "3px"),
        ("quartic", "9px"),
        ("quartic", "30px"),
        ("triweight", "12px"),
    ];
    let styles = kernels.map(|(kernel, radius)| {
        scenes::style(&[("kernel", kernel), ("radius", radius), ("domain", "0,9")])
    });
    let scales = styles.each_ref().map(|style| layer.normalizer(14, style));
    let jobs: Vec<_> = styles
        .iter()
        .zip(&scales)
        .zip(&windows[8..])
        .map(|((style, scale), &window)| {
            let job = Job {
                points: layer.points(),
                window,
                kernel: style.kernel_in(window),
                strip: false,
            };
            (job, &**scale)
        })
        .collect();
    let before = gpu.report();
    gpu.pictures(&jobs);
    let after = gpu.report();
    assert_eq!(after.submissions - before.submissions, 1);
    assert_eq!(after.copies - before.copies, 1);
    assert_parity(&gpu, &jobs, "mixed");
    assert_drew_all(&gpu, 0);
}

#[test]
fn a_kernel_that_is_drawn_wrongly_twice_is_left_to_the_cpu_and_others_are_not() {
    let Some(gpu) = device(AdapterChoice::Any) else {
        return;
    };
    let (layer, windows) = cities();
    let window = &windows[15..16];
    let truth = draw(&CpuBackend::new(), &layer, window);
    for turn in 1..=2 {
        // While the device rests after the first failure, nothing fails.
        let patience = Instant::now() + Duration::from_secs(30);
        while gpu.report().failed(FallbackReason::WrongSum) < turn {
            assert!(Instant::now() < patience, "{:?}", gpu.report());
            gpu.fail_next(FallbackReason::WrongSum);
            assert!(draw(&gpu, &layer, window) == truth);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    gpu.fail_next(FallbackReason::Resting);
    assert!(draw(&gpu, &layer, window) == truth);
    assert_eq!(gpu.report().failed(FallbackReason::Quarantined), 1);
    let other = Job {
        points: layer.points(),
        window: windows[15],
        kernel: scenes::style(&[("radius", "30px")]).kernel_in(windows[15]),
        strip: false,
    };
    let before = gpu.report().drawn;
    let patience = Instant::now() + Duration::from_secs(30);
    while gpu.report().drawn == before {
        assert!(Instant::now() < patience, "{:?}", gpu.report());
        std::thread::sleep(Duration::from_millis(50));
        gpu.densities(&[other]);
    }
}
