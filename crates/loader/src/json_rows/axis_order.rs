//! The order of two coordinates that have no names. It is decided by an option, by the values in
//! the first rows, or by a convention.

use super::path::PathStep;
use super::picker::Picker;
use crate::geojson::object::string;
use crate::number;
use crate::options::AxisOrder;

/// The largest absolute value, in degrees, of a longitude that a row may have. Longitudes beyond
/// ±180° are wrapped.
const TURN: f64 = 540.0;

/// The order of two coordinates (longitude or latitude first), and the reason for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DecidedOrder {
    pub(super) order: AxisOrder,
    pub(super) reason: OrderReason,
}

/// The reason for an order of coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderReason {
    /// The option `order` names the order.
    Asked,
    /// The values decide it: in the first rows one of the two coordinates goes beyond ±90, so it is
    /// the longitude.
    Values,
    /// Neither the option nor the values decide, so the order is the usual one of the programs that
    /// write such rows.
    Convention,
}

/// Counts of the first rows in which exactly one coordinate is beyond ±90, so that it must be the
/// longitude: the number of rows in which this is the first coordinate, and the number of rows in
/// which it is the second one.
#[derive(Default)]
struct OrderEvidence {
    first_is_lon: usize,
    second_is_lon: usize,
}

/// The order of a row's two coordinates, if exactly one of them is beyond ±90, so that it must be
/// the longitude. `None` if none or both of them are, or if one is beyond ±540, which no longitude
/// is.
pub(super) fn required(first: f64, second: f64) -> Option<AxisOrder> {
    let is_lon_only = |value: f64| value.abs() > 90.0 && value.abs() <= TURN;
    let is_lat = |value: f64| value.abs() <= 90.0;
    if is_lon_only(first) && is_lat(second) {
        Some(AxisOrder::LonLat)
    } else if is_lon_only(second) && is_lat(first) {
        Some(AxisOrder::LatLon)
    } else {
        None
    }
}

/// The finite number in a JSON value: a number, or a string with a number in it, such as `12.5` or
/// `"12.5"`. `None` for any other value.
pub(super) fn json_number(json: &[u8]) -> Option<f64> {
    match json.first() {
        Some(b'"') => number::parse(string(json).as_bytes()),
        _ => number::parse(json),
    }
}

/// The pairs of numbers at two JSON paths in each row. Rows without a number at both paths are left
/// out.
pub(super) fn number_pairs(
    rows: &[&[u8]],
    (first, second): (&[PathStep], &[PathStep]),
) -> Vec<(f64, f64)> {
    let mut picker = Picker::default();
    let slots = (picker.add(first), picker.add(second));
    let (mut pairs, mut picked) = (Vec::new(), Vec::new());
    for row in rows {
        picker.pick(row, &mut picked);
        let value = |slot: usize| picked.get(slot).copied().flatten().and_then(json_number);
        pairs.extend(value(slots.0).zip(value(slots.1)));
    }
    pairs
}

/// Decides the order of two coordinates:
///
/// - the order `asked`, if an option names one;
/// - else the order that `pairs`, the coordinates in the first rows, show by values beyond ±90;
/// - else the order `convention`.
///
/// The error is a message: in some of `pairs` only the first coordinate is beyond ±90, in others
/// only the second one.
pub(super) fn decide(
    pairs: &[(f64, f64)],
    convention: AxisOrder,
    asked: Option<AxisOrder>,
) -> Result<DecidedOrder, String> {
    if let Some(order) = asked {
        let reason = OrderReason::Asked;
        return Ok(DecidedOrder { order, reason });
    }
    let mut evidence = OrderEvidence::default();
    for (first, second) in pairs {
        match required(*first, *second) {
            Some(AxisOrder::LonLat) => evidence.first_is_lon += 1,
            Some(AxisOrder::LatLon) => evidence.second_is_lon += 1,
            None => (),
        }
    }
    let by_values = |order| DecidedOrder {
        order,
        reason: OrderReason::Values,
    };
    match (evidence.first_is_lon, evidence.second_is_lon) {
        (0, 0) => Ok(DecidedOrder {
            order: convention,
            reason: OrderReason::Convention,
        }),
        (0, _) => Ok(by_values(AxisOrder::LatLon)),
        (_, 0) => Ok(by_values(AxisOrder::LonLat)),
        (first, second) => Err(format!(
            "the first coordinate goes beyond ±90 in {first} of the first rows and the second in \
             {second}, so either may be the longitude; name the order with `order` lat,lon or \
             `order` lon,lat"
        )),
    }
}
