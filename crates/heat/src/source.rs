//! Bytes of a file, wherever it is.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

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

/// Reads bytes into a buffer of their own.
pub(crate) fn read_vec(source: &dyn ByteSource, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    source.read_at(offset, &mut bytes)?;
    Ok(bytes)
}
