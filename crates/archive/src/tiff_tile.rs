//! Tiles of a TIFF: a horizontal predictor is applied, then deflate compresses the result.
//!
//! TIFF 6.0, section 14, defines predictor 2; Adobe's TIFF Technical Note 3 defines predictor 3.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::{self, Write as _};
use std::sync::Arc;

/// Compresses floats with predictor 3: in each row, the highest bytes of all values come first,
/// then the next lower ones.
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

/// Compresses RGBA pixels with predictor 2: each value becomes its difference to the pixel before,
/// in the same band.
pub(crate) fn colors(pixels: &[u8], side: usize) -> io::Result<Arc<[u8]>> {
    let mut bytes = pixels.to_vec();
    bytes
        .chunks_exact_mut(side * 4)
        .for_each(|row| differences(row, 4));
    deflate(&bytes)
}

/// Replaces each byte by its difference to the byte `step` before it.
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
