//! Scanner for the features of a GeoJSON document while it is read.
//!
//! A top-level object is read member by member until `"features"` appears. From there on its
//! features pass one by one, and nothing before or after them is kept; an object without features
//! is one item as a whole. A top-level array passes its elements in the same way. One document may
//! follow another.

use super::crs_member::{SharedCrs, parse_crs};
use super::skip_value;
use crate::crs::Crs;
use crate::error::LoadError;
use crate::text::chunker::{Split, SplitError, Splitter};
use std::ops::Range;

/// The most bytes of one feature: large polygons are skipped, but have to be passed.
pub(crate) const LIMIT: usize = 64 << 20;

/// The place of the next byte in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScanState {
    /// Between documents.
    Outside,
    /// In the features, or in a top-level array.
    Elements {
        collection: bool,
        before: ArrayState,
    },
    /// Behind the features, in the collection's other members.
    Tail,
}

/// The token that may come next in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArrayState {
    First,
    Element,
    Comma,
}

/// Splitter of documents into features.
pub(crate) struct FeatureScanner {
    at: ScanState,
    file: String,
    /// The member `crs` of the collection that is read, if it has one.
    said: Option<Vec<u8>>,
    /// The member `crs` of the first collection, if there has been one, and if that has one.
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
    /// Features begin or end at this byte whose coordinate system can't be known.
    Refused(usize, Box<LoadError>),
}

/// A member of an object.
enum Member {
    Features,
    /// The place of the coordinate system.
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

    /// The next byte that is not blank. `back` is the place to resume from if the buffer ends.
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

    /// Skips one value.
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

    /// Skips a member of an object; of the features only their beginning.
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

    /// Settles the features' coordinate system by the member `crs` before them, at byte `at`, or
    /// checks one behind them or of another collection: it must be the same wherever features are.
    fn settle(&mut self, at: usize) -> Result<(), ScanStop> {
        let refused = |error| ScanStop::Refused(at, Box::new(error));
        let said = self.said.as_deref();
        match &self.first {
            Some(first) if first.as_deref() == said => Ok(()),
            Some(first) => {
                // Both may be degrees, by another name or by default.
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

    /// Scans one step: a document, a feature or a member. Returns an item's place.
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

    /// Scans a top-level object: up to its features, or whole.
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
