//! Files at addresses as sources of bytes: packed files and archives of tiles are read range by
//! range.

use heatsplat_heat::{ByteRead, ByteSource, ReadCosts};
use heatsplat_loader::{LoadError, RangeError, RemoteFile};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The longest time of a read by [`ByteSource::read_at`], whose caller states no limit. A choice.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file at an address.
#[derive(Debug)]
pub(super) struct RemoteSource {
    file: RemoteFile,
}

impl RemoteSource {
    /// Opens the file at an address.
    ///
    /// # Errors
    /// The server can't be reached, has no such file, or can't send ranges of it.
    pub(super) fn open(address: &str) -> Result<Self, LoadError> {
        let file = RemoteFile::open(address)?;
        Ok(Self { file })
    }

    /// The flag that becomes true when a read finds that the file has changed at its address. Then
    /// it must be opened again.
    pub(super) fn changed(&self) -> Arc<AtomicBool> {
        Arc::clone(self.file.changed())
    }
}

impl ByteSource for RemoteSource {
    /// The last part of the address. The rest is left out, since clients of a server needn't know
    /// where its files are.
    fn name(&self) -> &str {
        let shown = self.file.shown();
        shown.rsplit('/').next().unwrap_or(shown)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.size())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut reads = [ByteRead::new(offset, bytes)];
        self.read_all(&mut reads, PATIENCE);
        let [read] = reads;
        read.result
    }

    fn read_all(&self, reads: &mut [ByteRead<'_>], limit: Duration) {
        let ranges: Vec<_> = reads
            .iter()
            .map(|read| read.offset..read.offset.saturating_add(read.bytes.len() as u64))
            .collect();
        let results = self.file.read(&ranges, limit);
        for (read, result) in reads.iter_mut().zip(results) {
            read.result = match result {
                Ok(bytes) if bytes.len() == read.bytes.len() => {
                    read.bytes.copy_from_slice(&bytes);
                    Ok(())
                }
                Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => Err(io::Error::other(error)),
            };
        }
    }

    fn retry_after(&self, error: &io::Error) -> Option<Duration> {
        let error = error.get_ref()?.downcast_ref::<RangeError>()?;
        error.retry_after()
    }

    fn costs(&self) -> ReadCosts {
        ReadCosts::REMOTE
    }
}
