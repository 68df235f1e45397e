//! GeoJSON inside another document: it is handed to the reader of GeoJSON.

use super::path::{Step, dotted};
use crate::error::LoadError;
use crate::format::InputFormat;
use crate::geojson;
use crate::input::Input;
use crate::options::LoadOptions;
use crate::source::Source;
use std::io::{self, Cursor, Read};

/// A source that reads the GeoJSON at `path`, which begins at the offset `at` of the sample.
pub(super) fn source(
    input: Input,
    mut sample: Vec<u8>,
    path: &[Step],
    at: usize,
    options: &LoadOptions,
) -> Result<Box<dyn Source>, LoadError> {
    let Input {
        origin,
        whole,
        rest,
        ..
    } = input;
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
        rest: Box::new(PartReader::new(Cursor::new(sample).chain(rest), path.len())),
    };
    geojson::part(input, InputFormat::GeoJson, options, &dotted(path))
}

/// A reader that ends after the first JSON value, and checks that the objects and arrays around it
/// are closed behind it.
struct PartReader<R> {
    reader: R,
    /// The number of objects and arrays that are open inside the value.
    depth: usize,
    /// The number of objects and arrays around the value that are not closed yet.
    around: usize,
    is_begun: bool,
    is_text: bool,
    is_escaped: bool,
}

impl<R: Read> PartReader<R> {
    fn new(reader: R, around: usize) -> Self {
        Self {
            reader,
            depth: 0,
            around,
            is_begun: false,
            is_text: false,
            is_escaped: false,
        }
    }

    /// Follows one byte. Returns whether the value ends with it.
    fn follow(&mut self, byte: u8) -> bool {
        if self.is_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_text = false,
                _ => (),
            }
            return false;
        }
        match byte {
            b'"' => self.is_text = true,
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

    /// Reads what is behind the value.
    fn finish(&mut self, rest: &[u8]) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        let mut tail = WrapperTail {
            depth: self.around,
            ..WrapperTail::default()
        };
        tail.follow(rest)?;
        loop {
            let count = self.reader.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            tail.follow(buffer.get(..count).unwrap_or_default())?;
        }
        match tail.depth {
            0 => Ok(()),
            _ => Err(invalid("the file ends too early")),
        }
    }
}

/// The state of reading what is behind the value.
#[derive(Default)]
struct WrapperTail {
    depth: usize,
    is_text: bool,
    is_escaped: bool,
    /// The text that is read, as far as it is compared with the name of another collection.
    text: Vec<u8>,
}

/// The type of a second collection, which would be lost.
const COLLECTION: &[u8] = b"FeatureCollection";

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl WrapperTail {
    fn follow(&mut self, bytes: &[u8]) -> io::Result<()> {
        for &byte in bytes {
            if self.is_text {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => {
                        self.is_text = false;
                        if self.text == COLLECTION {
                            return Err(invalid(
                                "a second FeatureCollection stands behind the first; choose one \
                                 with `rows`",
                            ));
                        }
                    }
                    _ if self.text.len() <= COLLECTION.len() => self.text.push(byte),
                    _ => (),
                }
                continue;
            }
            match byte {
                b'"' => {
                    self.is_text = true;
                    self.text.clear();
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    let depth = self.depth.checked_sub(1);
                    self.depth = depth.ok_or_else(|| invalid("a bracket too many"))?;
                }
                _ => (),
            }
        }
        Ok(())
    }
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
