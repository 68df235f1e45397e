//! The columns of a run: the values of its points in a file beside it.
//!
//! The file has blocks of 4,096 points each; a block has the values of these points, column by
//! column. Behind the blocks there are the texts of each column, a CRC-32 of each block, and a
//! description of the file as JSON.

use super::read_at::read_at;
use super::run::BLOCK;
use crate::bytes::has_crc;
use crate::columns::{ColumnForm, join_words, split_words};
use heatsplat_points::Point;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A column of rows that are added to a pack.
#[derive(Clone, Debug, PartialEq)]
pub struct RowColumn {
    /// The description of the column's values: their type, and whether they are floats.
    pub form: ColumnForm,
    /// The different texts of the column: value 1 stands for the first one, 2 for the second one,
    /// and so on. Empty if the column has no texts.
    pub words: Vec<Box<[u8]>>,
    /// The value of each row; 0 is null.
    pub values: Vec<u64>,
}

impl RowColumn {
    /// Removes texts that no row has, and changes the values to the new numbers of the others.
    pub(super) fn compact(&mut self) {
        if self.words.is_empty() {
            return;
        }
        let mut used = vec![0; self.words.len()];
        for value in &self.values {
            if let Some(used) = place(*value).and_then(|at| used.get_mut(at)) {
                *used = 1;
            }
        }
        let mut next = 0;
        for used in &mut used {
            next += *used;
            *used = if *used == 1 { next } else { 0 };
        }
        if next as usize == self.words.len() {
            return;
        }
        for value in &mut self.values {
            *value = place(*value)
                .and_then(|at| used.get(at).copied())
                .unwrap_or(0);
        }
        let mut used = used.into_iter();
        self.words
            .retain(|_| used.next().is_some_and(|used| used > 0));
    }
}

fn place(value: u64) -> Option<usize> {
    usize::try_from(value.checked_sub(1)?).ok()
}

/// Returns the order in which an index sorts rows: the item for each place in that order is the
/// index in `points` of the row that goes there. Rows of equal position and weight are sorted by
/// the values in their columns, the first column first.
pub(super) fn sorted_order(points: &[Point], columns: &[Vec<u64>]) -> Vec<u32> {
    let key = |(row, point): (usize, &Point)| (point.z_key(), point.z_number() as u32, row as u32);
    let mut keys: Vec<(u64, u32, u32)> = points.par_iter().enumerate().map(key).collect();
    keys.par_sort_unstable();
    let value = |column: &[u64], row: u32| column.get(row as usize).copied().unwrap_or(0);
    for equal in keys.chunk_by_mut(|a, b| (a.0, a.1) == (b.0, b.1)) {
        if equal.len() > 1 {
            equal.sort_unstable_by(|a, b| {
                let values = columns.iter().map(|c| value(c, a.2).cmp(&value(c, b.2)));
                values.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
            });
        }
    }
    keys.into_iter().map(|key| key.2).collect()
}

/// Returns the items of `all` in a new order. `order` has, for each new place, the old one.
pub(super) fn in_order<T: Copy + Send + Sync>(all: &[T], order: &[u32]) -> Vec<T> {
    let rows = order.par_iter();
    rows.filter_map(|row| all.get(*row as usize).copied())
        .collect()
}

/// The mark at the end of a file, with the version of its format.
const MARK: [u8; 8] = *b"heatcol1";

