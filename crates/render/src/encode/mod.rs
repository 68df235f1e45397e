//! Encoders that turn pictures and densities into PNG, WebP, GeoTIFF and NumPy files.
//!
//! A picture has one byte per pixel, the colour index, row by row from the top left. A [`Ramp`]
//! gives each index its colour. A density has a floating-point number per pixel instead. Equal
//! pictures are encoded as equal bytes.

mod deflate;
mod dem;
mod empty;
mod filter;
mod huffman;
mod npy;
mod png;
mod png_rows;
mod tiff;
mod webp;

use std::sync::Arc;

use crate::ramp::Ramp;
use crate::splat::density::{Density, Picture};
use crate::splat::timing::{Phase, lap};
use crate::unit_costs::{ENCODED, REPORTED_CELLS, report};

pub use dem::{Dem, dem};
pub use empty::empty;
pub use npy::npy;
pub use png::{png_indexed, png_rgba};
pub use png_rows::{RowColors, png_in_rows};
pub use tiff::{Georeference, tiff};
pub use webp::webp_lossless;

/// The greatest width of a picture in pixels, and also the greatest height.
pub const MAX_EDGE: u32 = 16_384;

/// A file format, either of colours or of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageFormat {
    /// PNG with a palette: the smallest files, and the fastest to write. The extension `.png`
    /// stands for this format.
    Png,
    /// PNG with four channels (RGBA), for readers that don't support palettes.
    PngRgba,
    /// The colours as a lossless WebP with four channels (RGBA).
    WebP,
    /// The values as an array file of NumPy: 32-bit floats in little-endian byte order.
    Npy,
    /// The values as a GeoTIFF of 32-bit floats. Its coordinates are Web-Mercator metres.
    Tiff,
    /// The values as the colours of a PNG, which a map in a browser turns back into values. The
    /// field is the rule by which a value has its colour.
    Dem(Dem),
}

impl ImageFormat {
    /// The format that a file name extension stands for. The extension is given without its dot:
    /// `png`, `webp`, `npy`, `tif` or `tiff`. `None` for other extensions.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "webp" => Some(Self::WebP),
            "npy" => Some(Self::Npy),
            "tif" | "tiff" => Some(Self::Tiff),
            _ => None,
        }
    }

    /// The file name extension of this format, without its dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png | Self::PngRgba => "png",
            Self::WebP => "webp",
            Self::Npy => "npy",
            Self::Tiff => "tif",
            Self::Dem(_) => "dem.png",
        }
    }

    /// The media type of this format, for the HTTP header `Content-Type`.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png | Self::PngRgba | Self::Dem(_) => "image/png",
            Self::WebP => "image/webp",
            Self::Npy => "application/x-npy",
            Self::Tiff => "image/tiff",
        }
    }

    /// True if the format stores values instead of colours.
    pub fn is_density(self) -> bool {
        matches!(self, Self::Npy | Self::Tiff | Self::Dem(_))
    }
}

/// The effort of the compression: more effort makes smaller files and takes longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Effort {
    /// The effort for tiles that are drawn on request: fast, and the files are still small.
    #[default]
    Live,
    /// The effort for exports: files are up to a third smaller than with [`Live`](Effort::Live),
    /// but take about thirty times as long to write.
    Small,
}

/// A file format, and the effort of the compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageEncoding {
    /// The file format, which decides between colours and values.
    pub format: ImageFormat,
    /// The effort of the compression. Only the formats `Png` and `PngRgba` make use of it.
    pub effort: Effort,
}

impl From<ImageFormat> for ImageEncoding {
    fn from(format: ImageFormat) -> Self {
        Self::new(format, Effort::default())
    }
}

impl ImageEncoding {
    /// Makes an encoding from a format and an effort.
    pub fn new(format: ImageFormat, effort: Effort) -> Self {
        Self { format, effort }
    }

    /// Encodes a picture with the colours of a ramp.
    ///
    /// # Errors
    /// The errors of [`indices`](Self::indices).
    pub fn picture(self, picture: &Picture, ramp: &Ramp) -> Result<Arc<[u8]>, EncodeError> {
        self.indices(&picture.indices, picture.width, picture.height, ramp)
    }

