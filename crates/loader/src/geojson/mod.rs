//! GeoJSON: whole documents, or one object on each line.
//!
//! A document is never held in memory as a whole. [`feature_scanner`] finds where each feature
//! begins and ends; [`object`] reads the members of one feature; [`features`] makes points of them.

mod crs_member;
mod feature_scanner;
mod features;
mod lines;
mod object;
mod skip_value;
mod source;

pub(crate) use source::source;
