//! Loading of points from files and streams of CSV, TSV, GeoJSON, FlatGeobuf, GPX and Arrow; from
//! files of Shapefile, GeoPackage and Parquet; from all of these at `http(s)://` and `s3://`
//! addresses (feature `remote`); and from PostGIS (feature `postgis`).
//!
//! [`open`] detects compression, format and columns of an input and returns a [`Source`]; [`load`]
//! reads it into any [`PointSink`](heatsplat_points::PointSink). No input is ever held in memory as
//! a whole, only a few blocks of some hundred KiB.
//!
//! ```
//! use heatsplat_loader::{LoadOptions, load, read};
//! use heatsplat_points::PointsBuilder;
//!
//! let csv = "name,lon,lat,count\nA,13.4,52.5,3\nB,?,?,1\n";
//! let mut source = read(csv.as_bytes(), "cities.csv", &LoadOptions::default())?;
//! assert_eq!(source.columns().weight.as_deref(), Some("count"));
//!
//! let mut points = PointsBuilder::new();
//! let report = load(&mut *source, &mut points, |_| ())?;
//! assert_eq!((report.kept, report.skipped_total()), (1, 1));
//! assert_eq!(report.examples[0].to_string(), "line 3: bad position: longitude \"?\"");
//! # Ok::<(), heatsplat_loader::LoadError>(())
//! ```
//!
//! # What a row must be
//!
//! Every row either becomes a point or is skipped and counted by reason ([`SkipReason`]) in the
//! [`Report`]; a bad row never stops a load, unless [`LoadOptions::strict`] asks for that.
//!
//! - **Numbers** are decimal numbers with a point: `12.5`, `+3`, `1e-2`, with or without spaces
//!   around them. `NaN`, `inf`, `0x1A`, `5%` and degrees with minutes and seconds are no numbers.
//!   Neither are `12,5` and `1,000`, where the comma may mean a decimal point or thousands.
//! - **Longitudes** wrap: 181° is −179°; up to ±540° are accepted. A **latitude** beyond ±90° is
//!   skipped as a `bad position`, one beyond the edge of the Web-Mercator square (±85.0511°) as
//!   `outside`. A point at 0,0 is kept, and counted in [`Report::at_null_island`].
//! - **Weights** are finite single-precision numbers, which may be negative. A *missing* weight is
//!   an empty field or `null`, or the row is too short to have one. It is 0 in a sum and no part of
//!   a mean or of a count of values, as for SQL's `SUM`, `AVG` and `COUNT`. The row is kept and
//!   counted in [`Report::weights_missing`].
//! - If no option names a column of weights, one is chosen by its name, if it holds numbers. A
//!   value in it that is no number is then a missing weight, and the row is kept.
//! - If most latitudes are beyond 90° and would be valid as longitudes, that is an error: the axes
//!   are swapped.
//! - A blank line is no row. Columns of text may hold any bytes. Text that is not UTF-8 is read as
//!   windows-1252, or as UTF-16 if it has the byte-order mark of UTF-16 or zeros between its
//!   letters.
//! - A quote that would swallow rows is text. In tab-separated text a quote is text too, unless it
//!   is one of two around a whole field.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod batch;
mod columns;
mod crs;
mod csv;
mod encoding;
mod error;
mod filter;
mod format;
mod geojson;
mod input;
mod messages;
mod number;
mod open;
mod options;
mod parameter;
#[cfg(feature = "postgis")]
pub mod postgis;
#[cfg(test)]
mod proptests;
mod records;
#[cfg(feature = "remote")]
mod remote;
mod report;
mod source;
mod table;
mod text;
mod time;
mod value;
mod wkb;

pub use columns::{Columns, Position};
pub use encoding::Encoding;
pub use error::LoadError;
pub use filter::{Filter, FilterError};
pub use format::InputFormat;
pub use input::address::{is_remote, shown_source};
pub use open::{open, read};
pub use options::{LoadOptions, Quote};
pub use parameter::{Parameter, ParseOptionError};
pub use records::shapefile::is_companion;
#[cfg(feature = "remote")]
pub use remote::remote_version;
pub use report::{Mismatch, MismatchReason, Report, RowUnit, SkipReason, SkippedRow};
pub use source::{LoadProgress, Source, load, load_table};
pub use table::{Column, ColumnKind, Table, TableBuilder, TableError};
pub use time::{TimeFormat, TimeFormatError};
