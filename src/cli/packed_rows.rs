//! The rows of packed files, which are read page by page: for filters of requests, and as a source
//! like any other where only some of them are wanted.

use super::error::BoxError;
use super::packed::PackedSource;
use heatsplat::Point;
use heatsplat::points::paged::PagedIndex as _;
use heatsplat::points::{Quad, ReadError};
use heatsplat_heat::{FileColumn, HeatFile, PageCache, ZoneMap};
use heatsplat_loader::{
    Columns, LoadOptions, PagedRows, RowZone, Source, StoredForm, Table, TimeFormat, UnreadColumn,
    read_paged, shown_source,
};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The limit, in bytes, of the cache of pages of a file whose rows are read as a source. They are
/// read in order, so few pages are needed twice. A choice.
const ROWS_CACHE: u64 = 16 << 20;

/// The default of the largest number of points that a filter of a packed file may select: a choice.
/// These points take 180 MB of memory, and 300 MB while they are being selected.
pub(super) const DEFAULT_FILTER_LIMIT: u64 = 10_000_000;

/// The largest number of points of a packed file that a filter may select.
static FILTER_LIMIT: OnceLock<u64> = OnceLock::new();

/// Sets the largest number of points of a packed file that a filter may select. A call has an
/// effect only if no file was opened before it.
pub(super) fn limit_filters(points: u64) {
    FILTER_LIMIT.get_or_init(|| points);
}

/// The largest number of points of a packed file that a filter may select.
pub(super) fn filter_limit() -> u64 {
    *FILTER_LIMIT.get_or_init(|| DEFAULT_FILTER_LIMIT)
}

impl PackedSource {
    /// Makes the table of the file's columns, by which its points can be filtered. If the file has
    /// no columns, the table is empty. The rows stay in the file: here only the texts that columns
    /// contain, and the zone maps (the least and greatest values of each page), are read. A filter
    /// selects at most `most` points. `times` are the formats of times in filters.
    ///
    /// # Errors
    /// These parts of the file can't be read or are damaged, or the type of a column isn't known.
    pub(super) fn filter_table(&self, times: &[TimeFormat], most: u64) -> Result<Table, BoxError> {
        match self.file.columns() {
            [] => Ok(Table::default()),
            _ => self.paged_table(times, most),
        }
    }

    /// Makes the table of the columns as [`filter_table`](Self::filter_table) does, also if there
    /// are none.
    fn paged_table(&self, times: &[TimeFormat], most: u64) -> Result<Table, BoxError> {
        let mut columns = Vec::new();
        for column in self.file.columns() {
            columns.push(UnreadColumn {
                name: column.name().to_owned(),
                form: self.form(column)?,
                words: self.file.column_words(column)?.to_vec(),
            });
        }
        let rows = FileRows(Arc::clone(&self.file));
        Ok(Table::from_paged(columns, Arc::new(rows), times, most)?)
    }

    /// Opens a packed file as a source of rows like any other: those that the filter and the box of
    /// `options` choose, with the columns to keep. With `keep_all` all columns are kept. `flag` is
    /// a flag that names a column; `None` if none does.
    ///
    /// # Errors
    /// The file can't be read, is damaged, or has no such columns; or the filter doesn't fit the
    /// columns' values.
    pub(super) fn open_rows(
        source: &str,
        mut options: LoadOptions,
        keep_all: bool,
        flag: Option<&str>,
    ) -> Result<Box<dyn Source>, BoxError> {
        let packed = Self::open_with(source, &Arc::new(PageCache::new(ROWS_CACHE)))?;
        let (name, columns) = (&*shown_source(source), packed.file.columns());
        if let (Some(flag), []) = (flag, columns) {
            return Err(format!(
                "{name}: {flag}: this packed file has no columns; keep some when it is packed \
                 (heatsplat pack --keep COLUMN), or read the original source"
            )
            .into());
        }
        if keep_all {
            options.keep = columns.iter().map(|c| c.name().to_owned()).collect();
        }
        let table = packed.paged_table(&options.time_formats, u64::MAX)?;
        let about = Columns::of_packed(packed.weight(), packed.summary());
        let bytes = packed.file.bytes();
        Ok(read_paged(table, name, about, &options, bytes)?)
    }

    /// The type of a column's values, and their spelling as texts in the source.
    ///
    /// # Errors
    /// This version of the program doesn't know the type.
    pub(super) fn form(&self, column: &FileColumn) -> Result<StoredForm, ReadError> {
        let form = StoredForm::from_parts(&column.form().kind, &column.form().written);
        form.ok_or_else(|| {
            let (name, kind) = (column.name(), &column.form().kind);
            ReadError::new(format!(
                "{}: column \"{name}\" has the type {kind}, which this version of the program doesn't \
                 know",
                self.file.name()
            ))
        })
    }
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
