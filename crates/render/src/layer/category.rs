//! Categories: parts of a set of points, each drawn in its own colour.

use crate::layer::point_set::PointSet;
use heatsplat_points::Points;
use std::sync::Arc;

/// A category: a part of a set of points, with a name and a colour.
#[derive(Clone, Debug)]
pub struct Category {
    /// The name in legends.
    pub name: String,
    /// The colour: red, green and blue of sRGB, 8 bits each.
    pub color: [u8; 3],
    pub(super) set: PointSet,
}

/// The colours given to categories, in this order.
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

/// The colour of the category `other`, and of all categories after the palette's last colour.
const GREY: [u8; 3] = [0x9a, 0xa0, 0xa6];

impl Category {
    /// A category of points, with its name and colour.
    pub fn new(name: impl Into<String>, points: impl Into<Arc<Points>>, color: [u8; 3]) -> Self {
        Self {
            name: name.into(),
            color,
            set: PointSet::new(points),
        }
    }

    /// The points of the category.
    pub fn points(&self) -> &Arc<Points> {
        self.set.points()
    }

    /// Categories from (name, points), each with a different colour of the palette. One named
    /// `other` is grey.
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

/// The most categories of a layer, `other` included. The limit exists because each category is
/// splatted separately for every tile.
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
