//! The colour space Oklab, in which colours are mixed so that steps look equal.

use csscolorparser::Color;
use std::sync::LazyLock;

/// A colour in Oklab: the lightness from 0 to 1, and two coordinates that are 0 for greys. The
/// source of the formulas is Ottosson, "A perceptual color space for image processing" (2020).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Oklab([f32; 3]);

/// The number of steps in [`GAMMA`] from 0 to 1. Where the curve is steepest, at its dark end, its
/// slope is 12.92: there a step changes the 8-bit result by 12.92 · 255 / 2¹⁴, a fifth of 1.
const STEPS: usize = 1 << 14;

/// The 8-bit sRGB values of linear values: entry `i` is the sRGB value of the linear value `i` /
/// [`STEPS`]. The table exists because a picture needs three such values for each pixel, and the
/// formula has a slow power.
static GAMMA: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let value = |step: usize| {
        let linear = step as f32 / STEPS as f32;
        let [value, ..] = Color::from_linear_rgba(linear, linear, linear, 1.0).to_rgba8();
        value
    };
    (0..=STEPS).map(value).collect()
});

impl Oklab {
    /// Converts an 8-bit sRGB colour to Oklab.
    pub(crate) fn from_srgb([r, g, b]: [u8; 3]) -> Self {
        let [l, a, b, _] = Color::from_rgba8(r, g, b, 255).to_oklaba();
        Self([l, a, b])
    }

    /// Mixes two colours: `other` has the share `share`, from 0 to 1, and this colour has the rest.
    pub(crate) fn mixed(self, other: Self, share: f32) -> Self {
        let mut sum = self.0;
        for (sum, other) in sum.iter_mut().zip(other.0) {
            *sum = *sum * (1.0 - share) + other * share;
        }
        Self(sum)
    }

    /// Converts the colour to 8-bit sRGB. A channel that is beyond the range of sRGB is clamped.
    pub(crate) fn to_srgb(self) -> [u8; 3] {
        let [lightness, a, b] = self.0;
        let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
        let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
        let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
        let linear = [
            4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_93 * s,
            -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
            -0.004_196_086 * l - 0.703_418_6 * m + 1.707_614_7 * s,
        ];
        linear.map(|value| {
            // A conversion of a float to an integer gives 0 for negative numbers and NaN.
            let step = (value * STEPS as f32 + 0.5) as usize;
            GAMMA.get(step.min(STEPS)).copied().unwrap_or(u8::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_comes_back_as_it_was() {
        let levels = || (0..=255).step_by(15).chain([1, 2, 3, 254]);
        for (r, g) in levels().flat_map(|r| levels().map(move |g| (r, g))) {
            for b in levels() {
                assert_eq!(Oklab::from_srgb([r, g, b]).to_srgb(), [r, g, b]);
            }
        }
    }
}
