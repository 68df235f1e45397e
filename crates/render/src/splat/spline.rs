//! B-splines of degree 2 and 3. Quadratic ones deposit a point on a grid so that the convolution
//! evaluates the kernel at the point's true position. Cubic ones refine a coarse grid to pixels.
//!
//! A point at p is deposited on the 3 × 3 pixels j around it, with the weights B(j − p). The kernel
//! K is interpolated by a spline Σ c(k) B(x − k) with coefficients c. The convolution gives Σⱼ c(i
//! − j) B(j − p) for pixel i. This is the spline at i − p: the kernel at the point's true distance
//! from the pixel, though the point lies between pixels. The coefficients are the samples of K
//! after a filter that inverts the samples [1/8 3/4 1/8] of B (M. Unser, "Splines: a perfect fit
//! for signal and image processing", 1999).

/// The fractions of a point's weight that three neighbouring pixels of a row (from the left) or of
/// a column (from the top) get. The point lies `f` pixels, −½ to ½, from the centre of the middle
/// pixel.
#[inline(always)]
pub(crate) fn quadratic(f: f32) -> [f32; 3] {
    let (left, right) = (0.5 - f, 0.5 + f);
    [0.5 * left * left, 0.75 - f * f, 0.5 * right * right]
}

/// The value of the cubic B-spline at a distance of `x` grid cells from its middle (Unser 1999, eq.
/// 2).
pub(crate) fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        2.0 / 3.0 - x * x * (2.0 - x) / 2.0
    } else {
        (2.0 - x).max(0.0).powi(3) / 6.0
    }
}

/// The degree of a B-spline.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Degree {
    /// Degree 2. Its samples at −1, 0 and 1 are [1/8 3/4 1/8]: see [`quadratic`].
    Quadratic,
    /// Degree 3. Its samples at −1, 0 and 1 are [1/6 2/3 1/6]: see [`cubic`].
    Cubic,
}

impl Degree {
    /// Two numbers. The first is the spline's value at −1 and at 1, its outer sample. The second is
    /// the pole p of the recursive filter that turns samples into coefficients. The pole follows
    /// from z + middle/outer + 1/z = −(1 − pz)(1 − p/z)/p, where `middle` is the spline's value at
    /// 0 and `outer` the first number.
    fn filter(self) -> (f64, f64) {
        match self {
            Self::Quadratic => (1.0 / 8.0, 2.0 * 2.0f64.sqrt() - 3.0),
            Self::Cubic => (1.0 / 6.0, 3.0f64.sqrt() - 2.0),
        }
    }

    /// The spline's value at the position of a sample, computed from three coefficients: the one at
    /// this position, and the ones before and after it.
    pub(crate) fn smooth(self, before: f64, here: f64, after: f64) -> f64 {
        let (outer, _) = self.filter();
        outer * (before + after) + (1.0 - 2.0 * outer) * here
    }
}

/// Turns samples of an even function into B-spline coefficients. With `centred` the samples are at
/// 0, 1, 2 …, otherwise at ½, 1½, 2½ ….
///
/// The last samples must be nearly 0, and the function is taken as 0 beyond them. The filter
/// consists of two recursions, one from left to right and one from right to left.
pub(crate) fn coefficients(samples: &[f64], centred: bool, degree: Degree) -> Vec<f64> {
    let (outer, pole) = degree.filter();
    let mirrored = samples
        .iter()
        .rev()
        .take(samples.len() - usize::from(centred));
    let mut c = 0.0;
    let causal: Vec<f64> = mirrored
        .chain(samples)
        .map(|sample| {
            c = sample / outer + pole * c;
            c
        })
        .collect();
    // Beyond the last sample, the values of the first recursion shrink geometrically; this is the
    // second recursion's start, summed over all of them.
    let mut c = c * pole / (pole * pole - 1.0);
    let mut both = vec![0.0; causal.len()];
    for (out, &v) in both.iter_mut().zip(&causal).rev() {
        c = pole * (c - v);
        *out = c;
    }
    both.split_off(causal.len() - samples.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_keep_the_centre() {
        for f in [-0.5f32, -0.3, 0.0, 0.123, 0.5] {
            let [l, m, r] = quadratic(f);
            assert!((l + m + r - 1.0).abs() < 1e-6);
            assert!(
                (r - l - f).abs() < 1e-6,
                "centre of mass is the point itself"
            );
        }
    }

    #[test]
    fn coefficients_interpolate_the_samples() {
        for (degree, side, middle) in [
            (Degree::Quadratic, 1.0 / 8.0, 0.75),
            (Degree::Cubic, cubic(1.0), cubic(0.0)),
        ] {
            for centred in [true, false] {
                let start = if centred { 0.0 } else { 0.5 };
                let samples: Vec<f64> = (0..40)
                    .map(|i| (-(f64::from(i) + start).powi(2) / 50.0).exp())
                    .collect();
                let c = coefficients(&samples, centred, degree);
                let mirror = if centred { 1 } else { 0 };
                let at = |i: i64| c[if i < 0 { -i - 1 + mirror } else { i } as usize];
                for i in 0..38i64 {
                    let value = (at(i - 1) + at(i + 1)) * side + at(i) * middle;
                    let smooth = degree.smooth(at(i - 1), at(i), at(i + 1));
                    assert!((value - smooth).abs() < 1e-12, "{degree:?} {i}");
                    assert!(
                        (value - samples[i as usize]).abs() < 1e-9,
                        "{degree:?} {centred} {i}: {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn cubic_splines_add_up_to_one() {
        for u in [-0.5, -0.25, 0.0, 0.125, 0.4] {
            let sum: f64 = (-2..=2).map(|k| cubic(u - f64::from(k))).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}
