//! Columns of files that were opened.

use crate::bytes::{ByteReader, has_crc};
use crate::column_page::Zone;
use crate::columns::{BlobPlace, ColumnForm, ColumnRecord, split_words};
use crate::error::HeatError;
use crate::file::HeatFile;
use crate::pages::{Page, StreamNumber};
use crate::retry::read_vec;
use std::ops::Range;
use std::sync::OnceLock;

/// Column beside the points of a file.
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

    /// Name of the column.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Description of its values.
    pub fn form(&self) -> &ColumnForm {
        &self.record.form
    }
}

impl HeatFile {
    /// Columns beside the points.
    pub fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    /// Number of points in a page of points, and of their values in a page of a column.
    pub fn page_points(&self) -> u64 {
        u64::from(self.header.page_entries)
    }

    /// Different texts of a column, of which value v is the number v − 1. They are read when they
    /// are first asked for.
    ///
    /// # Errors
    /// A [`HeatError`] if they can't be read or are damaged.
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

    /// Zone maps of a column, one for each page of points. They are read when they are first asked
    /// for.
    ///
    /// # Errors
    /// A [`HeatError`] if they can't be read or are damaged.
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

    /// Appends the values of the points with some numbers in Z-order to `values`.
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
