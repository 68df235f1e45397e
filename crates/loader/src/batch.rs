//! The judgement over one row, the same for every format.

use crate::bounds::Bounds;
use crate::filter::Value;
use crate::number;
use crate::report::{Report, Skip, shown};
use crate::table::Kept;
use crate::time::Times;
use heatsplat_points::{Point, Refusal, mercator};

/// Points of a stretch of rows, and the account of those rows.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) points: Vec<Point>,
    pub(crate) report: Report,
    /// The values of the points in the columns that are kept.
    pub(crate) kept: Kept,
    /// Where rows are wanted; everywhere without one.
    within: Option<Bounds>,
    /// Whether nobody asked for the column of weights: one that is no number costs no row then.
    is_guess: bool,
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
    /// A batch of rows that lie within bounds and keep so many columns.
    pub(crate) fn new(within: Option<Bounds>, keep: usize, times: &Times) -> Self {
        Self {
            within,
            kept: Kept::of(keep, times),
            ..Self::default()
        }
    }

    /// The same for weights of a column that was chosen by its name alone.
    pub(crate) fn guessing(self, is_guess: bool) -> Self {
        Self { is_guess, ..self }
    }

    /// Makes every point count 1: what was taken for weights is none.
    pub(crate) fn unweigh(&mut self) {
        for point in &mut self.points {
            point.weight = 1.0;
        }
        self.report.weights_missing = 0;
        self.report.notes.forget_weights();
    }

    /// Gives the points that have none yet a row's values in the columns that are kept,
    /// counted from 0.
    #[inline]
    pub(crate) fn keep_values<'v>(&mut self, value: impl FnMut(usize) -> Value<'v>) {
        self.kept.fill(self.points.len(), value);
    }

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
        let at = mercator::project(x, y).map_err(|refusal| match self.blame(refusal, x, y) {
            (skip, Axis::Longitude) => refused(skip, "longitude", lon),
            (skip, Axis::Latitude) => refused(skip, "latitude", lat),
        })?;
        let weight = match weight {
            Weight::Unused => Some(1.0),
            Weight::Text(text) => match number::parse_weight(text) {
                None if text.trim_ascii().is_empty() => None,
                None if self.is_guess => self.no_weight(|| shown(text)),
                None => return Err(refused(Skip::BadWeight, "weight", text)),
                weight => weight,
            },
        };
        self.count(Point::weighing(at, weight), x, y);
        Ok(())
    }

    /// The same for a row of numbers; a refusal says what was found.
    pub(crate) fn keep_record(
        &mut self,
        lon: f64,
        lat: f64,
        weight: &Amount,
    ) -> Result<(), (Skip, String)> {
        let at =
            mercator::project(lon, lat).map_err(|refusal| match self.blame(refusal, lon, lat) {
                (skip, Axis::Longitude) if !lon.is_finite() || lat.is_finite() => {
                    (skip, format!("longitude {lon}"))
                }
                (skip, _) => (skip, format!("latitude {lat}")),
            })?;
        let weight = match weight {
            Amount::Unused => Some(1.0),
            Amount::Missing => None,
            Amount::Number(number) if (*number as f32).is_finite() => Some(*number as f32),
            Amount::Number(number) if self.is_guess => self.no_weight(|| number.to_string()),
            Amount::Number(number) => return Err((Skip::BadWeight, format!("weight {number}"))),
            Amount::Whole(number) => Some(*number as f32),
            Amount::Bool(truth) => Some(f32::from(u8::from(*truth))),
            Amount::Time(_) if self.is_guess => self.no_weight(|| "a date or time".to_owned()),
            Amount::Time(_) => return Err((Skip::BadWeight, "a date or time".to_owned())),
            Amount::Text(text) => match number::parse_weight(text.as_bytes()) {
                None if text.trim_ascii().is_empty() => None,
                None if self.is_guess => self.no_weight(|| shown(text.as_bytes())),
                None => {
                    let found = format!("weight {}", shown(text.as_bytes()));
                    return Err((Skip::BadWeight, found));
                }
                weight => weight,
            },
        };
        self.count(Point::weighing(at, weight), lon, lat);
        Ok(())
    }

    /// The weight of a row whose own is no number, in a column that nobody asked for.
    #[cold]
    fn no_weight(&mut self, shown: impl FnOnce() -> String) -> Option<f32> {
        self.report.notes.no_weight(shown);
        None
    }

    /// Why a position is none, and which of its numbers is to blame. One that would be right the
    /// other way round is counted.
    #[cold]
    fn blame(&mut self, refusal: Refusal, lon: f64, lat: f64) -> (Skip, Axis) {
        if are_swapped(refusal, lon, lat) {
            self.report.notes.swapped += 1;
        }
        blame(refusal)
    }

    #[inline]
    fn count(&mut self, point: Point, lon: f64, lat: f64) {
        if self.within.is_some_and(|bounds| !bounds.hold(lon, lat)) {
            self.report.filtered += 1;
            return;
        }
        self.points.push(point);
        self.report.weights_missing += u64::from(!point.has_weight());
        self.report.rows += 1;
        self.report.kept += 1;
        self.report.at_null_island += u64::from(lon == 0.0 && lat == 0.0);
    }
}

impl Amount {
    /// A whole number: exactly, if that takes more than `f64`.
    pub(crate) fn whole(number: impl Into<i128>) -> Self {
        let number = number.into();
        if number.unsigned_abs() <= 1 << 53 {
            Self::Number(number as f64)
        } else {
            Self::Whole(number)
        }
    }
}

/// A record's weight.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Amount {
    /// No weight column is used: the row counts 1.
    Unused,
    /// Null.
    Missing,
    Number(f64),
    /// A whole number of more digits than `f64` has.
    Whole(i128),
    Text(String),
    /// Microseconds since 1970, UTC: no weight, but something to filter by.
    Time(i64),
    /// Counts as 0 or 1.
    Bool(bool),
}

enum Axis {
    Longitude,
    Latitude,
}

/// True for a position off the map that would be on it with longitude and latitude swapped.
pub(crate) fn are_swapped(refusal: Refusal, lon: f64, lat: f64) -> bool {
    refusal == Refusal::Latitude && lon.abs() <= 90.0 && lat.abs() <= 360.0
}

/// Why a position of finite or other numbers is none, and which of the two is to blame.
fn blame(refusal: Refusal) -> (Skip, Axis) {
    match refusal {
        Refusal::Outside => (Skip::Outside, Axis::Latitude),
        Refusal::Latitude => (Skip::BadPosition, Axis::Latitude),
        _ => (Skip::BadPosition, Axis::Longitude),
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
