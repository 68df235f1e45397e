//! Runs: files of sorted points, each with as many points as fit into memory.
//!
//! A run has blocks of 4,096 points, and behind them a table with a row for each block: the key of
//! the block's first point (its number along the Z-order curve), and the CRC-32 of the block's
//! bytes. The table stays in memory. With it, the number of points before any key is found by
//! reading one block.

use super::read_at::read_at;
use super::row_run::{self, ColumnRun};
use crate::HeatFile;
use crate::columns::ColumnForm;
use heatsplat_points::paged::PagedIndex;
use heatsplat_points::{Point, Quad};
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The number of points in a block: a choice. Where one part ends and the next one begins, a block
/// of each run is read for both.
pub(super) const BLOCK: usize = 4096;

/// The bytes of a point in a run.
pub(super) const POINT_BYTES: u64 = size_of::<Point>() as u64;

/// The greatest number of blocks that are read at a time: a choice. So many take 768 KiB.
const AT_ONCE: usize = 16;

/// The last bytes of a run: a mark of the format and its version.
const MARK: [u8; 8] = *b"heatrun1";

/// The number of bytes behind the table: the number of points (8), the CRC-32 of the table (4), and
/// the mark.
const TRAILER: usize = 8 + 4 + MARK.len();

/// The number of bytes of a row of the table: the key (8) and the CRC-32 (4).
const HEAD: usize = 8 + 4;

/// A row of the table at the end of a run; there is one for each block.
#[derive(Clone, Copy, Debug, PartialEq)]
struct BlockHead {
    /// The key of the block's first point: its number along the Z-order curve.
    first: u64,
    /// The CRC-32 of the block's bytes.
    crc: u32,
}

/// Sorted points that are not in memory: the points of a run, or of another file.
pub(super) trait SortedPoints: fmt::Debug + Send + Sync {
    /// Returns the number of points.
    fn points(&self) -> u64;

    /// Returns the number of points that are in the quad, or before it in Z-order.
    ///
    /// # Errors
    /// The points around the quad's end can't be read.
    fn end_of(&self, quad: Quad) -> io::Result<u64>;

    /// Appends the points whose numbers, counted from 0, are in `range` to `points`.
    ///
    /// # Errors
    /// The points can't be read, or are not those that were written.
    fn read(&self, range: Range<u64>, points: &mut Vec<Point>) -> io::Result<()>;

    /// Returns the description and the texts of the column with the number `number`, counted from
    /// 0.
    ///
    /// # Errors
    /// There is no such column, or its texts can't be read.
    fn column(&self, number: usize) -> io::Result<(&ColumnForm, &[Box<[u8]>])>;

    /// Appends the values of the points whose numbers, counted from 0, are in `range` to `values`,
    /// which has a list for each column.
    ///
    /// # Errors
    /// The values can't be read, or are not those that were written.
    fn read_columns(&self, range: Range<u64>, values: &mut [Vec<u64>]) -> io::Result<()>;
}

/// A run of sorted points in a file.
#[derive(Debug)]
pub(super) struct Run {
    file: File,
    points: u64,
    heads: Vec<BlockHead>,
    /// The file with the columns of the points; `None` if the pack has no columns.
    columns: Option<ColumnRun>,
}

/// Writes sorted points as a run, and returns once the run is on the disk.
pub(super) fn write(path: &Path, sorted: &[Point]) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut table = Vec::with_capacity(sorted.len().div_ceil(BLOCK) * HEAD);
    for block in sorted.chunks(BLOCK) {
        let bytes: &[u8] = bytemuck::cast_slice(block);
        let first = block.first().map_or(0, Point::z_key);
        table.extend_from_slice(&first.to_le_bytes());
        table.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
        out.write_all(bytes)?;
    }
    out.write_all(&table)?;
    out.write_all(&(sorted.len() as u64).to_le_bytes())?;
    out.write_all(&crc32fast::hash(&table).to_le_bytes())?;
    out.write_all(&MARK)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_data()
}

