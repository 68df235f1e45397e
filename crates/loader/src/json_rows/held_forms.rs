//! Recognition of the forms of documents that are held in memory as a whole.

use super::path::{elements, members};
use crate::columns::axes::{latitude, longitude};

/// Returns true if an object has columns of longitudes and latitudes. If the object is cut off
/// within a column, one of the two columns may come after the cut.
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

/// Returns true if a value is an array or object whose first value is itself no array or object.
pub(super) fn is_column(json: &[u8]) -> bool {
    let is_scalar = |json: &[u8]| !matches!(json.first(), Some(b'[' | b'{') | None);
    match json.first() {
        Some(b'[') => elements(json).next().is_some_and(|v| is_scalar(v.json)),
        Some(b'{') => members(json).next().is_some_and(|(_, v)| is_scalar(v.json)),
        _ => false,
    }
}

/// Returns true if an object, which may be cut off, is a topology of TopoJSON.
pub(super) fn is_topology(object: &[u8]) -> bool {
    members(object).any(|(key, value)| &*key == "type" && value.json == b"\"Topology\"")
}
