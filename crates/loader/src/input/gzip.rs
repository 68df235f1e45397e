//! Decompression of the members of a gzip file, one after the other.
//!
//! Zeros behind a member, which pad a file to whole tape blocks, are skipped. Any other bytes that
//! are no member are ignored, as gzip itself ignores them, and noted in the report.

use crate::input::Origin;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// The compressed bytes of a file. One byte can be put back.
struct Rewindable {
    reader: Box<dyn BufRead + Send>,
    /// The byte that was put back.
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

/// Decompressor of all members.
pub(crate) struct GzipMembers {
    /// The current member; `None` at the end.
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

    /// Moves on to the next member, if there is one.
    fn next(&mut self) -> io::Result<()> {
        let Some(mut stored) = self.member.take().map(GzDecoder::into_inner) else {
            return Ok(());
        };
        skip_zeros(&mut stored)?;
        if stored.fill_buf()?.first() == Some(&0x1f) {
            stored.consume(1);
            // A member begins here, or the file is cut off, which its decoder will report.
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
