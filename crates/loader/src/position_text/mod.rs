//! Positions that are written as text: angles with minutes and seconds, two numbers in one field,
//! codes of small areas, and geometries in well-known text, well-known binary in hexadecimal
//! digits, and GeoJSON.

pub(crate) mod angle;
pub(crate) mod cell;
pub(crate) mod geometry;
pub(crate) mod pair;
