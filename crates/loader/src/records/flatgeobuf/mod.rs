//! Reading of FlatGeobuf. A file holds a header, an index and then the features, each of which is a
//! FlatBuffer.
//!
//! The library decodes headers and features. This module reads the file and searches its index,
//! since a damaged file may state any sizes, which the library would trust.

mod features;
mod index;

use super::buffered_seek::BufferedSeek;
use super::{ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged, unreadable};
use crate::columns::resolve::{Geometries, Names, resolve};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::{Input, Origin};
use crate::messages::shown;
use crate::options::LoadOptions;
use crate::source::Source;
use features::{Features, Layout};
use flatgeobuf::{Header, size_prefixed_root_as_header};
use heatsplat_points::LonLatBox;
use index::PackedRTree;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// The most bytes that a header may have, a choice: 10 MiB.
const HEADER: u32 = 10 << 20;

/// A source that reads all features of an input as FlatGeobuf.
pub(crate) fn source(input: Input, options: &LoadOptions) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        sample,
        rest,
        ..
    } = input;
    let mut reader = Cursor::new(sample).chain(rest);
    let plan = FlatGeobufFile::read(&mut reader, origin, options)?;
    plan.all(reader)
}

/// A source that reads the FlatGeobuf file at a path. If the option `within` is set and the file
/// has an index, only the features in that box are read.
pub(crate) fn file(
    path: &Path,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let open = || {
        let file = File::open(path).map_err(|source| LoadError::Open {
            file: origin.file(),
            source,
        })?;
        Ok(BufferedSeek::new(origin.counted(file)))
    };
    stored(&open, origin.clone(), options)
}

/// A source that reads a FlatGeobuf file. `open` returns a new reader of the file, which may be
/// local or remote.
pub(crate) fn stored<R: Read + Seek + Send + 'static>(
    open: &dyn Fn() -> Result<R, LoadError>,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let mut reader = open()?;
    let plan = FlatGeobufFile::read(&mut reader, origin, options)?;
    match options.within.filter(|_| plan.can_search) {
        Some(within) => plan.part(reader, open()?, within),
        None => plan.all(reader),
    }
}

/// An opened FlatGeobuf file, with its header and the choice of columns.
struct FlatGeobufFile {
    opening: RecordSourceBuilder,
    layout: Layout,
    /// The offset in the file, in bytes, of the index, which comes directly after the header.
    start: u64,
    index: Option<PackedRTree>,
    /// True if the index can be searched for a box of longitudes and latitudes.
    can_search: bool,
    /// The number of features that the header states; 0 if it states none.
    promised: u64,
}

impl FlatGeobufFile {
    fn read(
        reader: &mut dyn Read,
        origin: Origin,
        options: &LoadOptions,
    ) -> Result<Self, LoadError> {
        let file = origin.file();
        let bytes = header(reader).map_err(|error| unreadable(&origin, "header", error))?;
        let header = size_prefixed_root_as_header(&bytes)
            .map_err(|error| damaged(&origin, "header", error))?;
        let crs = match options.srid {
            Some(_) if header.crs().is_none() => Crs::unstated(options, &file)?,
            _ => {
                Crs::refuse_option(options, &file, "its header")?;
                system(&header, &file)?
            }
        };
        let names = header.columns();
        let names = names.map(|columns| columns.iter().map(|c| c.name().to_owned()));
        let seen: Vec<String> = names.into_iter().flatten().collect();
        let geometries = Geometries {
            column: None,
            why: "positions from the geometries".to_owned(),
        };
        let found = resolve(seen, Names::Typed, options, Some(geometries), &file)?;
        let promised = header.features_count();
        let index = PackedRTree::new(promised, header.index_node_size())
            .map_err(|error| unreadable(&origin, "index", error))?;
        Ok(Self {
            can_search: index.is_some() && in_one_turn(&header) && matches!(crs, Crs::LonLat),
            layout: Layout::new(&header, found.weight),
            start: 8 + bytes.len() as u64,
            index,
            promised,
            opening: RecordSourceBuilder::new(origin, found, crs, options),
        })
    }

    /// A source of all features of the file.
    fn all(self, mut reader: impl Read + Send + 'static) -> Result<Box<dyn Source>, LoadError> {
        let skipped = self.index.as_ref().map_or(0, PackedRTree::bytes);
        let promised = self.promised;
        self.start(move |layout, origin, sink| {
            io::copy(&mut (&mut reader).take(skipped), &mut io::sink())
                .map_err(|error| unreadable(origin, "index", error))?;
            let mut features = Features::new(reader, layout, origin);
            let mut number = 0u64;
            while promised == 0 || number < promised {
                number += 1;
                if !features.next(&format_args!("record {number}"), sink)? {
                    if number <= promised {
                        let message = format!("{promised} features were promised");
                        return Err(damaged(origin, format!("record {number}"), message).into());
                    }
                    break;
                }
            }
            Ok(())
        })
    }

