//! Empty pictures. Those of the usual sizes are encoded once and shared.

use std::sync::{Arc, OnceLock};

use ::png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::{Effort, EncodeError, ImageFormat, MAX_EDGE, npy, png_rgba, webp_lossless};

/// Encodes a picture in which every pixel is transparent or, for [`ImageFormat::Npy`], every value
/// is 0. Pictures of 256 × 256 and of 512 × 512 pixels, the usual sizes of tiles, are encoded once
/// in each format of colours and then shared.
///
/// # Errors
/// A width or height that is 0 or over [`MAX_EDGE`], or a format of values other than
/// [`ImageFormat::Npy`].
pub fn empty(format: ImageFormat, width: u32, height: u32) -> Result<Arc<[u8]>, EncodeError> {
    static SHARED: [[OnceLock<Arc<[u8]>>; 3]; 2] = [const { [const { OnceLock::new() }; 3] }; 2];
    let [small, large] = &SHARED;
    let [png, rgba, webp] = match (width, height) {
        (256, 256) => small,
        (512, 512) => large,
        _ => return write(format, width, height).map(Arc::from),
    };
    let slot = match format {
        ImageFormat::Png => png,
        ImageFormat::PngRgba => rgba,
        ImageFormat::WebP => webp,
        ImageFormat::Npy | ImageFormat::Tiff | ImageFormat::Dem(_) => {
            return write(format, width, height).map(Arc::from);
        }
    };
    if let Some(bytes) = slot.get() {
        return Ok(Arc::clone(bytes));
    }
    let bytes = write(format, width, height)?.into();
    Ok(Arc::clone(slot.get_or_init(|| bytes)))
}

fn write(format: ImageFormat, width: u32, height: u32) -> Result<Vec<u8>, EncodeError> {
    if !(1..=MAX_EDGE).contains(&width) || !(1..=MAX_EDGE).contains(&height) {
        return Err(EncodeError::Size { width, height });
    }
    let area = width as usize * height as usize;
    match format {
        ImageFormat::Png => png(width, height),
        ImageFormat::PngRgba => png_rgba(&vec![0; area * 4], width, height, Effort::Small),
        ImageFormat::WebP => webp_lossless(&vec![0; area * 4], width, height),
        ImageFormat::Npy => npy(&vec![0.0; area], width, height),
        ImageFormat::Tiff | ImageFormat::Dem(_) => Err(EncodeError::NoValues),
    }
}

/// Encodes a transparent picture as a PNG with one bit per pixel. It has a palette because programs
/// that join tiles to one picture, for example GDAL, need tiles of one kind, and all other tiles
/// have palettes.
fn png(width: u32, height: u32) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::One);
    encoder.set_palette(vec![0; 3]);
    encoder.set_trns(vec![0]);
    encoder.set_compression(Compression::High);
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&vec![0; width.div_ceil(8) as usize * height as usize])?;
    writer.finish()?;
    Ok(bytes)
}
