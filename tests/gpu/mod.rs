//! The GPU draws the same pictures as the CPU. If a device fails, the CPU draws in its place.
//!
//! Any adapter suffices, for example Mesa's software driver, which `scripts/test` installs. Without
//! an adapter these tests are left out with a message; with `HEATSPLAT_REQUIRE_ALL=1` they fail.

mod device;
mod embedded;
mod paged;
mod parity;
#[cfg(feature = "program")]
mod program;
#[cfg(all(feature = "program", target_os = "linux"))]
mod validation;
mod weights;

use crate::requirements::left_out;
use crate::scenes::{self, Dice, EDGED, SMOOTH};
use heatsplat::render::gpu::{
    AdapterChoice, FallbackReason, GpuBackend, GpuError, GpuOptions, GpuReport,
};
use heatsplat::render::{
    Backend, Comparison, CpuBackend, Density, Job, Normalizer, Picture, PointSet, Transform,
};
use heatsplat::render::{View, evaluate};
use heatsplat::{Layer, Point, Points, Style, TileId, TileSize, Window};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The greatest error of a density, as a fraction of the picture's peak.
const TOLERANCE: f32 = 1e-5;

/// Opens a device. Returns `None`, with a message, if there is none and tests may be left out.
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

/// The greatest absolute density of a picture.
fn peak(density: &Density) -> f32 {
    density.values.iter().fold(0.0f32, |m, v| m.max(v.abs()))
}

/// The greatest absolute density in a picture and around it, as far as the kernel reaches. The
/// picture itself may only contain the outer parts of splats around it.
fn around(cpu: &CpuBackend, job: &Job<'_>) -> f32 {
    let window = job.window.grown(job.kernel.reach().ceil() as u32);
    peak(&cpu.densities(&[Job { window, ..*job }])[0])
}

/// A description of the first density that is wrong; `None` if all are right.
fn wrong_density(drawn: &Density, truth: &Density, peak: f32) -> Option<String> {
    if (drawn.width, drawn.height) != (truth.width, truth.height) {
        return Some("another size".to_owned());
    }
    // NaN counts as far from every number.
    let far = |(a, b): (&f32, &f32)| (a - b).abs() > TOLERANCE * peak || a.is_nan();
    let place = drawn.values.iter().zip(&truth.values).position(far)?;
    let (a, b) = (drawn.values[place], truth.values[place]);
    Some(format!("pixel {place}: {a} and not {b}, peak {peak}"))
}

/// A description of the first colour index that is wrong for its density; `None` if all are right.
/// The densities may have small errors, and some scales give different colours to the smallest
/// densities.
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

/// A description of the first colour index that is wrong; `None` if all are right.
fn wrong_picture(drawn: &Picture, truth: &Picture) -> Option<String> {
    if (drawn.width, drawn.height) != (truth.width, truth.height) {
        return Some("another size".to_owned());
    }
    let far = |(a, b): (&u8, &u8)| a.abs_diff(*b) > 1;
    let place = drawn.indices.iter().zip(&truth.indices).position(far)?;
    let (a, b) = (drawn.indices[place], truth.indices[place]);
    Some(format!("pixel {place}: {a} and not {b}"))
}

/// Draws jobs on the GPU and on the CPU, and asserts that the densities and the colours agree.
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

/// Asserts that the GPU drew all pictures: the CPU drew none in its place.
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

/// A layer, and windows of tiles that show its points.
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
        kernel: layer.style().kernel_in(window),
        strip: false,
    };
    backend.densities(&windows.iter().map(job).collect::<Vec<_>>())
}
