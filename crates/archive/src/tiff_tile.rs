//! The tiles of a TIFF. A predictor replaces values by differences within each row, and deflate
//! compresses the result.
//!
//! Predictor 2 is defined in section 14 of TIFF 6.0, predictor 3 in Adobe's TIFF Technical Note 3.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::{self, Write as _};
use std::sync::Arc;

/// Compresses a tile of `side` × `side` floats with predictor 3. In each row, the highest bytes of
/// all values come first, then all second highest bytes, and so on. Then each byte is replaced by
/// its difference to the byte before it in the row.
pub(crate) fn floats(values: &[f32], side: usize) -> io::Result<Arc<[u8]>> {
    let mut bytes = Vec::with_capacity(values.len() * 4);
    for row in values.chunks_exact(side) {
        let start = bytes.len();
        for byte in 0..4 {
            bytes.extend(
                row.iter()
                    .filter_map(|v| v.to_be_bytes().get(byte).copied()),
            );
        }
        differences(bytes.get_mut(start..).unwrap_or_default(), 1);
    }
    deflate(&bytes)
}

/// Compresses a tile of `side` × `side` RGBA pixels with predictor 2: each value is replaced by its
/// difference to the value of the same channel in the pixel to its left.
pub(crate) fn colors(pixels: &[u8], side: usize) -> io::Result<Arc<[u8]>> {
    let mut bytes = pixels.to_vec();
    bytes
        .chunks_exact_mut(side * 4)
        .for_each(|row| differences(row, 4));
    deflate(&bytes)
}

/// Replaces each byte of a row by its difference to the byte that is `step` places before it. The
/// first `step` bytes stay.
fn differences(row: &mut [u8], step: usize) {
    let before = row.to_vec();
    let later = row.iter_mut().skip(step);
    later
        .zip(before)
        .for_each(|(to, b)| *to = to.wrapping_sub(b));
}

fn deflate(bytes: &[u8]) -> io::Result<Arc<[u8]>> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::new(6));
    zlib.write_all(bytes)?;
    Ok(zlib.finish()?.into())
}
