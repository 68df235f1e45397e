//! Checks of rows by rules that all formats share, and batches of the points that rows give.

use crate::messages::shown;
use crate::number::exact::Number;
use crate::number::format::NumberFormat;
use crate::report::{Report, SkipReason};
use crate::shape::{self, PlaceOrFault, ShapeCollector, ShapeRules};
use crate::table::TableBuilder;
use crate::time::Times;
use crate::value::Value;
use heatsplat_points::{LonLatBox, Point, ProjectionError, WorldCoord, mercator};

/// The absolute value above which a coordinate is taken for metres of a projection instead of
/// degrees: a choice.
const METRES: f64 = 1000.0;

/// The points of some consecutive rows, and the report that counts these rows.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) points: Vec<Point>,
    pub(crate) report: Report,
    /// The values of the kept columns (those that the option `keep` names), in one row for each of
    /// `points`.
    pub(crate) kept: TableBuilder,
    /// The box, in degrees, that points must lie in; a row whose point lies outside counts as
    /// filtered out. `None`: no box.
    within: Option<LonLatBox>,
    /// True if the column of weights was chosen by its name alone and not by an option. A row whose
    /// value in this column is no number then becomes a point all the same, with a missing weight.
    is_guess: bool,
    /// The notation of numbers in the columns of coordinates: a decimal point or a decimal comma,
    /// and perhaps marks between thousands.
    positions: NumberFormat,
    /// The notation of numbers in the column of weights: decimal mark, and perhaps marks between
    /// thousands.
    weights: NumberFormat,
    /// The rules by which lines and areas become points.
    shapes: ShapeRules,
}

/// A row's weight before it is checked.
#[derive(Clone, Copy)]
pub(crate) enum Weight<'a> {
    /// No weight, since no column of weights is used: the row has the weight 1.
    Unused,
    /// A null value: the row adds 0 to a sum and is left out of a mean.
    Missing,
    /// The text of a field. An empty text is a missing weight.
    Text(&'a [u8]),
    Number(f64),
    /// A whole number with more digits than `f64` holds exactly.
    Whole(i128),
    /// A date or time, which can't be a weight.
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

/// The reason why a row is rejected, and the value that caused it.
pub(crate) struct Rejection<'a> {
    pub(crate) skip: SkipReason,
    what: &'static str,
    found: FoundValue<'a>,
}

/// A value that caused a rejection, as the source holds it.
#[derive(Clone, Copy)]
enum FoundValue<'a> {
    Field(&'a [u8]),
    Number(f64),
    Time,
}

impl FoundValue<'_> {
    /// The rejected value for messages: a text in quotes, a number as it is, and any time as `a
    /// date or time`.
    fn shown(self) -> String {
        match self {
            Self::Field(field) => shown(field),
            Self::Number(number) => number.to_string(),
            Self::Time => "a date or time".to_owned(),
        }
    }
}

impl Rejection<'_> {
    /// The rejected value for reports, after the word for its column: `longitude "?"` or `weight
    /// "high"`. For a date or time, only `a date or time`.
    pub(crate) fn found(&self) -> String {
        match self.found {
            FoundValue::Time => self.found.shown(),
            found => format!("{} {}", self.what, found.shown()),
        }
    }
}

impl Batch {
    /// Creates an empty batch. `within` is the box to which points are restricted, `keep` the
    /// number of kept columns, and `times` the formats of times in these columns.
    pub(crate) fn new(within: Option<LonLatBox>, keep: usize, times: &Times) -> Self {
        Self {
            within,
            kept: TableBuilder::new(keep, times),
            ..Self::default()
        }
    }

    /// Sets what happens to a row whose weight is no number: if `is_guess` is true, it becomes a
    /// point with a missing weight; otherwise it is rejected.
    pub(crate) fn guessing(self, is_guess: bool) -> Self {
        Self { is_guess, ..self }
    }

    /// Sets the rules by which lines and areas become points.
    pub(crate) fn with_shapes(self, shapes: ShapeRules) -> Self {
        Self { shapes, ..self }
    }

    /// Turns a geometry that is no point into positions, by the rules for lines and areas; see
    /// [`shape::places`]. Each of the results counts as a row, which the caller adds or reports.
    pub(crate) fn places_of(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut ShapeCollector<'_>) -> Option<()>,
    ) -> Vec<PlaceOrFault> {
        shape::places(self.shapes, &mut self.report.notes.shapes, name, read)
    }

    /// Sets the notations of numbers in the columns of coordinates and in the column of weights.
    pub(crate) fn set_notations(&mut self, positions: NumberFormat, weights: NumberFormat) {
        (self.positions, self.weights) = (positions, weights);
    }

    /// Sets the weight of every point to 1, for a column of weights that was chosen by its name and
    /// turns out to hold no numbers.
    pub(crate) fn drop_weights(&mut self) {
        for point in &mut self.points {
            point.weight = 1.0;
        }
        self.report.weights_missing = 0;
        self.report.notes.forget_weights();
    }

