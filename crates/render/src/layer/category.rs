//! Categories: the parts of a set of points, each of which is drawn in its own colour.

use crate::layer::point_set::PointSet;
use heatsplat_points::Points;
use std::sync::Arc;

/// A part of a set of points, with the name by which legends show it and the colour in which it is
/// drawn.
#[derive(Clone, Debug)]
pub struct Category {
    /// The category's name, which legends show.
    pub name: String,
    /// The category's colour: red, green and blue of sRGB, 8 bits each.
    pub color: [u8; 3],
    pub(super) set: PointSet,
}

/// The sRGB colours that [`Category::with_palette`] gives to categories, in this order.
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

/// The colour of the category named `other`, and of every category for which [`PALETTE`] has no
/// colour left.
const GREY: [u8; 3] = [0x9a, 0xa0, 0xa6];

impl Category {
    /// Makes a category from its name, its points and its sRGB colour.
    pub fn new(name: impl Into<String>, points: impl Into<Arc<Points>>, color: [u8; 3]) -> Self {
        Self {
            name: name.into(),
            color,
            set: PointSet::new(points),
        }
    }

    /// The points that belong to the category.
    pub fn points(&self) -> &Arc<Points> {
        self.set.points()
    }

    /// Makes a category from each pair of a name and points. The category named `other` is grey.
    /// The first ten of the others get the colours of the palette in order, and further ones are
    /// grey.
    pub fn with_palette(parts: Vec<(String, Points)>) -> Vec<Self> {
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

/// The most categories that a layer may have: one for each of the palette's ten colours, and
/// `other`. The limit exists because a tile needs a drawing for each category.
pub const MAX_CATEGORIES: usize = PALETTE.len() + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_given_out_in_order_and_the_rest_is_grey() {
        let none = || Points::from_slice(&[]);
        let names = ["a", "other", "b"].map(|name| (name.to_owned(), none()));
        let colors: Vec<_> = Category::with_palette(names.into())
            .iter()
            .map(|c| c.color)
            .collect();
        assert_eq!(colors, [PALETTE[0], GREY, PALETTE[1]]);
    }
}
