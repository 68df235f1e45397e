//! A splitter of newline-delimited GeoJSON, and of GeoJSON text sequences (RFC 8142).

use super::feature_scanner::LIMIT;
use crate::text::chunker::{Split, Splitter};

/// A splitter of text into JSON objects at a separating byte.
pub(crate) struct LineSplitter {
    /// The separating byte: a newline, or the record separator in text sequences, where it stands
    /// before each object.
    pub(crate) terminator: u8,
}

impl Splitter for LineSplitter {
    const LIMIT: usize = LIMIT;

    fn newline(&self) -> u8 {
        b'\n'
    }

    fn split(&mut self, buffer: &[u8], ended: bool) -> Split {
        let last = memchr::memrchr(self.terminator, buffer).map_or(0, |at| at + 1);
        let end = if ended { buffer.len() } else { last };
        let mut items = Vec::new();
        let mut from = 0;
        let ends = memchr::memchr_iter(self.terminator, buffer.get(..end).unwrap_or_default());
        for to in ends.chain([end]) {
            let item = buffer.get(from..to).unwrap_or_default();
            let skip = super::skip_value::blank(item);
            // A blank line is not a row.
            if skip < item.len() {
                items.push(from + skip..from + item.trim_ascii_end().len());
            }
            from = to + 1;
        }
        Split {
            end,
            items,
            error: None,
        }
    }
}
