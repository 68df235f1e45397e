//! Formats of records: typed values in files that are read by libraries made for them.
//!
//! A thread of its own reads and validates the records and sends batches; a few of them wait at a
//! time, so memory stays bounded however fast either side is.

pub(crate) mod arrow;
mod buffered_seek;
mod failure;
pub(crate) mod flatgeobuf;
pub(crate) mod geopackage;
pub(crate) mod gpx;
pub(crate) mod parquet;
pub(crate) mod shapefile;
mod sink;
mod source;

pub(crate) use failure::DECODER_PANICKED;
use failure::{ReadFailure, damaged, unreadable};
use sink::{Geometry, RecordSink};
use source::{Reader, RecordSourceBuilder};
