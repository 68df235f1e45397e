//! Decompression of gzip files. A file may have several members, which are decompressed one after
//! the other.
//!
//! Zeros after a member are skipped: they pad a file to whole tape blocks. Any other bytes that are
//! no member are ignored, as gzip itself ignores them, and the report has a note about them.

use crate::input::Origin;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// A reader of a file's compressed bytes. One byte can be put back, to be read again. This is
/// needed after a member, to look at the first two bytes of the next one.
struct Rewindable {
    reader: Box<dyn BufRead + Send>,
    /// The byte that was put back and is read again next; `None` if there is none.
    again: Option<u8>,
}

impl Read for Rewindable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Rewindable {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &self.again {
            Some(byte) => Ok(std::slice::from_ref(byte)),
            None => self.reader.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        let again = self.again.take_if(|_| count > 0).is_some();
        self.reader.consume(count - usize::from(again));
    }
}

/// A reader that decompresses all members of a file.
pub(crate) struct GzipMembers {
    /// The decompressor of the current member; `None` at the end of the file.
    member: Option<GzDecoder<Rewindable>>,
    origin: Origin,
}

impl GzipMembers {
    pub(crate) fn new(stored: impl BufRead + Send + 'static, origin: Origin) -> Self {
        let stored = Rewindable {
            reader: Box::new(stored),
            again: None,
        };
        Self {
            member: Some(GzDecoder::new(stored)),
            origin,
        }
    }

    /// Moves on to the next member. If there is none, `member` is set to `None`.
    fn next(&mut self) -> io::Result<()> {
        let Some(mut stored) = self.member.take().map(GzDecoder::into_inner) else {
            return Ok(());
        };
        skip_zeros(&mut stored)?;
        if stored.fill_buf()?.first() == Some(&0x1f) {
            stored.consume(1);
            // A member begins here, or the file is cut off after the first byte of one. In that
            // case the decompressor returns an error.
            if matches!(stored.fill_buf()?.first(), Some(0x8b) | None) {
                stored.again = Some(0x1f);
                self.member = Some(GzDecoder::new(stored));
                return Ok(());
            }
        }
        if !stored.fill_buf()?.is_empty() {
            self.origin.note_junk();
        }
        Ok(())
    }
}

impl Read for GzipMembers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.next()?;
        }
        Ok(0)
    }
}

fn skip_zeros(stored: &mut Rewindable) -> io::Result<()> {
    loop {
        let bytes = stored.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let all = zeros == bytes.len();
        stored.consume(zeros);
        if !all || zeros == 0 {
            return Ok(());
        }
    }
}
