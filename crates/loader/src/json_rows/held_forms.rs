//! Recognition of documents that are held in memory as a whole: JSON with an array or object for
//! each column, and TopoJSON.

use super::path::{elements, members};
use crate::columns::axes::{latitude, longitude};

/// Returns true if an object has a column of longitudes and one of latitudes. If the object's text
/// is cut off within a column, one of the two is enough, since the other may come later.
pub(super) fn is_columnar(object: &[u8]) -> bool {
    let mut is_cut = false;
    let columns = members(object).filter(|(_, value)| is_column(value.json));
    let names: Vec<String> = columns
        .map(|(name, value)| {
            is_cut |= !value.is_whole;
            name.into_owned()
        })
        .collect();
    match (longitude(&names), latitude(&names)) {
        (Some(_), Some(_)) => true,
        (lon, lat) => is_cut && lon.or(lat).is_some(),
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
