//! Recognition of documents that are held in memory as a whole: JSON with an array or object for
//! each column, and TopoJSON.

use super::path::{elements, members};
use crate::columns::axes::{latitude, longitude};
use crate::columns::normalised;
use crate::geojson::object::string;
use crate::places::is_place;

/// Returns true if an object has a column of longitudes and one of latitudes, or a column of whole
/// positions that its name and its first value show. If the object's text is cut off within a
/// column, a column of longitudes or latitudes is enough, since the other may come later. `geom` is
/// the column of whole positions that an option names.
pub(super) fn is_columnar(object: &[u8], geom: Option<&str>) -> bool {
    let (mut is_cut, mut has_places) = (false, false);
    let columns = members(object).filter(|(_, value)| is_column(value.json));
    let names: Vec<String> = columns
        .map(|(name, value)| {
            is_cut |= !value.is_whole;
            has_places |= match geom {
                None => begins_with_place(&name, value.json),
                Some(asked) => normalised(asked) == normalised(&name),
            };
            name.into_owned()
        })
        .collect();
    if has_places {
        return true;
    }
    match (longitude(&names), latitude(&names)) {
        (Some(_), Some(_)) => true,
        (lon, lat) => is_cut && lon.or(lat).is_some(),
    }
}

/// Returns true if the first value of a column is a text or number that can be a whole position, by
/// the column's name too. The first key of an object must be pandas' 0: objects with other keys are
/// rows.
fn begins_with_place(name: &str, column: &[u8]) -> bool {
    let first = match column.first() {
        Some(b'[') => elements(column).next(),
        _ => members(column)
            .next()
            .filter(|(key, _)| key == "0")
            .map(|m| m.1),
    };
    let Some(first) = first.filter(|value| value.is_whole) else {
        return false;
    };
    match first.json.first() {
        Some(b'"') => is_place(name, string(first.json).as_bytes()),
        // Only indexes of H3 are numbers of so many digits.
        _ => first.json.len() >= 18 && is_place(name, first.json),
    }
}

/// Returns true if a value may be a whole column: it is an array or object whose first value is a
/// number, a string, a Boolean or null.
pub(super) fn is_column(json: &[u8]) -> bool {
    let is_scalar = |json: &[u8]| !matches!(json.first(), Some(b'[' | b'{') | None);
    match json.first() {
        Some(b'[') => elements(json).next().is_some_and(|v| is_scalar(v.json)),
        Some(b'{') => members(json).next().is_some_and(|(_, v)| is_scalar(v.json)),
        _ => false,
    }
}

/// Returns true if an object is a topology of TopoJSON. `object` may be only the beginning of its
/// text.
pub(super) fn is_topology(object: &[u8]) -> bool {
    members(object).any(|(key, value)| &*key == "type" && value.json == b"\"Topology\"")
}
