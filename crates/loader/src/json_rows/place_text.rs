//! Positions that are written as a string: `geo:48.1,11.5`, `48.1°, 11.5°`, `48.1, 11.5` or `POINT
//! (11.5 48.1)`.

use crate::position_text::geometry::{TextGeometry, TextShape, geometry};
use crate::position_text::pair::{CoordinatePair, coordinates};

/// The length limit, in bytes, of a string that is parsed as two coordinates: a choice. A string
/// that ends with `)` or `}` may be longer, since it may have a postal address too.
const LONGEST: usize = 80;

/// A position that a string contains: two coordinates or a geometry.
pub(super) enum PlaceText {
    Pair(CoordinatePair),
    Geometry(TextGeometry),
}

impl PlaceText {
    /// Parses a string as a position. `None` if the string is no position.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(geometry) = geometry(text.as_bytes()) {
            return Some(Self::Geometry(geometry));
        }
        let may_be_pair = text.len() <= LONGEST || text.ends_with([')', '}']);
        let pair = may_be_pair.then(|| coordinates(text.as_bytes()));
        pair.flatten().map(Self::Pair)
    }

    /// Returns true if `text`, which was parsed as this position, can only be a position. Two plain
    /// numbers such as `48.1, 11.5` may also mean something else. The caller takes them for a
    /// position only if the column's name is usual for positions.
    pub(super) fn is_marked(&self, text: &str) -> bool {
        match self {
            Self::Pair(pair) => pair.stated.is_some() || text.contains('°'),
            Self::Geometry(geometry) => {
                matches!(geometry.shape, TextShape::Point(..) | TextShape::Points(_))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_positions() {
        for (text, is_marked) in [
            ("geo:48.1,11.5", true),
            (" geo:48.1,11.5,300;u=35 ", true),
            ("48.1°, 11.5°", true),
            ("POINT (11.5 48.1)", true),
            ("48.1N 11.5E", true),
            ("48.1,11.5", false),
            ("48, 11", false),
            ("LINESTRING (1 2, 3 4)", false),
        ] {
            let found = PlaceText::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.is_marked(text), is_marked, "{text}");
        }
        for text in ["geo:x,1", "1°", "geo:1", "1,2,3", "a, b", "08:00, 17:00"] {
            assert!(PlaceText::parse(text).is_none(), "{text}");
        }
    }
}
