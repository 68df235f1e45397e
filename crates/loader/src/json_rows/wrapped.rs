//! GeoJSON that is a part of a larger JSON document. It is passed to the reader of GeoJSON.

use super::document_tail::{DocumentTail, LateMembers};
use super::json_text::JsonText;
use super::path::{PathStep, dotted};
use crate::error::LoadError;
use crate::format::InputFormat;
use crate::geojson;
use crate::geojson::cursor::ScanStop;
use crate::geojson::skip_value::blank;
use crate::input::Input;
use crate::options::LoadOptions;
use crate::source::Source;
use std::io::{self, Cursor, Read};

/// A source that reads the GeoJSON at the JSON path `path`. The GeoJSON begins at byte `at` of
/// `sample`, the beginning of the input that was read before.
pub(super) fn source(
    input: Input,
    mut sample: Vec<u8>,
    path: &[PathStep],
    at: usize,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        whole,
        rest,
        ..
    } = input;
    let late = LateMembers {
        names: false,
        reference: false,
        rows: true,
    };
    let tail = DocumentTail::new(path, origin.file(), options, late);
    let options = &LoadOptions {
        rows: None,
        ..options.clone()
    };
    if path.is_empty() {
        let input = Input {
            origin,
            sample,
            whole,
            rest,
        };
        let format = input.json_layout();
        return geojson::source(input, format, options);
    }
    // Blanks in place of the text before it leave the numbers of lines as they are.
    for byte in sample.iter_mut().take(at).filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
    let input = Input {
        origin,
        sample: Vec::new(),
        whole: false,
        rest: Box::new(PartReader::new(Cursor::new(sample).chain(rest), tail)),
    };
    geojson::part(input, InputFormat::GeoJson, options, &dotted(path))
}

/// A reader that yields the first JSON value of `reader`, an array or object, and ends after it. It
/// then checks that the rest of the document has no other positions.
struct PartReader<R> {
    reader: R,
    /// The number of open objects and arrays inside the value.
    depth: usize,
    tail: DocumentTail,
    is_begun: bool,
    text: JsonText,
}

impl<R: Read> PartReader<R> {
    fn new(reader: R, tail: DocumentTail) -> Self {
        Self {
            reader,
            depth: 0,
            tail,
            is_begun: false,
            text: JsonText::default(),
        }
    }

    /// Reads one byte of the value. Returns true if the value ends with this byte.
    fn follow(&mut self, byte: u8) -> bool {
        if self.text.holds(byte) {
            return false;
        }
        match byte {
            b'"' => self.text.open(),
            b'{' | b'[' => {
                self.depth += 1;
                self.is_begun = true;
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.is_begun && self.depth == 0;
            }
            _ => (),
        }
        false
    }

    /// Reads the text after the value to the end of the file, and checks it. `rest` is the
    /// beginning of that text.
    fn finish(&mut self, rest: &[u8]) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        self.follow_tail(rest)?;
        loop {
            let count = self.reader.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            self.follow_tail(buffer.get(..count).unwrap_or_default())?;
        }
        match self.tail.is_closed() {
            true => Ok(()),
            false => Err(invalid("the file ends too early")),
        }
    }

    fn follow_tail(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = self.tail.follow(bytes).map_err(|stop| match stop {
            ScanStop::Refused(_, error) => io::Error::new(io::ErrorKind::InvalidData, *error),
            ScanStop::Wrong(_, message) => invalid(&format!("behind its GeoJSON: {message}")),
            ScanStop::Short(_) => invalid("the file ends too early"),
        })?;
        let rest = bytes.get(length..).unwrap_or_default();
        match blank(rest) < rest.len() {
            true => Err(invalid("behind its GeoJSON: expected the end of the file")),
            false => Ok(()),
        }
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl<R: Read> Read for PartReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_begun && self.depth == 0 {
            return Ok(0);
        }
        let count = self.reader.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        let end = (1..).zip(read).find(|(_, byte)| self.follow(**byte));
        let Some((end, _)) = end else {
            return Ok(count);
        };
        let behind = read.get(end..).unwrap_or_default().to_vec();
        self.finish(&behind)?;
        Ok(end)
    }
}
