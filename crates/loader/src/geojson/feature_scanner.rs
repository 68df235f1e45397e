//! Scanner for the features of a GeoJSON document while it is read.
//!
//! A top-level object is scanned member by member until `"features"` appears. From there on each
//! feature is an item, and of the members before and behind the features only `crs` is kept. An
//! object without features is one item as a whole. In a top-level array each element is an item. A
//! file may hold several documents, one behind the other.

use super::crs_member::{SharedCrs, parse_crs};
use super::skip_value;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::text::chunker::{Split, SplitError, Splitter};
use std::ops::Range;

/// The most bytes of one feature, a choice: 64 MiB. Large polygons are skipped, but still scanned.
pub(crate) const LIMIT: usize = 64 << 20;

/// The part of a document that the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScanState {
    /// Between documents.
    Outside,
    /// In the array of features of a collection, or in a top-level array.
    Elements {
        /// Set for the features of a collection.
        collection: bool,
        /// The token that is expected next.
        before: ArrayState,
    },
    /// Behind the features, in the collection's other members.
    Tail,
}

/// The token that is expected next in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArrayState {
    /// The first element, or the end of an empty array.
    First,
    /// An element, since a comma came before.
    Element,
    /// A comma, or the end of the array.
    Comma,
}

/// Splitter of documents into features.
pub(crate) struct FeatureScanner {
    at: ScanState,
    file: String,
    /// The JSON of the member `crs` in the document that is being scanned; `None` if it has had
    /// none so far.
    said: Option<Vec<u8>>,
    /// The member `crs` of the document with the first features: `None` before any features,
    /// `Some(None)` if that document has no such member before them.
    first: Option<Option<Vec<u8>>>,
    crs: SharedCrs,
    /// The largest accepted error of a datum's shift, in metres.
    datum_error: Option<f64>,
}

/// The reason why scanning stops.
enum ScanStop {
    /// The buffer ends; the item that begins at this byte is not whole.
    Short(usize),
    /// This byte is no JSON.
    Wrong(usize, String),
    /// The coordinate system of features is refused: they, or a member `crs`, begin at this byte.
    Refused(usize, Box<LoadError>),
}

/// A member of an object.
enum Member {
    /// The array of features, of which only the `[` was skipped.
    Features,
    /// The coordinate system: the range of its JSON in the buffer.
    Crs(Range<usize>),
    Other,
}

fn unexpected(offset: usize, expected: &str) -> ScanStop {
    ScanStop::Wrong(offset, format!("expected {expected}"))
}

