//! The part of a JSON document after its rows, or after the GeoJSON in it. It closes the objects
//! and arrays that the rows are in, and must have no other positions.

use super::json_text::JsonText;
use super::outline::{LEFT_OUT, names_in, search};
use super::path::{PartialValue, PathStep, dotted};
use super::row_scanner::key;
use crate::error::LoadError;
use crate::geojson::cursor::{Cursor, ScanStop, unexpected};
use crate::geojson::object::string;
use crate::options::LoadOptions;

/// The most bytes of each JSON value after the rows that are searched for positions, from the
/// value's beginning on: 1 MiB, a choice.
const SEARCHED: usize = 1 << 20;

/// The kinds of JSON members that end the load with an error if they come after the rows. Had such
/// a member come before the rows, the rows would have been read in another way.
#[derive(Clone, Copy, Debug)]
pub(super) struct LateMembers {
    /// True if a list of column names after the rows is an error.
    pub(super) names: bool,
    /// True if a coordinate system after the rows is an error.
    pub(super) reference: bool,
    /// True if other positions after the rows are an error.
    pub(super) rows: bool,
}

/// A reader, byte by byte, of the part of a JSON document after its rows.
pub(super) struct DocumentTail {
    file: String,
    /// The JSON path of the rows in the document.
    path: Vec<PathStep>,
    /// The opening brackets, from the outermost, of the objects and arrays around the rows that are
    /// not closed yet.
    open: Vec<u8>,
    /// The options with which a value after the rows is examined for positions. `None` if an option
    /// names the path of the rows: then values after the rows are not examined.
    search: Option<LoadOptions>,
    late: LateMembers,
    /// The beginning of the member or element after the rows that is being read; `None` until the
    /// comma before it is read.
    part: Option<Vec<u8>>,
    /// The number of open objects and arrays inside the member or element that is being read.
    depth: usize,
    text: JsonText,
}

impl DocumentTail {
    pub(super) fn new(
        path: &[PathStep],
        file: String,
        options: &LoadOptions,
        late: LateMembers,
    ) -> Self {
        let bracket = |step: &PathStep| match step {
            PathStep::Member(_) => b'{',
            PathStep::Element(_) => b'[',
        };
        Self {
            file,
            path: path.to_vec(),
            open: path.iter().map(bracket).collect(),
            search: options.rows.is_none().then(|| options.clone()),
            late,
            part: None,
            depth: 0,
            text: JsonText::default(),
        }
    }

    /// Returns whether all objects and arrays around the rows are closed.
    pub(super) fn is_closed(&self) -> bool {
        self.open.is_empty()
    }

    /// Reads the next bytes after the rows. Returns the number of them that belong to the document:
    /// all of them unless the document ends here.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<usize, ScanStop> {
        // The offset of the first byte of the member or element that isn't stored yet.
        let mut from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if self.is_closed() {
                return Ok(at);
            }
            if self.text.holds(byte) {
                continue;
            }
            match byte {
                b',' | b'}' | b']' if self.depth == 0 => {
                    self.store(bytes.get(from..at).unwrap_or_default());
                    self.finish_part(at)?;
                    from = at + 1;
                    match (byte, self.open.last()) {
                        (b',', _) => self.part = Some(Vec::new()),
                        (b'}', Some(b'{')) | (b']', Some(b'[')) => {
                            self.open.pop();
                        }
                        _ => return Err(expected_end(at)),
                    }
                }
                b' ' | b'\t' | b'\r' | b'\n' | 0x1e => (),
                _ if self.part.is_none() => return Err(expected_end(at)),
                b'"' => self.text.open(),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth -= 1,
                _ => (),
            }
        }
        self.store(bytes.get(from..).unwrap_or_default());
        Ok(bytes.len())
    }

    /// Appends bytes to `part`, the beginning of the member or element that is being read, until it
    /// has [`SEARCHED`] bytes. Further bytes are not stored.
    fn store(&mut self, bytes: &[u8]) {
        if let Some(part) = &mut self.part {
            let count = SEARCHED.saturating_sub(part.len()).min(bytes.len());
            part.extend_from_slice(bytes.get(..count).unwrap_or_default());
        }
    }

    /// Checks the member or element that ends here, if there is one. `end` is the offset of its end
    /// in the bytes that were passed to this call of [`follow`](Self::follow).
    fn finish_part(&mut self, end: usize) -> Result<(), ScanStop> {
        let Some(part) = self.part.take() else {
            return Ok(());
        };
        let (buffer, at) = (part.as_slice(), 0);
        let mut scan = Cursor { buffer, at };
        let misplaced = |stop| match stop {
            ScanStop::Wrong(_, message) => ScanStop::Wrong(end, message),
            _ => unexpected(end, "a value"),
        };
        let name = match self.open.last() {
            Some(b'{') => Some(key(&mut scan, 0).map_err(misplaced)?),
            _ => None,
        };
        scan.peek(None).map_err(misplaced)?;
        let name = name.and_then(|name| part.get(name));
        let is_whole = part.len() < SEARCHED;
        self.check(name, scan.rest(), is_whole)
            .map_err(|error| ScanStop::Refused(end, Box::new(error)))
    }

    /// Checks a value after the rows: it must have no positions, and not be a list of column names.
    /// `key` is the JSON text of the name of the value's member; `None` if the value is an element
    /// of an array. `is_whole` is false if `json` is only the beginning of the value, since the
    /// value is longer than [`SEARCHED`].
    fn check(&self, key: Option<&[u8]>, json: &[u8], is_whole: bool) -> Result<(), LoadError> {
        let name = key.map(|key| string(key).into_owned());
        let refused = |message: String| LoadError::JsonRows {
            file: self.file.clone(),
            message,
        };
        let value = PartialValue { json, is_whole };
        if self.late.names
            && matches!(name.as_deref(), Some("columns" | "fields"))
            && let Some(names) = names_in(value)
        {
            return Err(refused(format!(
                "the names of the columns ({}) stand behind the rows, too late to be used; name \
                 columns by their numbers with `lon` and `lat`",
                crate::messages::list(&names)
            )));
        }
        if self.late.reference && name.as_deref() == Some("spatialReference") {
            return Err(refused(
                "the spatialReference stands behind the features, too late to be used; write it \
                 before them"
                    .to_owned(),
            ));
        }
        let may_have_rows = self.late.rows
            && matches!(json.first(), Some(b'[' | b'{'))
            && name.as_deref().is_none_or(|name| !LEFT_OUT.contains(&name));
        let Some(options) = self.search.as_ref().filter(|_| may_have_rows) else {
            return Ok(());
        };
        let end: &[u8] = if is_whole { b"}" } else { b"" };
        let member = [b"{\"\":", json, end].concat();
        match search(&member, is_whole, options).parts.first() {
            Some(_) => {
                let second = name.unwrap_or_else(|| "a later element".to_owned());
                Err(refused(two_parts(&dotted(&self.path), &second)))
            }
            None => Ok(()),
        }
    }
}

