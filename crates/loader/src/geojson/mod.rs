//! Reading of GeoJSON: whole documents, or text with one object on each line.
//!
//! A document is never held in memory as a whole. [`feature_scanner`] finds the beginning and end
//! of each feature, [`object`] reads the members of one feature, and [`features`] makes points of
//! them.

mod crs_member;
pub(crate) mod cursor;
pub(crate) mod feature_scanner;
pub(crate) mod features;
pub(crate) mod lines;
pub(crate) mod object;
mod shapes;
pub(crate) mod skip_value;
mod source;

pub(crate) use source::{part, source};
