//! Packed files, `.heat`, as data: the points stay in the file, and pages of them are read when a
//! picture needs them.

use heatsplat::Points;
use heatsplat::heat::{FileColumn, HeatError, HeatFile, MAGIC, PageCache, ZoneMap};
use heatsplat::loader::{PagedRows, RowZone, StoredForm, Table, UnreadColumn};
use heatsplat::points::paged::PagedIndex as _;
use heatsplat::points::{Point, Quad, ReadError};
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The limit of the cache of pages of all files, in bytes: that of the program.
const PAGE_CACHE: u64 = 256 << 20;

/// The largest number of points of a file that a filter may select: that of the program.
const FILTER_LIMIT: u64 = 10_000_000;

/// Tests whether a source is a packed file: a file that begins as packed files do, or one whose
/// name ends in `.heat` and that is no text.
pub(crate) fn is_packed(source: &str) -> bool {
    let path = Path::new(source);
    let is_named = path.extension().is_some_and(|ending| ending == "heat");
    let mut first = Vec::new();
    let mut read = |file: File| file.take(64).read_to_end(&mut first).is_ok();
    // A pipe is not looked into: its bytes can be read only once.
    path.metadata().is_ok_and(|kind| kind.is_file())
        && File::open(path).is_ok_and(&mut read)
        && (first.starts_with(&MAGIC) || is_named && first.contains(&0))
}

/// A packed file.
pub(crate) struct PackedFile(Arc<HeatFile>);

impl PackedFile {
    pub(crate) fn open(path: &str) -> Result<Self, HeatError> {
        static PAGES: OnceLock<Arc<PageCache>> = OnceLock::new();
        let pages = PAGES.get_or_init(|| Arc::new(PageCache::new(PAGE_CACHE)));
        HeatFile::open(Path::new(path), pages).map(|file| Self(Arc::new(file)))
    }

    pub(crate) fn points(&self) -> Points {
        Points::from_paged(Arc::clone(&self.0) as _)
    }

    /// The name of the column that the weights are from; `None` if there is none, or if columns of
    /// different names gave weights.
    pub(crate) fn weight(&self) -> Option<String> {
        let sources = self.0.metadata().other.get("sources")?.as_array()?;
        let mut weights = sources.iter().map(|source| source.get("weight")?.as_str());
        let first = weights.next()??;
        weights
            .all(|other| other == Some(first))
            .then(|| first.to_owned())
    }

    /// The table of the file's columns, whose rows are read when points are filtered.
    pub(crate) fn table(&self) -> Result<Table, ReadError> {
        let column = |column: &FileColumn| {
            let form = StoredForm::from_parts(&column.form().kind, &column.form().written);
            let unknown = || {
                ReadError::new(format!(
                    "column \"{}\" has a type that this version doesn't know",
                    column.name()
                ))
            };
            Ok(UnreadColumn {
                name: column.name().to_owned(),
                form: form.ok_or_else(unknown)?,
                words: self.0.column_words(column)?.to_vec(),
            })
        };
        let columns: Vec<UnreadColumn> = self
            .0
            .columns()
            .iter()
            .map(column)
            .collect::<Result<_, ReadError>>()?;
        if columns.is_empty() {
            return Ok(Table::default());
        }
        Table::from_paged(
            columns,
            Arc::new(FileRows(Arc::clone(&self.0))),
            &[],
            FILTER_LIMIT,
        )
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
