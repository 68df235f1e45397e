//! LoadOptions of reading.

use crate::bounds::Bounds;
use crate::encoding::Encoding;
use crate::filter::Filter;
use crate::format::InputFormat;
use crate::parse_error::ParseOptionError;
use crate::time::TimeFormat;
use std::str::FromStr;

/// What is known beforehand about an input. The default knows nothing: all is found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadOptions {
    /// The format; else it is told by the file's extension, then by its content.
    pub format: Option<InputFormat>,
    /// The column of longitudes (degrees), by name; by number from 1 in files without a header.
    pub lon: Option<String>,
    /// The column of latitudes (degrees), likewise.
    pub lat: Option<String>,
    /// The column or GeoJSON property of weights, likewise; `none`: every row counts 1.
    pub weight: Option<String>,
    /// The byte between the fields of CSV; else it is found among `,` `;` tab `|`.
    pub delimiter: Option<u8>,
    /// What quotes the fields of CSV; else `"` does, where it swallows no rows, and in text parted
    /// by tabs only around whole fields.
    pub quote: Option<Quote>,
    /// The encoding of text, CSV, GeoJSON, GPX or a Shapefile's table; else it is found: UTF-8, UTF-16, or what XML
    /// declares. Values that are no UTF-8 are windows-1252 then.
    pub encoding: Option<Encoding>,
    /// The table of points, where a file has several.
    pub table: Option<String>,
    /// The column of geometries, where a file has several (Parquet, Arrow; in a GeoPackage it
    /// tells one table from another); else the primary one.
    pub geom: Option<String>,
    /// Which rows are wanted; all without one.
    pub filter: Option<Filter>,
    /// How times are written beside the spellings that are always understood, each tried in turn:
    /// in columns that are filtered by or kept.
    pub time_formats: Vec<TimeFormat>,
    /// The columns whose values are kept for each point, by name, likewise: with
    /// [`load_table`](crate::load_table).
    pub keep: Vec<String>,
    /// Where rows are wanted; everywhere without it. Files with an index are read only there.
    pub within: Option<Bounds>,
    /// How far a place may be off because its datum's shift to WGS 84 is known no better, in
    /// metres, where a grid that is not read here does better; 5 without it.
    pub datum_error: Option<f64>,
    /// Whether a row that gives no point is an error.
    pub strict: bool,
    /// The most bytes of an address that are kept in a temporary file, where the format or the
    /// server asks for one; 4 GiB without it.
    pub download_limit: Option<u64>,
}

/// What quotes the fields of delimiter-separated text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// Nothing: all bytes but delimiters and line ends are text.
    None,
    /// This byte, as RFC 4180 has it, whatever comes of it.
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
