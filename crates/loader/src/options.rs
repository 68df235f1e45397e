//! Options of reading.

use crate::encoding::Encoding;
use crate::filter::Filter;
use crate::format::InputFormat;
use crate::parameter::ParseOptionError;
use crate::time::TimeFormat;
use heatsplat_points::LonLatBox;
use std::str::FromStr;

/// Facts about an input that the caller knows, and a choice of its rows and columns. By default
/// everything is detected, and all rows are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadOptions {
    /// The format; `None`: it is detected by content and extension.
    pub format: Option<InputFormat>,
    /// The column of longitudes in degrees, by its name or, in files without a header, by its
    /// number, counted from 1. `None`: it is detected.
    pub lon: Option<String>,
    /// The column of latitudes in degrees, given like the column of longitudes.
    pub lat: Option<String>,
    /// The column or GeoJSON property of weights, given like the column of longitudes. With the
    /// text `none` every row counts 1. `None`: it is detected.
    pub weight: Option<String>,
    /// The byte between the fields of CSV; `None`: it is detected among `,`, `;`, tab and `|`.
    pub delimiter: Option<u8>,
    /// The quotes of CSV. `None`: they are `"`, unless a quote would swallow rows; in tab-separated
    /// text only quotes around whole fields count.
    pub quote: Option<Quote>,
    /// The encoding of the text in CSV, GeoJSON, GPX or a Shapefile's table. `None`: it is UTF-8,
    /// UTF-16 or the encoding that XML declares, and values that are not UTF-8 are read as
    /// windows-1252.
    pub encoding: Option<Encoding>,
    /// The table of points, where a file has several.
    pub table: Option<String>,
    /// The column of geometries, where a Parquet or Arrow file has several; in a GeoPackage it
    /// selects a table. `None`: the primary column.
    pub geom: Option<String>,
    /// The condition that a row must fulfil to be read; `None`: all rows are read.
    pub filter: Option<Filter>,
    /// Spellings of times, for the columns that are filtered by or kept. They are tried in this
    /// order, and before the spellings that are always understood.
    pub time_formats: Vec<TimeFormat>,
    /// The columns whose values [`load_table`](crate::load_table) keeps for each point, given like
    /// the column of longitudes.
    pub keep: Vec<String>,
    /// The box from which points are kept; `None`: everywhere. Of files with a spatial index only
    /// the part in the box is read.
    pub within: Option<LonLatBox>,
    /// The largest error in metres that is accepted of a datum's shift to WGS 84, where a grid,
    /// which this crate doesn't read, would be more accurate. `None`: 5 m.
    pub datum_error: Option<f64>,
    /// Set if a row that gives no point is an error.
    pub strict: bool,
    /// The most bytes of an address that are kept in a temporary file, if the format or the server
    /// requires such a file; `None`: 4 GiB.
    pub download_limit: Option<u64>,
}

/// The quotes of delimiter-separated text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// No quotes: all bytes but delimiters and line ends are text.
    None,
    /// This byte quotes fields by the rules of RFC 4180, even where a field then swallows rows.
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
