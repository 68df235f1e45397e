//! A reader that turns the array or object in a JavaScript file into JSON while it is read.
//!
//! The text around the array or object is left out, and so are comments and commas before a closing
//! bracket. Names without quotes and strings in single quotes get double quotes, `.5` becomes
//! `0.5`, and `undefined` becomes `null`. `new google.maps.LatLng(48.1, 11.5)` and `L.latLng(48.1,
//! 11.5)` become objects with `lat` and `lng`. Line ends stay, so that errors name the right lines.

use crate::error::LoadError;
use crate::input::Input;
use std::io::{self, Cursor, Read};

/// The number of bytes of the script that are converted in one step: a choice.
const CHUNK: usize = 64 << 10;

/// The most brackets that may be open in one script, one inside the other, and also the most bytes
/// of a word without quotes: a choice.
const MOST: usize = 1 << 20;

/// The JSON value of a script, as an input. `input` is the script. `start` is the offset in the
/// script, in bytes, at which the value begins.
pub(super) fn unwrapped(mut input: Input, start: usize) -> Result<Input, LoadError> {
    for byte in input.sample.iter_mut().take(start) {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
    let reader = ScriptReader {
        reader: Cursor::new(input.sample).chain(input.rest),
        raw: vec![0; CHUNK],
        converter: ScriptConverter::default(),
        given: 0,
    };
    Input::from_bytes(Box::new(reader), input.origin)
}

struct ScriptReader<R> {
    reader: R,
    raw: Vec<u8>,
    converter: ScriptConverter,
    /// The number of bytes of the converter's JSON that the caller has read already.
    given: usize,
}

impl<R: Read> Read for ScriptReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.converter.json.len() {
            self.converter.json.clear();
            self.given = 0;
            let count = self.reader.read(&mut self.raw)?;
            if count == 0 {
                return Ok(0);
            }
            let raw = self.raw.get(..count).unwrap_or_default();
            raw.iter()
                .try_for_each(|byte| self.converter.follow(*byte))?;
        }
        let ready = self.converter.json.get(self.given..).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        let (Some(to), Some(from)) = (buffer.get_mut(..count), ready.get(..count)) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        self.given += count;
        Ok(count)
    }
}

/// The part of a script in which the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScriptState {
    /// Between values, names and brackets, or in a word that isn't in quotes.
    #[default]
    Plain,
    /// In a string, which ends with this quote.
    Text(u8),
    /// In a string that ends with this quote, after a backslash.
    Escape(u8),
    /// After a slash, which begins a comment if a slash or an asterisk follows.
    Slash,
    LineComment,
    /// In a comment between `/*` and `*/`. The flag is true directly after an asterisk.
    Comment(bool),
    /// After the array or object that is converted. The flag is true directly after a bracket `[`.
    Tail(bool),
}

/// A comma or word of the script that isn't written as JSON yet, since the text after it decides
/// how it is written: a word before a colon is a name, and a comma before a closing bracket is left
/// out.
#[derive(Default)]
enum PendingToken {
    #[default]
    None,
    Comma,
    Word(Vec<u8>),
}

#[derive(Default)]
struct ScriptConverter {
    state: ScriptState,
    /// The state to which the converter returns after the comment that it is in.
    before: ScriptState,
    pending: PendingToken,
    /// The white space read after the pending token, which is written after that token.
    blanks: Vec<u8>,
    /// The brackets that are open, the innermost last. A round bracket begins the arguments of a
    /// call, which become an object.
    open: Vec<u8>,
    /// The number of commas so far between the arguments of the call that is open.
    arguments: usize,
    json: Vec<u8>,
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'+' | b'-') || byte >= 0x80
}

