//! The pictures that a benchmark draws, and the formats in which it draws them.

use heatsplat::render::View;
use heatsplat::render::encode::{EncodeError, ImageFormat};
use heatsplat::{Layer, TileId};

/// A picture that a benchmark draws.
#[derive(Clone, Copy)]
pub(super) enum BenchPicture {
    Tile(TileId),
    Map(View),
}

/// The format in which a benchmark draws pictures: as colour indices, or encoded as an image file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum BenchFormat {
    Indices,
    File(ImageFormat),
}

impl BenchFormat {
    /// A clap parser: `none` or the extension of a file name.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self::Indices);
        }
        let format = ImageFormat::from_extension(text).map(Self::File);
        format.ok_or("expected png, webp, npy, tif or none")
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Indices => "none",
            Self::File(format) => format.extension(),
        }
    }

    /// A note for the top of the table: the encoding that is part of the measured times, if any.
    pub(super) fn note(self) -> String {
        match self {
            Self::Indices => "nothing encoded".to_owned(),
            Self::File(format) => format!("{} included", format.extension()),
        }
    }
}

/// The size in pixels of the pictures that `--window` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowSize {
    pub(super) width: u32,
    pub(super) height: u32,
}

impl WindowSize {
    /// The largest width and the largest height in pixels that `--window` accepts. A choice.
    const MOST: u32 = 16_384;

    /// A clap parser of a size such as `1024x768`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let side = |text: &str| text.parse().ok().filter(|s| (1..=Self::MOST).contains(s));
        let sides = text.split_once('x').map(|(w, h)| (side(w), side(h)));
        match sides {
            Some((Some(width), Some(height))) => Ok(Self { width, height }),
            _ => Err(format!(
                "expected a width and a height of 1 to {} pixels, like 1024x768",
                Self::MOST
            )),
        }
    }
}

/// Draws a picture of a layer, and returns its number of bytes: of the image file, or of the colour
/// indices if `format` is none.
pub(super) fn draw(
    layer: &Layer,
    picture: &BenchPicture,
    format: BenchFormat,
) -> Result<usize, EncodeError> {
    match (picture, format) {
        (BenchPicture::Tile(tile), BenchFormat::Indices) => {
            Ok(layer.tile(*tile).picture().indices.len())
        }
        (BenchPicture::Map(view), BenchFormat::Indices) => {
            Ok(layer.map(*view).picture().indices.len())
        }
        (BenchPicture::Tile(tile), BenchFormat::File(format)) => {
            Ok(layer.tile(*tile).format(format).encode()?.len())
        }
        (BenchPicture::Map(view), BenchFormat::File(format)) => {
            Ok(layer.map(*view).format(format).encode()?.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_forms_are_named() {
        let size = WindowSize {
            width: 8192,
            height: 600,
        };
        assert_eq!(WindowSize::parse("8192x600"), Ok(size));
        for bad in ["", "8", "8x", "x8", "0x8", "8x16385", "8x8x8", "-1x8"] {
            assert!(WindowSize::parse(bad).is_err(), "{bad}");
        }
        for name in ["none", "png", "webp", "npy", "tif"] {
            assert_eq!(BenchFormat::parse(name).map(BenchFormat::name), Ok(name));
        }
        assert!(BenchFormat::parse("gif").is_err());
    }
}
