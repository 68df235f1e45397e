//! Loading of points from files, streams, addresses and databases.
//!
//! * Files and streams may be CSV, TSV, GeoJSON, other JSON with rows, FlatGeobuf, GPX, KML, TCX,
//!   FIT, NMEA, arrays of NumPy or Arrow. Shapefile, GeoPackage, Parquet, Excel, GeoTIFF and zip
//!   archives are read from files only.
//! * All of these formats can be read from `http(s)://` and `s3://` addresses (feature `remote`).
//! * Tables and queries are read from PostGIS (feature `postgis`).
//!
//! [`open`] detects the compression, the format and the columns of an input and returns a
//! [`Source`]. [`load`] reads the source into any [`PointSink`](heatsplat_points::PointSink). An
//! input is read in pieces of some hundred KiB, only a few of which are in memory at a time. Only
//! column-wise JSON and TopoJSON are held in memory as a whole.
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
//! # Rules for rows
//!
//! Every row either becomes a point or is skipped. Skipped rows are counted in the [`Report`] by
//! the reason ([`SkipReason`]). A skipped row stops a load only if [`LoadOptions::strict`] is set.
//!
//! - **Numbers** are decimal numbers with a point: `12.5`, `+3` or `1e-2`. There may be spaces
//!   around them. `NaN`, `inf`, `0x1A` and `5%` are no numbers.
//! - **Decimal commas** (`12,5`) are read in columns of CSV whose values in the first MiB have them
//!   and no decimal points; [`Columns::why`] states it. A value with the other mark further on ends
//!   the load. In columns that a filter uses or that are kept, `12,5` is then the number 12.5.
//! - **Marks between thousands** are read if [`LoadOptions::decimal`] names the decimal mark, or if
//!   values of the column leave no doubt (`1.234,5` or `1,234,567`). Blanks and apostrophes are
//!   such marks in every column with decimal commas. Marks must separate groups of three digits. If
//!   `1,234` may have either meaning in a column of weights, that is an error; longitudes and
//!   latitudes have no thousands.
//! - **Angles** in columns of degrees may have minutes and seconds, and a hemisphere on one side of
//!   them: `41°25'01"N`, `41 25 01 S`, `W002 10.43` or `4807.038N`. The letter `O` is no
//!   hemisphere, since it means east in German and west in French. Numbers like `4807.038` without
//!   a letter are degrees and minutes if all latitudes have four digits before the point and all
//!   longitudes five, zeros included; if they are only likely to be degrees and minutes, that is an
//!   error. A hemisphere may also have a column of its own, directly after the column of its
//!   number.
//! - **Whole positions in one column** of CSV, JSON rows, Parquet, Arrow, SQLite or Excel are found
//!   by their values, if no names look like longitude and latitude, or named by
//!   [`LoadOptions::geom`]: well-known text, well-known binary in hexadecimal digits, GeoJSON, two
//!   numbers, or codes of cells such as geohashes. The order of two numbers follows from the
//!   letters of hemispheres, else from [`LoadOptions::pair`], else from a number beyond 90°, else
//!   from the name (`lonlat`). Otherwise the latitude comes first, but in square brackets the
//!   longitude.
//! - **Other coordinate systems** are named by [`LoadOptions::srid`] where the file states none.
//!   Without it, coordinates that mostly exceed 1000 are an error.
//! - **Lines above the header** of CSV are left out: `sep=;`, comments (`#`, `//`) and titles.
//! - **Longitudes** of up to ±540° are accepted and wrapped: 181° is read as −179°. A **latitude**
//!   beyond ±90° is skipped as a `bad position`. A latitude beyond the edge of the Web-Mercator
//!   square (±85.0511°) is skipped as `outside`. A point at 0,0 is kept, and counted in
//!   [`Report::at_null_island`].
//! - **Weights** are finite single-precision numbers, and may be negative. A weight is *missing* if
//!   the field is empty or `null`, or if the row is too short to have the field. A missing weight
//!   adds nothing to a sum, a mean or a count of values, as in SQL's `SUM`, `AVG` and `COUNT`. The
//!   row is kept, and counted in [`Report::weights_missing`].
//! - If no option names a **column of weights**, a column with a usual name is chosen if it holds
//!   numbers. If a value in such a column is no number, it counts as a missing weight, and the row
//!   is kept.
//! - **Swapped axes** are an error: most latitudes are beyond 90°, and would be valid as
//!   longitudes.
//! - A **blank line** is no row. Columns of text may hold any bytes. **Text** that is not UTF-8 is
//!   read as windows-1252. It is read as UTF-16 if it has the byte-order mark of UTF-16 or zeros
//!   between its letters.
//! - A **quote** is read as text if several rows would become one field otherwise. In tab-separated
//!   text a quote is read as text too, unless two quotes enclose a whole field.
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

mod arrays;
mod batch;
mod columns;
mod crs;
mod csv;
mod encoding;
mod error;
mod filter;
mod format;
mod geojson;
mod geoparquet_writer;
mod input;
mod json_rows;
mod messages;
mod number;
mod open;
mod options;
mod paged_source;
mod parameter;
mod places;
mod position_text;
#[cfg(feature = "postgis")]
pub mod postgis;
#[cfg(test)]
mod proptests;
mod raster_extent;
mod records;
#[cfg(feature = "remote")]
mod remote;
mod report;
mod shape;
mod source;
mod table;
mod temporary;
mod text;
mod time;
mod value;
mod wkb;

pub use arrays::{Arrays, read_arrays};
pub use columns::{Columns, Position, named as find_column};
pub use crs::{PlaneCrs, PlaneCrsError, ProjectedSquare};
pub use encoding::Encoding;
pub use error::LoadError;
pub use filter::{Filter, FilterError};
pub use format::InputFormat;
pub use geoparquet_writer::{GeoParquetError, write_geoparquet, write_geoparquet_rows};
pub use input::address::{is_remote, shown_source};
pub use number::mark::DecimalMark;
pub use open::{open, open_command, program_name, read};
pub use options::{AxisOrder, LoadOptions, Quote};
pub use paged_source::read_paged;
pub use parameter::{Parameter, ParseOptionError};
pub use raster_extent::RasterExtent;
pub use records::arrow::read_record_batches;
pub use records::shapefile::is_companion;
#[cfg(feature = "remote")]
pub use remote::{RangeError, RemoteFile, remote_version};
pub use report::{Mismatch, MismatchReason, Report, RowUnit, SkipReason, SkippedRow};
pub use shape::{AreaRule, LineRule, ShapeRules};
pub use source::{LoadProgress, Source, load, load_first, load_rows, load_table};
pub use table::{
    Column, ColumnKind, JoinedColumn, PagedRows, RowZone, StoredColumn, StoredForm, Table,
    TableBuilder, TableError, UnreadColumn, join_stored,
};
pub use time::{TimeFormat, TimeFormatError};
