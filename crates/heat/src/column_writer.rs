//! Columns on their way to a file. Their values come together with the points. Their pages wait in
//! temporary files until all pages of the points are in the file, and are then copied behind these.

use crate::column_page::{ZoneMap, encode};
use crate::columns::{BlobPlace, ColumnForm, ColumnRecord, identity, join_words};
use crate::error::WriteError;
use crate::stream::{IntoHeatError as _, PageList, Spool};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// The number of pages of one column that are encoded at the same time, on all cores: a choice.
const AT_ONCE: usize = 32;

/// A column that is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct NewColumn {
    /// The name of the column.
    pub name: String,
    /// The description of the column's values: their type, and whether they are floats.
    pub form: ColumnForm,
    /// The different texts of the column: value 1 stands for the first one, 2 for the second one,
    /// and so on. Empty if the column has no texts.
    pub words: Vec<Box<[u8]>>,
}

/// The writer of all columns of a file.
#[derive(Debug)]
pub(crate) struct ColumnsWriter {
    page: usize,
    columns: Vec<ColumnStream>,
    rows: u64,
}

#[derive(Debug)]
struct ColumnStream {
    column: NewColumn,
    values: Vec<u64>,
    sha: Sha256,
    zones: Vec<u8>,
    list: PageList,
    spool: Spool,
}

/// The columns of a file once their pages are in it; their directories, zone maps and texts aren't
/// yet.
#[derive(Default)]
pub(crate) struct WrittenColumns {
    /// The columns, each with the offset of its first page in the file and the number of bytes of
    /// all its pages.
    columns: Vec<(ColumnStream, u64, u64)>,
}

impl ColumnsWriter {
    pub(crate) fn new(columns: Vec<NewColumn>, page: u32, folder: &Path) -> Self {
        let stream = |(number, column): (usize, NewColumn)| ColumnStream {
            column,
            values: Vec::new(),
            sha: Sha256::new(),
            zones: Vec::new(),
            list: PageList::default(),
            spool: Spool::new(folder.join(format!("column-{number:02}.pages"))),
        };
        Self {
            page: page as usize,
            columns: columns.into_iter().enumerate().map(stream).collect(),
            rows: 0,
        }
    }

    /// Returns the number of values that were added to each column so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the values of the next `rows` points, column by column. Returns false, and adds
    /// nothing, unless there is a list for each column and each list has `rows` values.
    pub(crate) fn add(&mut self, values: &[Vec<u64>], rows: usize) -> Result<bool, WriteError> {
        if values.len() != self.columns.len() || values.iter().any(|some| some.len() != rows) {
            return Ok(false);
        }
        self.rows += rows as u64;
        for (column, values) in self.columns.iter_mut().zip(values) {
            column.values.extend_from_slice(values);
            if column.values.len() >= self.page * AT_ONCE {
                let whole = column.values.len() / self.page * self.page;
                column.encode(whole, self.page)?;
            }
        }
        Ok(true)
    }

    /// Encodes the last pages. `points` is the SHA-256 of the points without columns, the identity
    /// that a file without columns would have. Returns the identity of the points with the columns.
    pub(crate) fn finish(&mut self, points: [u8; 32]) -> Result<[u8; 32], WriteError> {
        let mut parts = Vec::new();
        for stream in &mut self.columns {
            stream.encode(stream.values.len(), self.page)?;
            let values = stream.sha.clone().finalize().into();
            let texts = join_words(&stream.column.words);
            parts.push((&stream.column, values, texts));
        }
        let parts = parts
            .iter()
            .map(|(c, values, texts)| (&*c.name, &*c.form.kind, *values, &**texts));
        Ok(identity(points, parts))
    }

    /// Copies all pages to the end of a file. `end` is the length of the file, and is increased by
    /// the length of the pages.
    pub(crate) fn copy_to(
        self,
        file: &mut File,
        path: &Path,
        end: &mut u64,
    ) -> Result<WrittenColumns, WriteError> {
        let mut columns = Vec::new();
        for mut stream in self.columns {
            let first = *end;
            let folder = path.parent().unwrap_or(path);
            let spool = std::mem::replace(&mut stream.spool, Spool::new(folder.join("column")));
            *end += spool.copy_to(file, path)?;
            columns.push((stream, first, *end - first));
        }
        Ok(WrittenColumns { columns })
    }
}

impl ColumnStream {
    fn encode(&mut self, count: usize, page: usize) -> Result<(), WriteError> {
        let floats = self.column.form.floats;
        let values = self.values.get(..count).unwrap_or(&self.values);
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.sha.update(&bytes);
        let encoded = values
            .par_chunks(page)
            .map(|values| (encode(values, floats), ZoneMap::of(values)));
        for (page, zone) in encoded.collect::<Vec<_>>() {
            self.list.add(&page);
            zone.push_to(&mut self.zones);
            self.spool.write(&page)?;
        }
        self.values.drain(..count.min(self.values.len()));
        Ok(())
    }
}

impl WrittenColumns {
    /// Writes directories, zone maps and texts to the end of the file. `end` is the length of the
    /// file, and is increased by the bytes that were written. Returns the records of the columns
    /// for the section `COLS`.
    pub(crate) fn write_tables(
        self,
        file: &mut File,
        path: &Path,
        end: &mut u64,
    ) -> Result<Vec<ColumnRecord>, WriteError> {
        let mut records = Vec::new();
        for (stream, first, pages_bytes) in self.columns {
            let places = stream.list.write_directories(first, end, file).at(path)?;
            let mut blob = |bytes: &[u8]| {
                file.write_all(bytes).at(path)?;
                let place = BlobPlace {
                    offset: *end,
                    bytes: bytes.len() as u64,
                    crc: crc32fast::hash(bytes),
                };
                *end += place.bytes;
                Ok::<_, WriteError>(place)
            };
            records.push(ColumnRecord {
                words: stream.column.words.len() as u64,
                zones: blob(&stream.zones)?,
                texts: blob(&join_words(&stream.column.words))?,
                name: stream.column.name,
                form: stream.column.form,
                pages_bytes,
                directories: places.iter().map(|p| (p.offset, p.pages, p.crc)).collect(),
            });
        }
        Ok(records)
    }
}
