//! PNG files, with a palette or with four channels.

use ::png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::{Effort, EncodeError, check, deflate, filter};

/// Encodes colour indices as a PNG with a palette and one byte per pixel. `colors` is the table of
/// RGBA colours, as [`Ramp::colors`](crate::Ramp::colors) returns it: its colours become the
/// palette, and its alpha becomes the `tRNS` chunk. Both are only as long as the picture needs.
///
/// # Errors
/// A number of indices other than `width * height`, or a width or height that is 0 or over
/// [`MAX_EDGE`](super::MAX_EDGE).
pub fn png_indexed(
    indices: &[u8],
    width: u32,
    height: u32,
    colors: &[[u8; 4]; 256],
    effort: Effort,
) -> Result<Vec<u8>, EncodeError> {
    check(indices.len(), 1, width, height)?;
    let highest = indices.iter().fold(0, |highest, &index| index.max(highest));
    let used = colors.get(..=usize::from(highest));
    let used = used.unwrap_or_default();
    let mut palette = Vec::with_capacity(used.len() * 3);
    for &[r, g, b, _] in used {
        palette.extend_from_slice(&[r, g, b]);
    }
    let translucent = used
        .iter()
        .rposition(|&[.., alpha]| alpha < 255)
        .map_or(0, |last| last + 1);
    let alpha: Vec<u8> = used
        .iter()
        .take(translucent)
        .map(|&[.., alpha]| alpha)
        .collect();

    let mut bytes = Vec::with_capacity(indices.len() / 2 + 1024);
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(palette);
    if !alpha.is_empty() {
        encoder.set_trns(alpha);
    }
    // The compression and the filter that are set here apply to `Effort::Small` only. Measured on
    // smooth tiles, its files are smaller with the filter Up than with Paeth.
    encoder.set_compression(Compression::Balanced);
    encoder.set_filter(Filter::Up);
    let mut writer = encoder.write_header()?;
    match effort {
        Effort::Live => {
            let rows = filter::paeth(indices, width as usize);
            writer.write_chunk(::png::chunk::IDAT, &deflate::zlib(&rows))?;
        }
        Effort::Small => writer.write_image_data(indices)?,
    }
    writer.finish()?;
    Ok(bytes)
}

/// Encodes RGBA pixels as a PNG with four channels. A pixel has four bytes and is not premultiplied
/// by alpha.
///
/// # Errors
/// A number of bytes in `pixels` other than `4 * width * height`, or a width or height that is 0 or
/// over [`MAX_EDGE`](super::MAX_EDGE).
pub fn png_rgba(
    pixels: &[u8],
    width: u32,
    height: u32,
    effort: Effort,
) -> Result<Vec<u8>, EncodeError> {
    check(pixels.len(), 4, width, height)?;
    let mut bytes = Vec::with_capacity(pixels.len() / 2 + 1024);
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_filter(Filter::Paeth);
    encoder.set_compression(match effort {
        Effort::Live => Compression::Fast,
        Effort::Small => Compression::Balanced,
    });
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hills, ramp};
    use super::*;
    use crate::encode::rgba;

    #[test]
    fn a_palette_saves_most_of_the_bytes() {
        let indices = hills(256, 256);
        for effort in [Effort::Live, Effort::Small] {
            let indexed = png_indexed(&indices, 256, 256, ramp().colors(), effort)
                .unwrap()
                .len();
            let full = png_rgba(&rgba(&indices, &ramp()), 256, 256, effort)
                .unwrap()
                .len();
            assert!(indexed * 10 <= full * 4, "{effort:?}: {indexed} of {full}");
        }
    }

    #[test]
    fn the_palette_is_no_longer_than_the_picture_needs() {
        let chunks = |highest: u8| {
            let bytes = png_indexed(&[0, highest], 2, 1, ramp().colors(), Effort::Live).unwrap();
            let reader = ::png::Decoder::new(std::io::Cursor::new(bytes))
                .read_info()
                .unwrap();
            let info = reader.info();
            (
                info.palette.as_ref().unwrap().len() / 3,
                info.trns.as_ref().unwrap().len(),
            )
        };
        assert_eq!(chunks(9), (10, 10));
        // The ramp inferno is opaque from position 0.22 on, so its entries from 56 on need no
        // `tRNS`.
        assert_eq!(chunks(255), (256, 56));
    }

    #[test]
    fn the_small_way_is_smaller() {
        let indices = hills(256, 256);
        let size = |effort| {
            png_indexed(&indices, 256, 256, ramp().colors(), effort)
                .unwrap()
                .len()
        };
        assert!(size(Effort::Small) < size(Effort::Live));
    }
}