impl ScriptConverter {
    fn follow(&mut self, byte: u8) -> io::Result<()> {
        match self.state {
            ScriptState::Plain => return self.plain(byte),
            ScriptState::Text(quote) => self.text(byte, quote),
            ScriptState::Escape(quote) => self.escape(byte, quote),
            ScriptState::Slash => match byte {
                b'/' => self.state = ScriptState::LineComment,
                b'*' => self.state = ScriptState::Comment(false),
                _ => {
                    // It is a division or an expression, which JSON can't have.
                    self.state = self.before;
                    self.settle(b'/');
                    self.json.push(b'/');
                    return self.follow(byte);
                }
            },
            ScriptState::LineComment if byte == b'\n' => {
                self.state = self.before;
                return self.follow(byte);
            }
            ScriptState::Comment(true) if byte == b'/' => self.state = self.before,
            ScriptState::Comment(_) => {
                self.state = ScriptState::Comment(byte == b'*');
                if byte == b'\n' {
                    self.blank(byte);
                }
            }
            ScriptState::LineComment => (),
            ScriptState::Tail(after_bracket) => return self.tail(byte, after_bracket),
        }
        Ok(())
    }

    fn blank(&mut self, byte: u8) {
        match self.pending {
            PendingToken::None => self.json.push(byte),
            _ => self.blanks.push(byte),
        }
    }

