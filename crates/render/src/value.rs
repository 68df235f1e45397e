//! The density at one coordinate, exactly.

use crate::kernel::Kernel;
use heatsplat_points::{Points, Window, WorldCoord};

/// What a layer's density is at a coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// Σ weight · K(distance), in f64 from the points themselves.
    pub density: f64,
    /// How many points lie within the kernel's reach.
    pub count: usize,
}

impl Value {
    /// The value at a coordinate, `pixel` world units being one pixel of the kernel.
    ///
    /// Costs as much as there are points in reach: no cell stands for any of them.
    pub fn at(points: &Points, at: WorldCoord, kernel: &Kernel, pixel: f64) -> Self {
        let reach = kernel.reach();
        let side = (2.0 * reach).ceil() as u32 + 2;
        let half = f64::from(side) / 2.0;
        let (x, y) = (f64::from(at.x), f64::from(at.y));
        let window = Window::new(x - half * pixel, y - half * pixel, pixel, side, side);
        let mut value = Self {
            density: 0.0,
            count: 0,
        };
        for (run, shift) in points.cells(&window, 0.0).slices() {
            for p in run {
                let (dx, dy) = (f64::from(p.x) + shift - x, f64::from(p.y) - y);
                let distance = dx.hypot(dy) / pixel;
                if distance <= reach {
                    value.density += f64::from(p.weight) * kernel.at(distance);
                    value.count += 1;
                }
            }
        }
        value
    }
}
