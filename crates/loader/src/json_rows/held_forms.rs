//! Recognition of the forms of documents that are held in memory as a whole.

use super::path::{elements, members};
use crate::columns::axes::{latitude, longitude};

/// Returns whether an object, which may be cut off, has columns of longitudes and latitudes. If a
/// column is cut off, one of the two may follow it.
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

/// Returns whether a value is an array or object of which the first value is no array or object.
pub(super) fn is_column(json: &[u8]) -> bool {
    let is_scalar = |json: &[u8]| !matches!(json.first(), Some(b'[' | b'{') | None);
    match json.first() {
        Some(b'[') => elements(json).next().is_some_and(|v| is_scalar(v.json)),
        Some(b'{') => members(json).next().is_some_and(|(_, v)| is_scalar(v.json)),
        _ => false,
    }
}

/// Returns whether an object, which may be cut off, is a topology.
pub(super) fn is_topology(object: &[u8]) -> bool {
    members(object).any(|(key, value)| &*key == "type" && value.json == b"\"Topology\"")
}
