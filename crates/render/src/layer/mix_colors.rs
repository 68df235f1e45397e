//! Mixes the colours of categories that overlap.

use crate::layer::category::Category;
use crate::layer::evaluate::MeasureEval;
use crate::ramp::Ramp;
use crate::splat::Backend;
use crate::splat::density::Picture;
use crate::splat::view::View;
use crate::style::Style;
use crate::style::measure::Measure;

/// The RGBA pixels of a view, not premultiplied. A pixel's colour is the mean of the categories'
/// colours, weighted by the categories' values there. Its alpha is the ramp's, at the position of
/// the value of all points together. The formula is that of datashader's `by`.
pub(crate) fn mixed_pixels(
    categories: &[Category],
    together: &Picture,
    style: &Style,
    view: &View,
    by: &dyn Backend,
) -> Vec<u8> {
    let mut evaluation = MeasureEval::for_view(style, view);
    if evaluation.measure == Measure::Mean {
        // For means, the colours are weighted by the categories' numbers of points.
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
        // The small addend keeps the mean of equal colours from being cut to the number below them.
        let [r, g, b] = [r, g, b].map(|sum| (sum / all + 1e-3) as u8);
        [r, g, b, alpha]
    };
    sums.iter().zip(&together.indices).flat_map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arrays in datashader's own tests of `shade` for counts by category.
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
