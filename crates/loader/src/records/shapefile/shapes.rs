//! Shapes of a `.shp` file (ESRI Shapefile Technical Description, July 1998): x and y of points and
//! multipoints, the names of all other kinds.
//!
//! They are decoded here and not by a library: one allocates memory for as many points as a record
//! states.

use super::super::buffered_seek::BufferedSeek;
use super::index::RecordLocation;
use std::io::{self, Read, Seek, SeekFrom};

/// The size of a header in bytes, in a `.shx` too.
pub(super) const HEADER: u64 = 100;

/// The bytes of a multipoint before its points: type, box, count.
const BEFORE_POINTS: u64 = 40;

/// The most times that all of a file's bytes are read, by an index that has records twice.
const OVER_AGAIN: u64 = 4;

/// A reader of shapes, one after the other or by an index.
pub(super) struct Shapes<R> {
    reader: BufferedSeek<R>,
    /// The number of bytes in the file, …
    size: u64,
    /// … and in its header.
    stated: u64,
    /// The beginning of the next record.
    next: u64,
    /// The unread bytes of the last record.
    rest: u64,
    /// The bytes of all records so far.
    seen: u64,
}

/// The content of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Null,
    Point(f64, f64),
    /// This many points, which come next: see [`Shapes::point`].
    Points(u32),
    Other(&'static str),
}

/// Reads the header of a `.shp` or `.shx`, and returns the file's size in bytes that it states.
pub(super) fn header(reader: &mut impl Read) -> io::Result<u64> {
    let mut header = [0; HEADER as usize];
    reader.read_exact(&mut header)?;
    let code = word(&header, 0).map_or(-1, i32::from_be_bytes);
    if code != 9994 {
        return bad(format!(
            "it begins with {code}, not with 9994 as all .shp and .shx files do"
        ));
    }
    let words = word(&header, 24).map_or(0, u32::from_be_bytes);
    Ok(2 * u64::from(words))
}

impl<R: Read + Seek> Shapes<R> {
    /// Reads the header of a file of `size` bytes.
    pub(super) fn new(reader: R, size: u64) -> io::Result<Self> {
        let mut reader = BufferedSeek::new(reader);
        let stated = header(&mut reader)?;
        Ok(Self {
            reader,
            size,
            stated,
            next: HEADER,
            rest: 0,
            seen: 0,
        })
    }

    /// The file's stated and true size, if they differ.
    pub(super) fn disagreement(&self) -> Option<(u64, u64)> {
        (self.stated != self.size).then_some((self.stated, self.size))
    }

    /// Returns whether the file is shorter than its header states.
    pub(super) fn is_short(&self) -> bool {
        self.stated > self.size
    }

    /// The number of bytes that belong to no record that was read.
    pub(super) fn unlisted(&self) -> Option<u64> {
        let all = self.size.saturating_sub(HEADER);
        all.checked_sub(self.seen).filter(|bytes| *bytes > 0)
    }

    /// Returns whether a record is where an index has it, with the same length.
    pub(super) fn has(&mut self, place: RecordLocation) -> io::Result<bool> {
        let RecordLocation { at, length } = place;
        if at < HEADER || at + 8 + length > self.size {
            return Ok(at == 0 && length == 0);
        }
        let mut head = [0; 8];
        self.reader.seek(SeekFrom::Start(at))?;
        self.reader.read_exact(&mut head)?;
        Ok(word(&head, 4).map(u32::from_be_bytes) == u32::try_from(length / 2).ok())
    }

    /// Reads the shape that follows the last one, of the record with a number counted from 0.
    /// `None` at the end of the file, and where no record follows behind the end by the header.
    pub(super) fn next(&mut self, number: u64) -> io::Result<Option<Shape>> {
        let is_end = self.next == self.size
            || self.next >= self.stated && !self.goes_on(number).unwrap_or(false);
        if is_end {
            return Ok(None);
        }
        self.record(self.next).map(Some)
    }

