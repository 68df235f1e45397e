//! Checks of rows, by the same rules for every format, and batches of the points that rows give.

use crate::messages::shown;
use crate::number::{self, exact::Number};
use crate::report::{Report, SkipReason};
use crate::table::TableBuilder;
use crate::time::Times;
use crate::value::Value;
use heatsplat_points::{LonLatBox, Point, ProjectionError, WorldCoord, mercator};

/// The points of some consecutive rows, and the report of these rows.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) points: Vec<Point>,
    pub(crate) report: Report,
    /// The values of the points in the columns that are kept.
    pub(crate) kept: TableBuilder,
    /// The box from which points are kept; `None`: everywhere.
    within: Option<LonLatBox>,
    /// Set if the column of weights was chosen by its name alone. A value in it that is no number
    /// is then a missing weight, and the row is kept.
    is_guess: bool,
}

/// A row's weight before it is checked.
#[derive(Clone, Copy)]
pub(crate) enum Weight<'a> {
    /// No column of weights is used: the row counts 1.
    Unused,
    /// Null: the row counts 0 in a sum and is no part of a mean.
    Missing,
    /// The text of a field; an empty one is missing.
    Text(&'a [u8]),
    Number(f64),
    /// A whole number of more digits than `f64` has.
    Whole(i128),
    /// A date or time, which is no weight.
    Time,
}

impl<'a> From<&'a Value<'_>> for Weight<'a> {
    fn from(value: &'a Value<'_>) -> Self {
        match value {
            Value::Null => Self::Missing,
            Value::Number(Number::Float(number)) => Self::Number(*number),
            Value::Number(Number::Whole(number)) => Self::Whole(*number),
            Value::Bool(truth) => Self::Number(f64::from(u8::from(*truth))),
            Value::Time(_) => Self::Time,
            Value::Text(text) => Self::Text(text.as_bytes()),
        }
    }
}

/// The reason why a row is rejected, and the value at fault.
pub(crate) struct Rejection<'a> {
    pub(crate) skip: SkipReason,
    what: &'static str,
    found: Found<'a>,
}

/// A value as it was found in a row.
#[derive(Clone, Copy)]
enum Found<'a> {
    Field(&'a [u8]),
    Number(f64),
    Time,
}

impl Found<'_> {
    /// The value as messages show it.
    fn shown(self) -> String {
        match self {
            Self::Field(field) => shown(field),
            Self::Number(number) => number.to_string(),
            Self::Time => "a date or time".to_owned(),
        }
    }
}

impl Rejection<'_> {
    /// The value at fault as reports show it, with its meaning before it.
    pub(crate) fn found(&self) -> String {
        match self.found {
            Found::Time => self.found.shown(),
            found => format!("{} {}", self.what, found.shown()),
        }
    }
}

impl Batch {
    /// An empty batch that will keep the points in the box `within`, and the values of `keep`
    /// columns.
    pub(crate) fn new(within: Option<LonLatBox>, keep: usize, times: &Times) -> Self {
        Self {
            within,
            kept: TableBuilder::new(keep, times),
            ..Self::default()
        }
    }

    /// The batch; `is_guess` is set if its column of weights was chosen by its name alone.
    pub(crate) fn guessing(self, is_guess: bool) -> Self {
        Self { is_guess, ..self }
    }

    /// Makes every point count 1, since the column that was taken for weights holds none.
    pub(crate) fn drop_weights(&mut self) {
        for point in &mut self.points {
            point.weight = 1.0;
        }
        self.report.weights_missing = 0;
        self.report.notes.forget_weights();
    }

