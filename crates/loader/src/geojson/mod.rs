//! GeoJSON: documents, and one object a line.
//!
//! A document is never held whole. [`feature_scanner`] finds where each feature begins and ends;
//! [`object`] reads one of them; [`features`] makes points of it.

mod crs_member;
mod feature_scanner;
mod features;
mod lines;
mod object;
mod skip_value;
mod source;

pub(crate) use source::source;
