//! The encoded tiles that the renderer hands to the journal.

use heatsplat_render::encode::ImageFormat;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The content of an export's tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TileContent {
    /// Colours, as a PNG with a palette.
    Png,
    /// Colours in four channels: as a PNG without a palette, or as four bands of a raster.
    Rgba,
    /// Colours as lossless WebP.
    WebP,
    /// Densities as 32-bit floats. Only rasters can contain them.
    Density,
}

impl TileContent {
    pub(crate) fn format(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Rgba => ImageFormat::PngRgba,
            Self::WebP => ImageFormat::WebP,
            Self::Density => ImageFormat::Tiff,
        }
    }
}

/// The first 128 bits of the SHA-256 of a tile's bytes. Tiles with equal digests are treated as
/// equal.
pub(crate) type TileDigest = [u8; 16];

/// An encoded tile, with its tile id and the digest of its bytes.
pub(crate) struct EncodedTile {
    /// The tile id of the tile: see the module [`hilbert`](crate::hilbert).
    pub(crate) number: u64,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) digest: TileDigest,
}

impl EncodedTile {
    pub(crate) fn new(number: u64, bytes: Arc<[u8]>) -> Self {
        let digest = digest(&bytes);
        Self {
            number,
            bytes,
            digest,
        }
    }
}

/// The encoded tiles of a quad, a square of neighbouring tiles. Empty tiles are left out.
pub(crate) struct RenderedQuad {
    pub(crate) tiles: Vec<EncodedTile>,
    /// The tile id that follows the tile id of the quad's last tile, even if this tile is empty.
    pub(crate) end: u64,
}

/// Computes the digest of a tile's bytes.
pub(crate) fn digest(bytes: &[u8]) -> TileDigest {
    let whole = Sha256::digest(bytes);
    let mut half = [0; 16];
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    half
}
