//! A cursor over a buffer of JSON that may be cut off anywhere, for scanners that find the parts of
//! a document while it is read.

use super::skip_value;
use crate::error::LoadError;
use crate::text::chunker::{Split, SplitError};
use std::ops::Range;

/// The token that is expected next in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrayState {
    /// The first element, or the bracket that ends an empty array.
    First,
    /// An element, since the last token was a comma.
    Element,
    /// A comma, or the bracket that ends the array.
    Comma,
}

/// The reason why scanning stops. Each reason has the offset of a byte in the buffer.
pub(crate) enum ScanStop {
    /// A feature or another part of the document that the end of the buffer cuts off. The offset is
    /// where that part begins, or the end of the buffer; scanning resumes there when more bytes are
    /// read.
    Short(usize),
    /// Bytes that are not valid JSON, from this offset on, for the given reason.
    Wrong(usize, String),
    /// A refusal of the document: of its coordinate system, or of a member that would change how
    /// the rows before it are read. The offset is the beginning of the document or of that member.
    Refused(usize, Box<LoadError>),
}

impl ScanStop {
    /// Adds `start` to the offset, for a larger buffer in which the scanned bytes begin there.
    pub(crate) fn behind(self, start: usize) -> Self {
        match self {
            Self::Short(at) => Self::Short(start + at),
            Self::Wrong(at, message) => Self::Wrong(start + at, message),
            Self::Refused(at, error) => Self::Refused(start + at, error),
        }
    }
}

/// The stop at `offset`, where another byte is found than the one that `expected` describes, such
/// as `a colon`.
pub(crate) fn unexpected(offset: usize, expected: &str) -> ScanStop {
    ScanStop::Wrong(offset, format!("expected {expected}"))
}

/// A buffer, and the offset in it up to which it is scanned.
pub(crate) struct Cursor<'a> {
    pub(crate) buffer: &'a [u8],
    pub(crate) at: usize,
}

impl Cursor<'_> {
    pub(crate) fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// Returns the next byte that is not white space, without skipping it. If the buffer ends
    /// before such a byte, the result is [`ScanStop::Short`] with the offset `back`, at which
    /// scanning must resume when more bytes are read; `None` stands for the end of this buffer.
    pub(crate) fn peek(&mut self, back: Option<usize>) -> Result<u8, ScanStop> {
        self.at += skip_value::blank(self.rest());
        self.rest()
            .first()
            .copied()
            .ok_or(ScanStop::Short(back.unwrap_or(self.at)))
    }

    pub(crate) fn expect(&mut self, byte: u8, back: usize, expected: &str) -> Result<(), ScanStop> {
        if self.peek(Some(back))? != byte {
            return Err(unexpected(self.at, expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Skips one value, and returns its range in the buffer. If the buffer ends inside the value,
    /// scanning must resume at the offset `back`.
    pub(crate) fn value(&mut self, back: usize) -> Result<Range<usize>, ScanStop> {
        self.peek(Some(back))?;
        match skip_value::value(self.rest()) {
            None => Err(ScanStop::Short(back)),
            Some(0) => Err(unexpected(self.at, "a value")),
            Some(length) => {
                let start = self.at;
                self.at += length;
                Ok(start..self.at)
            }
        }
    }
}

/// The result of scanning a part of a document: the part's range in the buffer if it is an item
/// (such as a feature), which is parsed later by itself; otherwise `None`.
pub(crate) type ScanStep = Result<Option<Range<usize>>, ScanStop>;

/// Splits a buffer by calls of `step`, each of which scans the next part of a document and returns
/// its range if it is an item, such as a feature. `ended` is true if the buffer reaches to the end
/// of the file. The file then counts as cut off unless all bytes are scanned and the scanner is
/// outside of all documents (`is_outside`).
pub(crate) fn split<S>(
    scanner: &mut S,
    (buffer, ended): (&[u8], bool),
    step: fn(&mut S, &mut Cursor<'_>) -> ScanStep,
    is_outside: fn(&S) -> bool,
) -> Split {
    let mut scan = Cursor { buffer, at: 0 };
    let mut items = Vec::new();
    let stop = loop {
        match step(scanner, &mut scan) {
            Ok(item) => items.extend(item),
            Err(stop) => break stop,
        }
    };
    let (end, error) = match stop {
        ScanStop::Short(end) if ended && (!is_outside(scanner) || end < buffer.len()) => {
            let message = "the file ends too early".to_owned();
            (buffer.len(), Some(SplitError::Json(message)))
        }
        ScanStop::Short(end) => (end, None),
        ScanStop::Wrong(at, message) => (at, Some(SplitError::Json(message))),
        ScanStop::Refused(at, error) => (at, Some(SplitError::Refused(error))),
    };
    Split { end, items, error }
}
