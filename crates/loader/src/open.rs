//! From a path to a source: the one entry to all formats.

use crate::address::is_remote;
use crate::bounds::Bounds;
use crate::csv::{self, Quote};
use crate::encoding::Encoding;
use crate::error::LoadError;
use crate::filter::Filter;
use crate::format::Format;
use crate::geojson;
use crate::input::Input;
use crate::records;
use crate::source::Source;
use crate::time::TimeFormat;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// What is known beforehand about an input. The default knows nothing: all is found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The format; else it is told by the file's extension, then by its content.
    pub format: Option<Format>,
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

/// Opens a path, or standard input for `-`, and finds out what it holds.
///
/// With the feature `remote` also what is at an `http://`, `https://` or `s3://` address: read as
/// it comes, or only where it is needed (Parquet; FlatGeobuf within bounds), or kept in a temporary
/// file as long as the source lives.
///
/// Compression (gzip, zstd) is told by its first bytes, whatever the name is.
///
/// # Errors
/// The input cannot be read, is of no known format, or its columns are not found.
pub fn open(input: impl AsRef<Path>, options: &Options) -> Result<Box<dyn Source>, LoadError> {
    let path = input.as_ref();
    if let Some(address) = path.to_str().filter(|path| is_remote(path)) {
        #[cfg(feature = "remote")]
        return crate::remote::open(address, options);
        #[cfg(not(feature = "remote"))]
        return Err(LoadError::RemoteLeftOut {
            file: crate::address::shown_source(address),
        });
    }
    let input = Input::open(path)?.into_utf8(options.encoding)?;
    if !input.is_plain_file() {
        return start(input, options);
    }
    // formats that are read here and there, by several readers
    let origin = input.origin.afresh();
    let format = Format::of(&input, options.format)?;
    let file = origin.file();
    one_geometry(&file, format, options)?;
    guarded(file, || match format {
        Format::Shapefile => records::shapefile::source(path, origin, options),
        Format::FlatGeobuf if options.within.is_some() => {
            records::flatgeobuf::file(path, origin, options)
        }
        Format::Parquet => records::parquet::source(path, origin, options),
        Format::GeoPackage => records::geopackage::source(path, origin, options),
        Format::Arrow if input.sample.starts_with(records::arrow::MAGIC) => {
            records::arrow::file(path, origin, options)
        }
        _ => start(input, options),
    })
}

/// Refuses to choose among geometries where a row can have but one.
pub(crate) fn one_geometry(file: &str, format: Format, options: &Options) -> Result<(), LoadError> {
    match (format, &options.geom) {
        (_, None) | (Format::Parquet | Format::Arrow | Format::GeoPackage, _) => Ok(()),
        (format, Some(_)) => Err(LoadError::BadOption {
            file: file.to_owned(),
            parameter: "--geom",
            message: format!("{format} has no columns of geometries to choose from; leave it out"),
        }),
    }
}

/// Opens a file with libraries that damaged data may make panic: that costs the file, not the
/// program.
pub(crate) fn guarded(
    file: String,
    open: impl FnOnce() -> Result<Box<dyn Source>, LoadError>,
) -> Result<Box<dyn Source>, LoadError> {
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
        Err(LoadError::Damaged {
            file,
            place: "header".to_owned(),
            message: records::BROKE_OFF.to_owned(),
        })
    })
}

/// Like [`open`], for bytes that come from elsewhere. `name` is what messages
/// call them, and its extension may tell the format.
///
/// # Errors
/// Like [`open`].
pub fn read(
    reader: impl Read + Send + 'static,
    name: &str,
    options: &Options,
) -> Result<Box<dyn Source>, LoadError> {
    let input = Input::new(reader, name, None)?;
    start(input.into_utf8(options.encoding)?, options)
}

pub(crate) fn start(input: Input, options: &Options) -> Result<Box<dyn Source>, LoadError> {
    let format = Format::of(&input, options.format)?;
    one_geometry(&input.origin.file(), format, options)?;
    guarded(input.origin.file(), || match format {
        Format::Csv | Format::Tsv => csv::source(input, format, options),
        Format::GeoJson | Format::GeoJsonLines => geojson::source(input, format, options),
        Format::FlatGeobuf => records::flatgeobuf::source(input, options),
        Format::Gpx => records::gpx::source(input, options),
        Format::Arrow if !input.sample.starts_with(records::arrow::MAGIC) => {
            records::arrow::stream(input, options)
        }
        Format::Shapefile | Format::Parquet | Format::Arrow | Format::GeoPackage => {
            Err(LoadError::NeedsFile {
                file: input.origin.file(),
                format,
            })
        }
    })
}
