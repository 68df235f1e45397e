//! Reading of files at addresses: `http://`, `https://` and `s3://`.
//!
//! ```text
//! address ─ client: whom to ask ─▶ object: a first probe ─┬▶ a stream, as of any pipe
//!                                                        ├▶ chunks (Parquet), places (FlatGeobuf
//!                                                        │  within bounds): ranges alone
//!                                                        └▶ download: a temporary file
//! ```

mod circuit;
mod client;
mod file;
mod object;
mod parquet_reader;
mod range_reader;

pub use file::{RangeError, RemoteFile};

use crate::error::LoadError;
use crate::format::InputFormat;
use crate::input::{Input, Origin};
use crate::open::{asked, check_unused, guarded, open_file, start};
use crate::options::LoadOptions;
use crate::records;
use crate::source::Source;
use crate::temporary::{TemporaryFolder, TemporarySource};
use bytes::Bytes;
use object::{Probe, RemainingBytes, RemoteObject};
use parquet_reader::ParquetReader;
use range_reader::RangeReader;
use std::io::{self, Cursor, Read};

/// A text that names the version of the object at an address. It changes when the object's bytes
/// change. It is the ETag or is made from the time of modification; `None` if the server states
/// neither.
///
/// `known` is the version that the caller has, if any. With it the server may answer just that the
/// object is unchanged.
///
/// # Errors
/// The server can't be reached, or there is no object at the address.
pub fn remote_version(address: &str, known: Option<&str>) -> Result<Option<String>, LoadError> {
    let version = RemoteObject::new(address).and_then(|object| object.version(known));
    version.map_err(|source| LoadError::Open {
        file: crate::input::address::shown_source(address),
        source,
    })
}

/// Opens the object at an HTTP or S3 address as a source of points.
pub(crate) fn open(address: &str, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let name = crate::input::address::shown_source(address);
    let failed = |source| LoadError::Open {
        file: name.clone(),
        source,
    };
    let mut object = RemoteObject::new(address).map_err(failed)?;
    let probe = object.probe().map_err(failed)?;
    let reader: Box<dyn Read + Send> = match probe {
        Probe::Ranges(first) => match here_and_there(&object, &first, options)? {
            Some(source) => return Ok(source),
            None => {
                let rest = RemainingBytes::new(object.clone(), first.len() as u64);
                Box::new(Cursor::new(first).chain(rest))
            }
        },
        Probe::Whole(stream) => Box::new(stream),
    };
    let input = Input::new(reader, &name, object.size())?.into_utf8(options.encoding)?;
    if input.origin.is_packed() {
        return start(input, options);
    }
    let format = input.format(asked(&input.sample, options))?;
    match format {
        InputFormat::Shapefile
        | InputFormat::GeoPackage
        | InputFormat::GeoTiff
        | InputFormat::Parquet
        | InputFormat::Zip => downloaded(&object, input, format, options),
        InputFormat::Arrow if input.sample.starts_with(records::arrow::MAGIC) => {
            downloaded(&object, input, format, options)
        }
        _ => start(input, options),
    }
}

/// A source that requests only the ranges of the object that it needs. `first` are the bytes that
/// the first request returned. The result is `None` if the format doesn't allow this, or if the
/// object is compressed.
fn here_and_there(
    object: &RemoteObject,
    first: &Bytes,
    options: &LoadOptions,
) -> Result<Option<Box<dyn Source>>, LoadError> {
    let beginning = Cursor::new(first.clone());
    // `first` is only the beginning of the object, so compressed data end early here. They are no
    // plain file.
    let peek = match Input::new(beginning, &object.shown(), object.size()) {
        Ok(peek) if peek.is_plain_file() => peek,
        _ => return Ok(None),
    };
    let origin = peek.origin.afresh();
    // If the format is not recognised in this short sample, it may be recognised in a longer one.
    let Ok(format) = peek.format(asked(&peek.sample, options)) else {
        return Ok(None);
    };
    let in_ranges = match format {
        InputFormat::Parquet => true,
        InputFormat::FlatGeobuf => options.within.is_some(),
        _ => false,
    };
    if !in_ranges {
        return Ok(None);
    }
    check_unused(&origin, format, options)?;
    guarded(origin.file(), || match format {
        InputFormat::Parquet => {
            let errors = origin.clone();
            let open = || Ok(ParquetReader::new(object.clone(), errors.clone()));
            records::parquet::stored(&open, origin, options)
        }
        _ => {
            let counted = origin.clone();
            let open = || Ok(RangeReader::new(object.clone(), counted.clone()));
            records::flatgeobuf::stored(&open, origin, options)
        }
    })
    .map(Some)
}

/// A source that reads a copy of the object in a temporary folder.
fn downloaded(
    object: &RemoteObject,
    input: Input,
    format: InputFormat,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let file = input.origin.file();
    check_unused(&input.origin, format, options)?;
    let folder =
        TemporaryFolder::new(options.download_limit).map_err(|source| LoadError::Read {
            file: file.clone(),
            source,
        })?;
    let origin = input.origin.afresh();
    let all = Cursor::new(input.sample).chain(input.rest);
    let path = folder.keep("points.shp", &file, origin.bytes_total, all)?;
    if format == InputFormat::Shapefile {
        companions(object, &folder, &origin)?;
    }
    let source = guarded(file, || open_file(&path, format, origin, options))?;
    Ok(Box::new(TemporarySource {
        columns: source.columns().clone(),
        source,
        _folder: Some(folder),
    }))
}

/// Downloads the files beside a Shapefile (`.prj`, `.dbf`, `.shx` and `.cpg`), as far as they
/// exist. Any error but "not found" is returned, since without the `.prj` the points would be in a
/// wrong place.
fn companions(
    shp: &RemoteObject,
    folder: &TemporaryFolder,
    origin: &Origin,
) -> Result<(), LoadError> {
    for extension in ["prj", "dbf", "shx", "cpg"] {
        let Some(beside) = shp.beside("shp", extension) else {
            return Err(LoadError::Open {
                file: origin.file(),
                source: io::Error::other(
                    "a Shapefile's address must end in .shp, so that its .prj and .dbf are found beside it",
                ),
            });
        };
        let mut file = origin.file();
        let looked = beside.and_then(|mut beside| {
            file = beside.shown();
            Ok((beside.probe()?, beside))
        });
        let (probe, beside) = match looked {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(LoadError::Open { file, source }),
        };
        let name = format!("points.{extension}");
        match probe {
            Probe::Ranges(first) => {
                let rest = RemainingBytes::new(beside.clone(), first.len() as u64);
                folder.keep(&name, &file, beside.size(), Cursor::new(first).chain(rest))?
            }
            Probe::Whole(stream) => folder.keep(&name, &file, beside.size(), stream)?,
        };
    }
    Ok(())
}
