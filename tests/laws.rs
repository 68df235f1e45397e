use crate::oracle;
use crate::scenes::{self, EDGED, SMOOTH};
use heatsplat::{TileId, TileSize};

/// The greatest |a − b| as a share of the greatest |b|.
fn worst(a: &[f32], b: &[f64]) -> f64 {
    let peak = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let off = a.iter().zip(b).fold(0.0f64, |m, (a, b)| m.max((f64::from(*a) - b).abs()));
    if peak > 0.0 { off / peak } else { off }
}

#[test]
fn density_is_the_sum_of_kernels() {
    for (name, points) in scenes::all() {
        let layer = scenes::layer(&points);
        for kernel in SMOOTH.iter().chain(&EDGED) {
            for radius in [1.0, 2.5, 4.0, 6.0, 9.0, 12.0, 16.0, 40.0] {
                let style = scenes::style(&[("kernel", kernel), ("radius", &format!("{radius}px"))]);
                let mut errs = vec![];
                for (z, x, y) in [(0u8, 0u32, 0u32), (2, 2, 1), (5, 17, 10)] {
                    let tile = TileId::new(z, x, y).unwrap();
                    let density = layer.tile_density(tile, TileSize::NORMAL, &style);
                    let truth = oracle::tile(&points, kernel, radius, (z, x, y), 256);
                    errs.push(format!("{:.5}", worst(&density.values, &truth)));
                }
                println!("{name:10} {kernel:12} {radius:5} {}", errs.join(" "));
            }
        }
    }
}