/// A buffer and the position up to which it is scanned.
struct Cursor<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// The next byte that is not blank, which stays unread. If the buffer ends first, scanning
    /// resumes later at the offset `back`; without `back`, at the end of this buffer.
    fn peek(&mut self, back: Option<usize>) -> Result<u8, ScanStop> {
        self.at += skip_value::blank(self.rest());
        self.rest()
            .first()
            .copied()
            .ok_or(ScanStop::Short(back.unwrap_or(self.at)))
    }

    fn expect(&mut self, byte: u8, back: usize, expected: &str) -> Result<(), ScanStop> {
        if self.peek(Some(back))? != byte {
            return Err(unexpected(self.at, expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Skips one value and returns its range in the buffer. If the buffer ends in it, scanning
    /// resumes later at the offset `back`.
    fn value(&mut self, back: usize) -> Result<Range<usize>, ScanStop> {
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

    /// Skips a member of an object; of an array of features only its `[`.
    fn member(&mut self, back: usize) -> Result<Member, ScanStop> {
        if self.peek(Some(back))? != b'"' {
            return Err(unexpected(self.at, "a member's name in quotes"));
        }
        let key = self.value(back)?;
        let key = self.buffer.get(key).unwrap_or_default();
        let is_features = key == b"\"features\"";
        self.expect(b':', back, "a colon")?;
        if is_features && self.peek(Some(back))? == b'[' {
            self.at += 1;
            return Ok(Member::Features);
        }
        let value = self.value(back)?;
        Ok(if key == b"\"crs\"" {
            Member::Crs(value)
        } else {
            Member::Other
        })
    }
}

impl FeatureScanner {
    pub(crate) fn new(file: String, crs: SharedCrs, datum_error: Option<f64>) -> Self {
        Self {
            datum_error,
            at: ScanState::Outside,
            file,
            said: None,
            first: None,
            crs,
        }
    }

    /// Takes the coordinate system of the first features from the member `crs` before them. For
    /// later features, and for a member `crs` behind features, checks that it means the same
    /// system. An error is reported at byte `at`.
    fn settle(&mut self, at: usize) -> Result<(), ScanStop> {
        let refused = |error| ScanStop::Refused(at, Box::new(error));
        let said = self.said.as_deref();
        match &self.first {
            Some(first) if first.as_deref() == said => Ok(()),
            Some(first) => {
                // Two different members may both mean degrees: under two names, or because one is
                // missing.
                for said in [first.as_deref(), said].into_iter().flatten() {
                    let crs = parse_crs(said, &self.file, self.datum_error).map_err(refused)?;
                    if !matches!(crs, Crs::LonLat) {
                        return Err(refused(LoadError::UnknownCrs {
                            file: self.file.clone(),
                            system: format!(
                                "{} is said of some of the features, or behind them",
                                crate::messages::shown(said)
                            ),
                        }));
                    }
                }
                Ok(())
            }
            None => {
                if let Some(said) = said {
                    let crs = parse_crs(said, &self.file, self.datum_error).map_err(refused)?;
                    let _ = self.crs.set(crs);
                }
                self.first = Some(self.said.clone());
                Ok(())
            }
        }
    }

    /// Scans the next part: a document up to its features, or one feature, member, comma or
    /// bracket. Returns the range of an item that is complete, if there is one.
    fn step(&mut self, scan: &mut Cursor<'_>) -> Result<Option<Range<usize>>, ScanStop> {
        let next = scan.peek(None)?;
        let start = scan.at;
        match self.at {
            ScanState::Outside => match next {
                b'[' => {
                    scan.at += 1;
                    self.said = None;
                    self.settle(start)?;
                    self.at = ScanState::Elements {
                        collection: false,
                        before: ArrayState::First,
                    };
                }
                b'{' => return self.object(scan),
                _ => return Err(unexpected(start, "a GeoJSON object, which begins with {")),
            },
            ScanState::Elements { collection, before } => match (next, before) {
                (b']', ArrayState::First | ArrayState::Comma) => {
                    scan.at += 1;
                    self.at = if collection {
                        ScanState::Tail
                    } else {
                        ScanState::Outside
                    };
                }
                (b',', ArrayState::Comma) => {
                    scan.at += 1;
                    self.at = ScanState::Elements {
                        collection,
                        before: ArrayState::Element,
                    };
                }
                (_, ArrayState::Comma) => return Err(unexpected(start, "a comma or ]")),
                (_, ArrayState::First | ArrayState::Element) => {
                    let item = scan.value(start)?;
                    self.at = ScanState::Elements {
                        collection,
                        before: ArrayState::Comma,
                    };
                    return Ok(Some(item));
                }
            },
            ScanState::Tail => match next {
                b'}' => {
                    scan.at += 1;
                    self.at = ScanState::Outside;
                }
                b',' => {
                    scan.at += 1;
                    match scan.member(start)? {
                        Member::Features => {
                            self.at = ScanState::Elements {
                                collection: true,
                                before: ArrayState::First,
                            };
                        }
                        Member::Crs(said) => {
                            self.said = scan.buffer.get(said).map(<[u8]>::to_vec);
                            self.settle(start)?;
                        }
                        Member::Other => (),
                    }
                }
                _ => return Err(unexpected(start, "a comma or }")),
            },
        }
        Ok(None)
    }

    /// Scans a top-level object up to its features. An object without features is scanned as a
    /// whole, and its range is returned.
    fn object(&mut self, scan: &mut Cursor<'_>) -> Result<Option<Range<usize>>, ScanStop> {
        let start = scan.at;
        scan.at += 1;
        self.said = None;
        if scan.peek(Some(start))? == b'}' {
            scan.at += 1;
            return Ok(Some(start..scan.at));
        }
        loop {
            match scan.member(start)? {
                Member::Features => {
                    self.settle(start)?;
                    self.at = ScanState::Elements {
                        collection: true,
                        before: ArrayState::First,
                    };
                    return Ok(None);
                }
                Member::Crs(said) => self.said = scan.buffer.get(said).map(<[u8]>::to_vec),
                Member::Other => (),
            }
            match scan.peek(Some(start))? {
                b',' => scan.at += 1,
                b'}' => {
                    scan.at += 1;
                    return Ok(Some(start..scan.at));
                }
                _ => return Err(unexpected(scan.at, "a comma or }")),
            }
        }
    }
}

impl Splitter for FeatureScanner {
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
        let (end, error) = match stop {
            ScanStop::Short(end)
                if ended && (self.at != ScanState::Outside || end < buffer.len()) =>
            {
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
