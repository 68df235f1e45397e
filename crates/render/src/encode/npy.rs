//! NumPy's array file, version 1.0.

use super::{EncodeError, check};

/// Values as a `.npy` file: little-endian `f4`, C order, shape `(height, width)`,
/// readable with `numpy.load`.
///
/// The header is padded so that the data starts at a multiple of 64 bytes, as the
/// format's description (NEP 1) asks.
///
/// # Errors
/// When `values` is not exactly `width * height` long, or an edge is 0 or over
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
    for value in values {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    Ok(bytes)
}
