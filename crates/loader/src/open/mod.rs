//! Opening of sources: finds the reader for the format of a path or stream.

mod archive;
mod command;
mod unused;

pub use command::{open_command, program_name};

use crate::csv;
use crate::error::LoadError;
use crate::format::InputFormat;
use crate::geojson;
use crate::input::address::is_remote;
use crate::input::zip::is_zip;
use crate::input::{Input, Origin};
use crate::json_rows;
use crate::options::LoadOptions;
use crate::records;
use crate::source::Source;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
pub(crate) use unused::check_unused;
use unused::refuse_json_options;

/// Opens a path, and detects its format and columns. The path `-` means standard input.
///
/// With the feature `remote`, `input` may also be an `http://`, `https://` or `s3://` address. The
/// object there is read as a stream if its format allows it. Of Parquet, and of FlatGeobuf with the
/// option `within`, only the parts that are needed are read. In all other cases the object is
/// copied to a temporary file, which is deleted when the source is dropped.
///
/// Compression by gzip or zstd is detected by the first bytes, not by the name.
///
/// # Errors
/// The input cannot be read, its format is not known, or its columns are not found.
pub fn open(input: impl AsRef<Path>, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let path = input.as_ref();
    if let Some(address) = path.to_str().filter(|path| is_remote(path)) {
        #[cfg(feature = "remote")]
        return crate::remote::open(address, options);
        #[cfg(not(feature = "remote"))]
        return Err(LoadError::RemoteDisabled {
            file: crate::input::address::shown_source(address),
        });
    }
    let stops = timetable(path);
    let path = stops.as_deref().unwrap_or(path);
    let input = Input::open(path)?.into_utf8(options.encoding)?;
    if !input.is_plain_file() {
        return start(input, options);
    }
    // Some formats need several readers at different offsets of the file. Each of them opens the
    // file again.
    let origin = input.origin.afresh();
    let format = input.format(asked(&input.sample, options))?;
    let file = origin.file();
    check_unused(&origin, format, options)?;
    guarded(file, || match format {
        InputFormat::FlatGeobuf if options.within.is_some() => {
            records::flatgeobuf::file(path, origin, options)
        }
        InputFormat::Arrow if !input.sample.starts_with(records::arrow::MAGIC) => {
            start(input, options)
        }
        InputFormat::Shapefile
        | InputFormat::Parquet
        | InputFormat::Arrow
        | InputFormat::GeoPackage
        | InputFormat::GeoTiff
        | InputFormat::Xlsx
        | InputFormat::Zip => open_file(path, format, origin, options),
        _ => start(input, options),
    })
}

/// The table of stops of a GTFS timetable, if the path is a folder with the tables of one.
fn timetable(path: &Path) -> Option<PathBuf> {
    let stops = path.join("stops.txt");
    let is_there = |table: &str| path.join(table).is_file();
    (stops.is_file() && archive::GTFS.into_iter().any(is_there)).then_some(stops)
}

/// Opens a file of a format that is read at several offsets. Returns an error for formats that are
/// read as a stream.
pub(crate) fn open_file(
    path: &Path,
    format: InputFormat,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    match format {
        InputFormat::Shapefile => records::shapefile::source(path, origin, options),
        InputFormat::Parquet => records::parquet::source(path, origin, options),
        InputFormat::GeoPackage => records::geopackage::source(path, origin, options),
        InputFormat::Arrow => records::arrow::file(path, origin, options),
        InputFormat::GeoTiff => records::raster::geotiff::source(path, origin, options),
        InputFormat::Xlsx | InputFormat::Zip => archive::source(path, origin, options),
        _ => Err(LoadError::NeedsFile {
            file: origin.file(),
            format,
        }),
    }
}

/// The format that the option `format` names for a file that begins with `sample`. `None` if the
/// option isn't set, or if the file is a zip archive: then the option names the format of the
/// member.
pub(crate) fn asked(sample: &[u8], options: &LoadOptions) -> Option<InputFormat> {
    options.format.filter(|_| !is_zip(sample))
}

/// Calls `open`, and turns a panic in it into an error. The libraries that it uses may panic on
/// damaged data.
pub(crate) fn guarded(
    file: String,
    open: impl FnOnce() -> Result<Box<dyn Source>, LoadError>,
) -> Result<Box<dyn Source>, LoadError> {
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
        Err(LoadError::Damaged {
            file,
            place: "header".to_owned(),
            message: records::DECODER_PANICKED.to_owned(),
        })
    })
}

/// Opens the bytes of a reader, as [`open`] opens a path. Messages show `name`, and the extension
/// in `name` may decide the format.
///
/// # Errors
/// The errors of [`open`], and an error for a format that can only be read from a file.
pub fn read(
    reader: impl Read + Send + 'static,
    name: &str,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let input = Input::new(reader, name, None)?;
    start(input.into_utf8(options.encoding)?, options)
}

/// Returns whether a JSON input is to be read as rows and not as GeoJSON. False if the option
/// `format` states GeoJSON.
fn is_rows(input: &Input, options: &LoadOptions) -> bool {
    options.format.is_none() && json_rows::recognises(&input.sample, input.whole, options)
}

/// Opens an input whose format can be read as a stream. Returns an error for other formats.
pub(crate) fn start(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let format = input.format(asked(&input.sample, options))?;
    check_unused(&input.origin, format, options)?;
    guarded(input.origin.file(), || match format {
        InputFormat::Csv | InputFormat::Tsv => csv::source(input, format, options),
        InputFormat::GeoJson | InputFormat::GeoJsonLines if is_rows(&input, options) => {
            json_rows::source(input, options)
        }
        InputFormat::GeoJson | InputFormat::GeoJsonLines => {
            refuse_json_options(&input.origin.file(), format, options)?;
            geojson::source(input, format, options)
        }
        InputFormat::Json => json_rows::source(input, options),
        InputFormat::FlatGeobuf => records::flatgeobuf::source(input, options),
        InputFormat::Gpx => records::gpx::source(input, options),
        InputFormat::Kml => records::kml::source(input, options),
        InputFormat::Tcx => records::tcx::source(input, options),
        InputFormat::Nmea => records::nmea::source(input, options),
        InputFormat::Fit => records::fit::source(input, options),
        InputFormat::Npy => records::raster::npy::source(input, options),
        InputFormat::Arrow if !input.sample.starts_with(records::arrow::MAGIC) => {
            records::arrow::stream(input, options)
        }
        InputFormat::Shapefile
        | InputFormat::Parquet
        | InputFormat::Arrow
        | InputFormat::GeoPackage
        | InputFormat::GeoTiff
        | InputFormat::Xlsx
        | InputFormat::Zip => Err(LoadError::NeedsFile {
            file: input.origin.file(),
            format,
        }),
    })
}
