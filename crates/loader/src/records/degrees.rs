//! Positions of records whose longitude and latitude are values of two columns.

use super::failure::Stopped;
use super::sink::{Geometry, RecordSink};
use crate::number;
use crate::number::exact::Number;
use crate::report::SkipReason;
use crate::value::Value;

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
            (Err(found), _) => self.refuse(SkipReason::BadPosition, format!("longitude {found}")),
            (_, Err(found)) => self.refuse(SkipReason::BadPosition, format!("latitude {found}")),
        }
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
