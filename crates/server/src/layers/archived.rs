//! Layers whose tiles were rendered earlier and are read from an archive file.

use heatsplat_points::{LonLatBox, TileId};
use serde_json::Value;
use std::fmt;
use std::ops::RangeInclusive;

/// An archive of tiles that were rendered earlier, like a PMTiles file.
pub trait TileArchive: Send + Sync + fmt::Debug {
    /// Returns the description of the archive, from which TileJSON and the catalog are made.
    fn info(&self) -> &ArchiveInfo;

    /// Reads the bytes of a tile; `None` if the archive has no such tile.
    ///
    /// # Errors
    /// If the file can't be read any more or is damaged. The server logs the message and doesn't
    /// send it.
    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, ArchiveReadError>;

    /// Returns true if reading a tile may wait for another machine.
    fn is_remote(&self) -> bool {
        false
    }
}

/// The error for a tile that could not be read from an archive. The field is its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ArchiveReadError(pub String);

/// The description of an archive, from which the server makes TileJSON and the catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchiveInfo {
    /// The name of the layer.
    pub name: String,
    /// The credit for the data, which maps show in a corner; `None` if the archive has none.
    pub attribution: Option<String>,
    /// The extension of the archive's tiles in URLs, without the dot, like `png`.
    pub extension: &'static str,
    /// The media type of the archive's tiles, like `image/png`.
    pub mime: &'static str,
    /// The first and the last zoom at which the archive has tiles.
    pub zooms: RangeInclusive<u8>,
    /// The box of everything that the archive's tiles show.
    pub bounds: LonLatBox,
    /// The box around the points; `None` if the archive states none. Its east is over 180° if the
    /// points lie on both sides of ±180°.
    pub data_bounds: Option<LonLatBox>,
    /// The first view of a map: longitude and latitude of its centre in degrees, and its zoom.
    pub center: [f64; 3],
    /// The width and height of a tile's picture in pixels.
    pub pixels: u32,
    /// The width and height in CSS pixels at which maps show a tile. It is half of `pixels` for
    /// tiles with two pixels per CSS pixel.
    pub tile_size: u32,
    /// The legends of the tiles' colours: a JSON object with a member for each zoom, whose value is
    /// what `/{layer}/legend.json` answers; `None` if the archive has no legends.
    pub legends: Option<Value>,
}
