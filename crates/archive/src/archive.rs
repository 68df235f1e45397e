//! The reader of archives, which may have been written by any program.

use crate::contents::{ArchiveError, Contents, PathlessError};
use crate::mbtiles::MbTiles;
use crate::pmtiles::PmTiles;
use heatsplat_heat::{ByteSource, FileSource};
use heatsplat_points::TileId;
use std::path::{Path, PathBuf};

/// An open PMTiles or MBTiles archive, written by any program. Several threads can read from it at
/// the same time.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    contents: Contents,
    reader: TileReader,
}

#[derive(Debug)]
enum TileReader {
    PmTiles(PmTiles),
    MbTiles(MbTiles),
}

impl Archive {
    /// Tests whether a path is named like an archive: it ends in `.pmtiles` or `.mbtiles`.
    pub fn is_named(path: &Path) -> bool {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        extension == "pmtiles" || extension == "mbtiles"
    }

    /// Opens an archive. Damaged directories (the archive's lists of tiles) are found here, not
    /// only when a tile is read.
    ///
    /// # Errors
    /// An [`ArchiveError`] if the file can't be read, or is not an archive of pictures.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let opened = if extension == "mbtiles" {
            MbTiles::open(path).map(|(tiles, contents)| (TileReader::MbTiles(tiles), contents))
        } else {
            let source = FileSource::open(path).map_err(PathlessError::from);
            let opened = source.and_then(|source| PmTiles::open(Box::new(source)));
            opened.map(|(tiles, contents)| (TileReader::PmTiles(tiles), contents))
        };
        let (reader, contents) = opened.map_err(|error| error.at(path))?;
        Ok(Self {
            path: path.to_owned(),
            contents,
            reader,
        })
    }

    /// Opens a PMTiles archive from any source of its bytes, for example an object at an address.
    /// If each read of the source takes long, opening checks only the root directory (a directory
    /// is a list of tiles, or of further directories); another directory is checked when a tile in
    /// it is read. `name` stands for the archive in messages.
    ///
    /// # Errors
    /// An [`ArchiveError`] if the bytes can't be read, or are no PMTiles archive that is supported
    /// and undamaged in the parts that opening reads.
    pub fn from_source(source: Box<dyn ByteSource>, name: &str) -> Result<Self, ArchiveError> {
        let path = Path::new(name);
        let (tiles, contents) = PmTiles::open(source).map_err(|error| error.at(path))?;
        Ok(Self {
            path: path.to_owned(),
            contents,
            reader: TileReader::PmTiles(tiles),
        })
    }

    /// The description of the archive, as it is stored in the archive itself.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Reads the bytes of a tile as they are stored. `None` if the archive doesn't contain this
    /// tile.
    ///
    /// # Errors
    /// An [`ArchiveError`] if the file can't be read any more, or is damaged.
    pub fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, ArchiveError> {
        let bytes = match &self.reader {
            TileReader::PmTiles(tiles) => tiles.tile(tile),
            TileReader::MbTiles(tiles) => tiles.tile(tile),
        };
        bytes.map_err(|error| error.at(&self.path))
    }
}
