//! Positions that are written as text: angles with minutes and seconds, two numbers in one field,
//! codes of small areas such as geohashes, and geometries. Geometries are in well-known text, in
//! GeoJSON, or in well-known binary that is written in hexadecimal digits.

pub(crate) mod angle;
pub(crate) mod cell;
pub(crate) mod geometry;
pub(crate) mod pair;
pub(crate) mod shapes;
