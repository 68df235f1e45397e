//! Reader of archives that exist already.

use crate::contents::{ArchiveError, Contents};
use crate::mbtiles::MbTiles;
use crate::pmtiles::PmTiles;
use heatsplat_points::TileId;
use std::path::{Path, PathBuf};

/// Open PMTiles or MBTiles archive, written by any program. Many threads can read it at once.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    contents: Contents,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    PmTiles(PmTiles),
    MbTiles(MbTiles),
}

impl Archive {
    /// Returns true if a file's name is that of an archive: it ends in `.pmtiles` or `.mbtiles`.
    pub fn is_named(path: &Path) -> bool {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        extension == "pmtiles" || extension == "mbtiles"
    }

    /// Opens an archive, and checks its directories so that damage is found at once.
    ///
    /// # Errors
    /// An [`ArchiveError`] where the file can't be read, or is no archive of pictures.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let opened = if extension == "mbtiles" {
            MbTiles::open(path).map(|(tiles, contents)| (Reader::MbTiles(tiles), contents))
        } else {
            PmTiles::open(path).map(|(tiles, contents)| (Reader::PmTiles(tiles), contents))
        };
        let (reader, contents) = opened.map_err(|error| error.at(path))?;
        Ok(Self {
            path: path.to_owned(),
            contents,
            reader,
        })
    }

    /// Contents of the archive.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Bytes of a tile as they are stored; `None` if the archive has no such tile.
    ///
    /// # Errors
    /// An [`ArchiveError`] where the file can't be read any more, or is damaged.
    pub fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, ArchiveError> {
        let bytes = match &self.reader {
            Reader::PmTiles(tiles) => tiles.tile(tile),
            Reader::MbTiles(tiles) => tiles.tile(tile),
        };
        bytes.map_err(|error| error.at(&self.path))
    }
}
