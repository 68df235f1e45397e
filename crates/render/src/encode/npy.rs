//! Array files of NumPy, in version 1.0 of the format.

use super::{EncodeError, check};
use crate::unit_costs::{ENCODED, REPORTED_CELLS, report};

/// Encodes values as a `.npy` file, which `numpy.load` reads. The array has the type `f4` in
/// little-endian byte order, the shape `(height, width)`, and rows one after the other (C order).
///
/// The header is filled up with spaces so that the data begins at a multiple of 64 bytes. The
/// description of the format, NEP 1, asks for this.
///
/// # Errors
/// A number of values other than `width * height`, or a width or height that is 0 or over
/// [`MAX_EDGE`](super::MAX_EDGE).
pub fn npy(values: &[f32], width: u32, height: u32) -> Result<Vec<u8>, EncodeError> {
    check(values.len(), 1, width, height)?;
    const PREAMBLE: usize = 10;
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({height}, {width}), }}");
    let length = (PREAMBLE + header.len() + 1).next_multiple_of(64) - PREAMBLE;
    while header.len() < length - 1 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = Vec::with_capacity(PREAMBLE + length + values.len() * 4);
    bytes.extend_from_slice(b"\x93NUMPY\x01\x00");
    bytes.extend_from_slice(&(length as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    for values in values.chunks(REPORTED_CELLS) {
        report(values.len(), ENCODED);
        for value in values {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_numpy_needs_and_the_data_is_aligned() {
        let values = [0.0, -1.5, f32::NAN, 3e8, 0.1, 7.0];
        let bytes = npy(&values, 3, 2).unwrap();
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"));
        assert!(header.ends_with('\n'));
        assert_eq!((10 + length) % 64, 0);
        let data: Vec<u32> = bytes[10 + length..]
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        assert_eq!(data, values.map(f32::to_bits));
        assert!(npy(&values, 2, 2).is_err());
    }

    #[test]
    fn the_longest_header_fits_too() {
        let bytes = npy(&vec![0.0; 16_384], 16_384, 1).unwrap();
        assert_eq!((bytes.len() - 4 * 16_384) % 64, 0);
    }
}
