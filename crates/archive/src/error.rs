//! Errors of exports.

use heatsplat_points::{MAX_ZOOM, WindowError};
use heatsplat_render::encode::EncodeError;
use std::io;
use std::path::{Path, PathBuf};

/// Reason for which an export was not finished. A target that existed before is left unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A file can't be written: the disk is full, for example.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Reason given by the system.
        source: io::Error,
    },
    /// SQLite can't write its file.
    #[error("{}: cannot be written: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Reason given by SQLite.
        source: rusqlite::Error,
    },
    /// The target exists, and [`IfExists`](crate::IfExists) doesn't allow replacing it.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// An earlier export to this target was interrupted. It can be resumed or overwritten.
    #[error("{}: was left by an export that was interrupted", path.display())]
    Interrupted {
        /// The `.partial` file.
        path: PathBuf,
    },
    /// The interrupted export had other settings, so this export can't resume it.
    #[error(
        "{}: belongs to an export of other points, another style, other zooms or another version",
        path.display()
    )]
    OtherSettings {
        /// The `.partial` file.
        path: PathBuf,
    },
    /// Another export is writing to this target.
    #[error("{}: another export is writing it just now", path.display())]
    Locked {
        /// The target.
        path: PathBuf,
    },
    /// The target is a folder with files that no export has written.
    #[error(
        "{}: holds more than tiles and is not replaced; name another folder, or empty it",
        path.display()
    )]
    ForeignFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The target's name doesn't name a format.
    #[error(
        "{}: the name must end in .pmtiles, .mbtiles or .tif, or be FOLDER/{{z}}/{{x}}/{{y}}.png",
        path.display()
    )]
    UnknownFormat {
        /// The target.
        path: PathBuf,
    },
    /// The target is an address of another machine, like `s3://bucket/a.pmtiles`.
    #[error("{scheme}:// is no place to write to: write here, and copy it there")]
    Remote {
        /// Part of the address before `://`.
        scheme: String,
    },
    /// Tiles of this format can't have the chosen content.
    #[error("{} holds tiles as {legal}", path.display())]
    Content {
        /// The target.
        path: PathBuf,
        /// Contents that the format can have.
        legal: &'static str,
    },
    /// The range of zooms is empty or goes beyond [`MAX_ZOOM`].
    #[error("zooms go from 0 to {MAX_ZOOM}, the first before the last")]
    Zooms,
    /// The box covers no part of the map.
    #[error(transparent)]
    Area(#[from] WindowError),
    /// A raster would have more tiles than the directory of a zoom can list.
    #[error(
        "a raster of zoom {zoom} would have {tiles} tiles there, and can have {most}; take less \
         of the map, a lower zoom, or an archive"
    )]
    TooManyTiles {
        /// Deepest zoom of the raster.
        zoom: u8,
        /// Number of tiles at that zoom.
        tiles: u128,
        /// Largest number of tiles in a raster.
        most: u64,
    },
    /// The threads that draw can't be started.
    #[error(transparent)]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A tile can't be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A tile can't be compressed.
    #[error("a tile could not be compressed: {0}")]
    Compress(#[from] io::Error),
}

/// Conversion of errors in writing a file to an [`ExportError`] with the file's path.
pub(crate) trait WithPath<T> {
    fn at(self, path: &Path) -> Result<T, ExportError>;
}

impl<T> WithPath<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, ExportError> {
        self.map_err(|source| ExportError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

impl<T> WithPath<T> for rusqlite::Result<T> {
    fn at(self, path: &Path) -> Result<T, ExportError> {
        self.map_err(|source| ExportError::Sqlite {
            path: path.to_owned(),
            source,
        })
    }
}
