//! Layers whose tiles were rendered earlier and lie in an archive.

use heatsplat_points::{LonLatBox, TileId};
use std::fmt;
use std::ops::RangeInclusive;

/// An archive whose tiles are pictures.
pub trait TileArchive: Send + Sync + fmt::Debug {
    /// Describes the archive.
    fn info(&self) -> &ArchiveInfo;

    /// Reads the bytes of a tile; `None` if the archive has no such tile.
    ///
    /// # Errors
    /// When the file can't be read any more, or is damaged. The message is logged, not sent.
    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, ArchiveReadError>;
}

/// The error that a tile of an archive could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ArchiveReadError(pub String);

/// The description of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchiveInfo {
    /// The name of the layer.
    pub name: String,
    /// The source of the data, which maps show in a corner.
    pub attribution: Option<String>,
    /// The extension of the archive's tiles, without the dot.
    pub extension: &'static str,
    /// The media type of the archive's tiles.
    pub mime: &'static str,
    /// The zooms at which the archive has tiles.
    pub zooms: RangeInclusive<u8>,
    /// West, south, east, north of everything that the archive's tiles show, in degrees.
    pub bounds: LonLatBox,
    /// West, south, east, north of the points, in degrees; `None` if unknown. The east is over 180
    /// where the points lie on both sides of ±180°.
    pub data_bounds: Option<LonLatBox>,
    /// Longitude and latitude in degrees, and zoom, of the first view.
    pub center: [f64; 3],
    /// The side of a tile in pixels.
    pub pixels: u32,
    /// The side of a tile in CSS pixels.
    pub tile_size: u32,
}
