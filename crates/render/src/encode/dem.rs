//! PNG files whose colours encode values, like tiles of terrain heights. A map in a browser decodes
//! the colours to values, and colours the values itself. In MapLibre such tiles are a `raster-dem`
//! source with the encoding `custom`.

use super::{Effort, EncodeError, png_rgba};
use crate::splat::density::Density;

/// The greatest number that three bytes can hold.
const MOST: u32 = (1 << 24) - 1;

/// A rule that turns values into whole numbers of three bytes: red, green and blue. The number 0
/// stands for a pixel without a value, 1 for the low end of a range, and each further number for a
/// value that is one step greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dem {
    /// The low end of the range of values, as the bits of an f64.
    low: u64,
    /// The exponent of the step, which is a power of two: the step is 2^`exponent`.
    exponent: i16,
}

impl Dem {
    /// Makes a rule for values from `low` to `high`. The step is the least power of two for which
    /// three bytes are enough, so it is at most about an eight-millionth of the range.
    ///
    /// Values below `low` are written as `low`. Values that need a number greater than three bytes
    /// can hold are written as the greatest number, which stands for `high` or a greater value.
    ///
    /// Returns `None` if an end is not finite, or if `low` is not less than `high`.
    pub fn new(low: f64, high: f64) -> Option<Self> {
        let width = high - low;
        if !(low.is_finite() && width.is_finite() && width > 0.0) {
            return None;
        }
        let exponent = (width / f64::from(MOST - 1)).log2().ceil();
        let exponent = exponent.clamp(-1000.0, 1000.0) as i16;
        Some(Self {
            low: (low + 0.0).to_bits(),
            exponent,
        })
    }

    fn low(self) -> f64 {
        f64::from_bits(self.low)
    }

    /// The step: the difference between the values that two successive numbers stand for.
    pub fn step(self) -> f64 {
        f64::from(self.exponent).exp2()
    }

    /// Four factors by which a pixel is turned back into its value: `red · factors[0] + green ·
    /// factors[1] + blue · factors[2] − factors[3]`, with red, green and blue from 0 to 255. For a
    /// pixel without a value the result is one step below the low end.
    pub fn factors(self) -> [f64; 4] {
        let step = self.step();
        [65536.0 * step, 256.0 * step, step, step - self.low()]
    }

    /// Returns the RGBA pixel of a value. NaN stands for no value.
    fn color(self, value: f32) -> [u8; 4] {
        let number = if value.is_nan() {
            0
        } else {
            let steps = (f64::from(value) - self.low()) / self.step();
            1 + steps.round().clamp(0.0, f64::from(MOST - 1)) as u32
        };
        let [_, red, green, blue] = number.to_be_bytes();
        // The pixel is opaque, since browsers change the colours of translucent pixels.
        [red, green, blue, 255]
    }
}

/// Encodes values as a PNG; NaN stands for no value.
///
/// # Errors
/// The errors of [`png_rgba`].
pub fn dem(density: &Density, dem: Dem) -> Result<Vec<u8>, EncodeError> {
    let pixels: Vec<u8> = density.values.iter().flat_map(|&v| dem.color(v)).collect();
    png_rgba(&pixels, density.width, density.height, Effort::Live)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dem: Dem, [red, green, blue, _]: [u8; 4]) -> f64 {
        let [r, g, b, shift] = dem.factors();
        f64::from(red) * r + f64::from(green) * g + f64::from(blue) * b - shift
    }

    #[test]
    fn values_come_back_within_half_a_step_and_ends_hold_what_is_beyond() {
        for (low, high) in [
            (0.0, 40.0),
            (-3.0, 5e6),
            (1e-9, 2e-9),
            (-1e20, 1e20),
            (0.25, 4.0),
        ] {
            let dem = Dem::new(low, high).unwrap();
            assert!(dem.step() <= (high - low) / 8e6, "{low} {high}");
            for i in 0..=1000 {
                let value = (low + (high - low) * f64::from(i) / 1000.0) as f32;
                let back = read(dem, dem.color(value));
                let error = (back - f64::from(value).clamp(low, high)).abs();
                // The allowed error is half a step, and an addition for rounding errors of the
                // comparison.
                let allowed = dem.step() / 2.0 + (high - low) * 1e-12;
                assert!(error <= allowed, "{low} {high}: {value} {back}");
            }
            assert_eq!(dem.color(f32::NAN), [0, 0, 0, 255]);
            let beyond = dem.color((low - (high - low)) as f32);
            assert!((read(dem, beyond) - low).abs() <= dem.step() * 1e-6);
            assert!(read(dem, dem.color((high * 3.0 + 1.0) as f32)) >= high - dem.step());
        }
        for (low, high) in [
            (1.0, 1.0),
            (2.0, 1.0),
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
        ] {
            assert_eq!(Dem::new(low, high), None);
        }
    }
}
