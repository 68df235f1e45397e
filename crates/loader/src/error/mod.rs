//! Errors that stop a load, with advice on what to do.

#[cfg(feature = "postgis")]
mod database;

use crate::format::InputFormat;
use crate::messages::{list, shown};
use crate::parameter::Parameter;
use crate::report::{Mismatch, Report, SkipReason, SkippedRow};
#[cfg(feature = "postgis")]
pub use database::DatabaseError;
use std::io;

/// The reason why a source cannot be read. Every message names the source, and most add a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is missing, or the program has no permission to read it.
    #[error("{file}: cannot be opened: {source}")]
    Open {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The source is an address, and the crate was built without the feature `remote`, which reads
    /// addresses.
    #[cfg(not(feature = "remote"))]
    #[error(
        "{file}: this heatsplat was built without the feature `remote`, which reads addresses: \
         build it with that feature, or get the file and name that"
    )]
    RemoteDisabled {
        /// The address, with passwords and other secrets removed.
        file: String,
    },
    /// The path is a directory.
    #[error("{file}: is a directory; name a file in it")]
    Directory {
        /// The path that the caller gave.
        file: String,
    },
    /// Reading or decompressing failed before the end of the file.
    #[error("{file}: reading failed: {source}")]
    Read {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The system's or the decompressor's error.
        source: io::Error,
    },
    /// The compressed data end too early: the file is cut off.
    #[error("{file}: the {compression} data end early; the file is cut off, get it again")]
    Truncated {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The compression of the file: `gzip` or `zstd`.
        compression: &'static str,
    },
    /// The file is empty.
    #[error("{file}: is empty; expected CSV or GeoJSON")]
    Empty {
        /// The name of the file, as the caller gave it.
        file: String,
    },
    /// Neither the name nor the content belongs to a format that can be read.
    #[error(
        "{file}: {found}; expected CSV, TSV, GeoJSON, other JSON with rows, FlatGeobuf, GPX, KML, TCX, \
         NMEA, Shapefile, GeoPackage, Parquet, Arrow, Excel, or a zip archive of one of them"
    )]
    UnknownFormat {
        /// The name of the file, as the caller gave it.
        file: String,
        /// A description of the content that was found.
        found: String,
    },
    /// The content is whole, but it is of a kind that can't be read.
    #[error("{file}: {message}")]
    Unsupported {
        /// The name of the file, as the caller gave it.
        file: String,
        /// A description of the content, and what to do.
        message: String,
    },
    /// The value of an option doesn't fit this source.
    #[error("{file}: `{parameter}`: {message}")]
    BadOption {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The option at fault.
        parameter: Parameter,
        /// The fault in the option's value, and what to do about it.
        message: String,
    },
    /// An option names a column that the source doesn't have.
    #[error(
        "{file}: `{parameter}`: there is no column \"{name}\"; there are: {}",
        list(seen)
    )]
    NoSuchColumn {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The option that names the column.
        parameter: Parameter,
        /// The column's name, as the option gives it.
        name: String,
        /// The names of all columns of the source.
        seen: Vec<String>,
    },
    /// No column was found for the longitude, for the latitude, or for both.
    #[error(
        "{file}: no {missing} column was found; there are: {}; {hint}",
        list(seen)
    )]
    NoPositionColumns {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The columns that are missing, as words: `longitude`, `latitude`, or a phrase for both.
        missing: &'static str,
        /// The names of all columns of the source.
        seen: Vec<String>,
        /// Advice on the options that name columns.
        hint: &'static str,
    },
    /// A row, or a feature of GeoJSON, has more bytes than allowed.
    #[error(
        "{file}: line {line}: what begins here is over {} KiB long; \
         is a quote or bracket not closed?", limit >> 10
    )]
    TooLong {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The line on which the row begins, counted from 1.
        line: u64,
        /// The most bytes that a row may have.
        limit: usize,
    },
    /// A quote opens a field, and no later quote closes it.
    #[error(
        "{file}: line {line}: a quote opened in this row is never closed; if quotes are text in \
         this file, say `quote` none"
    )]
    UnclosedQuote {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The line on which the row begins, counted from 1.
        line: u64,
    },
    /// The JSON is malformed.
    #[error("{file}: line {line}, column {column}: malformed JSON: {message}")]
    Json {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The number of the malformed line, counted from 1.
        line: u64,
        /// The number of the byte in the line, counted from 1.
        column: u64,
        /// The fault in the JSON, in words.
        message: String,
    },
    /// The rows of JSON that is not GeoJSON, or the positions in them, are missing or ambiguous.
    #[error("{file}: {message}")]
    JsonRows {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The fault in the rows or their positions, and what to do about it.
        message: String,
    },
    /// A row gives no point, and the option `strict` makes that an error.
    #[error("{file}: {row} (strict: every row must give a point)")]
    Strict {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The row, and the reason why no point comes from it.
        row: SkippedRow,
    },
    /// Positions are in a coordinate system that is not known.
    #[error(
        "{file}: the coordinate system is not known: {system}; \
         convert the file to longitude and latitude (EPSG:4326) first"
    )]
    UnknownCrs {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The file's own description of the coordinate system.
        system: String,
    },
    /// Positions refer to a geodetic datum whose shift to WGS 84 is known too inexactly.
    #[error(
        "{file}: {system}: where positions lie on WGS 84 is {vague}; \
         convert the file to longitude and latitude (EPSG:4326) first{advice}"
    )]
    VagueDatum {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The name of the coordinate system.
        system: String,
        /// A phrase for the message: the accuracy of the shift to WGS 84, and the name of a grid of
        /// shifts that would be more accurate.
        vague: String,
        /// A remedy other than converting the file to longitude and latitude; empty if there is
        /// none.
        advice: String,
    },
    /// The format can only be read from a file, not from a stream.
    #[error(
        "{file}: the format {format} can't be read from a stream or packed; name an unpacked file"
    )]
    NeedsFile {
        /// The name of the source, as the caller gave it.
        file: String,
        /// The format of the source.
        format: InputFormat,
    },
    /// The content breaks the format's rules: it is cut off or damaged.
    #[error("{file}: {place}: damaged or cut off: {message}")]
    Damaged {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The damaged part: a record, a header, or a companion file.
        place: String,
        /// The fault in the damaged part.
        message: String,
    },
    /// A database can't be read.
    #[cfg(feature = "postgis")]
    #[error("{name}: {source}")]
    Database {
        /// The database's address, without user and password.
        name: String,
        /// The reason why the database gave no points.
        source: DatabaseError,
    },
    /// The source holds no rows at all.
    #[error("{file}: no rows")]
    NoRows {
        /// The name of the file, as the caller gave it.
        file: String,
    },
    /// The filter leaves out every row.
    #[error(
        "{file}: `filter`: it leaves out all of the {rows} rows{}",
        reasons(mismatches)
    )]
    AllFiltered {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The number of rows that the filter leaves out.
        rows: u64,
        /// The values that the filter can't compare with its literals, grouped by column and
        /// reason.
        mismatches: Vec<Mismatch>,
    },
    /// A column is compressed by a method that this crate can't decompress.
    #[error(
        "{file}: column {column} is packed with {packing}, which is not read here; \
         write it again with zstd, snappy, lz4 or gzip"
    )]
    Packed {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The column's name, in quotes.
        column: String,
        /// The name of the method by which the column is compressed.
        packing: String,
    },
    /// All records of the file are marked as deleted.
    #[error("{file}: all of its {records} records are marked as deleted")]
    AllDeleted {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The number of records, all of which are marked as deleted.
        records: u64,
    },
    /// Longitude and latitude are swapped in most positions.
    #[error(
        "{file}: longitude and latitude are swapped: {rows} of {of} rows have a latitude beyond 90° \
         and would be right the other way round; {advice}"
    )]
    Swapped {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The number of rows whose position would be valid with longitude and latitude swapped.
        rows: u64,
        /// The number of all rows with a position, whether valid or not.
        of: u64,
        /// Advice on how to exchange the columns of longitude and latitude.
        advice: String,
    },
    /// Most positions have far larger coordinates than degrees can be.
    #[error(
        "{file}: these are metres of a projection, not degrees: {rows} of {of} rows{example}; name \
         the coordinate system with `srid` (its EPSG number, such as 25832), or convert the file to \
         longitude and latitude (EPSG:4326)"
    )]
    Metres {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The number of rows whose coordinates are larger than degrees can be.
        rows: u64,
        /// The number of all rows with a position, whether valid or not.
        of: u64,
        /// One of the rows whose coordinates are larger than degrees can be, in parentheses; empty
        /// if none is known.
        example: String,
    },
    /// The source has rows, and none of them gives a point.
    #[error("{file}: no row gives a point; {}\n{report}", advice(report, weight.as_deref()))]
    NothingKept {
        /// The name of the file, as the caller gave it.
        file: String,
        /// The report, with the number of skipped rows for each reason.
        report: Box<Report>,
        /// The name of the column of weights; `None` if every row counts 1.
        weight: Option<String>,
    },
}

