//! PNG files that are written row by row, so that a large picture need not be in memory as a whole.

use std::io::Write;

use ::png::{BitDepth, ColorType, Compression, Encoder, Filter, PixelDimensions, Unit};

use super::{EncodeError, check_size};

/// The colours of a picture that is written row by row: how many bytes a pixel has, and what they
/// mean.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RowColors<'a> {
    /// A pixel is one byte: an index into this table of RGBA colours, which are not premultiplied
    /// by alpha.
    Palette(&'a [[u8; 4]; 256]),
    /// A pixel is three bytes: red, green and blue.
    Rgb,
    /// A pixel is four bytes: red, green, blue and alpha, not premultiplied by alpha.
    Rgba,
}

/// Writes a PNG of `width` × `height` pixels. `pieces` are the bytes of the picture's rows from the
/// top, cut into pieces of any length. `dpi` is the number of pixels per inch that the file states
/// for printing; with `None` it states none.
///
/// # Errors
/// A width or height that is 0 or over [`MAX_EDGE`](super::MAX_EDGE), pieces that are more or fewer
/// bytes than the picture has, and errors of `out`.
pub fn png_in_rows(
    out: impl Write,
    [width, height]: [u32; 2],
    colors: RowColors<'_>,
    dpi: Option<u32>,
    pieces: impl IntoIterator<Item = Vec<u8>>,
) -> Result<(), EncodeError> {
    check_size(width, height)?;
    let mut encoder = Encoder::new(out, width, height);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    match colors {
        RowColors::Palette(colors) => {
            encoder.set_color(ColorType::Indexed);
            let rgb = |[r, g, b, _]: &[u8; 4]| [*r, *g, *b];
            encoder.set_palette(colors.iter().flat_map(rgb).collect::<Vec<u8>>());
            let alpha = colors.iter().map(|[.., alpha]| *alpha);
            encoder.set_trns(alpha.collect::<Vec<u8>>());
            encoder.set_filter(Filter::Up);
        }
        RowColors::Rgb => {
            encoder.set_color(ColorType::Rgb);
            encoder.set_filter(Filter::Paeth);
        }
        RowColors::Rgba => {
            encoder.set_color(ColorType::Rgba);
            encoder.set_filter(Filter::Paeth);
        }
    }
    if let Some(dpi) = dpi {
        let per_metre = (f64::from(dpi) / 0.0254).round() as u32;
        encoder.set_pixel_dims(Some(PixelDimensions {
            xppu: per_metre,
            yppu: per_metre,
            unit: Unit::Meter,
        }));
    }
    let mut file = encoder.write_header()?;
    let mut rows = file.stream_writer()?;
    for piece in pieces {
        rows.write_all(&piece)?;
    }
    rows.finish()?;
    Ok(file.finish()?)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decoded, hills, ramp};
    use super::*;
    use crate::encode::rgba;

    #[test]
    fn rows_that_come_in_pieces_are_the_picture() {
        let (width, height) = (300, 200);
        let (indices, ramp) = (hills(width, height), ramp());
        let pixels = rgba(&indices, &ramp);
        let rgb: Vec<u8> = pixels
            .chunks_exact(4)
            .flat_map(|p| [p[0], p[1], p[2]])
            .collect();
        let opaque: Vec<u8> = rgb
            .chunks_exact(3)
            .flat_map(|p| [p[0], p[1], p[2], 255])
            .collect();
        for (colors, bytes, expected) in [
            (RowColors::Palette(ramp.colors()), &indices, &pixels),
            (RowColors::Rgba, &pixels, &pixels),
            (RowColors::Rgb, &rgb, &opaque),
        ] {
            let mut file = Vec::new();
            let pieces = bytes.chunks(bytes.len() / 7).map(<[u8]>::to_vec);
            png_in_rows(&mut file, [width, height], colors, Some(300), pieces).unwrap();
            assert!(
                decoded(&file) == (width, height, expected.clone()),
                "{colors:?}"
            );
            let reader = ::png::Decoder::new(std::io::Cursor::new(&file))
                .read_info()
                .unwrap();
            let dims = reader.info().pixel_dims.unwrap();
            assert_eq!((dims.xppu, dims.unit), (11_811, Unit::Meter));
        }
    }

    #[test]
    fn wrong_lengths_and_impossible_sizes_are_errors() {
        let write = |size, bytes| {
            let pieces = [vec![0; bytes]];
            png_in_rows(Vec::new(), size, RowColors::Rgb, None, pieces)
        };
        assert!(write([4, 4], 48).is_ok());
        for (size, bytes) in [([4, 4], 36), ([4, 4], 60), ([0, 4], 0), ([4, 16_385], 0)] {
            assert!(write(size, bytes).is_err(), "{size:?} {bytes}");
        }
    }
}
