//! Checked reading of the pages of a Parquet file. The library allocates memory for the sizes that
//! a page states, so these are first compared with a limit and with what the page's compression can
//! reach. This module also counts the bytes that are read.

use super::ParquetFile;
use crate::input::Origin;
use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most bytes that a page may have, both in the file and after decompression. This is a choice:
/// most writers make pages of 1 MiB, but some make one page of a whole row group.
const PAGE: u64 = 512 << 20;

/// The number of bytes at the beginning of a page's header that are searched for the page's sizes.
const SIZES: u64 = 64;

/// A local file that counts the bytes that are read from it.
#[derive(Clone)]
pub(super) struct CountingFile {
    file: Arc<File>,
    origin: Origin,
}

impl CountingFile {
    pub(super) fn new(file: File, origin: &Origin) -> Self {
        Self {
            file: Arc::new(file),
            origin: origin.clone(),
        }
    }
}

impl Length for CountingFile {
    fn len(&self) -> u64 {
        self.origin.bytes_total.unwrap_or(0)
    }
}

impl ChunkReader for CountingFile {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let reader = self.file.get_read(start)?;
        Ok(Box::new(self.origin.counted(reader)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.len())
        {
            return Err(wrong(format!(
                "{length} bytes are said to be at byte {start} of a file of {}",
                self.len()
            )));
        }
        let bytes = self.file.get_bytes(start, length)?;
        self.origin.count(bytes.len());
        Ok(bytes)
    }
}

/// A file that checks the pages of one row group while the library reads them.
pub(super) struct CheckedPages<S> {
    file: S,
    /// The range in the file, in bytes, of each column's pages in the row group, and the column's
    /// compression.
    columns: Vec<(Range<u64>, Compression)>,
    /// The size, in bytes, of the levels in the page whose header was read last. The repetition and
    /// definition levels (Parquet's encoding of lists and nulls) come before the compressed bytes.
    levels: AtomicUsize,
}

impl<S: ParquetFile> CheckedPages<S> {
    pub(super) fn new(file: &S, group: &RowGroupMetaData) -> Self {
        let column = |column: &parquet::file::metadata::ColumnChunkMetaData| {
            let (start, length) = column.byte_range();
            (start..start.saturating_add(length), column.compression())
        };
        Self {
            file: file.clone(),
            columns: group.columns().iter().map(column).collect(),
            levels: AtomicUsize::new(0),
        }
    }

    fn packing(&self, place: u64) -> Compression {
        let mut columns = self.columns.iter();
        columns
            .find(|(range, _)| range.contains(&place))
            .map_or(Compression::UNCOMPRESSED, |column| column.1)
    }
}

impl<S: ParquetFile> Length for CheckedPages<S> {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl<S: ParquetFile> ChunkReader for CheckedPages<S> {
    type T = Box<dyn Read + Send>;

    /// Begins to read at an offset. The library calls this before each page, usually at the
    /// beginning of the page's header.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut reader = self.file.get_read(start)?;
        let mut head = Vec::new();
        reader.by_ref().take(SIZES).read_to_end(&mut head)?;
        if let Some(sizes) = Sizes::parse(&head) {
            sizes.check(self.packing(start), start)?;
            self.levels.store(sizes.levels, Ordering::Relaxed);
        }
        Ok(Box::new(Cursor::new(head).chain(reader)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        let bytes = self.file.get_bytes(start, length)?;
        // For these two methods the library decompresses the whole page, whatever size its header
        // states. A small page isn't checked, since it can't exceed the limit even at the method's
        // best ratio (1,032 for gzip and 255 for LZ4).
        let (most, is_gzip) = match self.packing(start) {
            Compression::GZIP(_) => (PAGE / 1032, true),
            Compression::LZ4 => (PAGE / 255, false),
            _ => return Ok(bytes),
        };
        if length as u64 <= most {
            return Ok(bytes);
        }
        let packed = bytes.get(self.levels.load(Ordering::Relaxed)..);
        let mut gzip = MultiGzDecoder::new(packed.unwrap_or_default()).take(PAGE + 1);
        // Data that are not gzip cause no error here, since the library refuses them.
        let is_more = io::copy(&mut gzip, &mut io::sink()).is_ok_and(|bytes| bytes > PAGE);
        if is_more || !is_gzip {
            return Err(wrong(format!(
                "the page of {length} bytes at byte {start} may unpack to more than {PAGE}, \
                 the most that are read at once"
            )));
        }
        Ok(bytes)
    }
}

/// The sizes in bytes that the header of a page states.
struct Sizes {
    unpacked: i64,
    packed: i64,
    /// The size, in bytes, of the repetition and definition levels, which come uncompressed before
    /// the compressed bytes. 0 if there are no such levels outside of the compressed bytes.
    levels: usize,
}

impl Sizes {
    /// Parses the beginning of a page's header, which is in Thrift's compact protocol. Fields are
    /// in the order of their numbers. The first three are the kind, the uncompressed size and the
    /// compressed size. `None` if the bytes are no such header.
    fn parse(header: &[u8]) -> Option<Self> {
        let mut rest = header;
        let (_, unpacked, packed) = (field(&mut rest)?, field(&mut rest)?, field(&mut rest)?);
        Some(Self {
            unpacked,
            packed,
            levels: levels(rest).unwrap_or(0),
        })
    }

