//! Reading of the lines and areas in the member `coordinates` of GeoJSON geometries, which may be
//! JSON text or a parsed value.

use super::{Outline, ShapeCollector, ShapeKind};

/// A value inside the member `coordinates` of a geometry: an array or a number.
pub(crate) trait Coordinates: Sized {
    /// The elements of an array; none if the value is no array.
    fn elements(&self) -> impl Iterator<Item = Self>;

    /// The value as a number; `None` if it is none.
    fn number(&self) -> Option<f64>;

    /// The x and y of a position. A coordinate that is missing or no number is NaN, by which the
    /// position is rejected later.
    fn position(&self) -> (f64, f64) {
        let mut axes = self.elements();
        let mut axis = || axes.next().and_then(|axis| axis.number());
        let (x, y) = (axis(), axis());
        (x.unwrap_or(f64::NAN), y.unwrap_or(f64::NAN))
    }
}

/// Gives the line or area of a geometry to a collector. `name` is the geometry's type. `None` if
/// the type is no line or area.
pub(crate) fn collect<C: Coordinates>(
    name: &str,
    coordinates: &C,
    shapes: &mut ShapeCollector<'_>,
) -> Option<()> {
    let mut outline = Outline::new(ShapeKind::from_name(name)?);
    let line = |outline: &mut Outline, line: &C| {
        outline.add_line(line.elements().map(|at| at.position()));
    };
    let polygon = |outline: &mut Outline, rings: &C| {
        for (at, ring) in rings.elements().enumerate() {
            outline.add_ring(ring.elements().map(|at| at.position()), at == 0);
        }
    };
    match name {
        "LineString" => line(&mut outline, coordinates),
        "MultiLineString" => {
            for part in coordinates.elements() {
                line(&mut outline, &part);
            }
        }
        "Polygon" => polygon(&mut outline, coordinates),
        "MultiPolygon" => {
            for rings in coordinates.elements() {
                polygon(&mut outline, &rings);
            }
        }
        _ => return None,
    }
    shapes.outline(&outline);
    Some(())
}
