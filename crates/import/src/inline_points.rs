//! Points that are written in the configuration itself.

use crate::js_literal::JsLiteral;

/// A point that is written in the configuration of a heat map for web pages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportedPoint {
    /// The longitude in degrees, positive in the east.
    pub lon: f64,
    /// The latitude in degrees, positive in the north.
    pub lat: f64,
    /// The weight of the point; 1 if the configuration gives no weight.
    pub weight: f64,
    /// The radius of this point in CSS pixels; `None` if the point has the style's radius.
    pub radius: Option<f64>,
}

impl ImportedPoint {
    pub(crate) fn new(lat: f64, lon: f64, weight: f64) -> Self {
        Self {
            lon,
            lat,
            weight,
            radius: None,
        }
    }
}

/// The points of a list `[[lat, lng, intensity], …]`, in which intensities may be missing. An item
/// of the list may also be a call like `L.latLng(lat, lng)`. `None` if some item is neither a list
/// nor such a call.
pub(crate) fn triples(list: &[JsLiteral]) -> Option<Vec<ImportedPoint>> {
    list.iter().map(triple).collect()
}

fn triple(point: &JsLiteral) -> Option<ImportedPoint> {
    match point {
        JsLiteral::List(numbers) => {
            let number = |i: usize| numbers.get(i).and_then(JsLiteral::as_number);
            let weight = numbers.get(2).map_or(Some(1.0), JsLiteral::as_number)?;
            Some(ImportedPoint::new(number(0)?, number(1)?, weight))
        }
        call @ JsLiteral::Call(..) => lat_lng(call),
        object => {
            let number = |name: &str| object.get(name).and_then(JsLiteral::as_number);
            let weight = number("alt").unwrap_or(1.0);
            Some(ImportedPoint::new(number("lat")?, number("lng")?, weight))
        }
    }
}

/// The point that `new google.maps.LatLng(lat, lng)`, `L.latLng(lat, lng)` or `{lat: …, lng: …}`
/// describes. `None` for other values.
pub(crate) fn lat_lng(value: &JsLiteral) -> Option<ImportedPoint> {
    if let JsLiteral::Call(name, arguments) = value {
        let known = name.ends_with("LatLng") || name.ends_with("latLng");
        let number = |i: usize| arguments.get(i).and_then(JsLiteral::as_number);
        let weight = number(2).unwrap_or(1.0);
        return known.then_some(ImportedPoint::new(number(0)?, number(1)?, weight));
    }
    let number = |name: &str| value.get(name).and_then(JsLiteral::as_number);
    Some(ImportedPoint::new(number("lat")?, number("lng")?, 1.0))
}
