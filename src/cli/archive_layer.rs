//! Archives of tiles (PMTiles or MBTiles files) as layers of the server.

use super::error::BoxError;
use heatsplat::TileId;
use heatsplat_archive::Archive;
use heatsplat_server::{ArchiveInfo, ArchiveReadError, TileArchive};
use std::path::Path;

/// An open archive in the form in which the server takes tiles from it ([`TileArchive`]), and the
/// description of it that the server sends to clients.
#[derive(Debug)]
pub(super) struct ArchiveLayer {
    archive: Archive,
    info: ArchiveInfo,
}

impl ArchiveLayer {
    /// Tests whether a source is an archive of tiles: a local file whose name has an archive's
    /// extension.
    pub(super) fn is_archive(source: &str) -> bool {
        Archive::is_named(Path::new(source)) && !heatsplat_loader::is_remote(source)
    }

    /// Opens an archive. The layer gets the name that the archive contains, otherwise `name`.
    pub(super) fn open(source: &str, name: &str) -> Result<Self, BoxError> {
        let path = Path::new(source);
        // A pipe is refused: to open it means to wait for its writer, and tiles are read from any
        // place of the file.
        if path.metadata().is_ok_and(|kind| !kind.is_file()) {
            return Err(format!("{source}: an archive of tiles must be a regular file").into());
        }
        let archive = Archive::open(path)?;
        let contents = archive.contents();
        let info = ArchiveInfo {
            name: contents.name.clone().unwrap_or_else(|| name.to_owned()),
            attribution: contents.attribution.clone(),
            extension: contents.format.extension(),
            mime: contents.format.mime(),
            zooms: contents.zooms.clone(),
            bounds: contents.bounds,
            data_bounds: contents.data_bounds,
            center: contents.center,
            pixels: contents.pixels,
            tile_size: contents.tile_size,
            legends: contents.legends.clone(),
        };
        Ok(Self { archive, info })
    }

    /// A description of the archive in one line: the format and size of its tiles, and its first
    /// and last zoom.
    pub(super) fn summary(&self) -> String {
        let ArchiveInfo {
            zooms,
            extension,
            pixels,
            ..
        } = &self.info;
        let (first, last) = (zooms.start(), zooms.end());
        format!("{extension} tiles of {pixels} pixels, zooms {first} to {last}")
    }
}

impl TileArchive for ArchiveLayer {
    fn info(&self) -> &ArchiveInfo {
        &self.info
    }

    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, ArchiveReadError> {
        let tile = self.archive.tile(tile);
        tile.map_err(|error| ArchiveReadError(error.to_string()))
    }
}
