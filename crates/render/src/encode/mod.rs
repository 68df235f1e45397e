//! Pictures and grids to bytes: PNG, WebP and NumPy's own format.
//!
//! A picture is one index byte a pixel, row by row from the top left, and a
//! [`Ramp`] that says what the indices look like. The same picture always
//! becomes the same bytes.

mod deflate;
mod dem;
mod empty;
mod filter;
mod huffman;
mod npy;
mod png;
mod tiff;
mod webp;

use std::sync::Arc;

use crate::ramp::Ramp;
use crate::splat::density::Density;
use crate::splat::timing::{Stage, lap};
use heatsplat_points::Window;

pub use dem::{Dem, dem};
pub use empty::empty;
pub use npy::npy;
pub use png::{png_indexed, png_rgba};
pub use tiff::tiff;
pub use webp::webp_lossless;

/// The longest edge of a picture, in pixels.
pub const MAX_EDGE: u32 = 16_384;

/// What a picture or a grid can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// PNG with a palette: the smallest and the fastest. What `.png` means.
    Png,
    /// PNG with four channels, for readers that do not know palettes.
    PngRgba,
    /// WebP without loss, four channels.
    WebP,
    /// The values themselves as a NumPy array of `<f4`.
    Npy,
    /// The values themselves as a GeoTIFF of 32-bit floats in Web-Mercator metres.
    Tiff,
    /// The values themselves as colours that a map in a browser reads back.
    Dem(Dem),
}

impl Format {
    /// The format of a file name's ending, without the dot: `png`, `webp`, `npy`.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "webp" => Some(Self::WebP),
            "npy" => Some(Self::Npy),
            "tif" | "tiff" => Some(Self::Tiff),
            _ => None,
        }
    }

    /// The ending of a file name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png | Self::PngRgba => "png",
            Self::WebP => "webp",
            Self::Npy => "npy",
            Self::Tiff => "tif",
            Self::Dem(_) => "dem.png",
        }
    }

    /// The media type for `Content-Type`.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png | Self::PngRgba | Self::Dem(_) => "image/png",
            Self::WebP => "image/webp",
            Self::Npy => "application/x-npy",
            Self::Tiff => "image/tiff",
        }
    }

    /// Whether it holds densities, and no colours.
    pub fn is_density(self) -> bool {
        matches!(self, Self::Npy | Self::Tiff | Self::Dem(_))
    }
}

/// How much time bytes are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Effort {
    /// For tiles that someone waits for: the fastest way that is still small.
    #[default]
    Live,
    /// For exports: up to a third smaller, at some thirty times the time.
    Small,
}

/// A picture as bytes of a format; a wholly empty one is the shared [`empty`] picture.
///
/// # Errors
/// As [`png_indexed`]; and a density's format is refused, since a picture has no
/// values any more: see [`npy`].
pub fn picture(
    format: Format,
    indices: &[u8],
    width: u32,
    height: u32,
    ramp: &Ramp,
    effort: Effort,
) -> Result<Arc<[u8]>, EncodeError> {
    check(indices.len(), 1, width, height)?;
    if !format.is_density() && indices.iter().all(|&index| index == 0) {
        return empty(format, width, height);
    }
    let bytes = match format {
        Format::Png => png_indexed(indices, width, height, ramp, effort)?,
        Format::PngRgba => png_rgba(&rgba(indices, ramp), width, height, effort)?,
        Format::WebP => webp_lossless(&rgba(indices, ramp), width, height)?,
        Format::Npy | Format::Tiff | Format::Dem(_) => return Err(EncodeError::NoValues),
    };
    let bytes = bytes.into();
    lap(Stage::Encode);
    Ok(bytes)
}

/// Straight RGBA pixels as bytes of a format.
///
/// # Errors
/// As [`picture`].
pub fn pixels(
    format: Format,
    pixels: &[u8],
    width: u32,
    height: u32,
    effort: Effort,
) -> Result<Arc<[u8]>, EncodeError> {
    let bytes = match format {
        Format::Png | Format::PngRgba => png_rgba(pixels, width, height, effort)?,
        Format::WebP => webp_lossless(pixels, width, height)?,
        Format::Npy | Format::Tiff | Format::Dem(_) => return Err(EncodeError::NoValues),
    };
    lap(Stage::Encode);
    Ok(bytes.into())
}

