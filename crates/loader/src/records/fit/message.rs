//! The messages of a FIT file: headers, definitions and fields (FIT protocol 2.0).

use super::TIMESTAMP;
use crate::error::LoadError;
use crate::input::Origin;
use crate::records::{damaged, unreadable, word};
use std::io::BufRead;
use std::sync::Arc;

/// The number of the kind of messages called `record`, which have the positions.
const RECORD: u16 = 20;

/// A field in the layout of messages: its number in FIT's profile, its size in bytes, and the
/// number of its base type.
#[derive(Clone, Copy)]
struct FieldDefinition {
    number: u8,
    size: u8,
    kind: u8,
}

/// The layout of messages: their kind and their fields. A FIT file gives a layout a local number (0
/// to 15). Messages refer to their layout by this number, until the file gives it to another
/// layout.
#[derive(Clone, Default)]
struct MessageDefinition {
    number: u16,
    is_big_endian: bool,
    fields: Vec<FieldDefinition>,
    /// The size, in bytes, of the fields that applications define, which come after all others.
    developer_bytes: usize,
}

impl MessageDefinition {
    /// The size of a message's fields in bytes, without the fields that applications define.
    fn size(&self) -> usize {
        self.fields
            .iter()
            .map(|field| usize::from(field.size))
            .sum()
    }
}

/// A message of the kind `record`, which may have a position.
pub(super) struct FitMessage<'r> {
    definition: Arc<MessageDefinition>,
    bytes: &'r [u8],
    /// The time of this message, in seconds since the beginning of 31 December 1989 in UTC, from
    /// which FIT counts: its own timestamp or, without one, the timestamp of the last message
    /// before it that has one. `None` if there is no such message either.
    pub(super) timestamp: Option<u32>,
}

impl FitMessage<'_> {
    /// The value of the field that has this number in FIT's profile; `None` if the message has no
    /// valid value in it.
    pub(super) fn number(&self, number: u8) -> Option<f64> {
        field(&self.definition, self.bytes, number)
    }
}

/// The value of the field `number` of a message. `None` if the field is missing, holds the value
/// that means "invalid", or is no number. Of a field with several numbers, the first is returned.
fn field(definition: &MessageDefinition, bytes: &[u8], number: u8) -> Option<f64> {
    let mut from = 0;
    for field in &definition.fields {
        let end = from + usize::from(field.size);
        if field.number == number {
            return number_of(field.kind, bytes.get(from..end)?, definition.is_big_endian);
        }
        from = end;
    }
    None
}

/// The number that `bytes` encode in FIT's base type `kind`. `None` if `bytes` are the value that
/// means "invalid" in this type, or if the type is no number.
fn number_of(kind: u8, bytes: &[u8], is_big_endian: bool) -> Option<f64> {
    let size = match kind {
        0x00 | 0x01 | 0x02 | 0x0a | 0x0d => 1,
        0x83 | 0x84 | 0x8b => 2,
        0x85 | 0x86 | 0x88 | 0x8c => 4,
        0x89 | 0x8e | 0x8f | 0x90 => 8,
        _ => return None,
    };
    let word = word::unsigned(bytes.get(..size)?, is_big_endian);
    let all = u64::MAX >> (64 - 8 * size as u32);
    let signed = word::signed(word, size);
    match kind {
        0x01 | 0x83 | 0x85 | 0x8e => (word != all >> 1).then_some(signed as f64),
        0x0a | 0x8b | 0x8c | 0x90 => (word != 0).then_some(word as f64),
        0x88 => Some(f64::from(f32::from_bits(word as u32))).filter(|number| number.is_finite()),
        0x89 => Some(f64::from_bits(word)).filter(|number| number.is_finite()),
        _ => (word != all).then_some(word as f64),
    }
}

/// A reader of the record messages of one FIT file, or of several in a row.
pub(super) struct FitReader<R> {
    bytes: R,
    origin: Origin,
    /// The number of bytes read so far, over all FIT files of the input.
    place: u64,
    /// The number of bytes that may still be read of the current part of a FIT file: of its header,
    /// of all its messages, or of its checksum.
    left: u64,
    checksum: u16,
    definitions: [Option<Arc<MessageDefinition>>; 16],
    timestamp: Option<u32>,
    message: Vec<u8>,
    /// True after the header of the first file was read.
    has_begun: bool,
}

impl<R: BufRead> FitReader<R> {
    pub(super) fn new(bytes: R, origin: Origin) -> Self {
        Self {
            bytes,
            origin,
            place: 0,
            left: 0,
            checksum: 0,
            definitions: Default::default(),
            timestamp: None,
            message: Vec::new(),
            has_begun: false,
        }
    }

