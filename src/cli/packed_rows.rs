//! The rows of packed files, which are read page by page: for filters of requests, and as a source
//! like any other where only some of them are wanted.

use super::error::BoxError;
use super::packed::PackedSource;
use heatsplat::packed::{self, DEFAULT_FILTER_LIMIT};
use heatsplat_heat::PageCache;
use heatsplat_loader::{Columns, LoadOptions, Source, read_paged, shown_source};
use std::sync::{Arc, OnceLock};

/// The limit, in bytes, of the cache of pages of a file whose rows are read as a source. They are
/// read in order, so few pages are needed twice. A choice.
const ROWS_CACHE: u64 = 16 << 20;

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
        let table = packed::paged_table(&packed.file, &options.time_formats, u64::MAX)?;
        let about = Columns::of_packed(packed::weight_column(&packed.file), packed.summary());
        let bytes = packed.file.bytes();
        Ok(read_paged(table, name, about, &options, bytes)?)
    }
}
