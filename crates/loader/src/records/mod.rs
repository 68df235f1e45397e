//! Formats of records. Their files hold typed values, which a library for the format decodes.
//!
//! One or more *readers*, which are threads, read the records of a file. A reader sends each record
//! to its *sink*, which checks the record, adds its points to a batch, and sends full batches to
//! the source. Only a few batches may wait there, so memory stays bounded, however slowly the
//! source is read.

pub(crate) mod arrow;
mod buffered_seek;
pub(crate) mod darwin_core;
mod degrees;
mod failure;
pub(crate) mod fit;
pub(crate) mod flatgeobuf;
pub(crate) mod geopackage;
pub(crate) mod gpx;
pub(crate) mod kml;
pub(crate) mod nmea;
pub(crate) mod parquet;
pub(crate) mod raster;
pub(crate) mod shapefile;
mod sink;
mod source;
pub(crate) mod tcx;
mod whole;
mod word;
pub(crate) mod xlsx;
mod xml;

pub(crate) use failure::DECODER_PANICKED;
use failure::unreadable;
pub(crate) use failure::{ReadFailure, damaged};
pub(crate) use sink::{Geometry, RecordSink};
pub(crate) use source::{RecordReader, RecordSourceBuilder};
