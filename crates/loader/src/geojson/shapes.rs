//! Reading of the lines and areas in GeoJSON geometries.

use super::object::not_null;
use super::skip_value::elements;
use crate::number::parse;
use crate::shape::{Outline, ShapeCollector, ShapeKind};

/// Gives the line or area of a geometry to a collector. `name` is the geometry's type, and
/// `coordinates` is its member of this name, as JSON text. `None` if the type is no line or area.
pub(super) fn collect(
    name: &str,
    coordinates: &[u8],
    shapes: &mut ShapeCollector<'_>,
) -> Option<()> {
    let positions = |line| elements(line).map(position);
    let mut outline = Outline::new(ShapeKind::from_name(name)?);
    let polygon = |outline: &mut Outline, rings| {
        for (at, ring) in elements(rings).enumerate() {
            outline.add_ring(positions(ring), at == 0);
        }
    };
    match name {
        "LineString" => outline.add_line(positions(coordinates)),
        "MultiLineString" => {
            for line in elements(coordinates) {
                outline.add_line(positions(line));
            }
        }
        "Polygon" => polygon(&mut outline, coordinates),
        "MultiPolygon" => {
            for rings in elements(coordinates) {
                polygon(&mut outline, rings);
            }
        }
        _ => return None,
    }
    shapes.outline(&outline);
    Some(())
}

/// The x and y of a position. A coordinate that is missing or no number is NaN, by which the
/// position is rejected later.
fn position(position: &[u8]) -> (f64, f64) {
    let mut axes = elements(position);
    let mut axis = || axes.next().and_then(not_null).and_then(parse);
    let (x, y) = (axis(), axis());
    (x.unwrap_or(f64::NAN), y.unwrap_or(f64::NAN))
}