impl Run {
    /// Opens a run and reads its table.
    ///
    /// # Errors
    /// The file can't be read, or it is not a whole run.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let start = length.checked_sub(TRAILER as u64).ok_or_else(damaged)?;
        let mut trailer = [0; TRAILER];
        read_at(&file, &mut trailer, start)?;
        let (number, rest) = trailer.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (crc, mark) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let points = u64::from_le_bytes(*number);
        let blocks = points.div_ceil(BLOCK as u64);
        let table = blocks.checked_mul(HEAD as u64).ok_or_else(damaged)?;
        let whole = points.checked_mul(POINT_BYTES);
        let whole = whole.and_then(|bytes| bytes.checked_add(table));
        if mark != MARK || whole != Some(start) {
            return Err(damaged());
        }
        let mut bytes = vec![0; table as usize];
        read_at(&file, &mut bytes, start - table)?;
        if crc32fast::hash(&bytes) != u32::from_le_bytes(*crc) {
            return Err(damaged());
        }
        let (heads, _) = bytes.as_chunks::<HEAD>();
        let heads = heads
            .iter()
            .map(|&[a, b, c, d, e, f, g, h, i, j, k, l]| BlockHead {
                first: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                crc: u32::from_le_bytes([i, j, k, l]),
            });
        Ok(Self {
            file,
            points,
            heads: heads.collect(),
            columns: None,
        })
    }

    /// Opens a run with the file of its columns.
    ///
    /// # Errors
    /// The files can't be read, are not a whole run with its columns, or have different numbers of
    /// points.
    pub(super) fn open_with_columns(path: &Path) -> io::Result<Self> {
        let mut run = Self::open(path)?;
        let columns = ColumnRun::open(&row_run::path_beside(path))?;
        if columns.rows() != run.points {
            return Err(damaged());
        }
        run.columns = Some(columns);
        Ok(run)
    }

    /// Returns the number of points of the run whose keys are less than `key`. A key is a number
    /// along the Z-order curve.
    ///
    /// # Errors
    /// The block that contains the border can't be read.
    fn before(&self, key: u64) -> io::Result<u64> {
        let after = self.heads.partition_point(|head| head.first < key);
        let Some(block) = after.checked_sub(1) else {
            return Ok(0);
        };
        let start = (block * BLOCK) as u64;
        let mut points = Vec::new();
        self.read(start..(start + BLOCK as u64).min(self.points), &mut points)?;
        let here = points.partition_point(|point| point.z_key() < key);
        Ok(start + here as u64)
    }

    /// Checks blocks that were read, whose points are `points`, against the checksums of the table.
    /// `blocks` are the numbers of the blocks, counted from 0.
    fn check(&self, blocks: Range<usize>, points: &[Point]) -> io::Result<()> {
        let heads = self.heads.get(blocks).unwrap_or_default();
        let mut pairs = points.chunks(BLOCK).zip(heads);
        let is_whole = |(block, head): (&[Point], &BlockHead)| {
            crc32fast::hash(bytemuck::cast_slice(block)) == head.crc
        };
        match pairs.all(is_whole) && points.len().div_ceil(BLOCK) == heads.len() {
            true => Ok(()),
            false => Err(damaged()),
        }
    }
}

impl SortedPoints for Run {
    fn points(&self) -> u64 {
        self.points
    }

    fn end_of(&self, quad: Quad) -> io::Result<u64> {
        match quad.keys().1.checked_add(1) {
            Some(key) => self.before(key),
            None => Ok(self.points),
        }
    }

    fn read(&self, range: Range<u64>, points: &mut Vec<Point>) -> io::Result<()> {
        let block_of = |number: u64| (number / BLOCK as u64) as usize;
        let last = block_of(range.end.saturating_sub(1)).saturating_add(1);
        let mut blocks = block_of(range.start)..if range.is_empty() { 0 } else { last };
        let mut buffer: Vec<Point> = Vec::new();
        while !blocks.is_empty() {
            let some = blocks.start..blocks.end.min(blocks.start + AT_ONCE);
            blocks.start = some.end;
            let first = (some.start * BLOCK) as u64;
            let end = ((some.end * BLOCK) as u64).min(self.points);
            let number = end.saturating_sub(first) as usize;
            buffer.resize(number, bytemuck::Zeroable::zeroed());
            let bytes = bytemuck::cast_slice_mut(&mut buffer);
            read_at(&self.file, bytes, first * POINT_BYTES)?;
            self.check(some, &buffer)?;
            let wanted = range.start.max(first) - first..range.end.min(end) - first;
            let wanted = buffer.get(wanted.start as usize..wanted.end as usize);
            points.extend_from_slice(wanted.unwrap_or_default());
        }
        Ok(())
    }

    fn column(&self, number: usize) -> io::Result<(&ColumnForm, &[Box<[u8]>])> {
        let columns = self.columns.as_ref().ok_or_else(damaged)?;
        let (form, words) = columns.columns.get(number).ok_or_else(damaged)?;
        Ok((form, words))
    }

