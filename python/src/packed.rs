//! Packed files, `.heat`, as data: the points stay in the file, and pages of them are read when a
//! picture needs them.

use heatsplat::Points;
use heatsplat::heat::{HeatError, HeatFile, PageCache};
use heatsplat::loader::Table;
use heatsplat::packed::{self, DEFAULT_FILTER_LIMIT, DEFAULT_PAGE_CACHE};
use heatsplat::points::ReadError;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A packed file.
pub(crate) struct PackedFile(Arc<HeatFile>);

impl PackedFile {
    /// Opens a packed file. The pages of all files have one cache, with the program's limit.
    pub(crate) fn open(path: &str) -> Result<Self, HeatError> {
        static PAGES: OnceLock<Arc<PageCache>> = OnceLock::new();
        let pages = PAGES.get_or_init(|| Arc::new(PageCache::new(DEFAULT_PAGE_CACHE)));
        HeatFile::open(Path::new(path), pages).map(|file| Self(Arc::new(file)))
    }

    pub(crate) fn points(&self) -> Points {
        Points::from_paged(Arc::clone(&self.0) as _)
    }

    /// The name of the column that the weights are from: see [`packed::weight_column`].
    pub(crate) fn weight(&self) -> Option<String> {
        packed::weight_column(&self.0)
    }

    /// The table of the file's columns, whose rows are read when points are filtered.
    pub(crate) fn table(&self) -> Result<Table, ReadError> {
        packed::filter_table(&self.0, &[], DEFAULT_FILTER_LIMIT)
    }
}
