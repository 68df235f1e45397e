//! The shapes of a `.shp` file (ESRI Shapefile Technical Description, July 1998): of points and
//! multipoints x and y, of everything else its name.
//!
//! They are read here and not by a library: one takes memory for as many points as a record
//! says to have.

use std::io::{self, Read};

/// Bytes before the first record.
const HEADER: u64 = 100;

/// Bytes of a multipoint before its points: type, box, count.
const BEFORE_POINTS: u64 = 40;

/// Reads shapes one by one.
pub(super) struct Shapes<R> {
    reader: R,
    /// Bytes that are left by what the header says.
    left: u64,
    /// Bytes of the last record that were not asked for.
    rest: u64,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Null,
    Point(f64, f64),
    /// So many points, which come next: see [`Shapes::point`].
    Points(u32),
    Other(&'static str),
}

impl<R: Read> Shapes<R> {
    /// Reads the header of a file.
    pub(super) fn new(mut reader: R) -> io::Result<Self> {
        let mut header = [0; HEADER as usize];
        reader.read_exact(&mut header)?;
        let [code, length] = [0, 24].map(|at| word(&header, at).map_or(-1, i32::from_be_bytes));
        if code != 9994 {
            return bad(format!(
                "it begins with {code}, not with 9994 as all .shp files do"
            ));
        }
        let bytes = u64::try_from(length).ok().map(|length| 2 * length);
        let Some(left) = bytes.and_then(|bytes| bytes.checked_sub(HEADER)) else {
            return bad(format!("the file can't be {length} words long"));
        };
        Ok(Self {
            reader,
            left,
            rest: 0,
        })
    }

    /// The next record's shape; `None` behind the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Shape>> {
        self.pass(self.rest)?;
        if self.left == 0 {
            return Ok(None);
        }
        let mut header = [0; 12];
        self.reader.read_exact(&mut header)?;
        let words = word(&header, 4).map_or(-1, i32::from_be_bytes);
        let kind = word(&header, 8).map_or(-1, i32::from_le_bytes);
        let bytes = u64::try_from(words).map_or(0, |words| 2 * words);
        let Some(rest) = bytes.checked_sub(4) else {
            return bad(format!("a record can't be {words} words long"));
        };
        self.left = self.left.saturating_sub(8 + bytes);
        self.rest = rest;
        let shape = match kind {
            0 => Shape::Null,
            1 | 11 | 21 => {
                let (x, y) = self.point()?;
                Shape::Point(x, y)
            }
            8 | 18 | 28 => Shape::Points(self.count(bytes)?),
            3 => Shape::Other("Polyline"),
            5 => Shape::Other("Polygon"),
            13 => Shape::Other("PolylineZ"),
            15 => Shape::Other("PolygonZ"),
            23 => Shape::Other("PolylineM"),
            25 => Shape::Other("PolygonM"),
            31 => Shape::Other("Multipatch"),
            _ => return bad(format!("there is no shape of type {kind}")),
        };
        Ok(Some(shape))
    }

    /// How many points a multipoint has, in a record of so many bytes.
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

    /// Reads bytes that belong to the record.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let length = buffer.len() as u64;
        let Some(rest) = self.rest.checked_sub(length) else {
            return bad("the record is too short for its shape".to_owned());
        };
        self.rest = rest;
        self.reader.read_exact(buffer)
    }

    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        self.rest = 0;
        if bytes == 0 {
            return Ok(());
        }
        let passed = io::copy(&mut (&mut self.reader).take(bytes), &mut io::sink())?;
        if passed < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

fn word(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn bad<T>(what: String) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}
