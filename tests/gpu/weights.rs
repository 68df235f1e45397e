//! Weights of any size and of both signs, and a few that are much larger than the rest.

use super::*;

#[test]
fn weights_of_any_size() {
    let Some(gpu) = device(AdapterChoice::Any) else {
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
            kernel: layer.style().kernel_in(at_zoom(0, 0, 0, 256)),
            strip: false,
        };
        assert_parity(&gpu, &[(job, &scale)], &format!("{weights:?}"));
    }
}

/// Jobs for a tile at each of four zooms, all of which contain the point `at`.
fn tiles_about<'a>(points: &'a Points, style: &Style, at: Point) -> Vec<Job<'a>> {
    let tiles = [0u8, 3, 6, 9].map(|z| {
        let tile = |v: u32| if z == 0 { 0 } else { v >> (32 - z) };
        at_zoom(z, tile(at.x), tile(at.y), 256)
    });
    let job = |window: Window| Job {
        points,
        window,
        kernel: style.kernel_in(window),
        strip: false,
    };
    tiles.map(job).to_vec()
}

/// The greatest difference between the densities of GPU and CPU, as a fraction of the peak of each
/// tile.
fn worst_of_tiles(gpu: &GpuBackend, jobs: &[Job<'_>]) -> f32 {
    let (drawn, truths) = (gpu.densities(jobs), CpuBackend::new().densities(jobs));
    let off = |(drawn, truth): (&Density, &Density)| {
        let pairs = drawn.values.iter().zip(&truth.values);
        let most = pairs.fold(0f32, |most, (a, b)| most.max((a - b).abs()));
        if most > 0.0 { most / peak(truth) } else { 0.0 }
    };
    drawn.iter().zip(&truths).map(off).fold(0.0, f32::max)
}

/// One weight is much larger than many ordinary ones. The GPU still draws each tile to 1/100,000 of
/// the tile's own peak, as long as its numbers can hold both sizes. Otherwise the CPU draws the
/// picture.
#[test]
fn a_giant_among_ordinary_weights_costs_no_tile_anything() {
    let Some(gpu) = device(AdapterChoice::Any) else {
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
        let left = after.failed(FallbackReason::Beyond) > before.failed(FallbackReason::Beyond);
        assert_eq!(
            (after.drawn > before.drawn, left),
            (possible, !possible),
            "{giant}"
        );
    }
}

#[test]
fn weights_over_twelve_decades_are_true_to_each_tiles_own_peak() {
    let Some(gpu) = device(AdapterChoice::Any) else {
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
        // One position is that of the smallest weight, whose tile may contain no other point. The
        // other is that of the largest.
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
    let Some(gpu) = device(AdapterChoice::Any) else {
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
        let left =
            gpu.report().failed(FallbackReason::Beyond) - before.failed(FallbackReason::Beyond);
        assert_eq!(left, 4, "{weight}");
        let lone = peak(&gpu.densities(&jobs)[0]);
        assert!((0.9..1.0).contains(&lone), "{lone}");
    }
}
