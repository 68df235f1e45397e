//! Formats of sources.

use crate::parameter::ParseOptionError;
use std::fmt;
use std::str::FromStr;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputFormat {
    /// Delimiter-separated values; the delimiter is detected: `,`, `;`, a tab or `|`.
    Csv,
    /// Values separated by tabs.
    Tsv,
    /// One GeoJSON document (RFC 7946), or several in sequence.
    GeoJson,
    /// One GeoJSON object on each line, or a GeoJSON text sequence (RFC 8142).
    GeoJsonLines,
    /// An Esri Shapefile: `.shp` with `.dbf` and `.prj` beside it.
    Shapefile,
    /// FlatGeobuf.
    FlatGeobuf,
    /// GPX: tracks, routes and waypoints.
    Gpx,
    /// Parquet and GeoParquet.
    Parquet,
    /// Arrow IPC: a file (Feather 2) or a stream.
    Arrow,
    /// GeoPackage: geometries in SQLite.
    GeoPackage,
}

impl InputFormat {
    /// Every format.
    pub const ALL: [InputFormat; 10] = [
        InputFormat::Csv,
        InputFormat::Tsv,
        InputFormat::GeoJson,
        InputFormat::GeoJsonLines,
        InputFormat::Shapefile,
        InputFormat::FlatGeobuf,
        InputFormat::Gpx,
        InputFormat::Parquet,
        InputFormat::Arrow,
        InputFormat::GeoPackage,
    ];

    /// The name that [`FromStr`] takes.
    pub fn name(self) -> &'static str {
        match self {
            InputFormat::Csv => "csv",
            InputFormat::Tsv => "tsv",
            InputFormat::GeoJson => "geojson",
            InputFormat::GeoJsonLines => "geojsonl",
            InputFormat::Shapefile => "shapefile",
            InputFormat::FlatGeobuf => "flatgeobuf",
            InputFormat::Gpx => "gpx",
            InputFormat::Parquet => "parquet",
            InputFormat::Arrow => "arrow",
            InputFormat::GeoPackage => "geopackage",
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
