//! The density by brute force in f64: every point is evaluated at every pixel. The arithmetic of
//! Mercator and the kernels are written here from their formulas, independently of the program.

use std::f64::consts::PI;

/// A point as longitude and latitude in degrees, and a weight.
pub type LonLat = (f64, f64, f32);

/// Converts longitude and latitude to fractions of the width of the world square, y pointing down
/// (EPSG:3857).
pub fn project(lon: f64, lat: f64) -> (f64, f64) {
    let phi = lat.to_radians();
    ((lon + 180.0) / 360.0, (1.0 - phi.tan().asinh() / PI) / 2.0)
}

/// The value of a kernel at a distance. It is 1 in the middle. Distance and radius have the same
/// unit.
pub fn kernel(name: &str, distance: f64, radius: f64) -> f64 {
    let u = distance / radius;
    match name {
        "gaussian" if u <= 4.0 / 3.0 => {
            let sigma = radius / 3.0;
            (-(distance * distance) / (2.0 * sigma * sigma)).exp()
        }
        "gaussian" => 0.0,
        "uniform" => {
            let (inner, outer) = ((radius - 1.0).max(0.0), radius + radius.min(1.0));
            let squares = outer * outer - inner * inner;
            ((outer * outer - distance * distance) / squares).clamp(0.0, 1.0)
        }
        _ if u >= 1.0 => 0.0,
        "quartic" => (1.0 - u.powi(2)).powi(2),
        "triweight" => (1.0 - u.powi(2)).powi(3),
        "epanechnikov" => 1.0 - u.powi(2),
        "triangular" => 1.0 - u,
        other => panic!("no kernel {other}"),
    }
}

/// The densities at the centres of the `size` × `size` pixels of the tile z/x/y, row by row.
pub fn tile(
    points: &[LonLat],
    name: &str,
    radius: f64,
    (z, x, y): (u8, u32, u32),
    size: u32,
) -> Vec<f64> {
    let world = f64::from(size) * 2f64.powi(i32::from(z));
    let (left, top) = (
        f64::from(x) * f64::from(size),
        f64::from(y) * f64::from(size),
    );
    let reach = 1.4 * radius + 1.0;
    let mut density = vec![0.0; (size * size) as usize];
    for &(lon, lat, weight) in points {
        let (px, py) = project(lon, lat);
        for copy in -3..=3 {
            let (px, py) = ((px + f64::from(copy)) * world - left, py * world - top);
            let rows = ((py - reach).max(0.0) as u32)
                ..((py + reach + 1.0).clamp(0.0, f64::from(size)) as u32);
            for j in rows {
                let columns = ((px - reach).max(0.0) as u32)
                    ..((px + reach + 1.0).clamp(0.0, f64::from(size)) as u32);
                for i in columns {
                    let distance = (f64::from(i) + 0.5 - px).hypot(f64::from(j) + 0.5 - py);
                    density[(j * size + i) as usize] +=
                        f64::from(weight) * kernel(name, distance, radius);
                }
            }
        }
    }
    density
}

#[test]
fn the_oracle_itself_is_sane() {
    let lone = tile(&[(0.0, 0.0, 2.0)], "gaussian", 8.0, (0, 0, 0), 256);
    assert!(
        (lone[127 * 256 + 127] - 2.0 * (-0.5f64 / (2.0 * (8.0f64 / 3.0).powi(2))).exp()).abs()
            < 1e-12
    );
    assert_eq!(lone[0], 0.0);
    // A point on the date line reaches both edges of the world.
    let edge = tile(&[(180.0, 0.0, 1.0)], "quartic", 16.0, (0, 0, 0), 256);
    assert!(edge[128 * 256] > 0.9 && edge[128 * 256 + 255] > 0.9);
}
