//! Mixes the colours of categories whose points lie close together.

use crate::layer::category::Category;
use crate::layer::evaluate::MeasureEval;
use crate::ramp::{Oklab, Ramp};
use crate::splat::Backend;
use crate::splat::density::Picture;
use crate::splat::view::View;
use crate::style::Style;
use crate::style::measure::Measure;

/// Draws a view of points in categories as RGBA pixels, which are not premultiplied by alpha.
///
/// A pixel's alpha is the alpha of the ramp's colour for the value of all points together, as in
/// categorical plots (`by`) of datashader; `together` has the indices of these colours. A pixel's
/// colour is the mean of the categories' colours in the colour space Oklab. The mean is weighted by
/// the squares of the categories' values at the pixel, so that a category which prevails keeps its
/// own colour nearly unchanged, and the grey between two contrary colours is narrow.
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
    let mut mixtures = vec![Mixture::default(); together.indices.len()];
    for category in categories {
        let color = Oklab::from_srgb(category.color);
        let density = evaluation.density(&category.set, by);
        for (mixture, &value) in mixtures.iter_mut().zip(&density.values) {
            mixture.add(color, value);
        }
    }
    finish(&mixtures, together, style.ramp())
}

/// The weighted mean of the colours that have been added so far.
#[derive(Clone, Copy, Default)]
struct Mixture {
    mean: Oklab,
    /// The sum of the weights of the colours that have been added. Weights are squares of numbers
    /// up to 10³⁸, which only f64 can hold.
    weight: f64,
}

impl Mixture {
    /// Adds a category's colour, weighted by the square of its value. Negative values and NaN count
    /// as 0. Each addition makes a weighted mean at once, since a sum of weighted colours could
    /// become too large.
    fn add(&mut self, color: Oklab, value: f32) {
        if value > 0.0 {
            let weight = f64::from(value).powi(2);
            self.weight += weight;
            let share = (weight / self.weight) as f32;
            self.mean = self.mean.mixed(color, share);
        }
    }
}

fn finish(mixtures: &[Mixture], together: &Picture, ramp: &Ramp) -> Vec<u8> {
    let pixel = |(mixture, &index): (&Mixture, &u8)| {
        let [.., alpha] = ramp.color(index);
        if alpha == 0 || mixture.weight <= 0.0 {
            return [0; 4];
        }
        let [r, g, b] = mixture.mean.to_srgb();
        [r, g, b, alpha]
    };
    mixtures
        .iter()
        .zip(&together.indices)
        .flat_map(pixel)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 3] = [255, 0, 0];
    const BLUE: [u8; 3] = [0, 0, 255];

    /// The colour of one pixel at which categories have the given values.
    fn mixed(values: &[([u8; 3], f32)], index: u8) -> [u8; 4] {
        let mut mixture = Mixture::default();
        for &(color, value) in values {
            mixture.add(Oklab::from_srgb(color), value);
        }
        let together = Picture {
            width: 1,
            height: 1,
            indices: vec![index],
        };
        let mut table = [[0; 4]; 256];
        for (i, color) in (0..=255).zip(&mut table) {
            *color = [0, 0, 0, i];
        }
        let pixel = finish(&[mixture], &together, &Ramp::from_table(&table));
        pixel.try_into().unwrap()
    }

    #[test]
    fn the_density_is_in_alpha_and_a_lone_category_has_its_own_colour() {
        for color in [RED, BLUE, [0xf2, 0x8e, 0x1c], [0, 0, 0], [255, 255, 255]] {
            for value in [1e-30, 1.0, 1e38] {
                let others = [(RED, 0.0), (color, value), (BLUE, f32::NAN), (BLUE, -1.0)];
                let [r, g, b] = color;
                assert_eq!(mixed(&others, 77), [r, g, b, 77]);
            }
        }
        assert_eq!(mixed(&[(RED, 0.0)], 77), [0; 4]);
        assert_eq!(mixed(&[(RED, 1.0)], 0), [0; 4]);
    }

    /// Expects the mean of red and blue that CSS gradients `in oklab` have in the middle.
    #[test]
    fn equal_categories_mix_as_in_css() {
        assert_eq!(
            mixed(&[(RED, 3.0), (BLUE, 3.0)], 200),
            [0x8c, 0x53, 0xa2, 200]
        );
        assert_eq!(
            mixed(&[(BLUE, 2e38), (RED, 2e38)], 200),
            [0x8c, 0x53, 0xa2, 200]
        );
    }

    /// A category that has three quarters of the sum of all values contributes nine tenths of the
    /// colour.
    #[test]
    fn a_category_that_prevails_keeps_its_colour() {
        let expected = Oklab::from_srgb(RED).mixed(Oklab::from_srgb(BLUE), 0.1);
        let [r, g, b] = expected.to_srgb();
        assert_eq!(mixed(&[(RED, 3.0), (BLUE, 1.0)], 9), [r, g, b, 9]);
    }
}
