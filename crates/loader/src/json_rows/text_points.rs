//! Points at positions that are written as strings, and the reasons why a position gives no point.

use super::place_text::PlaceText;
use crate::batch::{Batch, Rejection, Weight};
use crate::messages::shown;
use crate::number;
use crate::number::format::NumberFormat;
use crate::options::AxisOrder;
use crate::places::{TextForm, TextPlaces, angles};
use crate::position_text::cell::CellCode;
use crate::position_text::geometry::TextShape;
use crate::position_text::shapes;
use crate::report::SkipReason;
use crate::shape::ShapeCollector;
use crate::value::Value;

/// The reason why a position gives no point, and the value at fault, as text for messages.
pub(super) type Fault = (SkipReason, String);

/// The result of reading the positions in a string.
pub(super) struct TextOutcome {
    /// The reason and the value at fault for each position that gives no point. There may be
    /// several, since a string may be a MultiPoint.
    pub(super) faults: Vec<Fault>,
    /// The longitude and latitude, if they give no point and their order is in doubt: the string
    /// has two numbers, and only the caller stated their order. `None` in any other case.
    pub(super) doubtful: Option<(f64, f64)>,
}

/// Adds a point to a batch for each position in a string. If the string has two numbers and doesn't
/// show which of them is the latitude, for example by the letter `N`, `order` decides.
pub(super) fn at_text(
    text: &str,
    order: AxisOrder,
    weight: Weight<'_>,
    batch: &mut Batch,
) -> TextOutcome {
    let one = |skip, found| TextOutcome {
        faults: vec![(skip, found)],
        doubtful: None,
    };
    let mut keep = |(lon, lat)| rejected(batch.keep_record(lon, lat, weight));
    let geometry = match PlaceText::parse(text) {
        Some(PlaceText::Geometry(geometry)) => geometry,
        Some(PlaceText::Pair(pair)) => {
            let place = pair.lon_lat(order);
            let fault = keep(place);
            let is_doubtful = fault.is_some() && pair.stated.is_none();
            return TextOutcome {
                faults: fault.into_iter().collect(),
                doubtful: is_doubtful.then_some(place),
            };
        }
        None => {
            let skip = match text.trim().is_empty() {
                true => SkipReason::NoPosition,
                false => SkipReason::BadPosition,
            };
            return one(skip, format!("position {}", shown(text.as_bytes())));
        }
    };
    if !matches!(geometry.srid, 0 | 4326) {
        let found = format!("a geometry of EPSG:{}, no degrees", geometry.srid);
        return one(SkipReason::BadPosition, found);
    }
    let faults = match geometry.shape {
        TextShape::Point(lon, lat) => keep((lon, lat)).into_iter().collect(),
        TextShape::Points(all) => all.into_iter().filter_map(keep).collect(),
        TextShape::Nothing => {
            return one(SkipReason::NoPosition, "an empty geometry".to_owned());
        }
        TextShape::Other(name) => {
            let read =
                |collector: &mut ShapeCollector<'_>| shapes::collect(text.as_bytes(), collector);
            let places = batch.places_of(&name, read).into_iter();
            let fault = |place| match place {
                Ok((lon, lat)) => rejected(batch.keep_record(lon, lat, weight)),
                Err(fault) => Some(fault),
            };
            places.filter_map(fault).collect()
        }
    };
    TextOutcome {
        faults,
        doubtful: None,
    }
}

/// Adds a point in the middle of the area that a code names. Returns the fault if there is none.
pub(super) fn at_code(
    value: &Value<'_>,
    code: CellCode,
    weight: Weight<'_>,
    batch: &mut Batch,
) -> Option<Fault> {
    let form = TextForm::Code(code);
    let Some(text) = form.text(value) else {
        return Some((
            SkipReason::BadPosition,
            format!("position {}", value.shown()),
        ));
    };
    match form.places(text.as_bytes(), 0) {
        Ok(TextPlaces::Point(lon, lat)) => rejected(batch.keep_record(lon, lat, weight)),
        // A code gives one point.
        Ok(TextPlaces::Points(_) | TextPlaces::Shape(_)) => None,
        Err(fault) => Some(fault),
    }
}

/// Reads a longitude and a latitude that are no numbers as angles in another notation, such as
/// `12°30'E`, and adds their point. `refused` is their rejection as numbers. Returns the fault if
/// there is no point.
#[cold]
pub(super) fn reconsidered(
    (lon, lat): (&[u8], &[u8]),
    weight: Weight<'_>,
    batch: &mut Batch,
    refused: &Rejection<'_>,
) -> Option<Fault> {
    let first = Some((refused.skip, refused.found()));
    let are_numbers = number::parse(lon).is_some() && number::parse(lat).is_some();
    if refused.skip != SkipReason::BadPosition || are_numbers {
        return first;
    }
    match angles(lon, lat, NumberFormat::Point) {
        None => first,
        Some(pair) if pair.swapped => {
            batch.count_swapped();
            first
        }
        Some(pair) => rejected(batch.keep_record(pair.lon, pair.lat, weight)),
    }
}

/// The reason and the value at fault, if `kept` is the rejection of a position; `None` if the
/// position became a point.
pub(super) fn rejected(kept: Result<(), Rejection<'_>>) -> Option<Fault> {
    kept.err()
        .map(|rejection| (rejection.skip, rejection.found()))
}
