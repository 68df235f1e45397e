//! Options for reading a source: its format and columns, and the rows to read.

use crate::encoding::Encoding;
use crate::filter::Filter;
use crate::format::InputFormat;
use crate::number::mark::DecimalMark;
use crate::parameter::ParseOptionError;
use crate::raster_extent::RasterExtent;
use crate::shape::ShapeRules;
use crate::time::TimeFormat;
use heatsplat_points::LonLatBox;
use std::str::FromStr;

/// Facts about an input that the caller knows, and a choice of rows and columns. By default all
/// facts are detected, and all rows are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadOptions {
    /// The format of the input. `None` detects it by the content and the extension.
    pub format: Option<InputFormat>,
    /// The column of longitudes in degrees. It is given by its name or, in files without a header,
    /// by its number, counted from 1. `None` detects it.
    pub lon: Option<String>,
    /// The column of latitudes in degrees, given like the column of longitudes. `None` detects it.
    pub lat: Option<String>,
    /// The pair of columns to use, where a source has several pairs: `pickup` for the columns
    /// `pickup_longitude` and `pickup_latitude`. `None` uses the only pair. For a column that holds
    /// both coordinates, this is their order instead: `lat,lon` or `lon,lat`.
    pub pair: Option<String>,
    /// The column or GeoJSON property of weights, given like the column of longitudes. `None`
    /// detects it. With the text `none` every row counts 1.
    pub weight: Option<String>,
    /// The byte that separates the fields of CSV. `None` detects it among `,`, `;`, tab and `|`.
    pub delimiter: Option<u8>,
    /// The quotes of CSV. With `None` they are `"`, but a quote is read as text if several rows
    /// would become one field otherwise. In tab-separated text only two quotes that enclose a whole
    /// field are read as quotes.
    pub quote: Option<Quote>,
    /// The decimal mark of numbers in CSV. With it, marks between thousands are read too. `None`
    /// detects a decimal comma, but reads marks between thousands only if the first values leave no
    /// doubt.
    pub decimal: Option<DecimalMark>,
    /// The order of two coordinates that have no names, as in the arrays `[48.1, 11.5]` of JSON
    /// rows. If it is `None`, values beyond ±90 in the first rows decide it; without such values,
    /// it is the usual order for the kind of rows: latitude first for plain arrays.
    pub order: Option<AxisOrder>,
    /// The path of the rows in JSON that is not GeoJSON, for example `data.rows`; `$` is the whole
    /// document. `None` finds the array whose elements have positions.
    pub rows: Option<String>,
    /// The encoding of the text in CSV, GeoJSON, XML or a Shapefile's table. `None` detects it:
    /// text is UTF-8, UTF-16 or in the encoding that an XML declaration names. Values that are not
    /// valid UTF-8 are then read as windows-1252.
    pub encoding: Option<Encoding>,
    /// The file to read in an archive, by its name with or without folders. With `None` the archive
    /// must have only one data set.
    pub member: Option<String>,
    /// The name of the table or sheet to read, for files with several. `None` uses the only one
    /// that has positions; if several have, an error lists them.
    pub table: Option<String>,
    /// The column of geometries, or of texts that each hold a whole position, such as well-known
    /// text or a geohash. In a GeoPackage it selects the table that has this column of geometries.
    /// `None` selects the primary column of geometries, and finds a column of texts by its values.
    pub geom: Option<String>,
    /// The condition that a row must fulfil to become a point. With `None` all rows do.
    pub filter: Option<Filter>,
    /// Formats of times, for the columns that the filter uses or that are kept. They are tried in
    /// this order. The formats that are understood without this option are tried after them.
    pub time_formats: Vec<TimeFormat>,
    /// The columns whose values [`load_table`](crate::load_table) keeps for each point. Each is
    /// given like the column of longitudes.
    pub keep: Vec<String>,
    /// A box outside of which rows are left out. With `None` no row is left out because of its
    /// position. If a file has a spatial index, only the part of the file for the box is read.
    pub within: Option<LonLatBox>,
    /// The largest error, in metres, that is accepted when coordinates are shifted from another
    /// datum to WGS 84. It matters for datums for which a grid file would be more accurate, since
    /// this crate reads no grid files. `None` means 5 m.
    pub datum_error: Option<f64>,
    /// The EPSG number of the coordinate system of positions, for files that state none. `None`
    /// means longitude and latitude.
    pub srid: Option<u32>,
    /// The box that a raster covers, for rasters that state none.
    pub extent: Option<RasterExtent>,
    /// The rules by which lines and areas become points. By default they give none, and are counted
    /// as skipped. Formats whose lines and areas are not read (KML, TopoJSON) skip them always, and
    /// in GPX, TCX and FIT the positions of tracks are points by themselves.
    pub shapes: ShapeRules,
    /// True if a row that gives no point is an error.
    pub strict: bool,
    /// The largest size in bytes of an object at an address, or of a file in an archive, that is
    /// copied to a temporary file. Such a copy is made only if the format or the server requires
    /// it. `None` means 4 GiB.
    pub download_limit: Option<u64>,
}

/// The order of two coordinates that have no names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisOrder {
    /// Latitude before longitude: `lat,lon`.
    LatLon,
    /// Longitude before latitude: `lon,lat`.
    LonLat,
}

impl FromStr for AxisOrder {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, ParseOptionError> {
        match text.replace(' ', "").to_ascii_lowercase().as_str() {
            "lat,lon" | "lat,lng" => Ok(Self::LatLon),
            "lon,lat" | "lng,lat" => Ok(Self::LonLat),
            _ => Err(ParseOptionError::new("expected lat,lon or lon,lat")),
        }
    }
}

/// The handling of quotes in CSV and tab-separated text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// No quotes: all bytes except delimiters and line ends are text.
    None,
    /// Fields are quoted with this byte by the rules of RFC 4180, even if a misplaced quote then
    /// joins several rows to one field.
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
