//! Sources of a file's bytes: a file of this machine, an object at an address, or memory.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// A source of a file's bytes: a file of this machine, for example, or ranges of an object at an
/// address.
///
/// Several threads read from a source at the same time.
pub trait ByteSource: fmt::Debug + Send + Sync {
    /// Returns the name of the file for messages. It must contain no secrets.
    fn name(&self) -> &str;

    /// Returns the length of the file in bytes.
    ///
    /// # Errors
    /// The error of the system or the server if the length can't be found out.
    fn size(&self) -> io::Result<u64>;

    /// Fills `bytes` with the bytes of the file that begin at `offset`.
    ///
    /// # Errors
    /// The bytes can't be read, or the file ends before `bytes` is full.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Reads several ranges, and leaves the result of each in [`ByteRead::result`]. Sources that
    /// wait for other machines read the ranges at the same time, and give up each range that takes
    /// longer than `limit`.
    fn read_all(&self, reads: &mut [ByteRead<'_>], limit: Duration) {
        let _ = limit;
        for read in reads {
            read.result = self.read_at(read.offset, read.bytes);
        }
    }

    /// Returns the time after which a read that failed with `error` may succeed. Returns `None` if
    /// it would fail again: if there is no such file, for example.
    fn retry_after(&self, error: &io::Error) -> Option<Duration> {
        use io::ErrorKind::{InvalidInput, NotFound, PermissionDenied, UnexpectedEof, Unsupported};
        let is_lasting = [
            InvalidInput,
            NotFound,
            PermissionDenied,
            UnexpectedEof,
            Unsupported,
        ]
        .contains(&error.kind());
        (!is_lasting).then_some(Duration::ZERO)
    }

    /// Returns the costs of the source's reads, by which it is decided which pages are read
    /// together.
    fn costs(&self) -> ReadCosts {
        ReadCosts::LOCAL
    }
}

/// A range of bytes to read, and the result.
#[derive(Debug)]
pub struct ByteRead<'a> {
    /// The offset of the first byte in the file.
    pub offset: u64,
    /// The buffer to fill; it is as long as the range.
    pub bytes: &'a mut [u8],
    /// The reason why the bytes were not read; `Ok` if they were.
    pub result: io::Result<()>,
}

impl<'a> ByteRead<'a> {
    /// Makes a range that begins at `offset` and fills `bytes`.
    pub fn new(offset: u64, bytes: &'a mut [u8]) -> Self {
        Self {
            offset,
            bytes,
            result: Ok(()),
        }
    }
}

/// The costs of a source's reads, as limits up to which pages are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadCosts {
    /// The greatest gap between two wanted ranges, in bytes, up to which they are read together
    /// with the gap, since another read would cost more.
    pub gap: u64,
    /// The greatest number of bytes that one read gets.
    pub most: u64,
    /// The greatest number of ranges in one call of [`ByteSource::read_all`]; they are read at the
    /// same time.
    pub at_once: usize,
}

impl ReadCosts {
    /// The costs of a disk of this machine. Reads larger than these limits are no faster.
    pub const LOCAL: Self = Self {
        gap: 0,
        most: 1 << 18,
        at_once: 1,
    };

    /// The costs of an object at an address, of which requests get ranges. A request takes about as
    /// long as the transfer of some hundred kilobytes.
    pub const REMOTE: Self = Self {
        gap: 1 << 18,
        most: 1 << 21,
        at_once: 8,
    };

    /// Returns true if a read takes so long that pages which will probably be needed next should be
    /// read along with the wanted ones.
    pub(crate) fn are_high(&self) -> bool {
        self.gap > 0
    }
}

/// A file of this machine. All threads read it through one descriptor, each at its own offsets. The
/// file isn't mapped into memory, since a mapped file that is cut short ends the program.
#[derive(Debug)]
pub struct FileSource {
    name: String,
    file: File,
}

impl FileSource {
    /// Opens a file.
    ///
    /// # Errors
    /// The error of the system if the file can't be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            file: File::open(path)?,
        })
    }
}

impl ByteSource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        read_exact_at(&self.file, bytes, offset)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !bytes.is_empty() {
        let read = file.seek_read(bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = bytes.get_mut(read..).unwrap_or_default();
        offset += read as u64;
    }
    Ok(())
}

/// Bytes in memory, for tests and for small files that came from elsewhere.
impl ByteSource for Vec<u8> {
    fn name(&self) -> &str {
        "bytes in memory"
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let here = self.get(start..start.saturating_add(bytes.len()));
        bytes.copy_from_slice(here.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