fn expected_end(at: usize) -> ScanStop {
    unexpected(at, "a comma or the end of an object or array")
}

/// The error message for a document of which two parts have positions. `first` and `second` name
/// the two parts.
pub(super) fn two_parts(first: &str, second: &str) -> String {
    format!(
        "there are rows with positions in {first} and in {second}; choose one with `rows`, for \
         example `rows` {first}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text`, in two pieces split at the offset `split`, as the part of a document after its
    /// rows. Returns the number of bytes that belong to the document, and true if the document
    /// ended there; or the error's message.
    fn outcome(text: &str, split: usize) -> Result<(usize, bool), String> {
        let path = [PathStep::Member("a".to_owned()), PathStep::Element(0)];
        let late = LateMembers {
            names: true,
            reference: true,
            rows: true,
        };
        let mut tail = DocumentTail::new(&path, String::new(), &LoadOptions::default(), late);
        let (first, second) = text.as_bytes().split_at(split);
        let mut length = 0;
        for piece in [first, second] {
            length += tail.follow(piece).map_err(|stop| match stop {
                ScanStop::Refused(_, error) => error.to_string(),
                ScanStop::Wrong(_, message) => message,
                ScanStop::Short(_) => "short".to_owned(),
            })?;
        }
        Ok((length, tail.is_closed()))
    }

    #[test]
    fn tails_are_read_alike_in_any_pieces() {
        for (text, expected) in [
            ("]} ", Ok((2, true))),
            (
                " , 7 , [\"]}\\\"\"] ] , \"b\" : {\"c\":[1]} }",
                Ok((37, true)),
            ),
            ("],\"bounds\":[[48,2],[53,14]]}", Ok((28, true))),
            ("],\"b\":[[48,2],[53,14", Ok((20, false))),
            ("],\"b\":[[48,2],[53,14]]}", Err("in a.1 and in b; choose")),
            (",[[48,2],[53,14]]]}", Err("and in a later element")),
            (
                "],\"columns\":[\"x\"]}",
                Err("names of the columns (\"x\")"),
            ),
            ("],\"spatialReference\":{}}", Err("spatialReference stands")),
            ("}", Err("expected a comma or the end of")),
            ("] x", Err("expected a comma or the end of")),
            (",]", Err("expected a value")),
            ("],7}", Err("expected a member's name")),
            ("],\"b\" 7}", Err("expected a colon")),
        ] {
            let whole = outcome(text, text.len());
            match (&whole, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(*found, expected, "{text}"),
                (Err(message), Err(words)) => assert!(message.contains(words), "{message}"),
                _ => panic!("{text}: {whole:?}"),
            }
            for split in 0..text.len() {
                assert_eq!(outcome(text, split), whole, "{text} at {split}");
            }
        }
    }

    #[test]
    fn the_beginning_of_a_long_part_shows_its_positions() {
        let long = |element: &str| format!("],\"b\":[{}]}}", vec![element; 300_000].join(","));
        let message = outcome(&long("[48.5,2.25]"), 0).unwrap_err();
        assert!(message.contains("in a.1 and in b"), "{message}");
        let text = long("{\"n\":7}");
        assert_eq!(outcome(&text, 1_000_000), Ok((text.len(), true)));
    }
}
