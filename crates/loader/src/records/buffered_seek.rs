//! Buffered reading of a file at many offsets, most of which are close to the one before.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// The number of bytes that one system call reads: a choice.
const BUFFER: usize = 1 << 15;

/// A reader that moves within its buffer without a system call.
pub(super) struct BufferedSeek<R> {
    reader: BufReader<R>,
    at: u64,
}

impl<R: Read + Seek> BufferedSeek<R> {
    /// A buffered reader. `reader` must be at offset 0 of its file.
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER, reader),
            at: 0,
        }
    }
}

impl<R: Read> Read for BufferedSeek<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for BufferedSeek<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let by = match to {
            SeekFrom::Start(place) => (place as i64).wrapping_sub(self.at as i64),
            SeekFrom::Current(by) => by,
            SeekFrom::End(_) => {
                self.at = self.reader.seek(to)?;
                return Ok(self.at);
            }
        };
        self.reader.seek_relative(by)?;
        self.at = self.at.saturating_add_signed(by);
        Ok(self.at)
    }
}
