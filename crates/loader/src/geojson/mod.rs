//! GeoJSON: documents whose features are cut out one by one, and an object a line.
//!
//! A document is never held whole. [`document`] finds where each feature
//! begins and ends; [`object`] reads one of them; [`rows`] makes points of it.

mod document;
mod extent;
mod lines;
mod object;
mod rows;
mod source;
mod system;

pub(crate) use source::source;