/// Densities of a window as bytes of a format.
///
/// # Errors
/// A format that holds colours instead: see [`picture`].
pub fn densities(
    format: Format,
    density: &Density,
    window: &Window,
) -> Result<Vec<u8>, EncodeError> {
    let Density {
        width,
        height,
        values,
    } = density;
    // colours of values have an end anyhow
    let ends = matches!(format, Format::Dem(_));
    if !ends && values.iter().any(|value| value.is_infinite()) {
        return Err(EncodeError::Beyond);
    }
    let bytes = match format {
        Format::Npy => npy(values, *width, *height),
        Format::Tiff => tiff(values, *width, *height, window),
        Format::Dem(how) => dem(density, how),
        Format::Png | Format::PngRgba | Format::WebP => Err(EncodeError::NoValues),
    };
    lap(Stage::Encode);
    bytes
}

/// The colours of a picture: four bytes a pixel, straight RGBA.
pub fn rgba(indices: &[u8], ramp: &Ramp) -> Vec<u8> {
    let colors = ramp.colors();
    let mut pixels = vec![0; indices.len() * 4];
    for (pixel, &index) in pixels.chunks_exact_mut(4).zip(indices) {
        pixel.copy_from_slice(&colors[usize::from(index)]);
    }
    pixels
}

/// A picture must have an area, a bounded edge, and exactly the pixels it says.
fn check(items: usize, per_pixel: usize, width: u32, height: u32) -> Result<(), EncodeError> {
    if !(1..=MAX_EDGE).contains(&width) || !(1..=MAX_EDGE).contains(&height) {
        return Err(EncodeError::Size { width, height });
    }
    let expected = width as usize * height as usize * per_pixel;
    if items == expected {
        Ok(())
    } else {
        Err(EncodeError::Length { expected, items })
    }
}

