//! Conversion of text to UTF-8 while it is read.

use crate::error::LoadError;
use crate::input::{Input, Origin};
use encoding_rs::{CoderResult, Decoder, WINDOWS_1252};
use std::io::{self, Cursor, Read};

/// The number of bytes that are decoded in one step: a choice.
const CHUNK: usize = 64 << 10;

impl Input {
    /// The input with its text converted to UTF-8 as `recoding` describes.
    pub(crate) fn recoded(self, recoding: Recoding) -> Result<Self, LoadError> {
        let recoder = Recoder {
            reader: Cursor::new(self.sample).chain(self.rest),
            origin: self.origin.clone(),
            recoding,
            raw: vec![0; CHUNK],
            text: String::new(),
            given: 0,
            ended: false,
        };
        Self::from_bytes(Box::new(recoder), self.origin)
    }
}

/// A way of converting an input's bytes to UTF-8.
pub(crate) enum Recoding {
    /// All bytes are in one encoding, and this decoder converts them.
    By(Decoder),
    /// Only the bytes that are not valid UTF-8 are converted, as windows-1252. The list has the
    /// last bytes that were read if they may be the beginning of a character; otherwise it is
    /// empty.
    Mixed(Vec<u8>),
}

impl Recoding {
    /// The recoding of text in which all bytes that are not UTF-8 are windows-1252.
    pub(crate) fn mixed() -> Self {
        Self::Mixed(Vec::new())
    }
}

/// A reader that converts the bytes of another reader to UTF-8.
struct Recoder<R> {
    reader: R,
    origin: Origin,
    recoding: Recoding,
    raw: Vec<u8>,
    /// The bytes that were decoded last, as UTF-8 text.
    text: String,
    /// The number of bytes of `text` that were already read from this reader.
    given: usize,
    ended: bool,
}

impl<R: Read> Recoder<R> {
    /// Reads and decodes the next bytes. Their text replaces `text`, which must have been read to
    /// its end.
    fn advance(&mut self) -> io::Result<()> {
        let count = self.reader.read(&mut self.raw)?;
        let raw = self.raw.get(..count).unwrap_or_default();
        (self.ended, self.given) = (count == 0, 0);
        self.text.clear();
        let is_clean = match &mut self.recoding {
            Recoding::By(decoder) => decode(decoder, raw, &mut self.text, self.ended),
            Recoding::Mixed(held) => {
                held.extend_from_slice(raw);
                mix(held, &mut self.text, self.ended)
            }
        };
        if !is_clean {
            match &self.recoding {
                Recoding::By(decoder) => self.origin.note_broken_text(decoder.encoding().name()),
                Recoding::Mixed(_) => self.origin.note_mixed_text(),
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Recoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.advance()?;
        }
        let rest = self.text.as_bytes().get(self.given..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.given += count;
        Ok(count)
    }
}

/// Decodes bytes and appends their text to `text`. Returns true if all bytes were valid. `last`
/// must be true if no bytes follow.
fn decode(decoder: &mut Decoder, mut raw: &[u8], text: &mut String, last: bool) -> bool {
    let mut is_clean = true;
    loop {
        text.reserve(raw.len().max(16) * 3);
        let (result, read, broken) = decoder.decode_to_string(raw, text, last);
        is_clean &= !broken;
        raw = raw.get(read..).unwrap_or_default();
        if result == CoderResult::InputEmpty {
            return is_clean;
        }
    }
}

/// Moves all complete characters from `held` to `text`, and reads bytes that are not UTF-8 as
/// windows-1252. Returns true if all bytes were UTF-8. If `last` is true, no bytes follow, so an
/// incomplete character at the end is moved too.
fn mix(held: &mut Vec<u8>, text: &mut String, last: bool) -> bool {
    let (mut at, mut is_clean) = (0, true);
    while let Some(rest) = held.get(at..).filter(|rest| !rest.is_empty()) {
        let error = match std::str::from_utf8(rest) {
            Ok(good) => {
                text.push_str(good);
                at = held.len();
                break;
            }
            Err(error) => error,
        };
        let (good, broken) = rest
            .split_at_checked(error.valid_up_to())
            .unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(good));
        at += good.len();
        let length = match error.error_len() {
            Some(length) => length,
            None if last => broken.len(),
            None => break,
        };
        let broken = broken.get(..length).unwrap_or(broken);
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(broken).0);
        at += length;
        is_clean = false;
    }
    held.drain(..at.min(held.len()));
    is_clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_utf8_are_windows_1252() {
        for (bytes, text) in [
            (&b"K\xc3\xb6ln K\xf6ln"[..], "Köln Köln"),
            (b"\xf6", "ö"),
            (b"\xe2\x82", "â‚"),
            (b"a\xe2\x82\xac", "a€"),
        ] {
            for step in 1..4 {
                let (mut held, mut out) = (Vec::new(), String::new());
                for part in bytes.chunks(step) {
                    held.extend_from_slice(part);
                    mix(&mut held, &mut out, false);
                }
                mix(&mut held, &mut out, true);
                assert_eq!(out, text, "{step} bytes at a time");
            }
        }
    }
}
