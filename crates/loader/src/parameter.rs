//! Parameters: their names in messages, and the error for text that is no value of a parameter.

use std::fmt;

/// A parameter for reading: a field of [`LoadOptions`](crate::LoadOptions), or a parameter of a
/// database's layers and rasters.
///
/// Messages name parameters in backticks, for example `` `keep`: there is no column … ``. A program
/// whose users know the parameters by other names, for example as flags, can replace the names in
/// the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parameter {
    /// The column of longitudes: [`LoadOptions::lon`](crate::LoadOptions::lon).
    Lon,
    /// The column of latitudes: [`LoadOptions::lat`](crate::LoadOptions::lat).
    Lat,
    /// The pair of columns of positions: [`LoadOptions::pair`](crate::LoadOptions::pair).
    Pair,
    /// The column of weights: [`LoadOptions::weight`](crate::LoadOptions::weight).
    Weight,
    /// The byte between the fields of CSV:
    /// [`LoadOptions::delimiter`](crate::LoadOptions::delimiter).
    Delimiter,
    /// The quotes of CSV: [`LoadOptions::quote`](crate::LoadOptions::quote).
    Quote,
    /// The decimal mark of CSV: [`LoadOptions::decimal`](crate::LoadOptions::decimal).
    Decimal,
    /// The order of coordinates without names: [`LoadOptions::order`](crate::LoadOptions::order).
    Order,
    /// The path of the rows in JSON: [`LoadOptions::rows`](crate::LoadOptions::rows).
    Rows,
    /// The encoding of text: [`LoadOptions::encoding`](crate::LoadOptions::encoding).
    Encoding,
    /// The file in an archive: [`LoadOptions::member`](crate::LoadOptions::member).
    Member,
    /// The table that has the points: [`LoadOptions::table`](crate::LoadOptions::table).
    Table,
    /// The column of geometries: [`LoadOptions::geom`](crate::LoadOptions::geom).
    Geom,
    /// The condition for rows: [`LoadOptions::filter`](crate::LoadOptions::filter).
    Filter,
    /// The formats of times: [`LoadOptions::time_formats`](crate::LoadOptions::time_formats).
    TimeFormat,
    /// The columns to keep: [`LoadOptions::keep`](crate::LoadOptions::keep).
    Keep,
    /// The accepted error, in metres, of a shift from another datum:
    /// [`LoadOptions::datum_error`](crate::LoadOptions::datum_error).
    DatumError,
    /// The largest size, in bytes, of a temporary copy:
    /// [`LoadOptions::download_limit`](crate::LoadOptions::download_limit).
    DownloadLimit,
    /// The coordinate system of positions in a file or a database that doesn't state the system:
    /// [`LoadOptions::srid`](crate::LoadOptions::srid).
    Srid,
    /// The box that a raster covers: [`LoadOptions::extent`](crate::LoadOptions::extent).
    Extent,
    /// The rule by which areas become points: [`ShapeRules::areas`](crate::ShapeRules::areas).
    Areas,
    /// The rule by which lines become points: [`ShapeRules::lines`](crate::ShapeRules::lines).
    Lines,
    /// Permission to use a database role that may do more than read.
    AllowSuperuser,
    /// Reading a database's layer anew for each picture, instead of reading it once.
    Live,
    /// Permission to replace existing tables of rasters in a database.
    Overwrite,
}

impl Parameter {
    /// Every parameter.
    pub const ALL: [Self; 25] = [
        Self::Lon,
        Self::Lat,
        Self::Pair,
        Self::Weight,
        Self::Delimiter,
        Self::Quote,
        Self::Decimal,
        Self::Order,
        Self::Rows,
        Self::Encoding,
        Self::Member,
        Self::Table,
        Self::Geom,
        Self::Filter,
        Self::TimeFormat,
        Self::Keep,
        Self::DatumError,
        Self::DownloadLimit,
        Self::Srid,
        Self::Extent,
        Self::Areas,
        Self::Lines,
        Self::AllowSuperuser,
        Self::Live,
        Self::Overwrite,
    ];

    /// The parameter's name, for example `time_format`. [`Display`](fmt::Display) prints the same
    /// name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lon => "lon",
            Self::Lat => "lat",
            Self::Pair => "pair",
            Self::Weight => "weight",
            Self::Delimiter => "delimiter",
            Self::Quote => "quote",
            Self::Decimal => "decimal",
            Self::Order => "order",
            Self::Rows => "rows",
            Self::Encoding => "encoding",
            Self::Member => "member",
            Self::Table => "table",
            Self::Geom => "geom",
            Self::Filter => "filter",
            Self::TimeFormat => "time_format",
            Self::Keep => "keep",
            Self::DatumError => "datum_error",
            Self::DownloadLimit => "download_limit",
            Self::Srid => "srid",
            Self::Extent => "extent",
            Self::Areas => "areas",
            Self::Lines => "lines",
            Self::AllowSuperuser => "allow_superuser",
            Self::Live => "live",
            Self::Overwrite => "overwrite",
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error for text that is no value of an option. Its message states the texts that are allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseOptionError {
    message: String,
}

impl ParseOptionError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}
