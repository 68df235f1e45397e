//! Archives of tiles (PMTiles or MBTiles files) as layers of the server.

use super::error::BoxError;
#[cfg(not(feature = "remote"))]
use super::packed::without_remote;
#[cfg(feature = "remote")]
use super::remote_source::RemoteSource;
use heatsplat::TileId;
use heatsplat_archive::Archive;
use heatsplat_loader::{is_remote, shown_source};
use heatsplat_server::{ArchiveInfo, ArchiveReadError, TileArchive};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// An open archive, from which the server takes tiles ([`TileArchive`]), and its description, which
/// the server sends to clients.
#[derive(Debug)]
pub(super) struct ArchiveLayer {
    archive: Archive,
    info: ArchiveInfo,
    /// A flag that becomes true when a read finds that the archive has changed at its address;
    /// `None` for files of this machine.
    pub(super) changed: Option<Arc<AtomicBool>>,
}

impl ArchiveLayer {
    /// Tests whether a source is an archive of tiles, by its name: a file of this machine, or a
    /// PMTiles archive at an address.
    pub(super) fn is_archive(source: &str) -> bool {
        let shown = shown_source(source);
        let is_readable = !is_remote(source) || shown.to_ascii_lowercase().ends_with(".pmtiles");
        Archive::is_named(Path::new(&shown)) && is_readable
    }

    /// Opens an archive. The layer gets the name that the archive's metadata state; if they state
    /// none, it gets `name`.
    pub(super) fn open(source: &str, name: &str) -> Result<Self, BoxError> {
        let (archive, changed) = match is_remote(source) {
            true => open_remote(source)?,
            false => (open_file(source)?, None),
        };
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
        Ok(Self {
            archive,
            info,
            changed,
        })
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

fn open_file(source: &str) -> Result<Archive, BoxError> {
    let path = Path::new(source);
    // A pipe is refused: to open it means to wait for its writer, and tiles are read from any
    // place of the file.
    if path.metadata().is_ok_and(|kind| !kind.is_file()) {
        return Err(format!("{source}: an archive of tiles must be a regular file").into());
    }
    Ok(Archive::open(path)?)
}

/// An archive at an address, and the flag that becomes true when it has changed there.
type RemoteArchive = (Archive, Option<Arc<AtomicBool>>);

#[cfg(feature = "remote")]
fn open_remote(address: &str) -> Result<RemoteArchive, BoxError> {
    let source = RemoteSource::open(address)?;
    let changed = source.changed();
    let archive = Archive::from_source(Box::new(source), &shown_source(address))?;
    Ok((archive, Some(changed)))
}

#[cfg(not(feature = "remote"))]
fn open_remote(address: &str) -> Result<RemoteArchive, BoxError> {
    Err(without_remote(address))
}

impl TileArchive for ArchiveLayer {
    fn is_remote(&self) -> bool {
        self.changed.is_some()
    }

    fn info(&self) -> &ArchiveInfo {
        &self.info
    }

    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, ArchiveReadError> {
        let tile = self.archive.tile(tile);
        tile.map_err(|error| ArchiveReadError(error.to_string()))
    }
}
