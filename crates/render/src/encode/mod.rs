//! Pictures and grids to bytes: PNG, WebP and NumPy's own format.
//!
//! A picture is one index byte a pixel, row by row from the top left, and a
//! [`Ramp`] that says what the indices look like. The same picture always
//! becomes the same bytes.

mod empty;
mod npy;
mod png;
mod webp;

use std::sync::Arc;

use crate::ramp::Ramp;

pub use empty::empty;
pub use npy::npy;
pub use png::{png_indexed, png_rgba};
pub use webp::webp_lossless;

/// The longest edge of a picture, in pixels.
pub const MAX_EDGE: u32 = 16_384;

/// What a picture or a grid can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// PNG with a palette: the smallest and the fastest. What `.png` means.
    Png,
    /// PNG with four channels, for readers that do not know palettes.
    PngRgba,
    /// WebP without loss, four channels.
    WebP,
    /// The values themselves as a NumPy array of `<f4`.
    Npy,
}

impl Format {
    /// The format of a file name's ending, without the dot: `png`, `webp`, `npy`.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "webp" => Some(Self::WebP),
            "npy" => Some(Self::Npy),
            _ => None,
        }
    }

    /// The ending of a file name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png | Self::PngRgba => "png",
            Self::WebP => "webp",
            Self::Npy => "npy",
        }
    }

    /// The media type for `Content-Type`.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png | Self::PngRgba => "image/png",
            Self::WebP => "image/webp",
            Self::Npy => "application/x-npy",
        }
    }
}

/// How much time bytes are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Effort {
    /// For tiles that someone waits for: the fastest way that is still small.
    #[default]
    Live,
    /// For exports: the smaller way, at a hundred times the time.
    Small,
}

/// A picture as bytes of a format; a wholly empty one is the shared [`empty`] picture.
///
/// # Errors
/// As [`png_indexed`]; and [`Format::Npy`] is refused, since a picture has no
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
    if format != Format::Npy && indices.iter().all(|&index| index == 0) {
        return empty(format, width, height);
    }
    let bytes = match format {
        Format::Png => png_indexed(indices, width, height, ramp, effort)?,
        Format::PngRgba => png_rgba(&rgba(indices, ramp), width, height, effort)?,
        Format::WebP => webp_lossless(&rgba(indices, ramp), width, height)?,
        Format::Npy => return Err(EncodeError::NoValues),
    };
    Ok(bytes.into())
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
    #[error("a coloured picture has no values to write as npy")]
    NoValues,
    /// The PNG writer refused.
    #[error("PNG: {0}")]
    Png(#[from] ::png::EncodingError),
    /// The WebP writer refused.
    #[error("WebP: {0}")]
    WebP(#[from] image_webp::EncodingError),
}
