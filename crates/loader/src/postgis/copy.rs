//! Decoder of PostgreSQL's binary COPY format: turns a stream of bytes into rows.

use crate::error::DatabaseError;

/// The signature at the beginning of every stream. After it come 4 bytes of flags, the length of a
/// header extension, and the extension's bytes.
pub(crate) const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// The largest size of a row in bytes: room for a geometry and a few numbers. The factor 2 is there
/// because a geometry takes more bytes in the stream than in the table: each point of a MultiPoint
/// gets a header.
const LONGEST: usize = 2 * super::relation::LONGEST + 64;

/// The largest number of fields in a row. The fields are x, y, the weight, and a number that is
/// read beside the point.
pub(crate) const FIELDS: usize = 4;

/// The bytes of a row's fields, in their order. A field is `None` if it is NULL, or if the row has
/// fewer fields.
pub(crate) type Row<'a> = [Option<&'a [u8]>; FIELDS];

/// A decoder of one stream, which may be cut into chunks anywhere. Between chunks it keeps only the
/// beginning of an incomplete row.
#[derive(Debug, Default)]
pub(crate) struct CopyDecoder {
    begun: bool,
    ended: bool,
    /// The bytes of the incomplete row at the end of the last chunk.
    rest: Vec<u8>,
}

/// The next item of a COPY stream: what the bytes that aren't decoded yet begin with. The number in
/// the variants `Row` and `Header` is the item's length in bytes.
enum CopyItem<'a> {
    Row(Row<'a>, usize),
    Header(usize),
    End,
    /// An incomplete item, for which more bytes are needed.
    Part,
}

impl CopyDecoder {
    /// Decodes a chunk, and calls `each` with every row that is complete now.
    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(&Row<'_>),
    ) -> Result<(), DatabaseError> {
        if self.rest.is_empty() {
            let used = self.rows(chunk, &mut each)?;
            self.rest
                .extend_from_slice(chunk.get(used..).unwrap_or(&[]));
        } else {
            let mut joined = std::mem::take(&mut self.rest);
            joined.extend_from_slice(chunk);
            let used = self.rows(&joined, &mut each)?;
            joined.drain(..used);
            self.rest = joined;
        }
        if self.rest.len() > LONGEST {
            return Err(DatabaseError::TooMuch(format!(
                "a row is over {} MiB long",
                LONGEST >> 20
            )));
        }
        Ok(())
    }

    /// Returns an error unless the stream ended with its trailer.
    pub(crate) fn finish(&self) -> Result<(), DatabaseError> {
        if self.ended {
            Ok(())
        } else {
            Err(DatabaseError::Away("the rows broke off".to_owned()))
        }
    }

    /// Calls `each` with every complete row in `bytes`, and returns the number of bytes that were
    /// decoded.
    fn rows(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(&Row<'_>),
    ) -> Result<usize, DatabaseError> {
        let mut used = 0;
        while !self.ended {
            let rest = bytes.get(used..).unwrap_or(&[]);
            match self.front(rest)? {
                CopyItem::Header(length) => {
                    self.begun = true;
                    used += length;
                }
                CopyItem::Row(row, length) => {
                    each(&row);
                    used += length;
                }
                CopyItem::End => self.ended = true,
                CopyItem::Part => return Ok(used),
            }
        }
        Ok(bytes.len())
    }

    fn front<'a>(&self, bytes: &'a [u8]) -> Result<CopyItem<'a>, DatabaseError> {
        let mut rest = bytes;
        let used = |rest: &[u8]| bytes.len() - rest.len();
        if !self.begun {
            let Some(signature) = rest.split_off(..SIGNATURE.len()) else {
                return Ok(CopyItem::Part);
            };
            if signature != SIGNATURE {
                return Err(broken());
            }
            let Some([_, extension]) = word(&mut rest).zip(word(&mut rest)).map(<[i32; 2]>::from)
            else {
                return Ok(CopyItem::Part);
            };
            let extension = usize::try_from(extension).map_err(|_| broken())?;
            return Ok(match rest.split_off(..extension) {
                Some(_) => CopyItem::Header(used(rest)),
                None => CopyItem::Part,
            });
        }
        let Some((count, after)) = rest.split_first_chunk::<2>() else {
            return Ok(CopyItem::Part);
        };
        rest = after;
        let count = match i16::from_be_bytes(*count) {
            -1 => return Ok(CopyItem::End),
            count => usize::try_from(count).map_err(|_| broken())?,
        };
        let mut row: Row<'a> = [None; FIELDS];
        let fields = row.get_mut(..count).ok_or_else(broken)?;
        for field in fields {
            let Some(length) = word(&mut rest) else {
                return Ok(CopyItem::Part);
            };
            if length == -1 {
                continue;
            }
            let length = usize::try_from(length).map_err(|_| broken())?;
            match rest.split_off(..length) {
                Some(bytes) => *field = Some(bytes),
                None => return Ok(CopyItem::Part),
            }
        }
        Ok(CopyItem::Row(row, used(rest)))
    }
}

fn word(bytes: &mut &[u8]) -> Option<i32> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(i32::from_be_bytes(*word))
}

/// The number in a field of the SQL type `float8`; `None` if the field has not 8 bytes.
pub(crate) fn float8(field: &[u8]) -> Option<f64> {
    field.try_into().ok().map(f64::from_be_bytes)
}

fn broken() -> DatabaseError {
    DatabaseError::Away("the database's rows can't be read: is it PostgreSQL?".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream(rows: &[Vec<Option<Vec<u8>>>]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 2, 7, 7]);
        for row in rows {
            bytes.extend((row.len() as i16).to_be_bytes());
            for field in row {
                match field {
                    None => bytes.extend((-1i32).to_be_bytes()),
                    Some(field) => {
                        bytes.extend((field.len() as i32).to_be_bytes());
                        bytes.extend(field);
                    }
                }
            }
        }
        bytes.extend((-1i16).to_be_bytes());
        bytes
    }

    proptest! {
        #[test]
        fn rows_are_the_same_however_the_stream_is_cut(
            rows in prop::collection::vec(
                prop::collection::vec(
                    prop::option::of(prop::collection::vec(any::<u8>(), 0..30)), 0..=FIELDS),
                0..20),
            size in 1usize..50,
        ) {
            let bytes = stream(&rows);
            let mut decoder = CopyDecoder::default();
            let mut got = Vec::new();
            for chunk in bytes.chunks(size) {
                prop_assert!(decoder.finish().is_err());
                decoder.feed(chunk, |row| got.push(row.map(|f| f.map(<[u8]>::to_vec)))).unwrap();
            }
            prop_assert!(decoder.finish().is_ok());
            let expected: Vec<_> = rows.into_iter().map(|mut row| {
                row.resize(FIELDS, None);
                <[Option<Vec<u8>>; FIELDS]>::try_from(row).unwrap()
            }).collect();
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn no_bytes_do_harm(bytes: Vec<u8>) {
            let mut decoder = CopyDecoder::default();
            let _ = decoder.feed(&bytes, |_| ());
            let mut begun = CopyDecoder { begun: true, ..CopyDecoder::default() };
            let _ = begun.feed(&bytes, |_| ());
        }
    }
}
