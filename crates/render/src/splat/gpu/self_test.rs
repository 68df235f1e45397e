//! The self-test: before a device is used, it must draw a small scene as the CPU does.

use super::GpuBackend;
use super::health::FallbackReason;
use crate::splat::density::Density;
use crate::splat::{Backend, Job};
use crate::style::kernel::{Kernel, Normalize, Shape};
use heatsplat_points::{Point, Points, Window};

/// The greatest difference between a density that the device draws and the CPU's, as a fraction of
/// the picture's peak.
const TOLERANCE: f32 = 1e-5;

impl GpuBackend {
    /// Draws a small scene on the device, and compares the densities with those of the CPU.
    ///
    /// # Errors
    /// A failure of the device, or a picture that differs from the CPU's.
    pub(super) fn check(&self) -> Result<(), FallbackReason> {
        let points: Vec<Point> = (0..500u32)
            .map(|i| Point {
                x: i.wrapping_mul(0x9e37_79b9) >> 1 | i << 31,
                y: i.wrapping_mul(0x85eb_ca6b) >> 2,
                weight: (i % 7) as f32 - 1.0,
            })
            .collect();
        let points = Points::from_slice(&points);
        let window = Window::at_level(6, -20, -4, 64, 48);
        // These kernels need nearly all shader stages: stamps around cells, one term on a coarse
        // grid, and a grid that is convolved with a stamp.
        for (shape, radius) in [
            (Shape::Gaussian, 1.2),
            (Shape::Gaussian, 20.0),
            (Shape::Triweight, 9.0),
        ] {
            let Some(kernel) = Kernel::new(shape, radius, Normalize::Peak) else {
                continue;
            };
            let job = Job {
                points: &points,
                window,
                kernel,
                strip: false,
            };
            let drawn = self.device_densities(&[job]).into_iter().next();
            let drawn = drawn.unwrap_or(Err(FallbackReason::Lost))?;
            let truth = self.cpu.densities(&[job]);
            if !truth.iter().all(|truth| agree(&drawn, truth)) {
                return Err(FallbackReason::WrongSum);
            }
        }
        Ok(())
    }
}

fn agree(drawn: &Density, truth: &Density) -> bool {
    let peak = truth.values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let pairs = drawn.values.iter().zip(&truth.values);
    peak > 0.0
        && drawn.values.len() == truth.values.len()
        && pairs
            .into_iter()
            .all(|(a, b)| (a - b).abs() <= TOLERANCE * peak)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_picture_is_not_taken_for_a_right_one() {
        let mut truth = Density::empty(8, 8);
        assert!(!agree(&truth, &truth), "an empty scene would check nothing");
        truth.values[9] = 3.0;
        assert!(agree(&truth, &truth));
        for (place, value) in [(9, 2.999), (0, 1e-4), (63, f32::NAN)] {
            let mut drawn = truth.clone();
            drawn.values[place] = value;
            assert!(!agree(&drawn, &truth), "{place}");
        }
    }
}