/// The advice for a load in which no row became a point, by the reason for which most rows were
/// skipped.
fn advice(report: &Report, weight: Option<&str>) -> String {
    let most = SkipReason::ALL
        .into_iter()
        .max_by_key(|&skip| report.skipped(skip));
    let advice = match most {
        Some(SkipReason::NoPosition) => "their longitudes and latitudes, or geometries, are empty",
        Some(SkipReason::Outside) => "they lie beyond the map, which ends at latitude ±85.0511",
        Some(SkipReason::BadWeight) => {
            return format!(
                "positions are well, but column {} holds no numbers; choose another with \
                 `weight`, or `weight` none",
                shown(weight.unwrap_or_default().as_bytes())
            );
        }
        Some(SkipReason::Malformed) => {
            "rows must have a longitude and a latitude in decimal degrees"
        }
        Some(SkipReason::NotAPoint) if report.notes.shapes.may_be_points() => {
            "their geometries must be points; `areas` and `lines` make points of others"
        }
        Some(SkipReason::NotAPoint) => "their geometries must be points",
        Some(SkipReason::BadShape) => "their areas enclose nothing",
        _ => "longitude and latitude must be decimal degrees",
    };
    advice.to_owned()
}

/// The end of a message: the values that a filter can't compare, grouped by column and reason. A
/// semicolon comes before each group; the text is empty if there are none.
fn reasons(mismatches: &[Mismatch]) -> String {
    mismatches
        .iter()
        .map(|values| format!("; {values}"))
        .collect()
}
