//! A reader of a remote Parquet file. Only columns that are read are fetched. One fetch gets at
//! most 2 MiB of one column, the constant [`WINDOW`].

use super::object::RemoteObject;
use crate::input::Origin;
use crate::records::parquet::ParquetFile;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes of one column that one fetch gets: a choice. Each thread holds this many bytes of
/// each column that it reads.
const WINDOW: u64 = 2 << 20;
/// The largest gap, in bytes of the file, between the parts of two columns that one request may
/// fetch together: a choice.
const GAP: u64 = 64 << 10;
/// The number of bytes at the end of the file that are fetched first, since the footer is there: a
/// choice.
const TAIL: u64 = 64 << 10;

/// A remote file, read through the traits of the library `parquet`.
#[derive(Clone)]
pub(crate) struct ParquetReader {
    object: RemoteObject,
    origin: Origin,
    windows: Arc<Mutex<FetchWindows>>,
}

/// The ranges of a remote file that are needed next, and the bytes of them that are in memory.
#[derive(Default)]
struct FetchWindows {
    /// The ranges of the file that will be read. They are sorted and don't overlap.
    expected: Vec<Range<u64>>,
    /// The bytes that were fetched last in each expected range. The key is the offset in the file
    /// at which the range begins. The value is the offset in the file at which the fetched bytes
    /// begin, and these bytes.
    fetched: BTreeMap<u64, (u64, Bytes)>,
    /// The error of the last failed request; `None` if no request failed, or once the method
    /// `trouble` has returned the error.
    trouble: Option<io::Error>,
}

impl FetchWindows {
    /// The range to fetch from if the bytes at the offset `at` of the file are needed: the expected
    /// range that contains this offset. If there is none, it is the end of the file, which holds
    /// the footer. `size` is the file's size in bytes.
    fn around(&self, at: u64, size: u64) -> Range<u64> {
        let found = self.expected.iter().find(|range| range.contains(&at));
        found
            .cloned()
            .unwrap_or_else(|| size.saturating_sub(TAIL)..size)
    }
}

impl ParquetReader {
    pub(crate) fn new(object: RemoteObject, origin: Origin) -> Self {
        Self {
            object,
            origin,
            windows: Arc::default(),
        }
    }

    /// Returns at least `length` bytes of the file from the offset `at` on. They are fetched if
    /// they aren't in memory.
    fn fetch(&self, at: u64, length: u64) -> io::Result<Bytes> {
        let size = self.object.size().unwrap_or(0);
        // Each thread has its own reader, so no thread waits for this lock while another sends a
        // request.
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let around = windows.around(at, size);
        if let Some((start, bytes)) = windows.fetched.get(&around.start)
            && let Some(offset) = at.checked_sub(*start)
            && let Some(rest) = bytes
                .len()
                .checked_sub(usize::try_from(offset).unwrap_or(usize::MAX))
            && rest as u64 >= length.max(1)
        {
            return Ok(bytes.slice(bytes.len() - rest..));
        }
        let from = if windows.expected.is_empty() && around.contains(&at) {
            around.start
        } else {
            at
        };
        let most = from.saturating_add(WINDOW).min(around.end);
        let to = at.saturating_add(length).max(most);
        let bytes = match self.object.read(from..to) {
            Ok(bytes) => bytes,
            Err(error) => {
                let words = io::Error::other(error.to_string());
                windows.trouble = Some(error);
                return Err(words);
            }
        };
        self.origin.count(bytes.len());
        windows.fetched.insert(around.start, (from, bytes.clone()));
        let offset = usize::try_from(at - from).unwrap_or(usize::MAX);
        Ok(bytes.slice(offset.min(bytes.len())..))
    }
}

impl ParquetFile for ParquetReader {
    fn expect(&self, mut chunks: Vec<Range<u64>>) {
        chunks.sort_by_key(|range| range.start);
        let mut expected: Vec<Range<u64>> = Vec::new();
        for chunk in chunks {
            match expected.last_mut() {
                Some(last)
                    if chunk.start < last.end
                        || (chunk.start - last.end <= GAP && chunk.end - last.start <= WINDOW) =>
                {
                    last.end = last.end.max(chunk.end);
                }
                _ => expected.push(chunk),
            }
        }
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        *windows = FetchWindows {
            expected,
            ..FetchWindows::default()
        };
    }

    fn trouble(&self) -> Option<io::Error> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.trouble.take()
    }
}

impl Length for ParquetReader {
    fn len(&self) -> u64 {
        self.object.size().unwrap_or(0)
    }
}

impl ChunkReader for ParquetReader {
    type T = RangeRead;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(RangeRead {
            chunks: self.clone(),
            at: start,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.fetch(start, length as u64)?;
        if bytes.len() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(bytes.slice(..length))
    }
}

/// A reader of the file's bytes, which begins at the offset `at`.
pub(crate) struct RangeRead {
    chunks: ParquetReader,
    at: u64,
}

impl Read for RangeRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.chunks.len().saturating_sub(self.at);
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let bytes = self.chunks.fetch(self.at, 1)?;
        let n = bytes.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), bytes.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n as u64;
        Ok(n)
    }
}
