//! Computes the positions of cells on a grid with integers, for shaders, which have no 64-bit
//! floats.

use super::layout::GpuPlace;
use heatsplat_points::Window;

/// The side of the world in world units: one more than the greatest coordinate.
const WORLD: f64 = 4_294_967_296.0;

impl GpuPlace {
    /// The mapping to the pixels of a window, for the copy of the world `shift` world units east of
    /// the first.
    ///
    /// Positions are counted from an anchor, a corner of the window or of the world, and multiplied
    /// by a factor of 32 bits. If pixels are a power of two wide, as those of every zoom are, the
    /// result is exact. Otherwise its error is at most a millionth of a pixel.
    pub(super) fn new(window: &Window, shift: f64) -> Self {
        let axis = |low: f64, pixels: u32| {
            let anchor = low.ceil().clamp(0.0, WORLD - 1.0);
            let span = f64::from(pixels) * window.pixel() - (anchor - low);
            let offset = (anchor - low) / window.pixel();
            (anchor as u32, span as u32, fixed(offset))
        };
        let (anchor_x, span_x, offset_x) = axis(window.left() - shift, window.width());
        let (anchor_y, span_y, offset_y) = axis(window.top(), window.height());
        let (mantissa, exponent) = halves(window.pixel().recip());
        Self {
            anchor_x,
            anchor_y,
            span_x,
            span_y,
            offset_x,
            offset_y,
            mantissa,
            before: exponent.clamp(0, 31) as u32,
            after: (-exponent).clamp(0, 63) as u32,
            spare: 0,
        }
    }
}

/// A number as two parts: its fraction in units of 2⁻³², and its whole part. A negative number
/// counts as 0.
fn fixed(value: f64) -> [u32; 2] {
    let value = value.max(0.0);
    [(value.fract() * WORLD) as u32, value as u32]
}

/// A positive number as (mantissa, exponent): the number is 0.mantissa · 2^exponent, where the
/// mantissa has 32 binary digits and begins with a 1.
fn halves(value: f64) -> (u32, i32) {
    let exponent = value.log2().floor() as i32 + 1;
    let mantissa = (value * f64::from(32 - exponent).exp2()).round();
    // A mantissa that is rounded up to 2³² doesn't fit into 32 bits, so 2³² − 1 is used; it is as
    // close to the number.
    (mantissa.min(WORLD - 1.0) as u32, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The position that the shader computes for the world coordinate `x`, in pixels from the
    /// window's left edge. `None` if it is not on the grid.
    fn along(x: u32, place: &GpuPlace) -> Option<f64> {
        let distance = x
            .checked_sub(place.anchor_x)
            .filter(|d| *d <= place.span_x)?;
        let scaled = u64::from(distance << place.before) * u64::from(place.mantissa);
        let offset = u64::from(place.offset_x[1]) << 32 | u64::from(place.offset_x[0]);
        Some(((scaled >> place.after) + offset) as f64 / WORLD)
    }

    proptest! {
        #[test]
        fn integers_find_the_pixel(
            level in 0.0..33.0f64, whole: bool, at in 0.0..1.0f64, back in 0.0..600.0f64, pixels in 1u32..2600,
        ) {
            let level = if whole { level.round() } else { level };
            let pixel = WORLD / level.exp2();
            let x = (at * (WORLD - 1.0)) as u32;
            // The corners of tiles lie on whole pixels.
            let left = ((f64::from(x) / pixel - back).floor() * pixel).max(-600.0 * pixel);
            let window = Window::new(left, 0.0, pixel, pixels, 100);
            let truth = (f64::from(x) - left) / pixel;
            match along(x, &GpuPlace::new(&window, 0.0)) {
                Some(found) if whole && level <= 32.0 => prop_assert!((found - truth).abs() < 1e-9),
                Some(found) => prop_assert!((found - truth).abs() < 1e-6, "{found} {truth}"),
                None => prop_assert!(truth > f64::from(pixels) - 1e-6),
            }
        }
    }
}
