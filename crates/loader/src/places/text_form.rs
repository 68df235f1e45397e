//! Reading of whole positions, and of degrees that are written as angles.

use crate::encoding::decoded;
use crate::messages::shown;
use crate::number::exact::Number;
use crate::number::format::NumberFormat;
use crate::options::AxisOrder;
use crate::position_text::angle::{self, AngleAxis};
use crate::position_text::cell::CellCode;
use crate::position_text::geometry::{TextShape, geometry};
use crate::position_text::pair::coordinates;
use crate::report::SkipReason;
use crate::value::Value;
use std::borrow::Cow;

/// The form of the whole positions in a column: in which of these ways a text holds both
/// coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextForm {
    /// Two numbers. The field is their order, unless letters of hemispheres in a text, such as `N`,
    /// show another one.
    Pair(AxisOrder),
    /// Geometries, such as WKT.
    Geometry,
    /// Codes, such as geohash or MGRS, that stand for areas of a world-wide grid. A text's point is
    /// the middle of its area.
    Code(CellCode),
}

/// The positions in one text, in the coordinate system of the source.
pub(crate) enum TextPlaces {
    Point(f64, f64),
    Points(Vec<(f64, f64)>),
    /// A line, an area or another geometry that is no point. The field is the name of its kind.
    Shape(String),
}

/// The reason why a row is skipped, and the value that caused it.
pub(crate) type SkippedPlace = (SkipReason, String);

impl TextForm {
    /// Reads the positions in a text. The error is the reason why the row is skipped. `srid` is the
    /// EPSG number of the coordinate system of all positions; 0 if none is stated.
    pub(crate) fn places(self, text: &[u8], srid: u32) -> Result<TextPlaces, SkippedPlace> {
        let bad = |found| Err((SkipReason::BadPosition, found));
        if text.trim_ascii().is_empty() {
            let found = "an empty position".to_owned();
            return Err((SkipReason::NoPosition, found));
        }
        match self {
            Self::Code(code) => match code.cell(text) {
                Some(cell) => Ok(TextPlaces::Point(cell.lon, cell.lat)),
                None => bad(format!("{} {}", code.name(), shown(text))),
            },
            Self::Pair(order) => match coordinates(text) {
                Some(pair) => {
                    let (x, y) = pair.lon_lat(order);
                    Ok(TextPlaces::Point(x, y))
                }
                None => bad(format!("position {}", shown(text))),
            },
            Self::Geometry => geometry_places(text, srid),
        }
    }

    /// The text of a value that may hold whole positions; `None` for a value that is no text, such
    /// as a time. Codes of H3 may be numbers.
    pub(crate) fn text<'v>(self, value: &'v Value<'_>) -> Option<Cow<'v, str>> {
        match (self, value) {
            (_, Value::Null) => Some(Cow::Borrowed("")),
            (_, Value::Text(text)) => Some(Cow::Borrowed(text)),
            (Self::Code(CellCode::H3), other) => Self::number_text(other).map(Cow::Owned),
            _ => None,
        }
    }

    /// The decimal digits of a whole number that may be a code; `None` for any other value. The
    /// numbers of H3 have 18 or 19 digits. Numbers below 2⁵³ have fewer, and are no codes.
    pub(crate) fn number_text(value: &Value<'_>) -> Option<String> {
        match value {
            Value::Number(Number::Whole(number)) => Some(number.to_string()),
            _ => None,
        }
    }
}

fn geometry_places(text: &[u8], srid: u32) -> Result<TextPlaces, SkippedPlace> {
    let skipped = |skip, found| Err((skip, found));
    let Some(geometry) = geometry(text) else {
        let found = format!("geometry {}", shown(text));
        return skipped(SkipReason::BadPosition, found);
    };
    if geometry.srid != srid && geometry.srid != 0 {
        let others = match srid {
            0 => "no stated system".to_owned(),
            srid => format!("EPSG:{srid}"),
        };
        let found = format!(
            "a geometry of EPSG:{}, where others are of {others}",
            geometry.srid
        );
        return skipped(SkipReason::BadPosition, found);
    }
    match geometry.shape {
        TextShape::Nothing => skipped(SkipReason::NoPosition, "an empty geometry".to_owned()),
        TextShape::Other(name) => Ok(TextPlaces::Shape(name)),
        TextShape::Point(x, y) => Ok(TextPlaces::Point(x, y)),
        TextShape::Points(all) => Ok(TextPlaces::Points(all)),
    }
}

/// The longitude and latitude in two fields, of which at least one is an angle in another notation
/// than a plain number. `None` if a field is neither an angle nor a number.
#[cold]
pub(crate) fn angles(lon: &[u8], lat: &[u8], numbers: NumberFormat) -> Option<AnglePair> {
    let angle = |field: &[u8]| match numbers.parse(field) {
        Some(degrees) => Some(angle::Angle {
            degrees,
            axis: None,
        }),
        None => angle::parse(&decoded(field), numbers),
    };
    let (lon, lat) = (angle(lon)?, angle(lat)?);
    let swapped = lon.axis == Some(AngleAxis::NorthSouth) || lat.axis == Some(AngleAxis::EastWest);
    Some(AnglePair {
        lon: lon.degrees,
        lat: lat.degrees,
        swapped,
    })
}

/// A longitude and a latitude in degrees.
pub(crate) struct AnglePair {
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    /// True if the longitude's letter is N or S, or the latitude's letter is E or W, so that the
    /// two columns are exchanged.
    pub(crate) swapped: bool,
}
