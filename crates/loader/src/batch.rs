//! The judgement over one row, the same for every format.

use crate::number;
use crate::report::{Report, Skip, shown};
use heatsplat_points::{Point, Refusal, mercator};

/// Points of a stretch of rows, and the account of those rows.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) points: Vec<Point>,
    pub(crate) report: Report,
}

/// A row's weight as text.
#[derive(Clone, Copy)]
pub(crate) enum Weight<'a> {
    /// No weight column is used: the row counts 1.
    Unused,
    /// The weight's text; empty: missing.
    Text(&'a [u8]),
}

/// Why a row is refused, and the field that is to blame.
pub(crate) struct Refused<'a> {
    pub(crate) skip: Skip,
    what: &'static str,
    field: &'a [u8],
}

impl Refused<'_> {
    /// What was found, for a report.
    pub(crate) fn found(&self) -> String {
        format!("{} {}", self.what, shown(self.field))
    }
}

impl Batch {
    /// Keeps the row, or says why not. The caller counts a refusal: it knows the line.
    #[inline]
    pub(crate) fn keep<'a>(
        &mut self,
        lon: &'a [u8],
        lat: &'a [u8],
        weight: Weight<'a>,
    ) -> Result<(), Refused<'a>> {
        let refused = |skip, what, field| Refused { skip, what, field };
        let (Some(x), Some(y)) = (number::parse(lon), number::parse(lat)) else {
            return Err(unreadable(lon, lat));
        };
        let at = mercator::project(x, y).map_err(|refusal| match refusal {
            Refusal::Outside => refused(Skip::Outside, "latitude", lat),
            Refusal::Latitude => refused(Skip::BadPosition, "latitude", lat),
            // The longitude: both are finite, and no weight is in play yet.
            _ => refused(Skip::BadPosition, "longitude", lon),
        })?;
        let weight = match weight {
            Weight::Unused => 1.0,
            Weight::Text(text) => match number::parse_weight(text) {
                Some(weight) => weight,
                None if text.trim_ascii().is_empty() => {
                    self.report.weights_missing += 1;
                    0.0
                }
                None => return Err(refused(Skip::BadWeight, "weight", text)),
            },
        };
        self.points.push(Point::new(at, weight));
        self.report.rows += 1;
        self.report.kept += 1;
        self.report.at_null_island += u64::from(x == 0.0 && y == 0.0);
        Ok(())
    }
}

/// Of two fields that are not both numbers, the one to blame. An empty one comes first.
#[cold]
fn unreadable<'a>(lon: &'a [u8], lat: &'a [u8]) -> Refused<'a> {
    let empty = |field: &[u8]| field.trim_ascii().is_empty();
    let (skip, what, field) = if empty(lon) {
        (Skip::NoPosition, "longitude", lon)
    } else if empty(lat) {
        (Skip::NoPosition, "latitude", lat)
    } else if number::parse(lon).is_none() {
        (Skip::BadPosition, "longitude", lon)
    } else {
        (Skip::BadPosition, "latitude", lat)
    };
    Refused { skip, what, field }
}
