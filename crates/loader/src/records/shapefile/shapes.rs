//! Reading of shapes from a `.shp` (ESRI Shapefile Technical Description, July 1998). Of points and
//! multipoints the x and y are read. Of lines and polygons they are read if they are asked for, and
//! of other shapes only the name of the type.
//!
//! Shapes are decoded here and not by a library. The library that could be used allocates memory
//! for as many points as a record states, even if the record is damaged.

use super::super::buffered_seek::BufferedSeek;
use super::index::RecordLocation;
use std::io::{self, Read, Seek, SeekFrom};

/// The number of bytes of the header of a `.shp` or `.shx`.
pub(super) const HEADER: u64 = 100;

/// The number of bytes of a multipoint before its points: the type, the box and the number of
/// points.
const BEFORE_POINTS: u64 = 40;

/// The most bytes of records that may be read by an index, as a multiple of the file's size: a
/// choice. A damaged index may name the same records again and again.
const OVER_AGAIN: u64 = 4;

/// A reader of shapes, either in sequence or by an index.
pub(super) struct Shapes<R> {
    reader: BufferedSeek<R>,
    /// The real size of the file in bytes.
    size: u64,
    /// The size of the file in bytes that its header states, which may be wrong.
    stated: u64,
    /// The offset after the record that was read last, at which the next one begins.
    next: u64,
    /// The number of bytes of the current record, the one that was read last, that are not read
    /// yet.
    rest: u64,
    /// The size, in bytes, of all records read so far, their headers included.
    seen: u64,
}

/// The shape in a record of a `.shp`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ShpShape {
    Null,
    Point(f64, f64),
    /// A multipoint with this number of points, which [`Shapes::point`] reads one by one.
    Points(u32),
    /// A shape of another type, by the type's name. If it is a line or a polygon,
    /// [`Shapes::parts`] reads its parts.
    Other(&'static str),
}

/// Reads the header of a `.shp` or `.shx`, and returns the size in bytes that it states for the
/// file.
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
    /// Makes a reader of a file of `size` bytes, and reads the file's header.
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

    /// The size in bytes that the header states and the real size, in this order; `None` if they
    /// are equal.
    pub(super) fn disagreement(&self) -> Option<(u64, u64)> {
        (self.stated != self.size).then_some((self.stated, self.size))
    }

    /// Returns whether the file is shorter than its header states.
    pub(super) fn is_short(&self) -> bool {
        self.stated > self.size
    }

    /// The number of bytes after the file's header that are not in the records read so far; `None`
    /// if all of them are.
    pub(super) fn unlisted(&self) -> Option<u64> {
        let all = self.size.saturating_sub(HEADER);
        all.checked_sub(self.seen).filter(|bytes| *bytes > 0)
    }

    /// Returns true if a record is at the offset `place` that an index states, and has the length
    /// that the index states. Also true for an index entry of zeros, which stands for a record that
    /// was never written.
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

    /// Reads the shape of the next record, whose number, counted from 0, must be `number`. Returns
    /// `None` if there are no more records: at the end of the file, or at the end that the header
    /// states, unless a record with the right number follows there.
    pub(super) fn next(&mut self, number: u64) -> io::Result<Option<ShpShape>> {
        let is_end = self.next == self.size
            || self.next >= self.stated && !self.goes_on(number).unwrap_or(false);
        if is_end {
            return Ok(None);
        }
        self.record(self.next).map(Some)
    }

    /// Returns whether a valid record with the number `number`, counted from 0, comes next.
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

    /// Reads the shape of the record at a place that an index states.
    pub(super) fn at(&mut self, place: RecordLocation) -> io::Result<ShpShape> {
        let RecordLocation { at, length } = place;
        if at == 0 && length == 0 {
            return Ok(ShpShape::Null);
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

    fn record(&mut self, at: u64) -> io::Result<ShpShape> {
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
                ShpShape::Point(x, y)
            }
            8 | 18 | 28 => ShpShape::Points(self.count(bytes)?),
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

    /// Reads the number of points of a multipoint. `bytes` is the length of its record.
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

    /// Reads the next point of the current record, which is a point or a multipoint.
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

    /// Reads the parts of the current record, which is a line or a polygon: the positions of each
    /// line or ring.
    pub(super) fn parts(&mut self) -> io::Result<Vec<Vec<(f64, f64)>>> {
        let mut head = [0; 40];
        self.read(&mut head)?;
        let [parts, points] = [32, 36]
            .map(|at| word(&head, at).map_or(0, |word| u64::from(u32::from_le_bytes(word))));
        if 4 * parts + 16 * points > self.rest {
            return bad(format!(
                "{points} points in {parts} parts are said to be in the record, more than it has \
                 bytes for"
            ));
        }
        let mut starts = Vec::new();
        for _ in 0..parts {
            let mut start = [0; 4];
            self.read(&mut start)?;
            starts.push(u64::from(u32::from_le_bytes(start)));
        }
        let ends = starts.iter().skip(1).copied().chain([points]);
        let lengths: Vec<u64> = starts
            .iter()
            .zip(ends)
            .map(|(start, end)| end.saturating_sub(*start))
            .collect();
        if starts.first().is_some_and(|first| *first != 0) || lengths.iter().sum::<u64>() != points
        {
            return bad("the parts of the record overlap or leave points out".to_owned());
        }
        let mut all = Vec::new();
        for length in lengths {
            let part = (0..length).map(|_| self.point());
            all.push(part.collect::<io::Result<_>>()?);
        }
        Ok(all)
    }

    /// Fills `buffer` with the next bytes of the current record. Returns an error if fewer bytes
    /// are left in the record.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let length = buffer.len() as u64;
        let Some(rest) = self.rest.checked_sub(length) else {
            return bad("the record is too short for its shape".to_owned());
        };
        self.rest = rest;
        self.reader.read_exact(buffer)
    }
}

/// The shape of a record whose type has no coordinates that are read: null, or a shape with the
/// type's name. `kind` is the number of the type. `None` for points, multipoints and unknown types.
fn plain(kind: i32) -> Option<ShpShape> {
    Some(match kind {
        0 => ShpShape::Null,
        3 => ShpShape::Other("Polyline"),
        5 => ShpShape::Other("Polygon"),
        13 => ShpShape::Other("PolylineZ"),
        15 => ShpShape::Other("PolygonZ"),
        23 => ShpShape::Other("PolylineM"),
        25 => ShpShape::Other("PolygonM"),
        31 => ShpShape::Other("Multipatch"),
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
