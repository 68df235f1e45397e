//! Reading of Parquet files:
//!
//! - GeoParquet 1.0 or 1.1, with points in well-known binary or in native form;
//! - files with columns of Parquet's types GEOMETRY or GEOGRAPHY;
//! - plain Parquet with columns of longitude and latitude.
//!
//! Only the columns in use are read, and several threads read row groups.

mod geometries;
mod pages;

use super::arrow::columns::{ColumnProjection, note_whole, whole_columns};
use super::{ReadFailure, RecordReader, RecordSink, RecordSourceBuilder, damaged};
use crate::columns::Schema;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::input::Origin;
use crate::options::LoadOptions;
use crate::places::{EXAMINED, PlaceColumn, PlaceColumnError, PlaceSample, is_wanted};
use crate::source::Source;
use geometries::{CoveringPaths, find};
use heatsplat_points::LonLatBox;
use pages::{CheckedPages, CountingFile};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;
use parquet::file::statistics::Statistics;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The most rows that one thread decodes by one call of the library: a choice. Each thread reads
/// row groups of its own.
const ROWS: usize = 1 << 13;
/// The most bytes, uncompressed, of the rows that one thread decodes by one call: a choice, 8 MiB.
/// The number of these rows is this limit divided by the average size of a row in the row group,
/// but at most [`ROWS`].
const BYTES: u64 = 8 << 20;

/// The most threads that read row groups, a choice. More threads gain nothing, since a single
/// thread receives the batches of all.
const MOST_READERS: usize = 4;

/// A Parquet file, which may be local or remote.
pub(crate) trait ParquetFile:
    ChunkReader<T: Read + Send + 'static> + Clone + 'static
{
    /// Announces the ranges of the file that are read next, so that a remote file can fetch several
    /// with one request.
    fn expect(&self, _chunks: Vec<Range<u64>>) {}

    /// Returns the error of the last read, and forgets it. `None` if reading succeeded: if the
    /// library then reports an error, the data are wrong.
    fn trouble(&self) -> Option<io::Error> {
        None
    }
}

impl ParquetFile for CountingFile {}

/// A source that reads the Parquet file at a path.
pub(crate) fn source(
    path: &Path,
    mut origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let name = origin.file();
    let open = || {
        File::open(path).map_err(|source| LoadError::Open {
            file: name.clone(),
            source,
        })
    };
    origin.bytes_total = open()?.metadata().ok().map(|m| m.len());
    let counted = origin.clone();
    let open = || Ok(CountingFile::new(open()?, &counted));
    stored(&open, origin.clone(), options)
}

/// A source that reads a Parquet file. `open` returns a new reader of the file, which may be local
/// or remote.
pub(crate) fn stored<S: ParquetFile>(
    open: &dyn Fn() -> Result<S, LoadError>,
    origin: Origin,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let name = origin.file();
    let file = open()?;
    // The Arrow schema in the file is not needed here, and a damaged one would make the file
    // unreadable.
    let how = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = ArrowReaderMetadata::load(&file, how)
        .map_err(|error| failed(&file, &origin, "footer", error))?;
    // If options name columns of degrees, geometries and their coordinate system are not used.
    let by_degrees = options.lon.is_some() || options.lat.is_some();
    let geometries = match by_degrees {
        true => None,
        false => find(&metadata, options.geom.as_deref(), &origin)?,
    };
    let (geometry, crs, covering) = match geometries {
        Some(found) if found.column.is_plain => {
            let crs = Crs::unstated(options, &name)?;
            (Some(found.column), crs, None)
        }
        Some(found) => {
            Crs::refuse_option(options, &name, "its column of geometries")?;
            (Some(found.column), found.crs, found.covering)
        }
        None => (None, Crs::unstated(options, &name)?, None),
    };
    let mut crs = crs;
    let whole = match geometry.is_none() {
        true => whole_column(&file, &metadata, &origin, options)?,
        false => None,
    };
    let whole = match &whole {
        Some(column) => {
            let found = column.crs(options, &name)?;
            crs = found.0;
            Some((column, found.1))
        }
        None => None,
    };
    let (projection, columns) =
        ColumnProjection::resolve(metadata.schema(), geometry, whole, options, &name)?;
    check_packing(&metadata, &projection, &name)?;
    let paths = covering.unwrap_or_else(|| projection.covering_paths(metadata.schema()));
    let groups: Arc<[usize]> = groups_within(&metadata, options.within, &crs, &paths).into();
    let count = rayon::current_num_threads()
        .min(MOST_READERS)
        .min(groups.len())
        .max(1);
    let mut readers: Vec<RecordReader> = Vec::new();
    for first in 0..count {
        let part = RowGroupReader {
            // Each reader opens the file anew, since copies of a file handle share one position.
            file: open()?,
            metadata: metadata.clone(),
            projection: projection.clone(),
            origin: origin.clone(),
        };
        let groups = Arc::clone(&groups);
        readers.push(Box::new(move |sink| {
            for group in groups.iter().skip(first).step_by(count) {
                part.read(*group, sink)?;
            }
            Ok(())
        }));
    }
    RecordSourceBuilder::new(origin, columns, crs, options).start(readers)
}

