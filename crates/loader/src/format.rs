//! Formats of input files and streams.

use crate::parameter::ParseOptionError;
use std::fmt;
use std::str::FromStr;

/// A format that this crate can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputFormat {
    /// Delimiter-separated values. The delimiter is detected as `,`, `;`, a tab or `|`.
    Csv,
    /// Values separated by tabs.
    Tsv,
    /// One GeoJSON document (RFC 7946), or several documents in a row.
    GeoJson,
    /// One GeoJSON object on each line, or a GeoJSON text sequence (RFC 8142).
    GeoJsonLines,
    /// JSON whose rows are not GeoJSON: arrays or objects in an array, one on each line, or in the
    /// answers and exports of well-known programs. It may be the value in a line of JavaScript.
    Json,
    /// An Esri Shapefile: a `.shp` file with a `.dbf` file and a `.prj` file beside it.
    Shapefile,
    /// FlatGeobuf, with or without its spatial index.
    FlatGeobuf,
    /// GPX, with its tracks, routes and waypoints.
    Gpx,
    /// KML, with the points and tracks of its placemarks.
    Kml,
    /// TCX, with the trackpoints of activities and courses.
    Tcx,
    /// Parquet and GeoParquet.
    Parquet,
    /// Arrow IPC, either as a file (Feather 2) or as a stream.
    Arrow,
    /// GeoPackage, which is an SQLite database with geometries, or another SQLite database with a
    /// table of positions.
    GeoPackage,
    /// An Excel workbook (`.xlsx`), of which one sheet is read.
    Xlsx,
    /// A log of NMEA 0183 sentences of a GPS receiver.
    Nmea,
    /// FIT, with the record messages of activities.
    Fit,
    /// A raster in GeoTIFF, cloud-optimised or not. Each pixel that has a value is a point.
    GeoTiff,
    /// A raster in an array of NumPy (`.npy`).
    Npy,
    /// A zip archive with one data set in it, also KMZ.
    Zip,
}

impl InputFormat {
    /// Every format.
    pub const ALL: [InputFormat; 19] = [
        InputFormat::Csv,
        InputFormat::Tsv,
        InputFormat::GeoJson,
        InputFormat::GeoJsonLines,
        InputFormat::Json,
        InputFormat::Shapefile,
        InputFormat::FlatGeobuf,
        InputFormat::Gpx,
        InputFormat::Kml,
        InputFormat::Tcx,
        InputFormat::Parquet,
        InputFormat::Arrow,
        InputFormat::GeoPackage,
        InputFormat::Xlsx,
        InputFormat::Nmea,
        InputFormat::Fit,
        InputFormat::GeoTiff,
        InputFormat::Npy,
        InputFormat::Zip,
    ];

    /// Returns whether the format is XML, whose declaration may name an encoding.
    pub(crate) fn is_xml(self) -> bool {
        matches!(self, InputFormat::Gpx | InputFormat::Kml | InputFormat::Tcx)
    }

    /// The name of the format, which [`FromStr`] parses.
    pub fn name(self) -> &'static str {
        match self {
            InputFormat::Csv => "csv",
            InputFormat::Tsv => "tsv",
            InputFormat::GeoJson => "geojson",
            InputFormat::GeoJsonLines => "geojsonl",
            InputFormat::Json => "json",
            InputFormat::Shapefile => "shapefile",
            InputFormat::FlatGeobuf => "flatgeobuf",
            InputFormat::Gpx => "gpx",
            InputFormat::Kml => "kml",
            InputFormat::Tcx => "tcx",
            InputFormat::Parquet => "parquet",
            InputFormat::Arrow => "arrow",
            InputFormat::GeoPackage => "geopackage",
            InputFormat::Xlsx => "xlsx",
            InputFormat::Nmea => "nmea",
            InputFormat::Fit => "fit",
            InputFormat::GeoTiff => "geotiff",
            InputFormat::Npy => "npy",
            InputFormat::Zip => "zip",
        }
    }
}

impl fmt::Display for InputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for InputFormat {
    type Err = ParseOptionError;

    fn from_str(name: &str) -> Result<Self, ParseOptionError> {
        let known = Self::ALL
            .into_iter()
            .find(|f| f.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            ParseOptionError::new(format!(
                "unknown format \"{name}\"; expected one of {names}"
            ))
        })
    }
}
