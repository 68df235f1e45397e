//! Errors that stop a load, with advice.

#[cfg(feature = "postgis")]
mod database;

use crate::format::InputFormat;
use crate::messages::list;
use crate::parameter::Parameter;
use crate::report::{Mismatch, Report, SkipReason, SkippedRow};
#[cfg(feature = "postgis")]
pub use database::DatabaseError;
use std::io;

/// The reason why a source cannot be read. Every message names the file and a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is missing or may not be read.
    #[error("{file}: cannot be opened: {source}")]
    Open {
        /// The file as it was named.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// The source is an address, and the crate is built without the feature that reads addresses.
    #[cfg(not(feature = "remote"))]
    #[error(
        "{file}: this heatsplat was built without the feature `remote`, which reads addresses: \
         build it with that feature, or get the file and name that"
    )]
    RemoteDisabled {
        /// The address, without secrets.
        file: String,
    },
    /// The path is a directory.
    #[error("{file}: is a directory; name a file in it")]
    Directory {
        /// The path as it was named.
        file: String,
    },
    /// Reading or decompressing failed part of the way.
    #[error("{file}: reading failed: {source}")]
    Read {
        /// The file as it was named.
        file: String,
        /// The system's or the decompressor's error.
        source: io::Error,
    },
    /// The compressed data end too early.
    #[error("{file}: the {compression} data end early; the file is cut off, get it again")]
    Truncated {
        /// The file as it was named.
        file: String,
        /// `gzip` or `zstd`.
        compression: &'static str,
    },
    /// The file is empty.
    #[error("{file}: is empty; expected CSV or GeoJSON")]
    Empty {
        /// The file as it was named.
        file: String,
    },
    /// Neither name nor content is of a format that can be read.
    #[error(
        "{file}: {found}; expected CSV, TSV, GeoJSON or newline-delimited GeoJSON, FlatGeobuf, GPX, \
         Shapefile, GeoPackage, Parquet or Arrow"
    )]
    UnknownFormat {
        /// The file as it was named.
        file: String,
        /// A description of the content.
        found: String,
    },
    /// An option doesn't suit this source.
    #[error("{file}: `{parameter}`: {message}")]
    BadOption {
        /// The file as it was named.
        file: String,
        /// The parameter.
        parameter: Parameter,
        /// The fault, and what to do.
        message: String,
    },
    /// A column named by an option is not there.
    #[error(
        "{file}: `{parameter}`: there is no column \"{name}\"; there are: {}",
        list(seen)
    )]
    NoSuchColumn {
        /// The file as it was named.
        file: String,
        /// The parameter.
        parameter: Parameter,
        /// The name that the parameter gives.
        name: String,
        /// The names of the source's columns.
        seen: Vec<String>,
    },
    /// No column's name looks like longitude or latitude.
    #[error(
        "{file}: no {missing} column was found; there are: {}; {hint}",
        list(seen)
    )]
    NoPositionColumns {
        /// The file as it was named.
        file: String,
        /// `longitude`, `latitude` or both.
        missing: &'static str,
        /// The names of the source's columns.
        seen: Vec<String>,
        /// Advice.
        hint: &'static str,
    },
    /// A row, or a feature of GeoJSON, is longer than allowed.
    #[error(
        "{file}: line {line}: what begins here is over {} KiB long; \
         is a quote or bracket not closed?", limit >> 10
    )]
    TooLong {
        /// The file as it was named.
        file: String,
        /// The line on which the row begins, counted from 1.
        line: u64,
        /// The most bytes that are allowed.
        limit: usize,
    },
    /// A quote opens a field and nothing closes it.
    #[error(
        "{file}: line {line}: a quote opened in this row is never closed; if quotes are text in \
         this file, say `quote` none"
    )]
    UnclosedQuote {
        /// The file as it was named.
        file: String,
        /// The line on which the row begins, counted from 1.
        line: u64,
    },
    /// The JSON is malformed.
    #[error("{file}: line {line}, column {column}: malformed JSON: {message}")]
    Json {
        /// The file as it was named.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// The byte in the line, counted from 1.
        column: u64,
        /// The fault.
        message: String,
    },
    /// A row would be skipped, which the option `strict` does not allow.
    #[error("{file}: {row} (strict: every row must give a point)")]
    Strict {
        /// The file as it was named.
        file: String,
        /// The row, and the reason why it gives no point.
        row: SkippedRow,
    },
    /// Positions are in a coordinate system that is not known.
    #[error(
        "{file}: the coordinate system is not known: {system}; \
         convert the file to longitude and latitude (EPSG:4326) first"
    )]
    UnknownCrs {
        /// The file as it was named.
        file: String,
        /// The file's description of the coordinate system.
        system: String,
    },
    /// Positions are on a datum whose shift to WGS 84 is too uncertain.
    #[error(
        "{file}: {system}: where positions lie on WGS 84 is {vague}; \
         convert the file to longitude and latitude (EPSG:4326) first{advice}"
    )]
    VagueDatum {
        /// The file as it was named.
        file: String,
        /// The coordinate system.
        system: String,
        /// The accuracy of the datum's shift, and the grid that would be more accurate.
        vague: String,
        /// Another remedy than to convert the file, if there is one.
        advice: String,
    },
    /// The format can only be read from a file, not from a stream.
    #[error(
        "{file}: the format {format} can't be read from a stream or packed; name an unpacked file"
    )]
    NeedsFile {
        /// The source as it was named.
        file: String,
        /// The format.
        format: InputFormat,
    },
    /// The content breaks the format's rules: it is cut off or damaged.
    #[error("{file}: {place}: damaged or cut off: {message}")]
    Damaged {
        /// The file as it was named.
        file: String,
        /// The damaged part: a record, a header, or a companion file.
        place: String,
        /// The fault.
        message: String,
    },
    /// A database's error.
    #[cfg(feature = "postgis")]
    #[error("{name}: {source}")]
    Database {
        /// The database, without user and password.
        name: String,
        /// The error.
        source: DatabaseError,
    },
    /// The source has no rows.
    #[error("{file}: no rows")]
    NoRows {
        /// The file as it was named.
        file: String,
    },
    /// The filter leaves out all rows.
    #[error(
        "{file}: `filter`: it leaves out all of the {rows} rows{}",
        reasons(mismatches)
    )]
    AllFiltered {
        /// The file as it was named.
        file: String,
        /// The number of rows.
        rows: u64,
        /// Values that the filter can't compare.
        mismatches: Vec<Mismatch>,
    },
    /// A column is compressed by a method that is not supported.
    #[error(
        "{file}: column {column} is packed with {packing}, which is not read here; \
         write it again with zstd, snappy, lz4 or gzip"
    )]
    Packed {
        /// The file as it was named.
        file: String,
        /// The column, in quotes.
        column: String,
        /// The method.
        packing: String,
    },
    /// All records are marked as deleted.
    #[error("{file}: all of its {records} records are marked as deleted")]
    AllDeleted {
        /// The file as it was named.
        file: String,
        /// The number of records.
        records: u64,
    },
    /// Most positions have longitude and latitude swapped.
    #[error(
        "{file}: longitude and latitude are swapped: {rows} of {of} rows have a latitude beyond 90° \
         and would be right the other way round; {advice}"
    )]
    Swapped {
        /// The file as it was named.
        file: String,
        /// The number of rows whose position would be valid with longitude and latitude swapped.
        rows: u64,
        /// The number of all rows with a position, valid or not.
        of: u64,
        /// Advice.
        advice: String,
    },
    /// No row gives a point.
    #[error("{file}: no row gives a point; {}\n{report}", advice(report))]
    NothingKept {
        /// The file as it was named.
        file: String,
        /// The report with the counts of rows.
        report: Box<Report>,
    },
}

/// Advice by the most frequent reason for which rows were skipped.
fn advice(report: &Report) -> &'static str {
    let most = SkipReason::ALL
        .into_iter()
        .max_by_key(|&skip| report.skipped(skip));
    match most {
        Some(SkipReason::NoPosition) => "their longitudes and latitudes, or geometries, are empty",
        Some(SkipReason::Outside) => "they lie beyond the map, which ends at latitude ±85.0511",
        Some(SkipReason::BadWeight) => {
            "weights must be numbers; choose another column with `weight`, or `weight` none"
        }
        Some(SkipReason::Malformed) => {
            "rows must have a longitude and a latitude in decimal degrees"
        }
        Some(SkipReason::NotAPoint) => "their geometries must be points",
        _ => "longitude and latitude must be decimal degrees",
    }
}

/// The end of a message: the values that a filter can't compare, each group behind a semicolon.
fn reasons(mismatches: &[Mismatch]) -> String {
    mismatches
        .iter()
        .map(|values| format!("; {values}"))
        .collect()
}