/// Returns an error for a column in use whose compression the library doesn't support. The
/// library's own error would read as if the file were damaged.
fn check_packing(
    metadata: &ArrowReaderMetadata,
    projection: &ColumnProjection,
    file: &str,
) -> Result<(), LoadError> {
    let mask = ProjectionMask::roots(metadata.parquet_schema(), projection.all());
    let groups = metadata.metadata().row_groups().iter();
    let columns = groups.flat_map(|group| group.columns().iter().enumerate());
    let mut columns = columns.filter(|(at, _)| mask.leaf_included(*at));
    let unknown = |column: &ColumnChunkMetaData| match column.compression() {
        Compression::LZO => Some("LZO"),
        Compression::BROTLI(_) => Some("brotli"),
        _ => None,
    };
    match columns.find_map(|(_, column)| Some((column, unknown(column)?))) {
        None => Ok(()),
        Some((column, packing)) => Err(LoadError::Packed {
            file: file.to_owned(),
            column: crate::messages::shown(column.column_path().string().as_bytes()),
            packing: packing.to_owned(),
        }),
    }
}

/// The column of whole positions, by the first rows of the file. `None` if there is none, or if it
/// isn't wanted, since columns are called longitude and latitude.
fn whole_column<S: ParquetFile>(
    file: &S,
    metadata: &ArrowReaderMetadata,
    origin: &Origin,
    options: &LoadOptions,
) -> Result<Option<PlaceColumn>, LoadError> {
    let fields = metadata.schema().fields().iter();
    let seen: Vec<String> = fields.map(|field| field.name().clone()).collect();
    let columns = whole_columns(metadata.schema());
    if !is_wanted(&seen, options) || (columns.is_empty() && options.geom.is_none()) {
        return Ok(None);
    }
    let name = origin.file();
    let refused = |error: PlaceColumnError| {
        error.into_load_error(Schema {
            names: &seen,
            file: &name,
        })
    };
    let mut sample = PlaceSample::new(&seen, options).map_err(refused)?;
    let mut left = EXAMINED;
    for (number, group) in metadata.metadata().row_groups().iter().enumerate() {
        if left == 0 {
            break;
        }
        let place = || format!("row group {}", number + 1);
        let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(
            CheckedPages::new(file, group),
            metadata.clone(),
        )
        .with_batch_size(rows_at_a_time(group, &mask))
        .with_projection(mask)
        .with_row_groups(vec![number])
        .with_limit(left)
        .build()
        .map_err(|error| failed(file, origin, place(), error))?;
        for batch in batches {
            let batch = batch.map_err(|error| failed(file, origin, place(), error))?;
            left = left.saturating_sub(batch.num_rows());
            note_whole(&mut sample, &batch, columns.iter().copied());
        }
    }
    sample.find().map_err(refused)
}

/// A reader of row groups, for one thread.
struct RowGroupReader<S> {
    file: S,
    metadata: ArrowReaderMetadata,
    projection: ColumnProjection,
    origin: Origin,
}

