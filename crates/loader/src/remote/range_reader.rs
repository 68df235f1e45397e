//! Reader of a remote file by ranges. Reads that lie close together share a request.

use super::object::Object;
use crate::input::Origin;
use bytes::Bytes;
use std::io::{self, Read, Seek, SeekFrom};

/// The size in bytes of the first request after a jump to another part of the file.
const NEAR: u64 = 32 << 10;
/// The largest size in bytes of a request when the file is read on from the last one.
const FAR: u64 = 1 << 20;

/// A reader of a remote file that can seek.
pub(crate) struct RangeReader {
    object: Object,
    origin: Origin,
    at: u64,
    /// The offset in the file of `window`, the bytes fetched last.
    start: u64,
    window: Bytes,
    next: u64,
}

impl RangeReader {
    pub(crate) fn new(object: Object, origin: Origin) -> Self {
        Self {
            object,
            origin,
            at: 0,
            start: 0,
            window: Bytes::new(),
            next: NEAR,
        }
    }

    /// The bytes of the window from the current position on; empty outside of the window.
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
        // A position close behind the last window means that the file is probably read on from
        // here.
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
