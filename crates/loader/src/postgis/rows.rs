//! Validation of rows from a database, by the same rules as rows of a file.

use super::coordinates::CoordinateUnit;
use crate::batch::{Batch, Weight, are_swapped};
use crate::report::SkipReason;
use crate::wkb::{self, WkbShape};
use heatsplat_points::ProjectionError;

/// Adds the points of a row's geometry to a batch, or counts the reason for which the row is
/// skipped. Each position of a MultiPoint counts as a row. `ewkb` is `None` for SQL's NULL.
///
/// The geometry must state a SRID of degrees or Web-Mercator metres. A geometry with any other
/// SRID, or with none, is skipped as a bad position.
///
/// Returns the indexes, among the points of the batch, of the points that were added on the
/// meridian of ±180° with a longitude of 180°, and not of −180°.
pub(crate) fn geometry(batch: &mut Batch, ewkb: Option<&[u8]>, weight: Weight<'_>) -> Vec<usize> {
    let mut eastern = Vec::new();
    let refused = |batch: &mut Batch, reason, found| {
        skip(batch, reason, || found);
        Vec::new()
    };
    let Some(bytes) = ewkb else {
        return refused(batch, SkipReason::NoPosition, "NULL".to_owned());
    };
    let Some(geometry) = wkb::parse(bytes) else {
        return refused(batch, SkipReason::Malformed, "no geometry".to_owned());
    };
    let Some(unit) = CoordinateUnit::from_srid(geometry.srid) else {
        let found = format!("SRID {}", geometry.srid);
        return refused(batch, SkipReason::BadPosition, found);
    };
    let mut add = |batch: &mut Batch, (x, y)| {
        let before = batch.points.len();
        position(batch, unit, x, y, weight);
        if x > 0.0 && batch.points.get(before).is_some_and(|point| point.x == 0) {
            eastern.push(before);
        }
    };
    match geometry.shape {
        WkbShape::Point(x, y) => add(batch, (x, y)),
        WkbShape::Points(positions) => {
            let mut any = false;
            for at in positions {
                any = true;
                match at {
                    Some(at) => add(batch, at),
                    None => skip(batch, SkipReason::Malformed, || "MultiPoint".to_owned()),
                }
            }
            if !any {
                skip(batch, SkipReason::NoPosition, || {
                    "MULTIPOINT EMPTY".to_owned()
                });
            }
        }
        WkbShape::Other(name) => {
            for place in batch.places_of(name, |shapes| wkb::collect(bytes, shapes)) {
                match place {
                    Ok(at) => add(batch, at),
                    Err((reason, found)) => skip(batch, reason, || found),
                }
            }
        }
    }
    eastern
}

/// Adds a point at `x` and `y`, coordinates in `unit`, to a batch, or counts the reason for which
/// the row is skipped.
#[inline]
pub(crate) fn position(
    batch: &mut Batch,
    unit: CoordinateUnit,
    x: f64,
    y: f64,
    weight: Weight<'_>,
) {
    let at = match unit.place(x, y) {
        Ok(at) => at,
        // PostGIS sends an empty point as two NaNs.
        Err(_) if x.is_nan() && y.is_nan() => {
            return skip(batch, SkipReason::NoPosition, || "POINT EMPTY".to_owned());
        }
        Err(refusal) => {
            if unit == CoordinateUnit::Degrees && are_swapped(refusal, x, y) {
                batch.report.notes.swapped += 1;
            }
            let reason = match refusal {
                ProjectionError::Outside => SkipReason::Outside,
                _ => SkipReason::BadPosition,
            };
            return skip(batch, reason, || format!("{x} {y}"));
        }
    };
    if let Err(rejection) = batch.keep_at(at, x, y, weight) {
        skip(batch, rejection.skip, || rejection.found());
    }
}

