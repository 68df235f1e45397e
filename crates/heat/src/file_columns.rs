//! The columns of an opened file: their texts, zone maps and values.

use crate::bytes::{ByteReader, has_crc};
use crate::column_page::ZoneMap;
use crate::columns::{BlobPlace, ColumnForm, ColumnRecord, split_words};
use crate::error::HeatError;
use crate::file::HeatFile;
use crate::group::Scratch;
use crate::pages::{Page, StreamNumber};
use crate::retry::read_vec;
use heatsplat_points::Point;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A column beside the points of a file: a value for each point.
#[derive(Debug)]
pub struct FileColumn {
    pub(crate) record: ColumnRecord,
    pub(crate) stream: StreamNumber,
    words: OnceLock<Vec<Box<[u8]>>>,
}

impl FileColumn {
    pub(crate) fn new(record: ColumnRecord, stream: StreamNumber) -> Self {
        Self {
            record,
            stream,
            words: OnceLock::new(),
        }
    }

    /// Returns the name of the column.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Returns the description of the column's values.
    pub fn form(&self) -> &ColumnForm {
        &self.record.form
    }
}

impl HeatFile {
    /// Returns the columns beside the points.
    pub fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    /// Returns the number of points in each page of points but the last. Page n of a column has the
    /// values of the points in page n of the points.
    pub fn page_points(&self) -> u64 {
        u64::from(self.header.page_entries)
    }

    /// Returns the different texts of a column. Value 1 stands for the first one, 2 for the second
    /// one, and so on; 0 stands for no value. The first call reads the texts from the file.
    ///
    /// # Errors
    /// A [`HeatError`] if the texts can't be read or are damaged.
    pub fn column_words<'c>(&self, column: &'c FileColumn) -> Result<&'c [Box<[u8]>], HeatError> {
        if let Some(words) = column.words.get() {
            return Ok(words);
        }
        let part = || format!("the texts of column \"{}\"", column.name());
        let bytes = self.blob(column.record.texts, part)?;
        let words = split_words(&bytes, column.record.words);
        let words = words.ok_or_else(|| self.pages.damaged(part()))?;
        Ok(column.words.get_or_init(|| words))
    }

    /// Reads the zone maps of a column, one for each page of points.
    ///
    /// # Errors
    /// A [`HeatError`] if they can't be read or are damaged.
    pub fn column_zones(&self, column: &FileColumn) -> Result<Vec<ZoneMap>, HeatError> {
        let part = || format!("the zone maps of column \"{}\"", column.name());
        let bytes = self.blob(column.record.zones, part)?;
        let mut from = ByteReader::new(&bytes);
        Ok(std::iter::from_fn(|| ZoneMap::read(&mut from)).collect())
    }

    /// Returns the values of a column on some pages, one page behind the other. Pages that are not
    /// in the cache are read together. `pages` are counted from 0.
    ///
    /// # Errors
    /// A [`HeatError`] if a page can't be read or is damaged.
    pub fn column_pages(&self, column: &FileColumn, pages: &[u64]) -> Result<Vec<u64>, HeatError> {
        let len = self.page_points() as usize;
        let mut values = Vec::with_capacity(pages.len() * len);
        for page in self.fetched(column.stream, pages)? {
            if let Page::Column(page) = &*page {
                page.append(0..len, &mut values);
            }
        }
        Ok(values)
    }

    /// Returns the points of some pages, one page behind the other. Pages that are not in the cache
    /// are read together. `pages` are counted from 0.
    ///
    /// # Errors
    /// A [`HeatError`] if a page can't be read or is damaged.
    pub fn point_pages(&self, pages: &[u64]) -> Result<Vec<Point>, HeatError> {
        let Some(stream) = self.points else {
            return Ok(Vec::new());
        };
        let len = self.page_points() as usize;
        let mut points = Vec::with_capacity(pages.len() * len);
        let mut scratch = Scratch::default();
        for page in self.fetched(stream, pages)? {
            if let Page::Entries(page) = &*page {
                page.append_entries(0..len, &mut scratch, &mut points);
            }
        }
        Ok(points)
    }

    fn fetched(&self, stream: StreamNumber, pages: &[u64]) -> Result<Vec<Arc<Page>>, HeatError> {
        let address = |page: &u64| {
            let number = u32::try_from(*page);
            number
                .map(|page| (stream, page))
                .map_err(|_| self.pages.damaged("the table of pages"))
        };
        let addresses: Vec<_> = pages.iter().map(address).collect::<Result<_, _>>()?;
        self.pages.pages(&addresses)
    }

    /// Appends a column's values to `values`: the values of the points whose numbers in Z-order,
    /// counted from 0, are in `numbers`. Numbers beyond the last point are ignored.
    ///
    /// # Errors
    /// A [`HeatError`] if a page can't be read or is damaged.
    pub fn column_values(
        &self,
        column: &FileColumn,
        numbers: Range<u64>,
        values: &mut Vec<u64>,
    ) -> Result<(), HeatError> {
        let page_len = self.page_points();
        let end = numbers.end.min(self.header.points);
        let mut at = numbers.start;
        while at < end {
            let (page, within) = ((at / page_len) as u32, (at % page_len) as usize);
            let count = (end - at).min(page_len - at % page_len);
            let fetched = self.pages.page(column.stream, page)?;
            if let Page::Column(page) = &*fetched {
                page.append(within..within + count as usize, values);
            }
            at += count;
        }
        Ok(())
    }

    fn blob(&self, place: BlobPlace, part: impl Fn() -> String) -> Result<Vec<u8>, HeatError> {
        let source = self.pages.source();
        let bytes = match place.bytes {
            // There is no range of no bytes to ask for at an address.
            0 => Ok(Vec::new()),
            len => read_vec(source, place.offset, len as usize),
        };
        let bytes = bytes.map_err(|error| HeatError::Read {
            name: source.name().to_owned(),
            source: error,
        })?;
        match has_crc(&bytes, place.crc) {
            true => Ok(bytes),
            false => Err(self.pages.damaged(part())),
        }
    }
}