/// Why a picture could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// No area, or an edge longer than [`MAX_EDGE`].
    #[error("a picture is 1 to 16384 pixels wide and high, not {width} × {height}")]
    Size {
        /// Asked for, in pixels.
        width: u32,
        /// Asked for, in pixels.
        height: u32,
    },
    /// The data does not fill the picture exactly.
    #[error("the picture needs {expected} items of data, not {items}")]
    Length {
        /// Items that width × height ask for.
        expected: usize,
        /// Items given.
        items: usize,
    },
    /// A picture was asked for as values.
    #[error("a coloured picture has no values to write")]
    NoValues,
    /// A sum is greater than a float can be.
    #[error(
        "sums of weights are beyond what 32-bit floats hold (3.4e38): divide the weights, by a \
         million say"
    )]
    Beyond,
    /// The PNG writer refused.
    #[error("PNG: {0}")]
    Png(#[from] ::png::EncodingError),
    /// The WebP writer refused.
    #[error("WebP: {0}")]
    WebP(#[from] image_webp::EncodingError),
    /// The TIFF writer refused.
    #[error("TIFF: {0}")]
    Tiff(#[from] ::tiff::TiffError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_beyond_floats_are_an_error_and_no_infinity() {
        let window = Window::at_level(8, 0, 0, 2, 1);
        let density = |value| Density {
            width: 2,
            height: 1,
            values: vec![f32::NAN, value],
        };
        for format in [Format::Npy, Format::Tiff] {
            assert!(densities(format, &density(f32::MAX), &window).is_ok());
            for beyond in [f32::INFINITY, f32::NEG_INFINITY] {
                let error = densities(format, &density(beyond), &window).unwrap_err();
                assert!(error.to_string().contains("divide the weights"), "{error}");
            }
        }
    }

    /// A landscape of soft hills like a heat map's: smooth, full range, empty corners.
    pub(super) fn hills(width: u32, height: u32) -> Vec<u8> {
        let hill = |x: f32, y: f32, cx: f32, cy: f32, size: f32| {
            (-((x - cx).powi(2) + (y - cy).powi(2)) / (2.0 * size * size)).exp()
        };
        let value = |x: f32, y: f32| {
            let broad = 40.0 * hill(x, y, 90.0, 60.0, 34.0) + 9.0 * hill(x, y, 180.0, 190.0, 40.0);
            let small = (0..30_u16).map(|k| {
                let k = f32::from(k);
                2.0 * hill(x, y, (k * 71.3) % 256.0, (k * k * 13.7) % 256.0, 6.0)
            });
            broad + small.sum::<f32>()
        };
        let index = |v: f32| ((1000.0 * v / 45.0).ln_1p() / 1001_f32.ln() * 255.0).round() as u8;
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x as f32, y as f32)));
        pixels.map(|(x, y)| index(value(x, y))).collect()
    }

    pub(super) fn ramp() -> Ramp {
        Ramp::parse("inferno").unwrap()
    }

    /// Decodes a PNG to RGBA.
    pub(super) fn decoded(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut decoder = ::png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(
            ::png::Transformations::normalize_to_color8() | ::png::Transformations::ALPHA,
        );
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        pixels.truncate(info.buffer_size());
        assert_eq!(info.color_type, ::png::ColorType::Rgba);
        (info.width, info.height, pixels)
    }

    pub(super) const SIZES: [(u32, u32); 6] =
        [(1, 1), (3, 5), (257, 2), (1, 300), (256, 256), (512, 512)];

    #[test]
    fn every_format_gives_back_the_same_picture() {
        for (width, height) in SIZES {
            let indices = hills(width, height);
            let expected = rgba(&indices, &ramp());
            for effort in [Effort::Live, Effort::Small] {
                for format in [Format::Png, Format::PngRgba] {
                    let bytes = picture(format, &indices, width, height, &ramp(), effort).unwrap();
                    let found = decoded(&bytes);
                    assert!(
                        found == (width, height, expected.clone()),
                        "{format:?} {width} × {height}"
                    );
                    let again = picture(format, &indices, width, height, &ramp(), effort).unwrap();
                    assert_eq!(again, bytes, "same picture, same bytes");
                }
            }
        }
    }

    #[test]
    fn a_picture_of_nothing_is_shared_and_small() {
        for (width, height) in SIZES {
            let nothing = vec![0; width as usize * height as usize];
            for format in [Format::Png, Format::PngRgba, Format::WebP] {
                let make =
                    || picture(format, &nothing, width, height, &ramp(), Effort::Live).unwrap();
                let bytes = make();
                assert_eq!(bytes, empty(format, width, height).unwrap());
                if width == height && width >= 256 {
                    assert!(Arc::ptr_eq(&bytes, &make()), "{format:?}");
                }
                if format != Format::WebP {
                    let (w, h, pixels) = decoded(&bytes);
                    assert_eq!((w, h), (width, height));
                    assert!(pixels.iter().all(|&byte| byte == 0));
                }
            }
        }
        assert!(empty(Format::Png, 256, 256).unwrap().len() <= 120);
        assert!(empty(Format::Png, 512, 512).unwrap().len() <= 150);
    }

    #[test]
    fn data_that_does_not_fill_the_picture_is_refused() {
        for format in [Format::Png, Format::PngRgba, Format::WebP, Format::Npy] {
            for (items, width, height) in [(0, 0, 0), (7, 2, 3), (5, 2, 3), (16_385, 16_385, 1)] {
                let refused = picture(
                    format,
                    &vec![1; items],
                    width,
                    height,
                    &ramp(),
                    Effort::Live,
                );
                assert!(refused.is_err(), "{format:?} {items}");
            }
            assert!(empty(format, 0, 4).is_err() && empty(format, 4, 16_385).is_err());
        }
        assert!(matches!(
            picture(Format::Npy, &[1], 1, 1, &ramp(), Effort::Live),
            Err(EncodeError::NoValues)
        ));
    }

    #[test]
    fn formats_know_their_endings() {
        for format in [Format::Png, Format::WebP, Format::Npy] {
            assert_eq!(Format::from_extension(format.extension()), Some(format));
        }
        assert_eq!(Format::from_extension("PNG"), Some(Format::Png));
        assert_eq!(Format::from_extension("jpg"), None);
        assert_eq!(Format::WebP.mime(), "image/webp");
    }
}