#[cold]
fn skip(batch: &mut Batch, reason: SkipReason, found: impl FnOnce() -> String) {
    batch.report.skip(reason, || (0, found()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{LineRule, ShapeRules};

    fn account(rows: &[(Option<&[u8]>, Weight)]) -> Batch {
        let mut batch = Batch::default();
        for (bytes, weight) in rows {
            geometry(&mut batch, *bytes, *weight);
        }
        batch
    }

    fn point(kind: u32, srid: u32, x: f64, y: f64) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend((kind | 0x2000_0000).to_le_bytes());
        bytes.extend(srid.to_le_bytes());
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
        bytes
    }

    #[test]
    fn every_row_is_kept_or_counted_by_its_reason() {
        let good = point(1, 4326, 10.0, 20.0);
        let metres = point(1, 3857, 0.0, 0.0);
        let empty = point(1, 4326, f64::NAN, f64::NAN);
        let half = point(1, 4326, f64::NAN, 1.0);
        let pole = point(1, 4326, 0.0, 89.0);
        let silent = point(1, 0, 10.0, 20.0);
        let swiss = point(1, 2056, 2_600_000.0, 1_200_000.0);
        let line = point(2, 4326, 0.0, 0.0);
        let batch = account(&[
            (Some(&good), Weight::Unused),
            (Some(&good), Weight::Number(2.5)),
            (Some(&good), Weight::Missing),
            (Some(&good), Weight::Number(f64::NAN)),
            (Some(&good), Weight::Number(1e300)),
            (Some(&metres), Weight::Unused),
            (Some(&empty), Weight::Unused),
            (Some(&half), Weight::Unused),
            (Some(&pole), Weight::Unused),
            (Some(&swiss), Weight::Unused),
            (Some(&silent), Weight::Unused),
            (Some(&line), Weight::Unused),
            (Some(b"\x01\x01"), Weight::Unused),
            (None, Weight::Unused),
        ]);
        let report = &batch.report;
        let counts = SkipReason::ALL.map(|reason| report.skipped(reason));
        assert_eq!(counts, [2, 3, 1, 2, 1, 1, 0], "{report}");
        assert_eq!((report.rows, report.kept), (14, 4));
        assert_eq!((report.weights_missing, report.at_null_island), (1, 1));
        let weights: Vec<f32> = batch.points.iter().map(|p| p.weight).collect();
        assert_eq!(weights, [1.0, 2.5, 0.0, 1.0]);
        let missing = batch.points.iter().map(|p| !p.has_weight());
        assert!(missing.eq([false, false, true, false]));
    }

    #[test]
    fn both_sides_of_the_meridian_of_180_degrees_differ() {
        // A line from 180° to −180°, whose vertices are one place on the map.
        let mut line = vec![1];
        line.extend((2 | 0x2000_0000_u32).to_le_bytes());
        line.extend(4326_u32.to_le_bytes());
        line.extend(3_u32.to_le_bytes());
        for x in [170.0_f64, 180.0, -180.0] {
            line.extend(x.to_le_bytes());
            line.extend(1.0_f64.to_le_bytes());
        }
        let mut batch = Batch::default().with_shapes(ShapeRules {
            lines: LineRule::Vertices,
            ..ShapeRules::default()
        });
        let eastern = geometry(&mut batch, Some(&line), Weight::Unused);
        assert_eq!((batch.points.len(), eastern), (3, vec![1]));
        let point = point(1, 4326, 180.0, 1.0);
        let eastern = geometry(&mut batch, Some(&point), Weight::Unused);
        assert_eq!((batch.points.len(), eastern), (4, vec![3]));
    }

    #[test]
    fn axes_that_are_swapped_are_counted() {
        let swapped = point(1, 4326, -33.9, 151.2);
        let neither = point(1, 4326, 100.0, 151.2);
        // Coordinates in metres are never taken for swapped degrees, whatever their order.
        let metres = point(1, 4326, 5.0, 4_500_000.0);
        let batch = account(&[
            (Some(&swapped), Weight::Unused),
            (Some(&neither), Weight::Unused),
            (Some(&metres), Weight::Unused),
        ]);
        assert_eq!(batch.report.notes.swapped, 1);
        assert_eq!(batch.report.skipped(SkipReason::BadPosition), 3);
    }
}
