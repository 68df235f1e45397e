//! Loading of points: files and streams of CSV, TSV, GeoJSON, FlatGeobuf, GPX and Arrow; Shapefile,
//! GeoPackage and Parquet files; all of these behind `http(s)://` and `s3://` addresses (feature
//! `remote`); PostGIS (feature `postgis`).
//!
//! [`open`] detects compression, format and columns of an input and returns a [`Source`]; [`load`]
//! reads it into any [`PointSink`](heatsplat_points::PointSink). Nothing is ever held whole: a few
//! blocks of some hundred KiB are in memory at any time.
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
//! - **Numbers** are decimal numbers with a point: `12.5`, `+3`, `1e-2`, spaces
//!   around them. `NaN`, `inf`, `0x1A`, `5%` and degrees-minutes-seconds are
//!   none, and neither are `12,5` and `1,000`: whether the comma means a decimal
//!   point or thousands cannot be known.
//! - **Longitudes** wrap: 181 is −179; up to ±540 are taken. **Latitudes** past
//!   the Web-Mercator square (±85.0511) are `outside`, past ±90 a `bad position`.
//!   A point at 0,0 is kept, and counted.
//! - **Weights** are finite single-precision numbers, negative ones too. A
//!   *missing* weight (an empty field, `null`, a row too short to have one)
//!   is 0 in a sum and takes no part in a mean or a count of values, as SQL's `SUM`, `AVG` and
//!   `COUNT` have it; the row is kept and counted in [`Report::weights_missing`].
//! - A column of weights that no option names is chosen by its name, if it holds numbers. A value
//!   of it that is no number counts as missing and costs no row.
//! - If most latitudes are beyond 90° and would be right as longitudes, that is an error: the axes
//!   are swapped.
//! - A blank line is no row. Text columns may hold any bytes: text that is not UTF-8 is read as
//!   windows-1252, or as UTF-16 by its mark or its zeros.
//! - A quote that would swallow rows is text; in tab-separated text so is every quote that isn't
//!   one of two around a whole field.
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