    /// Encodes a picture from its colour indices. If all indices are 0, the result is the shared
    /// [`empty`] picture.
    ///
    /// # Errors
    /// The errors of [`png_indexed`]. Also a format of values, for which [`density`](Self::density)
    /// is the right method.
    pub fn indices(
        self,
        indices: &[u8],
        width: u32,
        height: u32,
        ramp: &Ramp,
    ) -> Result<Arc<[u8]>, EncodeError> {
        let Self { format, effort } = self;
        check(indices.len(), 1, width, height)?;
        if !format.is_density() && indices.iter().all(|&index| index == 0) {
            return empty(format, width, height);
        }
        let bytes = match format {
            ImageFormat::Png => png_indexed(indices, width, height, ramp.colors(), effort)?,
            ImageFormat::PngRgba => png_rgba(&rgba(indices, ramp), width, height, effort)?,
            ImageFormat::WebP => webp_lossless(&rgba(indices, ramp), width, height)?,
            ImageFormat::Npy | ImageFormat::Tiff | ImageFormat::Dem(_) => {
                return Err(EncodeError::NoValues);
            }
        };
        let bytes = bytes.into();
        lap(Phase::Encode);
        Ok(bytes)
    }

    /// Encodes RGBA pixels: four bytes each, not premultiplied by alpha.
    ///
    /// # Errors
    /// The errors of [`indices`](Self::indices).
    pub fn pixels(self, pixels: &[u8], width: u32, height: u32) -> Result<Arc<[u8]>, EncodeError> {
        let bytes = match self.format {
            ImageFormat::Png | ImageFormat::PngRgba => {
                png_rgba(pixels, width, height, self.effort)?
            }
            ImageFormat::WebP => webp_lossless(pixels, width, height)?,
            ImageFormat::Npy | ImageFormat::Tiff | ImageFormat::Dem(_) => {
                return Err(EncodeError::NoValues);
            }
        };
        lap(Phase::Encode);
        Ok(bytes.into())
    }

    /// Encodes the density of a window of the map, in a format of values.
    ///
    /// # Errors
    /// A number of values other than width × height, an edge that is 0 or over [`MAX_EDGE`], or a
    /// value that is infinite. Also a format of colours, for which [`indices`](Self::indices) is
    /// the right method.
    pub fn density(
        self,
        density: &Density,
        place: impl Into<Georeference>,
    ) -> Result<Arc<[u8]>, EncodeError> {
        let Density {
            width,
            height,
            values,
        } = density;
        // The format `Dem` writes values beyond its range as the nearer end of its range, so it has
        // no error for infinite values.
        let bounded = matches!(self.format, ImageFormat::Dem(_));
        if !bounded && values.iter().any(|value| value.is_infinite()) {
            return Err(EncodeError::Beyond);
        }
        let bytes = match self.format {
            ImageFormat::Npy => npy(values, *width, *height),
            ImageFormat::Tiff => tiff(values, *width, *height, &place.into()),
            ImageFormat::Dem(encoding) => dem(density, encoding),
            ImageFormat::Png | ImageFormat::PngRgba | ImageFormat::WebP => {
                Err(EncodeError::NoValues)
            }
        };
        lap(Phase::Encode);
        bytes.map(Arc::from)
    }
}

/// Turns colour indices into RGBA pixels of four bytes each, not premultiplied by alpha.
pub fn rgba(indices: &[u8], ramp: &Ramp) -> Vec<u8> {
    let mut pixels = vec![0; indices.len() * 4];
    let parts = pixels.chunks_mut(4 * REPORTED_CELLS);
    for (pixels, indices) in parts.zip(indices.chunks(REPORTED_CELLS)) {
        report(indices.len(), ENCODED);
        for (pixel, &index) in pixels.chunks_exact_mut(4).zip(indices) {
            pixel.copy_from_slice(&ramp.color(index));
        }
    }
    pixels
}

/// Returns an error for a picture with an edge that is 0 or over [`MAX_EDGE`] pixels.
fn check_size(width: u32, height: u32) -> Result<(), EncodeError> {
    if (1..=MAX_EDGE).contains(&width) && (1..=MAX_EDGE).contains(&height) {
        Ok(())
    } else {
        Err(EncodeError::Size { width, height })
    }
}

/// Returns an error for a picture with an edge that is 0 or over [`MAX_EDGE`] pixels, or if
/// `items`, the length of its data, is not `per_pixel` times the number of pixels.
fn check(items: usize, per_pixel: usize, width: u32, height: u32) -> Result<(), EncodeError> {
    check_size(width, height)?;
    let expected = width as usize * height as usize * per_pixel;
    if items == expected {
        Ok(())
    } else {
        Err(EncodeError::Length { expected, items })
    }
}