    /// Returns whether a record with the next number follows.
    fn goes_on(&mut self, number: u64) -> io::Result<bool> {
        let mut head = [0; 12];
        self.reader.seek(SeekFrom::Start(self.next))?;
        self.reader.read_exact(&mut head)?;
        let [own, words] = [0, 4].map(|at| word(&head, at).map_or(0, u32::from_be_bytes));
        let kind = word(&head, 8).map_or(-1, i32::from_le_bytes);
        let end = self.next + 8 + 2 * u64::from(words);
        let is_numbered = u64::from(own) == number + 1;
        Ok(is_numbered && words >= 2 && end <= self.size && is_known(kind))
    }

    /// Reads the shape of the record at a place.
    pub(super) fn at(&mut self, place: RecordLocation) -> io::Result<Shape> {
        let RecordLocation { at, length } = place;
        if at == 0 && length == 0 {
            return Ok(Shape::Null);
        }
        if at < HEADER || at + 12 > self.size {
            let message = format!("the .shx says that it begins at byte {at}, where none can");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        if self.seen > OVER_AGAIN * self.size {
            return bad("the .shx has the same records over and over".to_owned());
        }
        self.record(at)
    }

    fn record(&mut self, at: u64) -> io::Result<Shape> {
        self.reader.seek(SeekFrom::Start(at))?;
        let mut header = [0; 12];
        self.reader.read_exact(&mut header)?;
        let words = word(&header, 4).map_or(-1, i32::from_be_bytes);
        let kind = word(&header, 8).map_or(-1, i32::from_le_bytes);
        let bytes = u64::try_from(words).map_or(0, |words| 2 * words);
        let Some(rest) = bytes.checked_sub(4) else {
            return bad(format!("a record can't be {words} words long"));
        };
        self.rest = rest;
        self.seen += (8 + bytes).min(self.size.saturating_sub(at));
        let shape = match kind {
            1 | 11 | 21 => {
                let (x, y) = self.point()?;
                Shape::Point(x, y)
            }
            8 | 18 | 28 => Shape::Points(self.count(bytes)?),
            _ => match plain(kind) {
                Some(shape) => shape,
                None => return bad(format!("there is no shape of type {kind}")),
            },
        };
        self.next = at + 8 + bytes;
        if self.next > self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(shape)
    }

    /// Reads the number of a multipoint's points, in a record of `bytes`.
    fn count(&mut self, bytes: u64) -> io::Result<u32> {
        let mut head = [0; BEFORE_POINTS as usize - 4];
        self.read(&mut head)?;
        let count = word(&head, 32).map_or(0, u32::from_le_bytes);
        let needed = BEFORE_POINTS + 16 * u64::from(count);
        if needed > bytes {
            return bad(format!(
                "{count} points are said to be in a record of {bytes} bytes"
            ));
        }
        Ok(count)
    }

    /// Reads the next point of a record.
    pub(super) fn point(&mut self) -> io::Result<(f64, f64)> {
        let mut point = [0; 16];
        self.read(&mut point)?;
        let (x, y) = point.split_at(8);
        let number = |bytes: &[u8]| {
            bytes
                .first_chunk()
                .map_or(f64::NAN, |n| f64::from_le_bytes(*n))
        };
        Ok((number(x), number(y)))
    }

    /// Reads bytes of the record.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let length = buffer.len() as u64;
        let Some(rest) = self.rest.checked_sub(length) else {
            return bad("the record is too short for its shape".to_owned());
        };
        self.rest = rest;
        self.reader.read_exact(buffer)
    }
}

/// The content of a record of a type whose coordinates are not read.
fn plain(kind: i32) -> Option<Shape> {
    Some(match kind {
        0 => Shape::Null,
        3 => Shape::Other("Polyline"),
        5 => Shape::Other("Polygon"),
        13 => Shape::Other("PolylineZ"),
        15 => Shape::Other("PolygonZ"),
        23 => Shape::Other("PolylineM"),
        25 => Shape::Other("PolygonM"),
        31 => Shape::Other("Multipatch"),
        _ => return None,
    })
}

fn is_known(kind: i32) -> bool {
    matches!(kind, 1 | 11 | 21 | 8 | 18 | 28) || plain(kind).is_some()
}

fn word(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn bad<T>(what: String) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}
