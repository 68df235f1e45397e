//! The GPU's pictures are the CPU's.

use crate::scenes;
use heatsplat::render::gpu::{Choice, Failure, GpuBackend};
use heatsplat::render::{Backend, CpuBackend, Job};
use heatsplat::{Points, TileId, Window};

#[test]
fn one_tile() {
    let gpu = GpuBackend::new(Choice::Any).unwrap();
    let cpu = CpuBackend::new();
    for (name, points) in scenes::all() {
        let points = Points::from_lon_lat(points.iter().copied()).unwrap();
        for kernel in ["gaussian", "quartic", "uniform", "triangular"] {
            for radius in ["1px", "5px", "8px", "12px", "16px", "40px"] {
                for (z, x, y) in [(0, 0, 0), (2, 2, 1)] {
                    let style = scenes::style(&[("kernel", kernel), ("radius", radius)]);
                    let window = Window::tile(TileId::new(z, x, y).unwrap(), 256);
                    let job = Job {
                        points: &points,
                        window,
                        kernel: style.kernel(1),
                    };
                    let t = std::time::Instant::now();
                    let a = gpu.densities(&[job]).pop().unwrap();
                    let took = t.elapsed().as_secs_f64() * 1e3;
                    let b = cpu.densities(&[job]).pop().unwrap();
                    let peak = b.values.iter().fold(0f32, |m, v| m.max(v.abs()));
                    let (at, off) = a
                        .values
                        .iter()
                        .zip(&b.values)
                        .map(|(a, b)| (a - b).abs())
                        .enumerate()
                        .fold((0, 0f32), |m, v| if v.1 > m.1 { v } else { m });
                    let bad = if off > peak * 1e-5 { "BAD" } else { "" };
                    println!(
                        "{name} {kernel} {radius} z{z}: {off:e} of {peak} = {:e} at {},{} {took:.1} ms {bad}",
                        off / peak,
                        at % 256,
                        at / 256
                    );
                }
            }
        }
    }
    println!("{:?}", gpu.report());
}
