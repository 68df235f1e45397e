//! Bytes of a file, wherever it is.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Source of a file's bytes: a file of this machine, for example, or ranges of an object at an
/// address.
///
/// Several threads read at once.
pub trait ByteSource: fmt::Debug + Send + Sync {
    /// Name of the file for messages. It must contain no secrets.
    fn name(&self) -> &str;

    /// Length of the file in bytes.
    ///
    /// # Errors
    /// The length can't be asked for.
    fn size(&self) -> io::Result<u64>;

    /// Reads the bytes that begin at `offset` and fill `bytes`.
    ///
    /// # Errors
    /// The bytes can't be read, or the file ends before.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Reads several ranges. Sources that wait for other machines read them at a time, and end
    /// each after the time `limit`.
    fn read_all(&self, reads: &mut [ByteRead<'_>], limit: Duration) {
        let _ = limit;
        for read in reads {
            read.result = self.read_at(read.offset, read.bytes);
        }
    }

    /// Time after which a failed read may succeed. `None` if it would fail again: nothing is there,
    /// for example.
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

    /// Costs of the source's reads, by which pages are read together.
    fn costs(&self) -> ReadCosts {
        ReadCosts::LOCAL
    }
}

/// Range of bytes to read, and the result.
#[derive(Debug)]
pub struct ByteRead<'a> {
    /// Place of the first byte in the file.
    pub offset: u64,
    /// Bytes to fill.
    pub bytes: &'a mut [u8],
    /// Reason why the bytes were not read.
    pub result: io::Result<()>,
}

impl<'a> ByteRead<'a> {
    /// Range that begins at `offset` and fills `bytes`.
    pub fn new(offset: u64, bytes: &'a mut [u8]) -> Self {
        Self {
            offset,
            bytes,
            result: Ok(()),
        }
    }
}

/// Costs of a source's reads: how much is read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadCosts {
    /// Number of unwanted bytes that are read rather than that a further read is begun.
    pub gap: u64,
    /// Greatest number of bytes that are read at once.
    pub most: u64,
    /// Greatest number of reads at a time.
    pub at_once: usize,
}

impl ReadCosts {
    /// Costs of a disk of this machine. Larger reads of it are no faster.
    pub const LOCAL: Self = Self {
        gap: 0,
        most: 1 << 18,
        at_once: 1,
    };

    /// Costs of ranges of an object at an address. A request takes as long as some hundred
    /// kilobytes.
    pub const REMOTE: Self = Self {
        gap: 1 << 18,
        most: 1 << 21,
        at_once: 8,
    };

    /// Returns true if a read takes so long that others are read along with it.
    pub(crate) fn are_high(&self) -> bool {
        self.gap > 0
    }
}

/// File of this machine. It is read at offsets, by all threads through one descriptor, and not
/// mapped into memory: a mapped file that is cut short ends the program.
#[derive(Debug)]
pub struct FileSource {
    name: String,
    file: File,
}

impl FileSource {
    /// Opens a file.
    ///
    /// # Errors
    /// The file can't be opened.
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