    fn plain(&mut self, byte: u8) -> io::Result<()> {
        if byte.is_ascii_whitespace() {
            self.blank(byte);
            return Ok(());
        }
        if is_word(byte) {
            return self.word(byte);
        }
        if byte == b'/' {
            self.before = ScriptState::Plain;
            self.state = ScriptState::Slash;
            return Ok(());
        }
        self.settle(byte);
        match byte {
            b'"' | b'\'' | b'`' => {
                self.json.push(b'"');
                self.state = ScriptState::Text(byte);
            }
            b',' if self.open.last() == Some(&b'(') => {
                self.arguments += 1;
                self.json.extend_from_slice(match self.arguments {
                    1 => b",\"lng\":",
                    _ => b",\"alt\":",
                });
            }
            b',' => self.pending = PendingToken::Comma,
            b'{' | b'[' => {
                self.json.push(byte);
                self.open(byte)?;
            }
            b'(' => self.open(byte)?,
            b'}' | b']' | b')' => {
                self.json.push(if byte == b')' { b'}' } else { byte });
                self.open.pop();
                if self.open.is_empty() {
                    self.state = ScriptState::Tail(false);
                }
            }
            _ => self.json.push(byte),
        }
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> io::Result<()> {
        if self.open.len() >= MOST {
            return Err(invalid("too many brackets are open"));
        }
        self.open.push(bracket);
        Ok(())
    }

    fn word(&mut self, byte: u8) -> io::Result<()> {
        match &mut self.pending {
            PendingToken::Word(word) if self.blanks.is_empty() => {
                word.push(byte);
                if word.len() > MOST {
                    return Err(invalid("a word of over a million characters"));
                }
            }
            _ => {
                self.settle(byte);
                self.pending = PendingToken::Word(vec![byte]);
            }
        }
        Ok(())
    }

    /// Writes the pending comma or word as JSON. `next`, the first byte after it that is neither
    /// white space nor part of a comment, decides how: before `:` a word becomes a name in quotes,
    /// before `}` or `]` a comma is left out.
    fn settle(&mut self, next: u8) {
        match std::mem::take(&mut self.pending) {
            PendingToken::None => return,
            PendingToken::Comma if matches!(next, b'}' | b']') => (),
            PendingToken::Comma => self.json.push(b','),
            PendingToken::Word(word) => self.write_word(&word, next),
        }
        self.json.append(&mut self.blanks);
    }

    fn write_word(&mut self, word: &[u8], next: u8) {
        let is_call = next == b'(' && word.to_ascii_lowercase().ends_with(b"latlng");
        match word {
            _ if is_call => {
                self.json.extend_from_slice(b"{\"lat\":");
                self.arguments = 0;
            }
            _ if next == b':' => {
                self.json.push(b'"');
                self.json.extend_from_slice(word);
                self.json.push(b'"');
            }
            b"new" => (),
            b"undefined" | b"NaN" | b"Infinity" | b"-Infinity" | b"+Infinity" => {
                self.json.extend_from_slice(b"null");
            }
            _ => {
                let (sign, digits) = match word {
                    [b'-', digits @ ..] => (&b"-"[..], digits),
                    [b'+', digits @ ..] => (&b""[..], digits),
                    digits => (&b""[..], digits),
                };
                self.json.extend_from_slice(sign);
                if digits.first() == Some(&b'.') {
                    self.json.push(b'0');
                }
                self.json.extend_from_slice(digits);
                if digits.last() == Some(&b'.') {
                    self.json.push(b'0');
                }
            }
        }
    }

    fn text(&mut self, byte: u8, quote: u8) {
        match byte {
            _ if byte == quote => {
                self.json.push(b'"');
                self.state = ScriptState::Plain;
            }
            b'\\' => self.state = ScriptState::Escape(quote),
            b'"' => self.json.extend_from_slice(b"\\\""),
            b'\n' => self.json.extend_from_slice(b"\\n"),
            b'\t' => self.json.extend_from_slice(b"\\t"),
            b'\r' => (),
            _ => self.json.push(byte),
        }
    }

    fn escape(&mut self, byte: u8, quote: u8) {
        self.state = ScriptState::Text(quote);
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u' => {
                self.json.extend_from_slice(&[b'\\', byte]);
            }
            b'x' => self.json.extend_from_slice(b"\\u00"),
            b'\n' | b'\r' => (),
            _ => self.json.push(byte),
        }
    }

    /// Reads the next byte of the script after the value. An array that begins with an array or
    /// object is an error there, since it may have rows.
    fn tail(&mut self, byte: u8, after_bracket: bool) -> io::Result<()> {
        match byte {
            b'[' | b'{' if after_bracket => Err(invalid(
                "the script has a second array of rows behind its first; keep one of them",
            )),
            b'\n' => {
                self.json.push(byte);
                Ok(())
            }
            _ if byte.is_ascii_whitespace() => Ok(()),
            b'/' => {
                self.before = self.state;
                self.state = ScriptState::Slash;
                Ok(())
            }
            _ => {
                self.state = ScriptState::Tail(byte == b'[');
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(script: &str) -> String {
        let mut converter = ScriptConverter::default();
        script
            .bytes()
            .for_each(|byte| converter.follow(byte).unwrap());
        String::from_utf8(converter.json).unwrap()
    }

    #[test]
    fn scripts_become_json() {
        for (script, expected) in [
            ("[1, [2,3],];", "[1, [2,3]]"),
            (
                "{max: 8, 'da\"ta': [.5, +1, -.5, 5.]}",
                r#"{"max": 8, "da\"ta": [0.5, 1, -0.5, 5.0]}"#,
            ),
            (
                "{a:1, // b\n/* c */ $d : undefined,\n}",
                "{\"a\":1, \n \"$d\" : null\n}",
            ),
            (
                "[\"it\\'s\", 'a\\x41', `b\nc`]",
                r#"["it's", "a\u0041", "b\nc"]"#,
            ),
            ("{\"a\":\"//x\",\"b\":true})", r#"{"a":"//x","b":true}"#),
            (
                "[new google.maps.LatLng(1.5, -2), {location: L.latLng(3,4), weight: 2}]",
                r#"[ {"lat":1.5,"lng": -2}, {"location": {"lat":3,"lng":4}, "weight": 2}]"#,
            ),
            ("[1], {radius: 25}).addTo(map);\n// [[", "[1]\n"),
        ] {
            assert_eq!(json(script), expected, "{script}");
        }
        let mut converter = ScriptConverter::default();
        let two = b"[1]; var b = [[2]];";
        assert!(
            two.iter()
                .try_for_each(|byte| converter.follow(*byte))
                .is_err()
        );
    }
}
