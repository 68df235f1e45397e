//! Reading of a file at an offset, by several threads at the same time.

use std::fs::File;
use std::io;

/// Fills `bytes` with the bytes of a file from `offset` on. It doesn't use the position of the
/// file, which all threads would share.
#[cfg(unix)]
pub(super) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        let (true, Some(rest)) = (n > 0, bytes.get_mut(n..)) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        (bytes, offset) = (rest, offset + n as u64);
    }
    Ok(())
}
