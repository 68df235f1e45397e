//! A scanner that finds the rows of a document while it is read, from the beginning of the array or
//! object that has them.

use super::outline::{names_in, search};
use super::path::{Container, PartialValue, Step, dotted};
use crate::error::LoadError;
use crate::geojson::cursor::{ArrayState, Cursor, ScanStop, unexpected};
use crate::geojson::feature_scanner::LIMIT;
use crate::geojson::object::string;
use crate::options::LoadOptions;
use crate::text::chunker::{Split, SplitError, Splitter};
use std::ops::Range;

/// The number of bytes of a value behind the rows that are searched for other rows: a choice.
const SEARCHED: usize = 1 << 20;

/// The part of the document to which the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowScanState {
    /// Before the bracket that begins the rows.
    Before,
    /// Among the rows.
    Rows(ArrayState),
    /// After the rows, inside the objects and arrays around them.
    Tail,
    /// After the document.
    After,
}

/// A splitter of a document into rows.
pub(super) struct RowScanner {
    state: RowScanState,
    container: Container,
    /// The path of the rows, and the brackets around them that are not closed yet.
    path: Vec<Step>,
    open: Vec<u8>,
    file: String,
    /// The options for a search for other rows; `None`: there is no search, since an option names
    /// the rows.
    search: Option<LoadOptions>,
    late: LateMembers,
}

/// The members that would change how rows are read. Behind the rows they are too late, and end the
/// load.
#[derive(Clone, Copy, Debug)]
pub(super) struct LateMembers {
    /// The names of the columns.
    pub(super) names: bool,
    /// The coordinate system.
    pub(super) reference: bool,
    /// Other rows.
    pub(super) rows: bool,
}

impl RowScanner {
    pub(super) fn new(
        path: &[Step],
        container: Container,
        file: String,
        options: &LoadOptions,
        late: LateMembers,
    ) -> Self {
        let bracket = |step: &Step| match step {
            Step::Member(_) => b'{',
            Step::Element(_) => b'[',
        };
        Self {
            state: RowScanState::Before,
            container,
            path: path.to_vec(),
            open: path.iter().map(bracket).collect(),
            file,
            search: options.rows.is_none().then(|| options.clone()),
            late,
        }
    }

    /// Scans the next part of the document. Returns its range if it is a row.
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
            RowScanState::Tail => self.tail(scan, next)?,
            // Several documents may follow each other.
            RowScanState::After if next == b'[' && self.path.is_empty() => {
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
                    key(scan, next, start)?;
                }
                let item = scan.value(start)?;
                self.state = RowScanState::Rows(ArrayState::Comma);
                Ok(Some(item))
            }
        }
    }

    fn close(&mut self) {
        self.state = match self.open.is_empty() {
            true => RowScanState::After,
            false => RowScanState::Tail,
        };
    }

    /// Scans the next bracket or value behind the rows.
    fn tail(&mut self, scan: &mut Cursor<'_>, next: u8) -> Result<(), ScanStop> {
        let start = scan.at;
        let around = self.open.last().copied();
        match (next, around) {
            (b'}', Some(b'{')) | (b']', Some(b'[')) => {
                scan.at += 1;
                self.open.pop();
                self.close();
                Ok(())
            }
            (b',', Some(around)) => {
                scan.at += 1;
                let next = scan.peek(Some(start))?;
                let name = match around {
                    b'{' => Some(key(scan, next, start)?),
                    _ => None,
                };
                let value = scan.value(start)?;
                let json = scan.buffer.get(value).unwrap_or_default();
                let name = name.map(|name| scan.buffer.get(name).unwrap_or_default());
                self.check(name, json)
                    .map_err(|error| ScanStop::Refused(start, Box::new(error)))
            }
            _ => Err(unexpected(
                start,
                "a comma or the end of an object or array",
            )),
        }
    }

    /// Checks a value behind the rows: it must have no rows itself, and no names of the columns.
    fn check(&self, key: Option<&[u8]>, json: &[u8]) -> Result<(), LoadError> {
        let name = key.map(|key| string(key).into_owned());
        let refused = |message: String| LoadError::JsonRows {
            file: self.file.clone(),
            message,
        };
        let value = PartialValue {
            json,
            is_whole: true,
        };
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
        let may_have_rows = self.late.rows && matches!(json.first(), Some(b'[' | b'{'));
        let Some(options) = self.search.as_ref().filter(|_| may_have_rows) else {
            return Ok(());
        };
        let beginning = json.get(..json.len().min(SEARCHED)).unwrap_or_default();
        let member = [b"{\"\":", beginning, b"}"].concat();
        let found = search(&member, false, options);
        match found.parts.first() {
            Some(_) => {
                let second = name.unwrap_or_else(|| "a later element".to_owned());
                Err(refused(two_parts(&dotted(&self.path), &second)))
            }
            _ => Ok(()),
        }
    }
}

/// The message for two arrays that have positions.
pub(super) fn two_parts(first: &str, second: &str) -> String {
    format!(
        "there are rows with positions in {first} and in {second}; choose one with `rows`, for \
         example `rows` {first}"
    )
}

/// Skips a member's name and the colon after it. Returns the name's range.
fn key(scan: &mut Cursor<'_>, next: u8, back: usize) -> Result<Range<usize>, ScanStop> {
    if next != b'"' {
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
        let mut scan = Cursor { buffer, at: 0 };
        let mut items = Vec::new();
        let stop = loop {
            match self.step(&mut scan) {
                Ok(item) => items.extend(item),
                Err(stop) => break stop,
            }
        };
        let is_outside = self.state == RowScanState::After || self.container == Container::Sequence;
        let (end, error) = match stop {
            ScanStop::Short(end) if ended && (!is_outside || end < buffer.len()) => {
                let message = "the file ends too early".to_owned();
                (buffer.len(), Some(SplitError::Json(message)))
            }
            ScanStop::Short(end) => (end, None),
            ScanStop::Wrong(at, message) => (at, Some(SplitError::Json(message))),
            ScanStop::Refused(at, error) => (at, Some(SplitError::Refused(error))),
        };
        Split { end, items, error }
    }
}
