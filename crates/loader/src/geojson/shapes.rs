//! Reading of the lines and areas in GeoJSON geometries.

use super::object::not_null;
use super::skip_value::elements;
use crate::number::parse;
use crate::shape::ShapeCollector;
use crate::shape::coordinates::{self, Coordinates};

/// The JSON text of a value inside the member `coordinates`.
struct CoordinateText<'a>(&'a [u8]);

impl Coordinates for CoordinateText<'_> {
    fn elements(&self) -> impl Iterator<Item = Self> {
        elements(self.0).map(Self)
    }

    fn number(&self) -> Option<f64> {
        not_null(self.0).and_then(parse)
    }
}

/// Gives the line or area of a geometry to a collector. `name` is the geometry's type, and
/// `coordinates` is its member of this name, as JSON text. `None` if the type is no line or area.
pub(super) fn collect(
    name: &str,
    coordinates: &[u8],
    shapes: &mut ShapeCollector<'_>,
) -> Option<()> {
    coordinates::collect(name, &CoordinateText(coordinates), shapes)
}
