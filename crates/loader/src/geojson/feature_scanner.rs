//! A scanner that finds the features of a GeoJSON document while the document is read.
//!
//! It yields items: ranges of bytes that are parsed later, each by itself. A top-level object is
//! scanned member by member until `"features"` appears. From there on each feature is an item. Of
//! the members before and after the features only `crs` is kept. An object without features is one
//! item as a whole. In a top-level array each element is an item. A file may hold several
//! documents, one after the other.

use super::crs_member::{SharedCrs, parse_crs};
use super::cursor::{self, ArrayState, Cursor, ScanStop, unexpected};
use crate::crs::Crs;
use crate::error::LoadError;
use crate::text::chunker::{Split, Splitter};
use std::ops::Range;

/// The most bytes that one feature may have, a choice: 64 MiB. A large polygon gives no point, but
/// it must be scanned to its end, and may be this large.
pub(crate) const LIMIT: usize = 64 << 20;

/// The part of a document to which the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScanState {
    /// Outside of all documents: before the first, between two, or after the last.
    Outside,
    /// Inside an array whose elements are parsed one by one: the features of a collection, or the
    /// objects of a top-level array.
    Elements {
        /// True for the features of a collection; false for a top-level array.
        collection: bool,
        /// The token that is expected next in the array.
        before: ArrayState,
    },
    /// After the features of a collection, among its other members.
    Tail,
}

/// A splitter of GeoJSON documents into features.
pub(crate) struct FeatureScanner {
    at: ScanState,
    file: String,
    /// The JSON of the member `crs` of the document that is scanned now; `None` if no such member
    /// was found in it yet.
    said: Option<Vec<u8>>,
    /// The member `crs` of the first document with features. All later features must have the same
    /// one. `None` if no features were found yet; `Some(None)` if that document has no such member
    /// before its features.
    first: Option<Option<Vec<u8>>>,
    crs: SharedCrs,
    /// The largest error, in metres, of a shift to WGS 84 that the user accepts; `None`: the limits
    /// that the module `crs` states.
    datum_error: Option<f64>,
}

/// The kind of an object's member that was just skipped.
enum Member {
    /// The array of features. Only its opening bracket was skipped.
    Features,
    /// The member `crs`, with the range of its JSON value in the buffer.
    Crs(Range<usize>),
    Other,
}

impl Cursor<'_> {
    /// Skips one member of an object. Of an array of features only the opening bracket is skipped.
    /// If the buffer ends inside the member, scanning must resume at the offset `back`.
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

    /// Applies the field `said`, the member `crs` of the current document. Before the first
    /// features, it sets the coordinate system of all features. Later (in another document, or
    /// after features), it is only checked: it must equal the first one, or both must mean
    /// longitude and latitude. `at` is the offset that an error names.
    fn settle(&mut self, at: usize) -> Result<(), ScanStop> {
        let refused = |error| ScanStop::Refused(at, Box::new(error));
        let said = self.said.as_deref();
        match &self.first {
            Some(first) if first.as_deref() == said => Ok(()),
            Some(first) => {
                // Two members that differ may still mean the same system, but only longitude and
                // latitude: these have several names, and a missing member means them too.
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

    /// Scans the next part of the document. This is the beginning of a document up to its features,
    /// or one feature, member, comma or bracket. If the part is to be parsed, such as a feature,
    /// returns its range in the buffer.
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

    /// Scans a top-level object up to its features, and returns `None`. If it has no features, it
    /// is scanned to its end, and its range is returned so that it is parsed as a whole.
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
        let is_outside = |scanner: &Self| scanner.at == ScanState::Outside;
        cursor::split(self, (buffer, ended), Self::step, is_outside)
    }
}