    /// Adds a row's values in the kept columns, once for each point that the row gave. `value`
    /// returns the row's value in a kept column by the column's index among the kept columns.
    #[inline]
    pub(crate) fn keep_values<'v>(&mut self, value: impl FnMut(usize) -> Value<'v>) {
        self.kept.fill(self.points.len(), value);
    }

    /// Checks a row whose longitude and latitude are texts, and adds its point. Returns the reason
    /// if the row is rejected. The caller reports the rejection, since only the caller knows the
    /// row's line.
    #[inline]
    pub(crate) fn keep<'a>(
        &mut self,
        lon: &'a [u8],
        lat: &'a [u8],
        weight: Weight<'a>,
    ) -> Result<(), Rejection<'a>> {
        let numbers = self.positions;
        let (Some(x), Some(y)) = (numbers.parse(lon), numbers.parse(lat)) else {
            return Err(unreadable(lon, lat, numbers));
        };
        let at = mercator::project(x, y).map_err(|refusal| match self.blame(refusal, x, y) {
            (skip, Axis::Longitude) => rejection(skip, "longitude", FoundValue::Field(lon)),
            (skip, Axis::Latitude) => rejection(skip, "latitude", FoundValue::Field(lat)),
        })?;
        self.keep_at(at, x, y, weight)
    }

    /// Checks a row whose longitude and latitude are numbers, and adds its point. Returns the
    /// reason if the row is rejected.
    pub(crate) fn keep_record<'a>(
        &mut self,
        lon: f64,
        lat: f64,
        weight: Weight<'a>,
    ) -> Result<(), Rejection<'a>> {
        let at =
            mercator::project(lon, lat).map_err(|refusal| match self.blame(refusal, lon, lat) {
                (skip, Axis::Longitude) if !lon.is_finite() || lat.is_finite() => {
                    rejection(skip, "longitude", FoundValue::Number(lon))
                }
                (skip, _) => rejection(skip, "latitude", FoundValue::Number(lat)),
            })?;
        self.keep_at(at, lon, lat, weight)
    }

    /// Adds the point of a row whose position `at` is on the map. `x` and `y` are its longitude and
    /// latitude in degrees; if the batch's box doesn't contain them, the row is counted as filtered
    /// out instead. A row whose weight is no number is rejected.
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

    /// Converts a weight to a finite number. `None`: the weight is missing. For a weight that is no
    /// finite number, the result is that of [`no_weight`](Self::no_weight).
    #[inline]
    fn check_weight<'a>(&mut self, weight: Weight<'a>) -> Result<Option<f32>, Rejection<'a>> {
        let finite = |number: f32| Some(number).filter(|number| number.is_finite());
        let (checked, found) = match weight {
            Weight::Unused => (Some(1.0), FoundValue::Time),
            Weight::Missing => return Ok(None),
            Weight::Text(text) => match self.weights.parse_weight(text) {
                None if text.trim_ascii().is_empty() => return Ok(None),
                weight => (weight, FoundValue::Field(text)),
            },
            Weight::Number(number) => (finite(number as f32), FoundValue::Number(number)),
            Weight::Whole(number) => (Some(number as f32), FoundValue::Time),
            Weight::Time => (None, FoundValue::Time),
        };
        match checked {
            Some(weight) => Ok(Some(weight)),
            None => self.no_weight(found),
        }
    }

    /// The result of [`check_weight`](Self::check_weight) for a weight that is no finite number: a
    /// missing weight (`None`) if the column of weights was chosen by its name alone, otherwise a
    /// rejection of the row.
    #[cold]
    fn no_weight<'a>(&mut self, found: FoundValue<'a>) -> Result<Option<f32>, Rejection<'a>> {
        if !self.is_guess {
            return Err(rejection(SkipReason::BadWeight, "weight", found));
        }
        self.report.notes.no_weight(|| found.shown());
        Ok(None)
    }

    /// Counts a row whose position would be valid with longitude and latitude swapped.
    pub(crate) fn count_swapped(&mut self) {
        self.report.notes.swapped += 1;
    }

    /// Returns the reason why a position is rejected, and the coordinate at fault. Counts the
    /// position if it would be valid with longitude and latitude swapped.
    #[cold]
    fn blame(&mut self, refusal: ProjectionError, lon: f64, lat: f64) -> (SkipReason, Axis) {
        if are_swapped(refusal, lon, lat) {
            self.report.notes.swapped += 1;
        }
        let is_far = |size: f64| size.is_finite() && size > METRES;
        if is_far(lon.abs()) || is_far(lat.abs()) {
            self.report.notes.metres += 1;
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

fn rejection<'a>(skip: SkipReason, what: &'static str, found: FoundValue<'a>) -> Rejection<'a> {
    Rejection { skip, what, found }
}

/// Returns whether a position that was refused would be valid with longitude and latitude swapped.
pub(crate) fn are_swapped(refusal: ProjectionError, lon: f64, lat: f64) -> bool {
    refusal == ProjectionError::Latitude && lon.abs() <= 90.0 && lat.abs() <= 360.0
}

/// The rejection of a row in which the longitude, the latitude or both are no numbers. It names the
/// coordinate at fault. If both are no numbers, it names the one that is empty; if both or neither
/// are empty, the longitude.
#[cold]
fn unreadable<'a>(lon: &'a [u8], lat: &'a [u8], numbers: NumberFormat) -> Rejection<'a> {
    let empty = |field: &[u8]| field.trim_ascii().is_empty();
    let (skip, what, field) = if empty(lon) {
        (SkipReason::NoPosition, "longitude", lon)
    } else if empty(lat) {
        (SkipReason::NoPosition, "latitude", lat)
    } else if numbers.parse(lon).is_none() {
        (SkipReason::BadPosition, "longitude", lon)
    } else {
        (SkipReason::BadPosition, "latitude", lat)
    };
    rejection(skip, what, FoundValue::Field(field))
}