    fn read_columns(&self, range: Range<u64>, values: &mut [Vec<u64>]) -> io::Result<()> {
        match &self.columns {
            Some(columns) => columns.read(range, values),
            None => Ok(()),
        }
    }
}

/// The points of an index that is not in memory, for example of another `.heat` file. They are
/// sorted already, so they serve as a run.
#[derive(Debug)]
pub(super) struct IndexRun {
    pub(super) name: String,
    pub(super) index: Arc<dyn PagedIndex>,
    /// The file that has the columns, and, for each column of the pack, the number of the column in
    /// that file; `None` if the pack has no columns.
    pub(super) columns: Option<(Arc<HeatFile>, Vec<usize>)>,
}

/// The number of points that one read gets from an index that is not in memory: a choice.
const INDEX_BATCH: u64 = 1 << 16;

impl SortedPoints for IndexRun {
    fn points(&self) -> u64 {
        self.index.summary().count as u64
    }

    fn end_of(&self, quad: Quad) -> io::Result<u64> {
        let range = self.index.quad_range(quad);
        Ok(range.map_err(io::Error::other)?.end)
    }

    fn read(&self, range: Range<u64>, points: &mut Vec<Point>) -> io::Result<()> {
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + INDEX_BATCH);
            let some = self.index.read(start..end).map_err(io::Error::other)?;
            if some.len() as u64 != end - start {
                return Err(damaged());
            }
            points.extend(some);
            start = end;
        }
        Ok(())
    }

    fn column(&self, number: usize) -> io::Result<(&ColumnForm, &[Box<[u8]>])> {
        let (file, numbers) = self.columns.as_ref().ok_or_else(damaged)?;
        let column = numbers.get(number).and_then(|at| file.columns().get(*at));
        let column = column.ok_or_else(damaged)?;
        let words = file.column_words(column).map_err(io::Error::other)?;
        Ok((column.form(), words))
    }

    fn read_columns(&self, range: Range<u64>, values: &mut [Vec<u64>]) -> io::Result<()> {
        let Some((file, numbers)) = &self.columns else {
            return Ok(());
        };
        for (at, values) in numbers.iter().zip(values) {
            let column = file.columns().get(*at).ok_or_else(damaged)?;
            let read = file.column_values(column, range.clone(), values);
            read.map_err(io::Error::other)?;
        }
        Ok(())
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn sorted(number: u32) -> Vec<Point> {
        let at = |i: u32| Point {
            x: i.wrapping_mul(2_654_435_761) >> (i % 3 * 9),
            y: i.wrapping_mul(40_503) << (i % 5),
            weight: (i % 10) as f32,
        };
        let mut points: Vec<Point> = (0..number).map(at).collect();
        points.sort_by(Point::z_order);
        points
    }

    #[test]
    fn runs_are_read_at_any_place() {
        let path = std::env::temp_dir().join(format!("heatsplat-run-{}", std::process::id()));
        for number in [0, 1, 4095, 4096, 4097, 100_000] {
            let points = sorted(number);
            write(&path, &points).unwrap();
            let run = Run::open(&path).unwrap();
            assert_eq!(run.points(), u64::from(number));
            let end = points.len();
            for range in [
                0..end,
                end / 3..end / 2,
                0..end.min(1),
                end..end,
                end / 7..end,
            ] {
                let mut read = Vec::new();
                run.read(range.start as u64..range.end as u64, &mut read)
                    .unwrap();
                assert_eq!(read, points[range]);
            }
            let keys = points.iter().step_by(997).map(Point::z_key);
            for key in keys.flat_map(|key| [key, key + 1]).chain([0, u64::MAX]) {
                let before = points.partition_point(|p| p.z_key() < key);
                assert_eq!(run.before(key).unwrap(), before as u64);
            }
        }
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn damage_is_found() {
        let path = std::env::temp_dir().join(format!("heatsplat-bad-run-{}", std::process::id()));
        write(&path, &sorted(10_000)).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in [0, 1, 20, 50_000, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            assert!(Run::open(&path).is_err(), "{cut}");
        }
        let mut found = 0;
        for at in (0..whole.len())
            .step_by(503)
            .chain(whole.len() - 60..whole.len())
        {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            fs::write(&path, &bytes).unwrap();
            let read = Run::open(&path).and_then(|run| run.read(0..10_000, &mut Vec::new()));
            assert!(read.is_err(), "{at}");
            found += 1;
        }
        assert!(found > 200);
        fs::remove_file(&path).unwrap();
    }
}
