//! Reading of one member of an archive. Its size and checksum must be those in the directory.

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

/// The number of bytes that one read gets from the file: a choice.
const CHUNK: usize = 128 << 10;

/// A reader of the decompressed bytes of a member. At their end it checks their number and their
/// checksum.
pub(crate) struct MemberReader {
    bytes: MemberBytes,
    /// The number of decompressed bytes that are not read yet.
    left: u64,
    checksum: Crc,
    expected: u32,
    /// True after the size and the checksum of the member were found to be right.
    checked: bool,
}

enum MemberBytes {
    Stored(BufReader<Take<File>>),
    Deflated(DeflateDecoder<BufReader<Take<File>>>),
}

impl Read for MemberBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(reader) => reader.read(buffer),
            Self::Deflated(reader) => reader.read(buffer),
        }
    }
}

impl MemberReader {
    /// A reader of the bytes of `file` from the offset `from` up to the offset `to`. They are not
    /// compressed if `is_stored` is true. `size` is the number of bytes after decompression, and
    /// `expected` their checksum (CRC-32).
    pub(crate) fn new(
        mut file: File,
        (from, to): (u64, u64),
        is_stored: bool,
        size: u64,
        expected: u32,
    ) -> io::Result<Self> {
        file.seek(SeekFrom::Start(from))?;
        let stored = BufReader::with_capacity(CHUNK, file.take(to.saturating_sub(from)));
        Ok(Self {
            bytes: match is_stored {
                true => MemberBytes::Stored(stored),
                false => MemberBytes::Deflated(DeflateDecoder::new(stored)),
            },
            left: size,
            checksum: Crc::new(),
            expected,
            checked: false,
        })
    }

    /// Checks, after the stated number of bytes was read, that no byte follows and that the
    /// checksum is the expected one.
    fn check_end(&mut self) -> io::Result<()> {
        if self.checked {
            return Ok(());
        }
        if self.bytes.read(&mut [0])? > 0 {
            return Err(invalid("it is longer than the archive's directory states"));
        }
        if self.checksum.sum() != self.expected {
            return Err(invalid("its checksum is wrong: it is damaged"));
        }
        self.checked = true;
        Ok(())
    }
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            self.check_end()?;
            return Ok(0);
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let Some(part) = buffer.get_mut(..most) else {
            return Ok(0);
        };
        let count = self.bytes.read(part)?;
        if count == 0 {
            return Err(invalid("it is shorter than the archive's directory states"));
        }
        self.checksum.update(part.get(..count).unwrap_or_default());
        self.left = self.left.saturating_sub(count as u64);
        // Some readers know the number of their rows and never ask for the end.
        if self.left == 0 {
            self.check_end()?;
        }
        Ok(count)
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
