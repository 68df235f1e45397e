//! Packed files (`.heat`) as data sets: their points stay in the file, and their columns are a
//! table, by which the points are filtered.
//!
//! ```no_run
//! use heatsplat::heat::{HeatFile, PageCache};
//! use heatsplat::{Points, packed};
//! use std::sync::Arc;
//!
//! let cache = Arc::new(PageCache::new(packed::DEFAULT_PAGE_CACHE));
//! let file = Arc::new(HeatFile::open("quakes.heat".as_ref(), &cache)?);
//! let points = Points::from_paged(Arc::clone(&file) as _);
//! let columns = packed::filter_table(&file, &[], packed::DEFAULT_FILTER_LIMIT)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use heatsplat_heat::{FileColumn, HeatFile, MAGIC, ZoneMap};
use heatsplat_loader::{PagedRows, RowZone, StoredForm, Table, TimeFormat, UnreadColumn};
use heatsplat_points::paged::PagedIndex as _;
use heatsplat_points::{Point, Quad, ReadError};
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The number of bytes at the beginning of a file by which it is recognised as a packed file. In a
/// packed file some of them are zeros, which a text doesn't have.
const BEGINNING: u64 = 64;

/// The limit of the cache of pages that the program sets by default, in bytes. About 37 million
/// points, packed, fit into it.
pub const DEFAULT_PAGE_CACHE: u64 = 256 << 20;

/// The largest number of points that a filter of a packed file may select in the program by
/// default: a choice. These points take 180 MB of memory, and 300 MB while they are being selected.
pub const DEFAULT_FILTER_LIMIT: u64 = 10_000_000;

/// Tests whether a name has the ending of packed files, `.heat`.
pub fn is_named_packed(name: &str) -> bool {
    let ending = Path::new(name).extension();
    ending.is_some_and(|ending| ending == "heat")
}

/// Tests whether a path of this machine is a packed file: it begins as packed files do, or it has
/// the ending `.heat` and is no text; then its beginning is damaged.
pub fn is_packed_file(path: &str) -> bool {
    let (is_named, path) = (is_named_packed(path), Path::new(path));
    let mut first = Vec::new();
    let mut read = |file: File| file.take(BEGINNING).read_to_end(&mut first).is_ok();
    // A pipe is not looked into: its bytes can be read only once.
    path.metadata().is_ok_and(|kind| kind.is_file())
        && File::open(path).is_ok_and(&mut read)
        && (first.starts_with(&MAGIC) || is_named && first.contains(&0))
}

/// The name of the column that the weights of a packed file are from. `None` if no column gave
/// weights, or if columns of different names did, in several sources.
pub fn weight_column(file: &HeatFile) -> Option<String> {
    let sources = file.metadata().other.get("sources")?.as_array()?;
    let mut weights = sources.iter().map(|source| source.get("weight")?.as_str());
    let first = weights.next()??;
    weights
        .all(|other| other == Some(first))
        .then(|| first.to_owned())
}

/// The type of a column's values, and their spelling as texts in the source.
///
/// # Errors
/// This version doesn't know the type.
pub fn column_form(file: &HeatFile, column: &FileColumn) -> Result<StoredForm, ReadError> {
    let form = StoredForm::from_parts(&column.form().kind, &column.form().written);
    form.ok_or_else(|| {
        let (name, kind) = (column.name(), &column.form().kind);
        ReadError::new(format!(
            "{}: column \"{name}\" has the type {kind}, which this version of the program doesn't \
             know",
            file.name()
        ))
    })
}

/// Makes the table of a file's columns, by which its points can be filtered. If the file has no
/// columns, the table is empty. The rows stay in the file: here only the texts that columns
/// contain, and the zone maps (the least and greatest values of each page), are read. A filter
/// selects at most `most` points. `times` are the formats of times in filters.
///
/// # Errors
/// These parts of the file can't be read or are damaged, or the type of a column isn't known.
pub fn filter_table(
    file: &Arc<HeatFile>,
    times: &[TimeFormat],
    most: u64,
) -> Result<Table, ReadError> {
    match file.columns() {
        [] => Ok(Table::default()),
        _ => paged_table(file, times, most),
    }
}

/// Makes the table of a file's columns as [`filter_table`] does, but also of a file without
/// columns: its rows are then the points alone.
///
/// # Errors
/// Those of [`filter_table`].
pub fn paged_table(
    file: &Arc<HeatFile>,
    times: &[TimeFormat],
    most: u64,
) -> Result<Table, ReadError> {
    let mut columns = Vec::new();
    for column in file.columns() {
        columns.push(UnreadColumn {
            name: column.name().to_owned(),
            form: column_form(file, column)?,
            words: file.column_words(column)?.to_vec(),
        });
    }
    Table::from_paged(columns, Arc::new(FileRows(Arc::clone(file))), times, most)
}

/// The rows of a packed file.
#[derive(Debug)]
struct FileRows(Arc<HeatFile>);

impl FileRows {
    fn column(&self, number: usize) -> Result<&FileColumn, ReadError> {
        let missing = || ReadError::new(format!("{}: a column is missing", self.0.name()));
        self.0.columns().get(number).ok_or_else(missing)
    }
}

impl PagedRows for FileRows {
    fn rows(&self) -> u64 {
        self.0.summary().count as u64
    }

    fn page_rows(&self) -> u64 {
        self.0.page_points()
    }

    fn zones(&self, column: usize) -> Result<Vec<RowZone>, ReadError> {
        let zone = |zone: ZoneMap| RowZone {
            least: zone.least,
            greatest: zone.greatest,
            nulls: zone.nulls,
            bits: zone.bits,
        };
        let zones = self.0.column_zones(self.column(column)?)?;
        Ok(zones.into_iter().map(zone).collect())
    }

    fn values(&self, column: usize, pages: &[u64]) -> Result<Vec<u64>, ReadError> {
        Ok(self.0.column_pages(self.column(column)?, pages)?)
    }

    fn points(&self, pages: &[u64]) -> Result<Vec<Point>, ReadError> {
        Ok(self.0.point_pages(pages)?)
    }

    fn quad_rows(&self, quad: Quad) -> Result<Range<u64>, ReadError> {
        self.0.quad_range(quad)
    }

    fn is_remote(&self) -> bool {
        self.0.is_remote()
    }
}
