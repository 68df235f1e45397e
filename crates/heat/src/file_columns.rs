//! The columns of an opened file: their texts, zone maps and values.

use crate::bytes::{ByteReader, has_crc};
use crate::column_page::Zone;
use crate::columns::{BlobPlace, ColumnForm, ColumnRecord, split_words};
use crate::error::HeatError;
use crate::file::HeatFile;
use crate::pages::{Page, StreamNumber};
use crate::retry::read_vec;
use std::ops::Range;
use std::sync::OnceLock;

/// A column beside the points of a file: a value for each point.
#[derive(Debug)]
pub struct FileColumn {
    pub(crate) record: ColumnRecord,
    pub(crate) stream: StreamNumber,
    zones: OnceLock<Vec<Zone>>,
    words: OnceLock<Vec<Box<[u8]>>>,
}

impl FileColumn {
    pub(crate) fn new(record: ColumnRecord, stream: StreamNumber) -> Self {
        Self {
            record,
            stream,
            zones: OnceLock::new(),
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

    /// Returns the number of points in each page of points but the last. A column's page has as
    /// many values.
    pub fn page_points(&self) -> u64 {
        u64::from(self.header.page_entries)
    }

    /// Returns the different texts of a column: value 1 stands for the first one, 2 for the second
    /// one, and so on. The first call reads them from the file.
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

    /// Returns the zone maps of a column: summaries of its values, one for each page. The first
    /// call reads them from the file.
    ///
    /// # Errors
    /// A [`HeatError`] if the zone maps can't be read or are damaged.
    pub fn column_zones<'c>(&self, column: &'c FileColumn) -> Result<&'c [Zone], HeatError> {
        if let Some(zones) = column.zones.get() {
            return Ok(zones);
        }
        let part = || format!("the zone maps of column \"{}\"", column.name());
        let bytes = self.blob(column.record.zones, part)?;
        let mut from = ByteReader::new(&bytes);
        let zones = std::iter::from_fn(|| Zone::read(&mut from)).collect();
        Ok(column.zones.get_or_init(|| zones))
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
        let bytes = read_vec(source, place.offset, place.bytes as usize);
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
