//! Packed files, `.heat`, as sources: their points stay in the file, and pages of them are read
//! when a picture needs them.

use super::error::BoxError;
#[cfg(feature = "remote")]
use super::remote_source::RemoteSource;
use heatsplat::Points;
use heatsplat::packed::{self, DEFAULT_PAGE_CACHE};
use heatsplat::points::ReadError;
use heatsplat::render::Radius;
use heatsplat_heat::{HeatFile, PageCache, PageCounters};
use heatsplat_loader::{StoredColumn, Table, is_remote, shown_source};
use indicatif::HumanCount;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// The cache of the pages of all files of the process.
static PAGES: OnceLock<Arc<PageCache>> = OnceLock::new();

/// Sets the limit of the cache of pages, in bytes. A call has an effect only if no file was opened
/// before it.
pub(super) fn limit_page_cache(bytes: u64) {
    PAGES.get_or_init(|| Arc::new(PageCache::new(bytes)));
}

fn page_cache() -> &'static Arc<PageCache> {
    PAGES.get_or_init(|| Arc::new(PageCache::new(DEFAULT_PAGE_CACHE)))
}

/// The counters of the cache of pages.
pub(super) fn page_counters() -> PageCounters {
    PAGES
        .get()
        .map(|pages| pages.counters())
        .unwrap_or_default()
}

/// Tests whether a source has the name of a packed file.
pub(super) fn is_named_packed(source: &str) -> bool {
    packed::is_named_packed(&shown_source(source))
}

/// Tests whether a source is a packed file: at an address by its name, on this machine as
/// [`packed::is_packed_file`] does.
pub(super) fn is_packed(source: &str) -> bool {
    match is_remote(source) {
        true => is_named_packed(source),
        false => packed::is_packed_file(source),
    }
}

/// A packed file that was opened as a source.
pub(super) struct PackedSource {
    pub(super) file: Arc<HeatFile>,
    /// A flag that becomes true when a read finds that the file has changed at its address; `None`
    /// for files of this machine.
    pub(super) changed: Option<Arc<AtomicBool>>,
}

impl PackedSource {
    /// Opens a packed file. Of the file only its first kilobytes are read.
    ///
    /// # Errors
    /// The file can't be read, or is damaged.
    pub(super) fn open(source: &str) -> Result<Self, BoxError> {
        Self::open_with(source, page_cache())
    }

    /// Opens a packed file, of this machine or at an address, whose pages go into `cache`.
    ///
    /// # Errors
    /// The file can't be read, or is damaged.
    pub(super) fn open_with(source: &str, cache: &Arc<PageCache>) -> Result<Self, BoxError> {
        let (file, changed) = match is_remote(source) {
            true => open_remote(source, cache)?,
            false => (HeatFile::open(Path::new(source), cache)?, None),
        };
        Ok(Self {
            file: Arc::new(file),
            changed,
        })
    }

    /// The points of the file, which are read when they are drawn.
    pub(super) fn points(&self) -> Points {
        Points::from_paged(Arc::clone(&self.file) as _)
    }

    /// The radius that was fitted to the points when they were packed; `None` if the file states
    /// none.
    pub(super) fn radius(&self) -> Option<Radius> {
        self.file.metadata().radius.as_ref()?.parse().ok()
    }

    /// The file's columns as a table without rows; `None` if the file has no columns.
    pub(super) fn columns(&self) -> Result<Option<Table>, BoxError> {
        match self.file.columns() {
            [] => Ok(None),
            _ => Ok(Some(self.table(0..0)?)),
        }
    }

    /// The values of the file's columns for the points `numbers`, counted from 0 in Z-order, as a
    /// table.
    pub(super) fn table(&self, numbers: Range<u64>) -> Result<Table, ReadError> {
        let mut columns = Vec::new();
        for column in self.file.columns() {
            let mut values = Vec::new();
            self.file
                .column_values(column, numbers.clone(), &mut values)?;
            let mut stored = StoredColumn {
                form: packed::column_form(&self.file, column)?,
                words: Vec::new(),
                values,
            };
            if !self.file.column_words(column)?.is_empty() {
                stored.take_words(self.file.column_words(column)?);
            }
            columns.push((column.name().to_owned(), stored));
        }
        let table = Table::from_stored(columns, &[]);
        table.ok_or_else(|| ReadError::new(format!("a column of {} is damaged", self.file.name())))
    }

    /// A description of the file in one line: the numbers of its points and pages, its bytes for
    /// each point, and the names of what else it has. For example `1,000 points in 3 pages, 7.2
    /// bytes a point, with counts`.
    pub(super) fn summary(&self) -> String {
        let file = &self.file;
        format!(
            "{} points in {} pages, {:.1} bytes a point{}",
            HumanCount(file.summary().count as u64),
            HumanCount(file.pages_len()),
            file.bytes() as f64 / file.summary().count.max(1) as f64,
            self.extras()
        )
    }
}

impl PackedSource {
    /// The end of [`summary`](Self::summary): everything that the file has beside points and
    /// weights, which is a counting index and columns.
    fn extras(&self) -> String {
        let mut text = String::new();
        if self.file.has_counts() {
            text.push_str(", with counts");
        }
        let columns = self.file.columns().iter();
        let columns = columns.map(|c| format!("\"{}\" ({})", c.name(), c.form().kind));
        let columns: Vec<String> = columns.collect();
        if !columns.is_empty() {
            text += &format!(", with columns {}", columns.join(", "));
        }
        text
    }
}

/// A packed file at an address, and the flag that becomes true when it has changed there.
type RemotePacked = (HeatFile, Option<Arc<AtomicBool>>);

#[cfg(feature = "remote")]
fn open_remote(address: &str, cache: &Arc<PageCache>) -> Result<RemotePacked, BoxError> {
    let source = RemoteSource::open(address)?;
    let changed = source.changed();
    let file = HeatFile::from_source(Box::new(source), cache)?;
    Ok((file, Some(changed)))
}

#[cfg(not(feature = "remote"))]
fn open_remote(address: &str, _cache: &Arc<PageCache>) -> Result<RemotePacked, BoxError> {
    Err(without_remote(address))
}

/// The error for an address that can't be read, since the feature `remote` is missing. Its message
/// is the loader's.
#[cfg(not(feature = "remote"))]
pub(super) fn without_remote(address: &str) -> BoxError {
    match heatsplat_loader::open(address, &heatsplat_loader::LoadOptions::default()) {
        Err(error) => error.into(),
        Ok(_) => shown_source(address).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_files_are_known_by_their_first_bytes() {
        let folder = std::env::temp_dir().join(format!("packed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            path.to_string_lossy().into_owned()
        };
        assert!(is_packed(&path("a.csv", b"\x89HEAT\r\n\x1a and more")));
        assert!(is_packed(&path("b.heat", b"\x89HEAT\n\x1a\0 and more")));
        assert!(!is_packed(&path("b.csv", b"\x89HEAT\n\x1a\0 and more")));
        assert!(!is_packed(&path("text.heat", b"lon,lat\n1,2\n")));
        assert!(!is_packed(&path("c.csv", b"\x89HEAT")));
        assert!(!is_packed(&folder.join("absent.heat").to_string_lossy()));
        assert!(is_packed("https://host/a.heat?sig=b.csv") && is_packed("s3://bucket/a.heat"));
        assert!(!is_packed("https://host/a.csv?name=b.heat") && !is_packed("s3://bucket/a.csv"));
        assert!(!is_packed(&folder.to_string_lossy()) && !is_packed("-"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
