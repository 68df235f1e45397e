//! A scanner that finds the rows of a JSON document while it is read, from the beginning of the
//! array or object that has them.

use super::document_tail::DocumentTail;
use super::path::Container;
use crate::geojson::cursor::{self, ArrayState, Cursor, ScanStop, unexpected};
use crate::geojson::feature_scanner::LIMIT;
use crate::text::chunker::{Split, Splitter};
use std::ops::Range;

/// The part of the document that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowScanState {
    /// Before the opening bracket of the array or object that has the rows.
    Before,
    /// Between the brackets of the array or object that has the rows.
    Rows(ArrayState),
    /// After the rows, inside the objects and arrays around them.
    Tail,
    /// After the document.
    After,
}

/// A splitter of a JSON document into rows.
pub(super) struct RowScanner {
    state: RowScanState,
    container: Container,
    /// True if the JSON path of the rows is empty: the rows are not inside a larger object or
    /// array.
    is_root: bool,
    tail: DocumentTail,
}

impl RowScanner {
    pub(super) fn new(container: Container, tail: DocumentTail) -> Self {
        Self {
            state: RowScanState::Before,
            container,
            is_root: tail.is_closed(),
            tail,
        }
    }

    /// Scans the next row, comma or bracket. Returns the range of a row in the bytes that `scan`
    /// reads, and `None` for a comma or bracket.
    fn step(&mut self, scan: &mut Cursor<'_>) -> Result<Option<Range<usize>>, ScanStop> {
        let next = scan.peek(None)?;
        let start = scan.at;
        match self.state {
            RowScanState::Before if self.container == Container::Sequence => {
                return scan.value(start).map(Some);
            }
            RowScanState::Before => {
                scan.at += 1;
                self.state = RowScanState::Rows(ArrayState::First);
            }
            RowScanState::Rows(before) => return self.rows(scan, next, before),
            RowScanState::Tail => {
                let length = self
                    .tail
                    .follow(scan.rest())
                    .map_err(|stop| stop.behind(start))?;
                scan.at += length;
                self.close();
            }
            // Several documents may follow each other.
            RowScanState::After if next == b'[' && self.is_root => {
                self.state = RowScanState::Before;
            }
            RowScanState::After => return Err(unexpected(start, "the end of the file")),
        }
        Ok(None)
    }

    fn rows(
        &mut self,
        scan: &mut Cursor<'_>,
        next: u8,
        before: ArrayState,
    ) -> Result<Option<Range<usize>>, ScanStop> {
        let start = scan.at;
        let end = match self.container {
            Container::Keyed => b'}',
            _ => b']',
        };
        match (next, before) {
            (byte, ArrayState::First | ArrayState::Comma) if byte == end => {
                scan.at += 1;
                self.close();
                Ok(None)
            }
            (b',', ArrayState::Comma) => {
                scan.at += 1;
                self.state = RowScanState::Rows(ArrayState::Element);
                Ok(None)
            }
            (_, ArrayState::Comma) => Err(unexpected(start, "a comma or the end of the rows")),
            (_, ArrayState::First | ArrayState::Element) => {
                if self.container == Container::Keyed {
                    key(scan, start)?;
                }
                let item = scan.value(start)?;
                self.state = RowScanState::Rows(ArrayState::Comma);
                Ok(Some(item))
            }
        }
    }

    fn close(&mut self) {
        self.state = match self.tail.is_closed() {
            true => RowScanState::After,
            false => RowScanState::Tail,
        };
    }
}

/// Skips a member's name and the colon after it. Returns the name's range. `back` is the offset at
/// which scanning begins again, with more bytes, if the bytes end within the member.
pub(super) fn key(scan: &mut Cursor<'_>, back: usize) -> Result<Range<usize>, ScanStop> {
    if scan.peek(Some(back))? != b'"' {
        return Err(unexpected(scan.at, "a member's name in quotes"));
    }
    let key = scan.value(back)?;
    scan.expect(b':', back, "a colon")?;
    Ok(key)
}

impl Splitter for RowScanner {
    const LIMIT: usize = LIMIT;

    fn newline(&self) -> u8 {
        b'\n'
    }

    fn split(&mut self, buffer: &[u8], ended: bool) -> Split {
        let is_outside = |scanner: &Self| {
            scanner.state == RowScanState::After || scanner.container == Container::Sequence
        };
        cursor::split(self, (buffer, ended), Self::step, is_outside)
    }
}
