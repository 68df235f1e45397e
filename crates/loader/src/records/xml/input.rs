//! The bytes of an XML document, in blocks. A *block* is a piece of the document of at most 128
//! KiB, whose text is checked to be UTF-8.

use std::io::{self, BufRead, Read};

/// The most bytes of a block: a choice. An event that spans two blocks is always read by the
/// parser.
const BLOCK: usize = 128 << 10;

/// The most bytes that one tag, text or comment may have, a choice: 16 MiB. Each of them is held
/// in memory as a whole.
const ENDLESS: usize = 16 << 20;

/// An input of an XML parser. It limits the size of the parser's events: after [`ENDLESS`] bytes of
/// one event it returns an error, since an event is held in memory as a whole.
pub(super) struct XmlInput<R> {
    reader: R,
    /// The tags that [`insert`](Self::insert) has added before the rest of the block, and the
    /// number of their bytes that were read.
    inserted: (Vec<u8>, usize),
    /// The text of the block, and the number of its bytes that were read.
    text: String,
    at: usize,
    /// The bytes after the text: the beginning of a character whose other bytes are in the next
    /// block, or bytes that are no UTF-8.
    rest: Vec<u8>,
    /// The number of bytes of `rest` that were read; `None` if they belong to the next block.
    rest_at: Option<usize>,
    /// The number of bytes that were read since the current event began.
    passed: usize,
}

impl<R: BufRead> XmlInput<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            inserted: (Vec::new(), 0),
            text: String::new(),
            at: 0,
            rest: Vec::new(),
            rest_at: None,
            passed: 0,
        }
    }

    /// Begins a new event, whose size is limited.
    pub(super) fn begin_event(&mut self) {
        self.passed = 0;
    }

    /// The text of the block, and the index of its first byte that was not read. The index is the
    /// length of the text if bytes in `rest` come next.
    pub(super) fn block(&self) -> (&str, usize) {
        (&self.text, self.at)
    }

    /// Moves past the next `count` bytes of the block's text.
    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// Inserts tags before the rest of the block, so that the parser reads them next.
    pub(super) fn insert(&mut self, bytes: &[u8]) {
        self.inserted.0.extend_from_slice(bytes);
    }

    /// Reads the next block. At the end of the input nothing is left to read.
    fn fill(&mut self) -> io::Result<()> {
        while self.at == self.text.len() && self.rest_at.is_none() {
            let mut bytes = std::mem::take(&mut self.text).into_bytes();
            bytes.clear();
            self.at = 0;
            let read = match self.reader.fill_buf() {
                Ok(read) => read.get(..BLOCK).unwrap_or(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let count = read.len();
            bytes.append(&mut self.rest);
            bytes.extend_from_slice(read);
            self.reader.consume(count);
            self.split(bytes, count == 0);
            if count == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Makes a block of `bytes`: its text, and the bytes after the text. `is_last` is true at the
    /// end of the input.
    fn split(&mut self, bytes: Vec<u8>, is_last: bool) {
        let error = match String::from_utf8(bytes) {
            Ok(text) => return self.text = text,
            Err(error) => error,
        };
        let valid = error.utf8_error().valid_up_to();
        let is_damaged = error.utf8_error().error_len().is_some();
        let mut bytes = error.into_bytes();
        self.rest = bytes.split_off(valid);
        self.rest_at = (is_damaged || is_last).then_some(0);
        self.text = String::from_utf8(bytes).unwrap_or_default();
    }
}

impl<R: BufRead> Read for XmlInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for XmlInput<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.passed > ENDLESS {
            let what = format!("a tag, text or comment of over {ENDLESS} bytes ends here");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        if self.inserted.1 == self.inserted.0.len() {
            self.fill()?;
        }
        let inserted = self.inserted.0.get(self.inserted.1..);
        let text = self.text.as_bytes().get(self.at..);
        let rest = self.rest_at.and_then(|at| self.rest.get(at..));
        let all = [inserted, text, rest].into_iter().flatten();
        Ok(all
            .into_iter()
            .find(|bytes| !bytes.is_empty())
            .unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.passed += count;
        if self.inserted.1 < self.inserted.0.len() {
            self.inserted.1 += count;
            if self.inserted.1 == self.inserted.0.len() {
                self.inserted.0.clear();
                self.inserted.1 = 0;
            }
        } else if self.at < self.text.len() {
            self.at += count;
        } else if let Some(at) = &mut self.rest_at {
            *at += count;
            if *at >= self.rest.len() {
                self.rest.clear();
                self.rest_at = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn every_byte_is_read_once_and_in_order() {
        let texts: [&[u8]; 6] = [
            b"",
            b"plain",
            "aü€𝄞z".as_bytes(),
            b"bad \xff byte",
            b"cut off \xe2\x82",
            b"\xe2\x82\xff\xf0",
        ];
        for text in texts {
            for size in [1, 2, 3, 100] {
                let mut input = XmlInput::new(BufReader::with_capacity(size, text));
                let mut all = Vec::new();
                input.read_to_end(&mut all).unwrap();
                assert_eq!(all, text, "{size}");
            }
        }
    }

    #[test]
    fn inserted_bytes_come_first() {
        let mut input = XmlInput::new(&b"rest"[..]);
        input.insert(b"<a>");
        let mut all = String::new();
        input.read_to_string(&mut all).unwrap();
        assert_eq!(all, "<a>rest");
    }
}
