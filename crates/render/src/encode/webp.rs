//! Lossless WebP files.

use image_webp::{ColorType, WebPEncoder};

use super::{EncodeError, check};
use crate::unit_costs::{PIXEL, report};

/// Encodes RGBA pixels as a lossless WebP. A pixel has four bytes and is not premultiplied by
/// alpha.
///
/// # Errors
/// A number of bytes in `pixels` other than `4 * width * height`, or a width or height that is 0 or
/// over [`MAX_EDGE`](super::MAX_EDGE).
pub fn webp_lossless(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, EncodeError> {
    check(pixels.len(), 4, width, height)?;
    // The encoder has one step, so its work is reported before it: work that is over its limit or
    // deadline by then doesn't begin it.
    report(pixels.len() / 4, PIXEL);
    let mut bytes = Vec::with_capacity(pixels.len() / 4 + 1024);
    WebPEncoder::new(&mut bytes).encode(pixels, width, height, ColorType::Rgba8)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SIZES, hills, ramp};
    use super::*;
    use crate::encode::rgba;

    #[test]
    fn webp_gives_back_the_same_pixels() {
        for (width, height) in SIZES {
            let pixels = rgba(&hills(width, height), &ramp());
            let bytes = webp_lossless(&pixels, width, height).unwrap();
            let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(bytes)).unwrap();
            let mut found = vec![0; decoder.output_buffer_size().unwrap()];
            decoder.read_image(&mut found).unwrap();
            assert!(decoder.has_alpha());
            assert!(found == pixels, "{width} × {height}");
        }
    }
}
