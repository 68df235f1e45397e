//! A reader of a remote file by ranges. Reads that lie close together share one request.

use super::object::RemoteObject;
use crate::input::Origin;
use bytes::Bytes;
use std::io::{self, Read, Seek, SeekFrom};

/// The number of bytes that the first request asks for after a jump to another part of the file: a
/// choice.
const NEAR: u64 = 32 << 10;
/// The most bytes that one request asks for while the file is read in sequence: a choice. Each
/// request asks for twice as many bytes as the one before, up to this number.
const FAR: u64 = 1 << 20;

/// A reader of a remote file by ranges, with a position that can be set.
pub(crate) struct RangeReader {
    object: RemoteObject,
    origin: Origin,
    at: u64,
    /// The offset in the file at which `window` begins. `window` holds the bytes of the last
    /// request.
    start: u64,
    window: Bytes,
    next: u64,
}

impl RangeReader {
    pub(crate) fn new(object: RemoteObject, origin: Origin) -> Self {
        Self {
            object,
            origin,
            at: 0,
            start: 0,
            window: Bytes::new(),
            next: NEAR,
        }
    }

    /// The bytes of `window` from the reader's position on; empty if the position is outside of
    /// `window`.
    fn here(&self) -> &[u8] {
        let offset = self.at.checked_sub(self.start);
        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
        offset
            .and_then(|offset| self.window.get(offset..))
            .unwrap_or_default()
    }

    fn fetch(&mut self) -> io::Result<()> {
        let size = self.object.size().unwrap_or(0);
        if self.at >= size {
            return Ok(());
        }
        let end = self.start + self.window.len() as u64;
        // A position close after the last window shows that the file is probably read in sequence.
        self.next = match self.at.checked_sub(end) {
            Some(gap) if gap <= self.next => (self.next * 2).min(FAR),
            _ => NEAR,
        };
        let to = self.at.saturating_add(self.next).min(size);
        self.window = self.object.read(self.at..to)?;
        self.start = self.at;
        self.origin.count(self.window.len());
        Ok(())
    }
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.here().is_empty() && !buffer.is_empty() {
            self.fetch()?;
        }
        let here = self.here();
        let n = here.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), here.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for RangeReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let size = self.object.size().unwrap_or(0);
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => size.checked_add_signed(by),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a place before the beginning");
        self.at = place.ok_or_else(before)?;
        Ok(self.at)
    }
}