impl<S: ParquetFile> RowGroupReader<S> {
    fn read(&self, group: usize, sink: &mut RecordSink) -> Result<(), ReadFailure> {
        let groups = self.metadata.metadata().row_groups();
        let before = groups
            .iter()
            .take(group)
            .map(|g| g.num_rows().max(0) as u64);
        sink.at_record(before.sum());
        let place = || format!("row group {}", group + 1);
        let row_group = groups
            .get(group)
            .ok_or_else(|| damaged(&self.origin, place(), "it is not there"))?;
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), self.projection.all());
        self.file.expect(chunks(row_group, &mask));
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(
            CheckedPages::new(&self.file, row_group),
            self.metadata.clone(),
        )
        .with_batch_size(rows_at_a_time(row_group, &mask))
        .with_projection(mask)
        .with_row_groups(vec![group])
        .build()
        .map_err(|error| failed(&self.file, &self.origin, place(), error))?;
        let projection = self.projection.projected();
        for batch in batches {
            let batch = batch.map_err(|error| failed(&self.file, &self.origin, place(), error))?;
            projection.read_rows(&batch, sink)?;
        }
        Ok(sink.end_turn()?)
    }
}

/// The ranges in the file of those columns of a row group that are read. A column whose stated
/// offset or length is negative is left out; the library reports the error when it reads the
/// column.
fn chunks(group: &RowGroupMetaData, mask: &ProjectionMask) -> Vec<Range<u64>> {
    let columns = group.columns().iter().enumerate();
    let wanted = columns.filter(|(at, _)| mask.leaf_included(*at));
    let range = |column: &ColumnChunkMetaData| {
        let first = column.data_page_offset();
        let start = column.dictionary_page_offset().unwrap_or(first).min(first);
        let start = u64::try_from(start).ok()?;
        let length = u64::try_from(column.compressed_size()).ok()?;
        Some(start..start.checked_add(length)?)
    };
    wanted.filter_map(|(_, column)| range(column)).collect()
}

/// The error if the library can't read a file: either reading the bytes failed, or the data are
/// wrong. The library returns only a text, `error`, in both cases, so `file` is asked whether a
/// read failed. `place` is the part of the file that messages name.
fn failed(
    file: &impl ParquetFile,
    origin: &Origin,
    place: impl ToString,
    error: impl ToString,
) -> LoadError {
    match file.trouble() {
        Some(error) => super::unreadable(origin, place, error),
        None => damaged(origin, place, error),
    }
}

/// The number of rows of a row group that a thread decodes by one call, as [`BYTES`] and [`ROWS`]
/// allow. It follows from the average size of a row in the columns `wanted`.
fn rows_at_a_time(group: &RowGroupMetaData, wanted: &ProjectionMask) -> usize {
    let columns = group.columns().iter().enumerate();
    let wanted = columns.filter(|(at, _)| wanted.leaf_included(*at));
    let bytes = wanted.map(|(_, column)| column.uncompressed_size().max(0) as u64);
    let of_a_row = bytes.fold(0, u64::saturating_add) / group.num_rows().max(1) as u64;
    ((BYTES / of_a_row.max(1)) as usize).clamp(1, ROWS)
}

/// The numbers, counted from 0, of the row groups that may have rows in the box `within`, by the
/// statistics in the footer; all row groups if there is no box. `paths` are the columns with the
/// least x, greatest x, least y and greatest y of a row.
fn groups_within(
    metadata: &ArrowReaderMetadata,
    within: Option<LonLatBox>,
    crs: &Crs,
    paths: &CoveringPaths,
) -> Vec<usize> {
    let all = metadata.metadata().row_groups();
    let (Some(within), Crs::LonLat) = (within, crs) else {
        return (0..all.len()).collect();
    };
    let may_hold = |group: &RowGroupMetaData| {
        let range = |path: &String| {
            let columns = group.columns().iter();
            let mut found = columns.filter(|column| column.column_path().string() == *path);
            extremes(found.next()?.statistics()?)
        };
        let [west, east, south, north] = paths.each_ref().map(range);
        match (west, east, south, north) {
            (Some(west), Some(east), Some(south), Some(north)) => {
                within.may_touch((west.0, east.1), (south.0, north.1))
            }
            _ => true,
        }
    };
    let groups = all.iter().enumerate();
    groups
        .filter(|(_, group)| may_hold(group))
        .map(|(at, _)| at)
        .collect()
}

/// The least and the greatest value of a column. `None` if the statistics state none, or if the
/// values are not floats.
fn extremes(statistics: &Statistics) -> Option<(f64, f64)> {
    match statistics {
        Statistics::Double(s) => Some((*s.min_opt()?, *s.max_opt()?)),
        Statistics::Float(s) => Some((f64::from(*s.min_opt()?), f64::from(*s.max_opt()?))),
        _ => None,
    }
}