/// The description of a file with the columns of a run; it is JSON near the file's end.
#[derive(Debug, Serialize, Deserialize)]
struct Description {
    rows: u64,
    columns: Vec<DescribedColumn>,
    /// The CRC-32 of the list of the CRC-32s of the blocks.
    crc: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct DescribedColumn {
    form: ColumnForm,
    words: u64,
    bytes: u64,
    crc: u32,
}

/// An open file with the columns of a run.
#[derive(Debug)]
pub(super) struct ColumnRun {
    file: File,
    rows: u64,
    /// The description and the texts of each column.
    pub(super) columns: Vec<(ColumnForm, Vec<Box<[u8]>>)>,
    crcs: Vec<u32>,
}

/// Returns the path of the file with the columns of a run; `run` is the run's own path.
pub(super) fn path_beside(run: &Path) -> PathBuf {
    run.with_extension("columns")
}

/// Writes the columns of sorted rows, and returns once they are on the disk.
pub(super) fn write(path: &Path, rows: usize, columns: &[RowColumn]) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut crcs: Vec<u8> = Vec::new();
    for first in (0..rows).step_by(BLOCK) {
        let end = (first + BLOCK).min(rows);
        let mut bytes = Vec::with_capacity((end - first) * columns.len() * 8);
        for column in columns {
            let values = column.values.get(first..end).unwrap_or_default();
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        crcs.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        out.write_all(&bytes)?;
    }
    let mut described = Vec::new();
    for column in columns {
        let bytes = join_words(&column.words);
        out.write_all(&bytes)?;
        described.push(DescribedColumn {
            form: column.form.clone(),
            words: column.words.len() as u64,
            bytes: bytes.len() as u64,
            crc: crc32fast::hash(&bytes),
        });
    }
    out.write_all(&crcs)?;
    let description = Description {
        rows: rows as u64,
        columns: described,
        crc: crc32fast::hash(&crcs),
    };
    let json = serde_json::to_vec(&description)?;
    out.write_all(&json)?;
    out.write_all(&(json.len() as u64).to_le_bytes())?;
    out.write_all(&crc32fast::hash(&json).to_le_bytes())?;
    out.write_all(&MARK)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_data()
}

impl ColumnRun {
    /// Opens a file, and reads its description and texts.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut end = file.metadata()?.len();
        let mut before = |len: u64| {
            end = end.checked_sub(len).ok_or_else(damaged)?;
            let mut bytes = vec![0; usize::try_from(len).map_err(|_| damaged())?];
            read_at(&file, &mut bytes, end)?;
            Ok::<_, io::Error>(bytes)
        };
        let trailer = before(20)?;
        let (len, rest) = trailer.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (crc, mark) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        if mark != MARK {
            return Err(damaged());
        }
        let json = before(u64::from_le_bytes(*len))?;
        let known = has_crc(&json, u32::from_le_bytes(*crc));
        let description: Description = serde_json::from_slice(&json)?;
        let crcs = before(description.rows.div_ceil(BLOCK as u64) * 4)?;
        let mut columns = Vec::new();
        for column in description.columns.into_iter().rev() {
            let bytes = before(column.bytes)?;
            let words = split_words(&bytes, column.words).filter(|_| has_crc(&bytes, column.crc));
            columns.push((column.form, words.ok_or_else(damaged)?));
        }
        columns.reverse();
        let whole = end == description.rows * columns.len() as u64 * 8;
        if !known || !whole || !has_crc(&crcs, description.crc) {
            return Err(damaged());
        }
        let (crcs, _) = crcs.as_chunks::<4>();
        Ok(Self {
            crcs: crcs.iter().map(|crc| u32::from_le_bytes(*crc)).collect(),
            rows: description.rows,
            columns,
            file,
        })
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends the values of the rows whose numbers, counted from 0, are in `range` to `values`,
    /// which has a list for each column.
    pub(super) fn read(&self, range: Range<u64>, values: &mut [Vec<u64>]) -> io::Result<()> {
        let columns = self.columns.len();
        let mut at = range.start;
        let end = range.end.min(self.rows);
        while at < end {
            let block = (at / BLOCK as u64) as usize;
            let first = (block * BLOCK) as u64;
            let rows = (self.rows - first).min(BLOCK as u64) as usize;
            let mut bytes = vec![0; rows * columns * 8];
            read_at(&self.file, &mut bytes, first * columns as u64 * 8)?;
            if !self
                .crcs
                .get(block)
                .is_some_and(|crc| has_crc(&bytes, *crc))
            {
                return Err(damaged());
            }
            let wanted = (at - first) as usize..(end - first).min(rows as u64) as usize;
            let (all, _) = bytes.as_chunks::<8>();
            for (column, out) in all.chunks(rows).zip(values.iter_mut()) {
                let some = column.get(wanted.clone()).unwrap_or_default();
                out.extend(some.iter().map(|value| u64::from_le_bytes(*value)));
            }
            at = first + rows as u64;
        }
        Ok(())
    }
}

/// A function that appends the values of a range of rows to lists, of which there is one for each
/// column.
type ReadRows<'r> = dyn Fn(Range<u64>, &mut [Vec<u64>]) -> io::Result<()> + 'r;

/// Returns the different values, without null, of a column by its number, counted from 0. There are
/// `rows` rows and `columns` columns in all; `read` reads the values of a range of rows.
pub(super) fn distinct(
    rows: u64,
    columns: usize,
    column: usize,
    read: &ReadRows<'_>,
) -> io::Result<HashSet<u64>> {
    let mut found = HashSet::new();
    let mut values = vec![Vec::new(); columns];
    for first in (0..rows).step_by(1 << 16) {
        values.iter_mut().for_each(Vec::clear);
        read(first..(first + (1 << 16)).min(rows), &mut values)?;
        found.extend(
            values
                .get(column)
                .into_iter()
                .flatten()
                .filter(|v| **v != 0),
        );
    }
    Ok(found)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn columns(rows: u64) -> Vec<RowColumn> {
        let form = |kind: &str| ColumnForm {
            kind: kind.to_owned(),
            floats: false,
            written: serde_json::Value::Null,
        };
        let words = ["a", "bc", "", "d"].map(|word| word.as_bytes().into());
        vec![
            RowColumn {
                form: form("whole"),
                words: Vec::new(),
                values: (0..rows).map(|i| i * i).collect(),
            },
            RowColumn {
                form: form("text"),
                words: words.into(),
                values: (0..rows).map(|i| i % 5).collect(),
            },
        ]
    }

    #[test]
    fn columns_are_read_at_any_place_and_damage_is_found() {
        let path = std::env::temp_dir().join(format!("heatsplat-columns-{}", std::process::id()));
        for rows in [0, 1, 4096, 4097, 20_000] {
            let columns = columns(rows);
            write(&path, rows as usize, &columns).unwrap();
            let run = ColumnRun::open(&path).unwrap();
            assert_eq!(run.rows(), rows);
            let known: Vec<_> = columns
                .iter()
                .map(|c| (c.form.clone(), c.words.clone()))
                .collect();
            assert_eq!(run.columns, known);
            for range in [0..rows, rows / 3..rows / 2, rows..rows] {
                let mut read = vec![Vec::new(); 2];
                run.read(range.clone(), &mut read).unwrap();
                let range = range.start as usize..range.end as usize;
                for (read, column) in read.iter().zip(&columns) {
                    assert_eq!(read[..], column.values[range.clone()]);
                }
            }
        }
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len())
            .step_by(1009)
            .chain(whole.len() - 500..whole.len())
        {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            fs::write(&path, &bytes).unwrap();
            let read = ColumnRun::open(&path);
            let read = read.and_then(|run| run.read(0..20_000, &mut [Vec::new(), Vec::new()]));
            assert!(read.is_err(), "{at}");
        }
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn texts_that_no_row_has_are_left_out() {
        let mut column = columns(9).remove(1);
        column.values = vec![4, 0, 2, 4];
        column.compact();
        assert_eq!(column.values, [2, 0, 1, 2]);
        assert_eq!(column.words, [b"bc"[..].into(), b"d"[..].into()]);
    }
}
