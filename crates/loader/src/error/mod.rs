//! Everything that can stop a load, in words that say what to do.

#[cfg(feature = "postgis")]
mod database;

use crate::format::InputFormat;
use crate::messages::list;
use crate::parameter::Parameter;
use crate::report::{Mismatch, Report, SkipReason, SkippedRow};
#[cfg(feature = "postgis")]
pub use database::DatabaseError;
use std::io;

/// Why a source cannot be read. Every message names the file and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is missing or may not be read.
    #[error("{file}: cannot be opened: {source}")]
    Open {
        /// The file as it was named.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// An address, where nothing was built that could read it.
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
        /// What the system or the decompressor says.
        source: io::Error,
    },
    /// The compressed data end before they should.
    #[error("{file}: the {compression} data end early; the file is cut off, get it again")]
    Truncated {
        /// The file as it was named.
        file: String,
        /// `gzip` or `zstd`.
        compression: &'static str,
    },
    /// There is nothing in the file.
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
        /// What the content looks like.
        found: String,
    },
    /// An option that makes no sense for this source.
    #[error("{file}: `{parameter}`: {message}")]
    BadOption {
        /// The file as it was named.
        file: String,
        /// The parameter.
        parameter: Parameter,
        /// What is wrong, and what to do.
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
        /// The name asked for.
        name: String,
        /// The names there are.
        seen: Vec<String>,
    },
    /// No columns hold longitude and latitude by the look of their names.
    #[error(
        "{file}: no {missing} column was found; there are: {}; {hint}",
        list(seen)
    )]
    NoPositionColumns {
        /// The file as it was named.
        file: String,
        /// `longitude`, `latitude` or both.
        missing: &'static str,
        /// The names there are.
        seen: Vec<String>,
        /// What to do.
        hint: &'static str,
    },
    /// A row, or a feature of GeoJSON, is longer than memory is given to one.
    #[error(
        "{file}: line {line}: what begins here is over {} KiB long; \
         is a quote or bracket not closed?", limit >> 10
    )]
    TooLong {
        /// The file as it was named.
        file: String,
        /// The line on which it begins, counted from 1.
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
        /// What is wrong there.
        message: String,
    },
    /// A row would be skipped, and `strict` allows none.
    #[error("{file}: {row} (strict: every row must give a point)")]
    Strict {
        /// The file as it was named.
        file: String,
        /// The row, and why it gives no point.
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
        /// What the file says about it.
        system: String,
    },
    /// Positions are on a datum whose way to WGS 84 is not known well enough.
    #[error(
        "{file}: {system}: where positions lie on WGS 84 is {vague}; \
         convert the file to longitude and latitude (EPSG:4326) first{advice}"
    )]
    VagueDatum {
        /// The file as it was named.
        file: String,
        /// The coordinate system.
        system: String,
        /// How well its shift is known, and the grid that would do better.
        vague: String,
        /// What else can be done.
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
    /// The content is not what the format asks for: it is cut off or damaged.
    #[error("{file}: {place}: damaged or cut off: {message}")]
    Damaged {
        /// The file as it was named.
        file: String,
        /// Where: a record, a header, a companion file.
        place: String,
        /// What is wrong there.
        message: String,
    },
    /// What a database says, or that it says nothing.
    #[cfg(feature = "postgis")]
    #[error("{name}: {source}")]
    Database {
        /// The database, without user and password.
        name: String,
        /// What is wrong.
        source: DatabaseError,
    },
    /// The source has no rows.
    #[error("{file}: no rows")]
    NoRows {
        /// The file as it was named.
        file: String,
    },
    /// The filter wants none of the rows.
    #[error(
        "{file}: `filter`: it leaves out all of the {rows} rows{}",
        reasons(mismatches)
    )]
    AllFiltered {
        /// The file as it was named.
        file: String,
        /// How many there are.
        rows: u64,
        /// Those that it can't compare.
        mismatches: Vec<Mismatch>,
    },
    /// A column is packed in a way that is not read.
    #[error(
        "{file}: column {column} is packed with {packing}, which is not read here; \
         write it again with zstd, snappy, lz4 or gzip"
    )]
    Packed {
        /// The file as it was named.
        file: String,
        /// The column, in quotes.
        column: String,
        /// How it is packed.
        packing: String,
    },
    /// All records are marked as deleted.
    #[error("{file}: all of its {records} records are marked as deleted")]
    AllDeleted {
        /// The file as it was named.
        file: String,
        /// How many there are.
        records: u64,
    },
    /// Most positions would be right the other way round.
    #[error(
        "{file}: longitude and latitude are swapped: {rows} of {of} rows have a latitude beyond 90° \
         and would be right the other way round; {advice}"
    )]
    Swapped {
        /// The file as it was named.
        file: String,
        /// How many rows are so.
        rows: u64,
        /// How many have a position.
        of: u64,
        /// What to do.
        advice: String,
    },
    /// Not one row gives a point.
    #[error("{file}: no row gives a point; {}\n{report}", advice(report))]
    NothingKept {
        /// The file as it was named.
        file: String,
        /// What became of the rows.
        report: Box<Report>,
    },
}

/// What a source must have whose rows gave nothing, by the most frequent reason.
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

/// What can't be compared, for the end of a message.
fn reasons(mismatches: &[Mismatch]) -> String {
    mismatches
        .iter()
        .map(|values| format!("; {values}"))
        .collect()
}
