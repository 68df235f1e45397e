//! Quadratic B-splines: how a point at any position is put on a grid and comes
//! out of the convolution where it truly lies.
//!
//! A point at p is deposited with the weights B(j − p) on the 3 × 3 pixels j
//! around it. If c are the coefficients for which Σ c(k) B(x − k) interpolates the
//! kernel K, then Σⱼ c(i − j) B(j − p) is that interpolant at i − p: the kernel at
//! the true distance, not at one snapped to pixels. The coefficients are K's
//! samples run through the inverse of B's own samples [1/8 3/4 1/8]
//! (M. Unser, "Splines: a perfect fit for signal and image processing", 1999).

/// B at −1, 0, 1 for a point that lies `f` (−½ to ½) from the middle pixel's centre.
#[inline(always)]
pub(crate) fn quadratic(f: f32) -> [f32; 3] {
    let (left, right) = (0.5 - f, 0.5 + f);
    [0.5 * left * left, 0.75 - f * f, 0.5 * right * right]
}

/// The same for linear interpolation, which does not ring at jumps.
#[inline(always)]
pub(crate) fn linear(f: f32) -> [f32; 3] {
    [(-f).max(0.0), 1.0 - f.abs(), f.max(0.0)]
}

/// The pole of the inverse filter, 2√2 − 3.
const POLE: f64 = -0.171_572_875_253_809_9;

/// Turns samples of an even function into its B-spline coefficients. The samples
/// are those at 0, 1, 2 … where `centred`, else those at ½, 1½, 2½ ….
///
/// They must end with (near) zeros; both sides count as zero beyond. The inverse
/// filter is one causal and one anticausal recursion.
pub(crate) fn coefficients(samples: &[f64], centred: bool) -> Vec<f64> {
    let mirrored = samples
        .iter()
        .rev()
        .take(samples.len() - usize::from(centred));
    // [1/8 3/4 1/8]⁻¹ = 8 · 1/(z + 6 + 1/z), factored by its pole
    let mut c = 0.0;
    let causal: Vec<f64> = mirrored
        .chain(samples)
        .map(|sample| {
            c = 8.0 * sample + POLE * c;
            c
        })
        .collect();
    // beyond the last sample the causal part dies out geometrically
    let mut c = c * POLE / (POLE * POLE - 1.0);
    let mut both = vec![0.0; causal.len()];
    for (out, &v) in both.iter_mut().zip(&causal).rev() {
        c = POLE * (c - v);
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
            for weights in [quadratic(f), linear(f)] {
                let [l, m, r] = weights;
                assert!((l + m + r - 1.0).abs() < 1e-6);
                assert!(
                    (r - l - f).abs() < 1e-6,
                    "centre of mass is the point itself"
                );
            }
        }
    }

    #[test]
    fn coefficients_interpolate_the_samples() {
        for centred in [true, false] {
            let start = if centred { 0.0 } else { 0.5 };
            let samples: Vec<f64> = (0..40)
                .map(|i| (-(f64::from(i) + start).powi(2) / 50.0).exp())
                .collect();
            let c = coefficients(&samples, centred);
            let mirror = if centred { 1 } else { 0 };
            let at = |i: i64| c[if i < 0 { -i - 1 + mirror } else { i } as usize];
            for i in 0..38i64 {
                let value = at(i - 1) / 8.0 + at(i) * 0.75 + at(i + 1) / 8.0;
                assert!(
                    (value - samples[i as usize]).abs() < 1e-9,
                    "{centred} {i}: {value}"
                );
            }
        }
    }
}
