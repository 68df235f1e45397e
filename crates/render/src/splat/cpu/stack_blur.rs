//! Mapnik's filter `agg-stack-blur`, applied to a picture's alpha. The result is Mapnik's, bit for
//! bit.
//!
//! With the radius r in pixels, pixel x of a line p becomes Σ (r + 1 − |i|) · p[x + i] for i from
//! −r to r, divided by the sum of these weights. In place of the division, the sum is multiplied by
//! a whole number and shifted to the right, as in Anti-Grain Geometry (`agg_blur.h`). Beyond an
//! edge of the picture, the pixel at the edge is repeated.

use crate::unit_costs::{self as ns, report};

/// Blurs a picture, whose rows are `width` pixels long, along its rows with the radius `x`, and
/// then along its columns with the radius `y`. Both radii are in pixels.
pub(crate) fn blur(alpha: &mut [u8], width: usize, (x, y): (u8, u8)) {
    if alpha.is_empty() || width == 0 {
        return;
    }
    let mut line = Vec::new();
    if x > 0 {
        for row in alpha.chunks_exact_mut(width) {
            line.clear();
            line.extend_from_slice(row);
            report(line.len(), ns::BLURRED / 2.0);
            blur_line(&line, u32::from(x), row.iter_mut());
        }
    }
    if y > 0 {
        for column in 0..width {
            line.clear();
            line.extend(alpha.iter().skip(column).step_by(width));
            report(line.len(), ns::BLURRED / 2.0);
            let out = alpha.iter_mut().skip(column).step_by(width);
            blur_line(&line, u32::from(y), out);
        }
    }
}

/// The multiplier and the shift in bits that replace the division by (radius + 1)², the sum of the
/// weights.
fn divisor(radius: u32) -> (u32, u32) {
    let weight = (radius + 1).pow(2);
    // The multiplier is at least 257 and at most 512.
    let shift = 9 + weight.ilog2();
    ((1u32 << shift).div_ceil(weight), shift)
}

fn blur_line<'a>(line: &[u8], radius: u32, out: impl Iterator<Item = &'a mut u8>) {
    let (multiplier, shift) = divisor(radius.min(254));
    let reach = radius.min(254) as i64;
    let last = line.len() as i64 - 1;
    let at = |x: i64| {
        let place = x.clamp(0, last.max(0)) as usize;
        line.get(place).copied().map_or(0, u32::from)
    };
    let mut sum: u32 = (-reach..=reach)
        .map(|i| (reach + 1 - i.abs()) as u32 * at(i))
        .sum();
    // Two sums: of the pixels whose weight becomes smaller at the next pixel, and of those whose
    // weight becomes greater.
    let mut leaving: u32 = (-reach..=0).map(at).sum();
    let mut coming: u32 = (1..=reach + 1).map(at).sum();
    for (x, out) in (0..).zip(out) {
        *out = ((sum * multiplier) >> shift) as u8;
        sum = sum + coming - leaving;
        leaving = leaving + at(x + 1) - at(x - reach);
        coming = coming + at(x + reach + 2) - at(x + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_those_of_the_table() {
        for (radius, expected) in [
            (1, (512, 11)),
            (2, (456, 12)),
            (4, (328, 13)),
            (6, (335, 14)),
            (8, (405, 15)),
            (10, (271, 15)),
            (15, (512, 17)),
            (22, (496, 18)),
            (24, (420, 18)),
            (254, (259, 24)),
        ] {
            assert_eq!(divisor(radius), expected, "{radius}");
        }
    }

    #[test]
    fn the_sum_is_a_triangle() {
        let line: Vec<u8> = (0..40).map(|i| (i * 37 % 251) as u8).collect();
        for radius in [1u8, 3, 8, 60] {
            let mut blurred = line.clone();
            blur(&mut blurred, line.len(), (radius, 0));
            let (multiplier, shift) = divisor(u32::from(radius));
            for (x, &got) in blurred.iter().enumerate() {
                let r = i32::from(radius);
                let sum: u32 = (-r..=r)
                    .map(|i| {
                        let at = (x as i32 + i).clamp(0, 39) as usize;
                        (r + 1 - i.abs()) as u32 * u32::from(line[at])
                    })
                    .sum();
                assert_eq!(u32::from(got), (sum * multiplier) >> shift, "{radius} {x}");
            }
            // A column is blurred like a row.
            let mut column = line.clone();
            blur(&mut column, 1, (0, radius));
            assert_eq!(column, blurred);
        }
    }

    #[test]
    fn level_stays_level() {
        for radius in [1u8, 7, 100, 255] {
            let mut level = vec![255u8; 64];
            blur(&mut level, 8, (radius, radius));
            assert!(level.iter().all(|&a| a == 255), "{radius}: {level:?}");
        }
    }
}