    /// Adds a row's values in the columns that are kept, once for each of the row's points. `value`
    /// returns the value in a column by its index among the columns that are kept.
    #[inline]
    pub(crate) fn keep_values<'v>(&mut self, value: impl FnMut(usize) -> Value<'v>) {
        self.kept.fill(self.points.len(), value);
    }

    /// Keeps a row whose longitude and latitude are texts, or returns why it is rejected. The
    /// caller counts the rejection, since it knows the row's line.
    #[inline]
    pub(crate) fn keep<'a>(
        &mut self,
        lon: &'a [u8],
        lat: &'a [u8],
        weight: Weight<'a>,
    ) -> Result<(), Rejection<'a>> {
        let (Some(x), Some(y)) = (number::parse(lon), number::parse(lat)) else {
            return Err(unreadable(lon, lat));
        };
        let at = mercator::project(x, y).map_err(|refusal| match self.blame(refusal, x, y) {
            (skip, Axis::Longitude) => rejection(skip, "longitude", Found::Field(lon)),
            (skip, Axis::Latitude) => rejection(skip, "latitude", Found::Field(lat)),
        })?;
        self.keep_at(at, x, y, weight)
    }

    /// Keeps a row whose longitude and latitude are numbers, or returns why it is rejected.
    pub(crate) fn keep_record<'a>(
        &mut self,
        lon: f64,
        lat: f64,
        weight: Weight<'a>,
    ) -> Result<(), Rejection<'a>> {
        let at =
            mercator::project(lon, lat).map_err(|refusal| match self.blame(refusal, lon, lat) {
                (skip, Axis::Longitude) if !lon.is_finite() || lat.is_finite() => {
                    rejection(skip, "longitude", Found::Number(lon))
                }
                (skip, _) => rejection(skip, "latitude", Found::Number(lat)),
            })?;
        self.keep_at(at, lon, lat, weight)
    }

    /// Keeps a row at a position on the map, or rejects it if its weight is no number. `x` and `y`
    /// are its coordinates in the source.
    #[inline]
    pub(crate) fn keep_at<'a>(
        &mut self,
        at: WorldCoord,
        x: f64,
        y: f64,
        weight: Weight<'a>,
    ) -> Result<(), Rejection<'a>> {
        let weight = self.check_weight(weight)?;
        if self.within.is_some_and(|bounds| !bounds.contains(x, y)) {
            self.report.filtered += 1;
            return Ok(());
        }
        let point = Point::weighing(at, weight);
        self.points.push(point);
        self.report.weights_missing += u64::from(!point.has_weight());
        self.report.rows += 1;
        self.report.kept += 1;
        self.report.at_null_island += u64::from(x == 0.0 && y == 0.0);
        Ok(())
    }

    /// The weight as a finite number; `None` where it is missing.
    #[inline]
    fn check_weight<'a>(&mut self, weight: Weight<'a>) -> Result<Option<f32>, Rejection<'a>> {
        let finite = |number: f32| Some(number).filter(|number| number.is_finite());
        let (checked, found) = match weight {
            Weight::Unused => (Some(1.0), Found::Time),
            Weight::Missing => return Ok(None),
            Weight::Text(text) => match number::parse_weight(text) {
                None if text.trim_ascii().is_empty() => return Ok(None),
                weight => (weight, Found::Field(text)),
            },
            Weight::Number(number) => (finite(number as f32), Found::Number(number)),
            Weight::Whole(number) => (Some(number as f32), Found::Time),
            Weight::Time => (None, Found::Time),
        };
        match checked {
            Some(weight) => Ok(Some(weight)),
            None => self.no_weight(found),
        }
    }

    /// The result for a weight that is no number: a missing weight if the column was chosen by its
    /// name alone, else a rejection of the row.
    #[cold]
    fn no_weight<'a>(&mut self, found: Found<'a>) -> Result<Option<f32>, Rejection<'a>> {
        if !self.is_guess {
            return Err(rejection(SkipReason::BadWeight, "weight", found));
        }
        self.report.notes.no_weight(|| found.shown());
        Ok(None)
    }

    /// The reason why a position is rejected, and the axis at fault. A position that would be valid
    /// with longitude and latitude swapped is counted.
    #[cold]
    fn blame(&mut self, refusal: ProjectionError, lon: f64, lat: f64) -> (SkipReason, Axis) {
        if are_swapped(refusal, lon, lat) {
            self.report.notes.swapped += 1;
        }
        match refusal {
            ProjectionError::Outside => (SkipReason::Outside, Axis::Latitude),
            ProjectionError::Latitude => (SkipReason::BadPosition, Axis::Latitude),
            _ => (SkipReason::BadPosition, Axis::Longitude),
        }
    }
}

enum Axis {
    Longitude,
    Latitude,
}

fn rejection<'a>(skip: SkipReason, what: &'static str, found: Found<'a>) -> Rejection<'a> {
    Rejection { skip, what, found }
}

/// Returns whether a position that is not on the map would be on it with longitude and latitude
/// swapped.
pub(crate) fn are_swapped(refusal: ProjectionError, lon: f64, lat: f64) -> bool {
    refusal == ProjectionError::Latitude && lon.abs() <= 90.0 && lat.abs() <= 360.0
}

/// The rejection of a row whose longitude, latitude or both are no numbers. If one of them is
/// empty, it is named as the fault.
#[cold]
fn unreadable<'a>(lon: &'a [u8], lat: &'a [u8]) -> Rejection<'a> {
    let empty = |field: &[u8]| field.trim_ascii().is_empty();
    let (skip, what, field) = if empty(lon) {
        (SkipReason::NoPosition, "longitude", lon)
    } else if empty(lat) {
        (SkipReason::NoPosition, "latitude", lat)
    } else if number::parse(lon).is_none() {
        (SkipReason::BadPosition, "longitude", lon)
    } else {
        (SkipReason::BadPosition, "latitude", lat)
    };
    rejection(skip, what, Found::Field(field))
}
