//! The errors of exports.

use heatsplat_points::{MAX_ZOOM, WindowError};
use heatsplat_render::encode::EncodeError;
use std::io;
use std::path::{Path, PathBuf};

/// The reason why an export was not finished. A target that existed before is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A file can't be written: the disk is full, for example.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The path of the file that can't be written.
        path: PathBuf,
        /// The reason that the operating system gives.
        source: io::Error,
    },
    /// SQLite can't write its database file.
    #[error("{}: cannot be written: {source}", path.display())]
    Sqlite {
        /// The path of the file that can't be written.
        path: PathBuf,
        /// The reason that SQLite gives.
        source: rusqlite::Error,
    },
    /// The target exists already, and [`IfExists`](crate::IfExists) doesn't allow the export to
    /// replace it.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The path of the target.
        path: PathBuf,
    },
    /// An earlier export to the target was interrupted and has left its files. It must be resumed
    /// or overwritten.
    #[error("{}: was left by an export that was interrupted", path.display())]
    Interrupted {
        /// The path of the `.partial` file that the earlier export left.
        path: PathBuf,
    },
    /// The target has files of an interrupted export with other settings. The present export can't
    /// resume it.
    #[error(
        "{}: belongs to an export of other points, another style, other zooms or another version",
        path.display()
    )]
    OtherSettings {
        /// The path of the `.partial` file that the interrupted export left.
        path: PathBuf,
    },
    /// Another export is writing to the target at the moment.
    #[error("{}: another export is writing it just now", path.display())]
    Locked {
        /// The path of the target.
        path: PathBuf,
    },
    /// The target is a folder that contains files which no export writes.
    #[error(
        "{}: holds more than tiles and is not replaced; name another folder, or empty it",
        path.display()
    )]
    ForeignFiles {
        /// The path of the folder.
        path: PathBuf,
    },
    /// The format can't be recognised, since the name of the target has no known ending.
    #[error(
        "{}: the name must end in .pmtiles, .mbtiles or .tif, or be FOLDER/{{z}}/{{x}}/{{y}}.png",
        path.display()
    )]
    UnknownFormat {
        /// The path of the target.
        path: PathBuf,
    },
    /// The target is an address on another machine, like `s3://bucket/a.pmtiles`.
    #[error("{scheme}:// is no place to write to: write here, and copy it there")]
    Remote {
        /// The part of the address before `://`.
        scheme: String,
    },
    /// The format of the target can't contain tiles with the chosen content.
    #[error("{} holds tiles as {legal}", path.display())]
    Content {
        /// The path of the target.
        path: PathBuf,
        /// The contents that tiles of the target's format can have, in words, like `f32 or rgba`.
        legal: &'static str,
    },
    /// The range of zooms is empty or goes beyond [`MAX_ZOOM`].
    #[error("zooms go from 0 to {MAX_ZOOM}, the first before the last")]
    Zooms,
    /// The box that restricts the export covers no part of the map.
    #[error(transparent)]
    Area(#[from] WindowError),
    /// The raster would have more tiles at its deepest zoom than a directory may list.
    #[error(
        "a raster of zoom {zoom} would have {tiles} tiles there, and can have {most}; take less \
         of the map, a lower zoom, or an archive"
    )]
    TooManyTiles {
        /// The deepest zoom of the raster.
        zoom: u8,
        /// The number of tiles that the raster would have at its deepest zoom.
        tiles: u128,
        /// The largest number of tiles that a zoom may have.
        most: u64,
    },
    /// The threads that draw tiles can't be started.
    #[error(transparent)]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A tile can't be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A tile can't be compressed.
    #[error("a tile could not be compressed: {0}")]
    Compress(#[from] io::Error),
}

/// Converts an error in writing a file to an [`ExportError`], and adds the path of the file to it.
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
