//! Points of several kinds, each in a colour of its own: mixed where they meet.

use crate::layer::evaluate::Field;
use crate::layer::point_set::PointSet;
use crate::ramp::Ramp;
use crate::splat::Backend;
use crate::splat::density::Picture;
use crate::style::Style;
use crate::style::measure::Measure;
use heatsplat_points::{Points, Window};
use std::sync::Arc;

/// A part of a set of points, with a name and a colour.
#[derive(Debug)]
pub struct Category {
    /// What it is called in legends.
    pub name: String,
    /// Its colour, 8-bit sRGB.
    pub color: [u8; 3],
    set: PointSet,
}

/// Colours in the order they are given out.
const PALETTE: [[u8; 3]; 10] = [
    [0xf2, 0x8e, 0x1c],
    [0x2f, 0x7f, 0xd6],
    [0xe0, 0x3e, 0x5c],
    [0x22, 0xb0, 0x8c],
    [0xf0, 0xd0, 0x3c],
    [0x8e, 0x5c, 0xd9],
    [0x7c, 0xb3, 0x42],
    [0xe0, 0x6f, 0xc1],
    [0x45, 0xc4, 0xdb],
    [0xa8, 0x6e, 0x4b],
];

/// Of what belongs to no category.
const GREY: [u8; 3] = [0x9a, 0xa0, 0xa6];

impl Category {
    /// A part with its colour.
    pub fn new(name: impl Into<String>, points: impl Into<Arc<Points>>, color: [u8; 3]) -> Self {
        Self {
            name: name.into(),
            color,
            set: PointSet::new(points),
        }
    }

    /// Its points.
    pub fn points(&self) -> &Arc<Points> {
        self.set.points()
    }

    /// Parts in colours that are told apart; one called `other` is grey.
    pub fn colored(parts: Vec<(String, Points)>) -> Vec<Self> {
        let colors = PALETTE.iter().copied().chain(std::iter::repeat(GREY));
        let mut colors = colors;
        let part = |(name, points): (String, Points)| {
            let color = if name == "other" {
                GREY
            } else {
                colors.next().unwrap_or(GREY)
            };
            Self::new(name, points, color)
        };
        parts.into_iter().map(part).collect()
    }
}

/// The most categories that a layer has, "other" among them: each is splatted for every tile.
pub const MAX_CATEGORIES: usize = PALETTE.len() + 1;

/// Straight RGBA pixels of a window. A pixel's colour is the mean of the categories' colours, each
/// counting as much as it measures there; its alpha is that of the ramp where all of them together
/// lie on the scale. The formula is that of datashader's `by`.
pub(crate) fn mixed(
    categories: &[Category],
    together: &Picture,
    style: &Style,
    window: Window,
    ratio: u32,
    by: &dyn Backend,
) -> Vec<u8> {
    let mut field = Field::new(style, window, f64::from(ratio));
    if field.measure == Measure::Mean {
        // how much a category has a say is how much there is of it
        field.measure = Measure::Count;
    }
    let mut sums = vec![[0f32; 4]; together.indices.len()];
    for category in categories {
        let color = category.color.map(f32::from);
        let numbers = field.of(&category.set, by);
        for (sum, &n) in sums.iter_mut().zip(&numbers.values) {
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
        // a hair more, so that equals do not fall below their own colour
        let [r, g, b] = [r, g, b].map(|sum| (sum / all + 1e-3) as u8);
        [r, g, b, alpha]
    };
    sums.iter().zip(&together.indices).flat_map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrays that datashader's own tests publish for `shade` of counts by category.
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

    #[test]
    fn colours_are_given_out_in_order_and_the_rest_is_grey() {
        let none = || Points::from_slice(&[]);
        let names = ["a", "other", "b"].map(|name| (name.to_owned(), none()));
        let colors: Vec<_> = Category::colored(names.into())
            .iter()
            .map(|c| c.color)
            .collect();
        assert_eq!(colors, [PALETTE[0], GREY, PALETTE[1]]);
    }
}
