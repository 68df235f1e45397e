//! The numbers in files: integers and floats, little-endian, and varints, which take a byte for
//! each seven bits of a number.

/// A reader of numbers from a slice of bytes. Each function that reads one returns `None` if too
/// few bytes are left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteReader<'a> {
    rest: &'a [u8],
}

impl<'a> ByteReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn f32(&mut self) -> Option<f32> {
        self.array().map(f32::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }

    /// Reads a varint: a number in bytes that have seven of its bits each, the lowest bits first.
    /// The eighth bit is set in all bytes but the last. Returns `None` also if the number has more
    /// than 64 bits.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = u64::from(self.u8()?);
            let bits = byte & 0x7f;
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Returns the next `len` bytes; `None` if fewer are left.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Returns true if `crc` is the CRC-32 of `bytes`. In a build for fuzzing it is always true, since
/// a fuzzer's bytes hardly ever have a right checksum.
#[allow(unexpected_cfgs, reason = "cargo-fuzz sets it")]
pub(crate) fn has_crc(bytes: &[u8], crc: u32) -> bool {
    cfg!(fuzzing) || crc32fast::hash(bytes) == crc
}

/// Appends a number as a varint, which [`ByteReader::varint`] explains.
pub(crate) fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_come_back(values in prop::collection::vec((any::<u64>(), 0u32..64), 0..40)) {
            let values: Vec<u64> = values.into_iter().map(|(v, by)| v >> by).collect();
            let mut bytes = Vec::new();
            values.iter().for_each(|v| push_varint(&mut bytes, *v));
            let mut reader = ByteReader::new(&bytes);
            for value in values {
                prop_assert_eq!(reader.varint(), Some(value));
            }
            prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn varints_of_more_than_64_bits_are_refused() {
        let mut bytes = vec![0xff; 9];
        bytes.push(1);
        assert_eq!(ByteReader::new(&bytes).varint(), Some(u64::MAX));
        bytes[9] = 2;
        assert_eq!(ByteReader::new(&bytes).varint(), None);
        assert_eq!(ByteReader::new(&[0x80; 20]).varint(), None);
        assert_eq!(ByteReader::new(&[0x80]).varint(), None);
    }
}
