//! Mixes the colours of categories whose points lie close together.

use crate::layer::category::Category;
use crate::layer::evaluate::MeasureEval;
use crate::ramp::Ramp;
use crate::splat::Backend;
use crate::splat::density::Picture;
use crate::splat::view::View;
use crate::style::Style;
use crate::style::measure::Measure;

/// Draws a view of points in categories as RGBA pixels, which are not premultiplied by alpha. A
/// pixel's colour is the mean of the categories' colours, weighted by the categories' values at the
/// pixel. Its alpha is the alpha of the ramp's colour for the value of all points together;
/// `together` has the indices of these colours. The formula is that of categorical plots (`by`) in
/// datashader.
pub(crate) fn mixed_pixels(
    categories: &[Category],
    together: &Picture,
    style: &Style,
    view: &View,
    by: &dyn Backend,
) -> Vec<u8> {
    let mut evaluation = MeasureEval::for_view(style, view);
    if evaluation.measure == Measure::Mean {
        // If the style shows means, the colours are weighted by the categories' counts instead.
        evaluation.measure = Measure::Count;
    }
    let mut sums = vec![[0f32; 4]; together.indices.len()];
    for category in categories {
        let color = category.color.map(f32::from);
        let density = evaluation.density(&category.set, by);
        for (sum, &n) in sums.iter_mut().zip(&density.values) {
            add(sum, color, n);
        }
    }
    finish(&sums, together, style.ramp())
}

fn add(sum: &mut [f32; 4], [r, g, b]: [f32; 3], share: f32) {
    let share = share.max(0.0);
    let parts = [r * share, g * share, b * share, share];
    sum.iter_mut()
        .zip(parts)
        .for_each(|(sum, part)| *sum += part);
}

fn finish(sums: &[[f32; 4]], together: &Picture, ramp: &Ramp) -> Vec<u8> {
    let pixel = |(&[r, g, b, all], &index): (&[f32; 4], &u8)| {
        let [.., alpha] = ramp.color(index);
        if alpha == 0 || all <= 0.0 {
            return [0; 4];
        }
        // The quotient may be a rounding error less than a whole number, and the conversion cuts
        // fractions off. The small addend prevents that such a number becomes the one below.
        let [r, g, b] = [r, g, b].map(|sum| (sum / all + 1e-3) as u8);
        [r, g, b, alpha]
    };
    sums.iter().zip(&together.indices).flat_map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expects the colours that datashader's own tests of `shade` expect for counts by category.
    #[test]
    fn colours_mix_as_datashaders_do() {
        let colors = [[255, 0, 0], [0, 0, 255], [255, 165, 0]].map(|c: [u8; 3]| c.map(f32::from));
        for (counts, abgr) in [
            ([0.0, 12.0, 0.0], 1_140_785_152_u32),
            ([3.0, 0.0, 3.0], 335_565_567),
            ([12.0, 12.0, 12.0], 4_283_774_890),
            ([24.0, 0.0, 0.0], 2_701_132_031),
        ] {
            let mut sum = [0.0; 4];
            for (color, n) in colors.iter().zip(counts) {
                add(&mut sum, *color, n);
            }
            let [r, g, b, alpha] = abgr.to_le_bytes();
            let together = Picture {
                width: 1,
                height: 1,
                indices: vec![alpha],
            };
            let mut table = [[0; 4]; 256];
            for (i, color) in (0..=255).zip(&mut table) {
                *color = [0, 0, 0, i];
            }
            let ramp = Ramp::from_table(&table);
            assert_eq!(finish(&[sum], &together, &ramp), [r, g, b, alpha]);
        }
    }
}
