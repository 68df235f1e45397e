//! Formats of records: files of typed values, which libraries for these formats decode.
//!
//! One or more threads read and validate the records and send them in batches. Only a few batches
//! may wait, so memory stays bounded however fast the threads and the receiver are.

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
