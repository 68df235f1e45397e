//! Options of reading.

use crate::encoding::Encoding;
use crate::filter::Filter;
use crate::format::InputFormat;
use crate::parameter::ParseOptionError;
use crate::time::TimeFormat;
use heatsplat_points::LonLatBox;
use std::str::FromStr;

/// Known facts about an input, and a choice of its rows. By default all is detected, and all rows
/// are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadOptions {
    /// The format; detected by content and extension without it.
    pub format: Option<InputFormat>,
    /// The column of longitudes (degrees), by name; by number from 1 in files without a header.
    pub lon: Option<String>,
    /// The column of latitudes (degrees), likewise.
    pub lat: Option<String>,
    /// The column or GeoJSON property of weights, likewise; `none`: every row counts 1.
    pub weight: Option<String>,
    /// The byte between the fields of CSV; detected among `,` `;` tab `|` without it.
    pub delimiter: Option<u8>,
    /// The quotes of CSV; without it `"`, unless it swallows rows, and in tab-separated text only
    /// around whole fields.
    pub quote: Option<Quote>,
    /// The encoding of text: CSV, GeoJSON, GPX or a Shapefile's table; without it UTF-8, UTF-16, or
    /// the one that XML declares. Values that are not UTF-8 are then windows-1252.
    pub encoding: Option<Encoding>,
    /// The table of points, where a file has several.
    pub table: Option<String>,
    /// The column of geometries, where a file has several (Parquet, Arrow; in a GeoPackage it
    /// selects a table); the primary one without it.
    pub geom: Option<String>,
    /// The condition on rows; all rows are read without it.
    pub filter: Option<Filter>,
    /// The spellings of times in columns that are filtered by or kept, each tried in turn before
    /// the spellings that are always understood.
    pub time_formats: Vec<TimeFormat>,
    /// The columns whose values are kept for each point, by name, likewise: with
    /// [`load_table`](crate::load_table).
    pub keep: Vec<String>,
    /// The box that rows are read from; everywhere without it. Only that part is read of files with
    /// an index.
    pub within: Option<LonLatBox>,
    /// The largest error in metres that is accepted of a datum's shift to WGS 84, where a grid that
    /// is not read here would be more accurate; 5 without it.
    pub datum_error: Option<f64>,
    /// Makes a row that gives no point an error.
    pub strict: bool,
    /// The most bytes of an address that are kept in a temporary file, where the format or the
    /// server requires one; 4 GiB without it.
    pub download_limit: Option<u64>,
}

/// The quotes of delimiter-separated text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// No quotes: all bytes but delimiters and line ends are text.
    None,
    /// This byte, as RFC 4180 has it, even where it swallows rows.
    Byte(u8),
}

impl FromStr for Quote {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, ParseOptionError> {
        match text.as_bytes() {
            [byte] if !matches!(byte, b'\n' | b'\r') => Ok(Self::Byte(*byte)),
            _ if text.eq_ignore_ascii_case("none") => Ok(Self::None),
            _ => Err(ParseOptionError::new(
                "expected one character of ASCII, or none",
            )),
        }
    }
}