    fn check(&self, packing: Compression, place: u64) -> Result<(), ParquetError> {
        let Self {
            unpacked, packed, ..
        } = *self;
        let most = unpacked.max(packed);
        if most as u64 > PAGE {
            return Err(wrong(format!(
                "the page at byte {place} is said to have {most} bytes; at most {PAGE} are read: \
                 write smaller pages"
            )));
        }
        // These are the best ratios that each method can reach.
        let ratio = match packing {
            Compression::SNAPPY => 22,
            Compression::LZ4 | Compression::LZ4_RAW => 256,
            Compression::GZIP(_) => 1033,
            _ => return Ok(()),
        };
        if unpacked > packed.saturating_mul(ratio) + 64 {
            return Err(wrong(format!(
                "the page at byte {place} can't unpack from {packed} bytes to {unpacked}"
            )));
        }
        Ok(())
    }
}

/// The size, in bytes, of the repetition and definition levels before the compressed bytes. `rest`
/// is the part of a page's header after the page's two sizes. `None` if the page isn't of version
/// 2, since only pages of version 2 store levels uncompressed.
fn levels(mut rest: &[u8]) -> Option<usize> {
    let _checksum = field(&mut rest);
    // The eighth field is a structure, which only pages of version 2 have.
    rest = rest.strip_prefix(&[0x4c]).or(rest.strip_prefix(&[0x5c]))?;
    let mut number = || usize::try_from(field(&mut rest)?).ok();
    let _values_nulls_rows_encoding = [number()?, number()?, number()?, number()?];
    number()?.checked_add(number()?)
}

/// Removes the first field from `bytes`, the fields of a Thrift structure, and returns the field's
/// value. If the first field is no 32-bit integer, returns `None` and removes nothing.
fn field(bytes: &mut &[u8]) -> Option<i64> {
    let mut rest = bytes.strip_prefix(&[0x15])?;
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            *bytes = rest;
            // In zigzag encoding the lowest bit holds the sign.
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

fn wrong(what: String) -> ParquetError {
    ParquetError::General(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;
    use std::io::Write;

    /// The pages of a new file that holds `bytes`. `packing` is the compression of the file's only
    /// column.
    fn pages(name: &str, bytes: &[u8], packing: Compression) -> CheckedPages<CountingFile> {
        let path =
            std::env::temp_dir().join(format!("heatsplat-pages-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let origin = Input::open(&path).unwrap().origin;
        let file = CountingFile::new(File::open(&path).unwrap(), &origin);
        std::fs::remove_file(&path).unwrap();
        CheckedPages {
            columns: vec![(0..file.len(), packing)],
            file,
            levels: AtomicUsize::new(0),
        }
    }

    /// The beginning of a page's header for tests: the kind 0, and two sizes (uncompressed and
    /// compressed).
    fn header(sizes: [u32; 2]) -> Vec<u8> {
        let mut bytes = vec![0x15, 0];
        for size in sizes {
            bytes.push(0x15);
            let mut rest = u64::from(size) << 1;
            while rest > 0x7f {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
        bytes.extend([0x15, 6, 0x5c]);
        bytes
    }

    #[test]
    fn sizes_that_are_too_large_or_can_not_be_are_refused() {
        for (sizes, packing, says) in [
            (
                [2_000_000_000, 70],
                Compression::UNCOMPRESSED,
                "2000000000 bytes; at most",
            ),
            (
                [2_000_000_000, 70],
                Compression::ZSTD(Default::default()),
                "2000000000 bytes; at most",
            ),
            (
                [100_000_000, 70],
                Compression::SNAPPY,
                "can't unpack from 70 bytes to 100000000",
            ),
            ([100_000_000, 70], Compression::LZ4_RAW, "can't unpack"),
            (
                [100_000_000, 70],
                Compression::GZIP(Default::default()),
                "can't unpack",
            ),
            ([100_000_000, 70], Compression::ZSTD(Default::default()), ""),
            ([1500, 70], Compression::SNAPPY, ""),
        ] {
            let read = pages("sizes", &header(sizes), packing).get_read(0);
            let message = read.map_or_else(|error| error.to_string(), |_| String::new());
            assert!(message.contains(says), "{packing}: {message}");
            assert_eq!(message.is_empty(), says.is_empty(), "{packing}: {message}");
        }
        let message = pages("end", &[0; 9], Compression::SNAPPY)
            .get_bytes(3, 7)
            .unwrap_err();
        assert!(
            message
                .to_string()
                .contains("7 bytes are said to be at byte 3 of a file of 9")
        );
    }

    #[test]
    fn gzip_that_unpacks_without_end_is_refused_before_it_is_unpacked() {
        let mut zeros = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        zeros.write_all(&vec![0; 16 << 20]).unwrap();
        let member = zeros.finish().unwrap();
        // This page is of version 2, and has nine bytes of levels before the compressed bytes.
        let mut header = header([600 << 20 >> 2, 1 << 20]);
        header.extend([0x15, 2, 0x15, 0, 0x15, 2, 0x15, 0, 0x15, 8, 0x15, 10]);
        for (members, is_refused) in [(33, true), (31, false)] {
            let page = [vec![0; 9], member.repeat(members), vec![0; 200 << 10]].concat();
            let bytes = [header.clone(), page].concat();
            let pages = pages("gzip", &bytes, Compression::GZIP(Default::default()));
            pages.get_read(0).unwrap();
            let page = pages.get_bytes(header.len() as u64, bytes.len() - header.len());
            assert_eq!(page.is_err(), is_refused, "{members}: {:?}", page.err());
        }
    }
}
