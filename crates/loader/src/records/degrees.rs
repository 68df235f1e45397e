//! Positions of records whose longitude and latitude are values of two columns.

use super::failure::Stopped;
use super::sink::{Geometry, RecordSink};
use crate::number;
use crate::number::exact::Number;
use crate::number::format::NumberFormat;
use crate::places::angles;
use crate::report::SkipReason;
use crate::value::Value;
use std::borrow::Cow;

impl RecordSink {
    /// Makes the point of a record from its longitude and latitude in degrees. `lon` and `lat` are
    /// numbers or texts of numbers.
    pub(crate) fn degrees(
        &mut self,
        lon: &Value<'_>,
        lat: &Value<'_>,
        weight: Option<&Value<'_>>,
    ) -> Result<(), Stopped> {
        match (degrees(lon), degrees(lat)) {
            (Ok(Some(lon)), Ok(Some(lat))) => self.record(Geometry::Point(lon, lat), weight),
            (Ok(None), _) => self.record(Geometry::Nothing("longitude empty"), weight),
            (_, Ok(None)) => self.record(Geometry::Nothing("latitude empty"), weight),
            (Err(found), _) => self.angles(lon, lat, weight, format!("longitude {found}")),
            (_, Err(found)) => self.angles(lon, lat, weight, format!("latitude {found}")),
        }
    }

    /// Makes the point of a record whose longitude or latitude is no number. They may be angles in
    /// another notation, such as `12°30'E`; otherwise the record is skipped, and `found` describes
    /// the value at fault.
    #[cold]
    pub(crate) fn angles(
        &mut self,
        lon: &Value<'_>,
        lat: &Value<'_>,
        weight: Option<&Value<'_>>,
        found: String,
    ) -> Result<(), Stopped> {
        let axes = self.has_degrees().then(|| axis(lon).zip(axis(lat)));
        let pair = axes
            .flatten()
            .and_then(|(lon, lat)| angles(lon.as_bytes(), lat.as_bytes(), NumberFormat::Point));
        match pair {
            Some(pair) if !pair.swapped => self.record(Geometry::Point(pair.lon, pair.lat), weight),
            pair => {
                if pair.is_some() {
                    self.count_swapped();
                }
                self.refuse(SkipReason::BadPosition, found)
            }
        }
    }
}

/// The text of a longitude or latitude; `None` if the value is no text and no number.
fn axis<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.text())),
        _ => None,
    }
}

/// The degrees in a value; `None` for an empty value. The error is the text of a value that is no
/// number, for messages.
fn degrees(value: &Value<'_>) -> Result<Option<f64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Number(Number::Float(degrees)) => Ok(Some(*degrees)),
        Value::Text(text) if text.trim().is_empty() => Ok(None),
        Value::Text(text) => match number::parse(text.as_bytes()) {
            Some(degrees) => Ok(Some(degrees)),
            None => Err(value.shown()),
        },
        _ => Err(value.shown()),
    }
}