    /// A source of the features that the index finds in the box `within`. `features` and `nodes`
    /// are two readers of the file: one reads the features, the other the nodes of the index.
    fn part<R: Read + Seek + Send + 'static>(
        self,
        features: R,
        mut nodes: R,
        within: LonLatBox,
    ) -> Result<Box<dyn Source>, LoadError> {
        let (Some(index), start) = (self.index.clone(), self.start) else {
            return self.all(features);
        };
        let [west, south, east, north] = within.edges();
        // A box that crosses ±180° has two parts. For such a box the index is searched at all
        // longitudes.
        let (west, east) = if west < -180.0 || east > 180.0 {
            (-180.0, 180.0)
        } else {
            (west, east)
        };
        self.start(move |layout, origin, sink| {
            let first = start + index.bytes();
            let mut features = Features::new(features, layout, origin);
            let mut found = |offset: u64| -> Result<(), ReadFailure> {
                let place = first
                    .checked_add(offset)
                    .ok_or_else(|| damaged(origin, "index", "it names a place beyond all files"))?;
                features
                    .go_to(SeekFrom::Start(place))
                    .map_err(|error| unreadable(origin, "index", error))?;
                if features.next(&format_args!("the feature at byte {place}"), sink)? {
                    return Ok(());
                }
                Err(damaged(
                    origin,
                    "index",
                    "it names a place beyond the end of the file",
                )
                .into())
            };
            let bounds = [west, south, east, north];
            index.search(&mut nodes, start, bounds, origin, &mut found)
        })
    }

    fn start(
        self,
        read: impl FnOnce(Layout, &Origin, &mut RecordSink) -> Result<(), ReadFailure> + Send + 'static,
    ) -> Result<Box<dyn Source>, LoadError> {
        let (layout, origin) = (self.layout, self.opening.origin.clone());
        let reader: RecordReader = Box::new(move |sink| read(layout, &origin, sink));
        self.opening.start(vec![reader])
    }
}

/// Reads the size of the header and the header itself, and returns the bytes of both.
fn header(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let bad = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    let mut magic = [0; 8];
    reader.read_exact(&mut magic)?;
    if !matches!(magic, [b'f', b'g', b'b', 3, b'f', b'g', b'b', _]) {
        return bad("it doesn't begin as FlatGeobuf of version 3 does".to_owned());
    }
    let mut size = [0; 4];
    reader.read_exact(&mut size)?;
    let length = u32::from_le_bytes(size);
    // The library needs a header of at least 8 bytes.
    if !(8..=HEADER).contains(&length) {
        return bad(format!("{length} bytes can't be"));
    }
    let mut bytes = size.to_vec();
    if reader.take(length.into()).read_to_end(&mut bytes)? < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Returns whether the header states that all longitudes of the file are within ±180°.
fn in_one_turn(header: &Header<'_>) -> bool {
    let envelope: Vec<f64> = header.envelope().iter().flat_map(|e| e.iter()).collect();
    match envelope.as_slice() {
        &[west, _, east, ..] => west >= -180.0 && east <= 180.0,
        _ => false,
    }
}

/// The coordinate system that the header states; longitude and latitude if it states none.
fn system(header: &Header<'_>, file: &str) -> Result<Crs, LoadError> {
    let Some(crs) = header.crs() else {
        return Ok(Crs::LonLat);
    };
    let ours = crs.org().is_none_or(|org| org.eq_ignore_ascii_case("EPSG"));
    let words = [crs.wkt(), crs.code_string()];
    let definition = words.into_iter().flatten().find(|text| !text.is_empty());
    match (u32::try_from(crs.code()), definition) {
        // If the EPSG number isn't known, the definition beside it may still be read.
        (Ok(code @ 1..), definition) if ours => Crs::from_epsg(code, file).or_else(|error| {
            let known = definition.map(|text| Crs::from_wkt(text, file));
            known.and_then(Result::ok).ok_or(error)
        }),
        (_, Some(definition)) => Crs::from_wkt(definition, file),
        (Ok(0), None) if crs.name().is_none_or(str::is_empty) => Ok(Crs::LonLat),
        (code, None) => {
            let org = crs.org().unwrap_or("EPSG");
            let name = crs.name().unwrap_or_default();
            Err(LoadError::UnknownCrs {
                file: file.to_owned(),
                system: format!("{} {org}:{}", shown(name.as_bytes()), code.unwrap_or(0)),
            })
        }
    }
}