    /// The next record message; `None` at the end.
    ///
    /// # Errors
    /// The file is damaged: it ends early, a checksum is wrong, or a message has no definition.
    pub(super) fn next_record(&mut self) -> Result<Option<FitMessage<'_>>, LoadError> {
        loop {
            while self.left == 0 {
                if self.has_begun {
                    self.end()?;
                }
                if !self.begin()? {
                    return Ok(None);
                }
            }
            let [header] = self.take::<1>()?;
            let local = match header {
                // The time is that of the last one, with other lowest bits.
                0x80.. => {
                    self.timestamp = self.timestamp.map(|last| {
                        let passed = u32::from(header & 0x1f).wrapping_sub(last) & 0x1f;
                        last.wrapping_add(passed)
                    });
                    (header >> 5) & 3
                }
                0x40.. => {
                    self.define(header)?;
                    continue;
                }
                _ => header & 0x0f,
            };
            let definition = self.read_message(local)?;
            if definition.number == RECORD {
                return Ok(Some(FitMessage {
                    definition,
                    bytes: &self.message,
                    timestamp: self.timestamp,
                }));
            }
        }
    }

    /// Reads the header of the next FIT file. Returns false if there is no further file.
    fn begin(&mut self) -> Result<bool, LoadError> {
        let place = self.place();
        let more = self.bytes.fill_buf().map(|more| !more.is_empty());
        if !more.map_err(|error| unreadable(&self.origin, place, error))? {
            return Ok(false);
        }
        (self.left, self.checksum) = (14, 0);
        let [size, _, _, _, a, b, c, d, signature @ ..] = self.take::<12>()?;
        if &signature != b".FIT" || !matches!(size, 12 | 14) {
            return Err(self.damaged("bytes that are no FIT follow"));
        }
        if size == 14 {
            let computed = self.checksum;
            let [low, high] = self.take::<2>()?;
            let stated = u16::from_le_bytes([low, high]);
            // Devices that don't compute it write 0.
            if stated != 0 && stated != computed {
                return Err(self.damaged("the header's checksum is wrong"));
            }
        }
        self.left = u64::from(u32::from_le_bytes([a, b, c, d]));
        if self.left == 0 {
            return Err(
                self.damaged("the header states no messages, so its device has not ended it")
            );
        }
        self.definitions = Default::default();
        (self.timestamp, self.has_begun) = (None, true);
        Ok(true)
    }

    /// Reads the checksum after a file's messages, and returns an error if the checksum is wrong.
    fn end(&mut self) -> Result<(), LoadError> {
        let computed = self.checksum;
        self.left = 2;
        let stated = u16::from_le_bytes(self.take::<2>()?);
        match stated == computed {
            true => Ok(()),
            false => Err(self.damaged("the checksum is wrong")),
        }
    }

    /// Reads the definition of a layout of messages, and stores it under the local number that is
    /// in `header`, the first byte of the definition.
    fn define(&mut self, header: u8) -> Result<(), LoadError> {
        let [_, order, first, second, count] = self.take::<5>()?;
        let is_big_endian = order == 1;
        let number = [first, second];
        let mut definition = MessageDefinition {
            number: match is_big_endian {
                true => u16::from_be_bytes(number),
                false => u16::from_le_bytes(number),
            },
            is_big_endian,
            ..MessageDefinition::default()
        };
        for _ in 0..count {
            let [number, size, kind] = self.take::<3>()?;
            definition
                .fields
                .push(FieldDefinition { number, size, kind });
        }
        if header & 0x20 != 0 {
            let [count] = self.take::<1>()?;
            for _ in 0..count {
                let [_, size, _] = self.take::<3>()?;
                definition.developer_bytes += usize::from(size);
            }
        }
        if let Some(known) = self.definitions.get_mut(usize::from(header & 0x0f)) {
            *known = Some(Arc::new(definition));
        }
        Ok(())
    }

    /// Reads the bytes of a message into the field `message`. The message's layout is the one with
    /// the local number `local`, and is returned.
    fn read_message(&mut self, local: u8) -> Result<Arc<MessageDefinition>, LoadError> {
        let known = self.definitions.get(usize::from(local));
        let Some(definition) = known.and_then(Clone::clone) else {
            return Err(self.damaged("a message comes before its definition"));
        };
        let size = definition.size();
        let mut message = std::mem::take(&mut self.message);
        message.resize(size + definition.developer_bytes, 0);
        self.fill(&mut message)?;
        message.truncate(size);
        if let Some(seconds) = field(&definition, &message, TIMESTAMP) {
            self.timestamp = Some(seconds as u32);
        }
        self.message = message;
        Ok(definition)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), LoadError> {
        let size = buffer.len() as u64;
        if size > self.left {
            return Err(self.damaged("a message reaches beyond the end of the messages"));
        }
        if let Err(error) = self.bytes.read_exact(buffer) {
            return Err(unreadable(&self.origin, self.place(), error));
        }
        self.left -= size;
        self.place += size;
        self.checksum = buffer
            .iter()
            .fold(self.checksum, |sum, byte| crc(sum, *byte));
        Ok(())
    }

    fn place(&self) -> String {
        format!("byte {}", self.place + 1)
    }

    fn damaged(&self, message: &str) -> LoadError {
        damaged(&self.origin, self.place(), message)
    }
}

/// Returns CRC-16 (polynomial 0x8005, reflected) after one more byte. `sum` is the checksum of the
/// bytes before it.
pub(super) fn crc(sum: u16, byte: u8) -> u16 {
    let mut sum = sum ^ u16::from(byte);
    for _ in 0..8 {
        let carry = sum & 1;
        sum = (sum >> 1) ^ (carry * 0xa001);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_checksums() {
        // The check value of CRC-16/ARC.
        assert_eq!(
            b"123456789".iter().fold(0, |sum, byte| crc(sum, *byte)),
            0xbb3d
        );
        assert_eq!(
            number_of(0x85, &[0xfe, 0xff, 0xff, 0xff], false),
            Some(-2.0)
        );
        assert_eq!(number_of(0x85, &[0x7f, 0xff, 0xff, 0xff], true), None);
        assert_eq!(number_of(0x84, &[1, 2], true), Some(258.0));
        assert_eq!(number_of(0x84, &[0xff, 0xff], true), None);
        assert_eq!(number_of(0x02, &[7, 8], false), Some(7.0));
        assert_eq!(number_of(0x0a, &[0], false), None);
        assert_eq!(number_of(0x88, &1.5_f32.to_le_bytes(), false), Some(1.5));
        assert_eq!(number_of(0x86, &[1, 2], false), None);
        assert_eq!(number_of(0x07, b"text", false), None);
    }
}