/// The error for a picture or a density that can't be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The picture's width or height is 0, or more than [`MAX_EDGE`].
    #[error("a picture is 1 to 16384 pixels wide and high, not {width} × {height}")]
    Size {
        /// The width of the refused picture in pixels.
        width: u32,
        /// The height of the refused picture in pixels.
        height: u32,
    },
    /// The data has fewer or more items than a picture of its size needs. An item is a byte of a
    /// picture, or a value of a density.
    #[error("the picture needs {expected} items of data, not {items}")]
    Length {
        /// The number of items, bytes or values, that a picture of this size needs.
        expected: usize,
        /// The number of items, bytes or values, in the data.
        items: usize,
    },
    /// A format of values for a picture of colours, or a format of colours for a density.
    #[error("pictures of colours and densities have formats of their own")]
    NoValues,
    /// A value is greater than a 32-bit float can hold.
    #[error(
        "sums of weights are beyond what 32-bit floats hold (3.4e38): divide the weights, by a \
         million say"
    )]
    Beyond,
    /// An error of the output that a picture is written to.
    #[error(transparent)]
    Output(#[from] std::io::Error),
    /// An error of the PNG writer.
    #[error("PNG: {0}")]
    Png(#[from] ::png::EncodingError),
    /// An error of the WebP writer.
    #[error("WebP: {0}")]
    WebP(#[from] image_webp::EncodingError),
    /// An error of the TIFF writer.
    #[error("TIFF: {0}")]
    Tiff(#[from] ::tiff::TiffError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::Window;

    #[test]
    fn sums_beyond_floats_are_an_error_and_no_infinity() {
        let window = Window::at_level(8, 0, 0, 2, 1);
        let density = |value| Density {
            width: 2,
            height: 1,
            values: vec![f32::NAN, value],
        };
        for format in [ImageFormat::Npy, ImageFormat::Tiff] {
            let encoding = ImageEncoding::from(format);
            assert!(encoding.density(&density(f32::MAX), &window).is_ok());
            for beyond in [f32::INFINITY, f32::NEG_INFINITY] {
                let error = encoding.density(&density(beyond), &window).unwrap_err();
                assert!(error.to_string().contains("divide the weights"), "{error}");
            }
        }
    }

    /// A picture of soft hills that is like a heat map: smooth, with indices from 0 to 255 and
    /// empty corners.
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

    /// Decodes a PNG to its width, its height and its RGBA pixels.
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
                for format in [ImageFormat::Png, ImageFormat::PngRgba] {
                    let bytes = ImageEncoding::new(format, effort)
                        .indices(&indices, width, height, &ramp())
                        .unwrap();
                    let found = decoded(&bytes);
                    assert!(
                        found == (width, height, expected.clone()),
                        "{format:?} {width} × {height}"
                    );
                    let again = ImageEncoding::new(format, effort)
                        .indices(&indices, width, height, &ramp())
                        .unwrap();
                    assert_eq!(again, bytes, "same picture, same bytes");
                }
            }
        }
    }

    #[test]
    fn a_picture_of_nothing_is_shared_and_small() {
        for (width, height) in SIZES {
            let nothing = vec![0; width as usize * height as usize];
            for format in [ImageFormat::Png, ImageFormat::PngRgba, ImageFormat::WebP] {
                let make = || {
                    ImageEncoding::new(format, Effort::Live)
                        .indices(&nothing, width, height, &ramp())
                        .unwrap()
                };
                let bytes = make();
                assert_eq!(bytes, empty(format, width, height).unwrap());
                if width == height && width >= 256 {
                    assert!(Arc::ptr_eq(&bytes, &make()), "{format:?}");
                }
                if format != ImageFormat::WebP {
                    let (w, h, pixels) = decoded(&bytes);
                    assert_eq!((w, h), (width, height));
                    assert!(pixels.iter().all(|&byte| byte == 0));
                }
            }
        }
        assert!(empty(ImageFormat::Png, 256, 256).unwrap().len() <= 120);
        assert!(empty(ImageFormat::Png, 512, 512).unwrap().len() <= 150);
    }

    #[test]
    fn data_that_does_not_fill_the_picture_is_refused() {
        for format in [
            ImageFormat::Png,
            ImageFormat::PngRgba,
            ImageFormat::WebP,
            ImageFormat::Npy,
        ] {
            for (items, width, height) in [(0, 0, 0), (7, 2, 3), (5, 2, 3), (16_385, 16_385, 1)] {
                let encoding = ImageEncoding::from(format);
                let refused = encoding.indices(&vec![1; items], width, height, &ramp());
                assert!(refused.is_err(), "{format:?} {items}");
            }
            assert!(empty(format, 0, 4).is_err() && empty(format, 4, 16_385).is_err());
        }
        assert!(matches!(
            ImageEncoding::from(ImageFormat::Npy).indices(&[1], 1, 1, &ramp()),
            Err(EncodeError::NoValues)
        ));
    }

    #[test]
    fn formats_know_their_endings() {
        for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Npy] {
            assert_eq!(
                ImageFormat::from_extension(format.extension()),
                Some(format)
            );
        }
        assert_eq!(ImageFormat::from_extension("PNG"), Some(ImageFormat::Png));
        assert_eq!(ImageFormat::from_extension("jpg"), None);
        assert_eq!(ImageFormat::WebP.mime(), "image/webp");
    }
}
