//! Contents of an archive, and errors of reading it.

use heatsplat_points::LonLatBox;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Contents of an archive, as the archive describes them itself. Impossible values are replaced.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Contents {
    /// Name of the archive, if it has one.
    pub name: Option<String>,
    /// Attribution of the data, if the archive has one.
    pub attribution: Option<String>,
    /// Format of the tiles.
    pub format: TileFormat,
    /// Zooms from the first to the last that has tiles.
    pub zooms: RangeInclusive<u8>,
    /// Box of everything that the tiles show, in degrees.
    pub bounds: LonLatBox,
    /// Box of the points in degrees, if the archive has it, as heatsplat's exports do. Its east is
    /// over 180 where the points lie on both sides of ±180°.
    pub data_bounds: Option<LonLatBox>,
    /// Longitude, latitude and zoom of a first view.
    pub center: [f64; 3],
    /// Side of a tile in pixels.
    pub pixels: u32,
    /// Side of a tile in CSS pixels. In tiles for high-density screens it is half of the side in
    /// pixels.
    pub tile_size: u32,
}

/// Format of an archive's tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TileFormat {
    /// PNG of any kind.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// AVIF.
    Avif,
}

impl TileFormat {
    /// File extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Avif => "avif",
        }
    }

    /// Media type for `Content-Type`.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Avif => "image/avif",
        }
    }
}

/// Reason for which an archive or one of its tiles can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file can't be opened or read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Reason given by the system.
        source: io::Error,
    },
    /// The file is not an archive of pictures, or is damaged.
    #[error("{}: is damaged or no archive of pictures: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Description of the damage.
        why: String,
    },
}

/// An [`ArchiveError`] that lacks the file's path.
#[derive(Debug)]
pub(crate) enum ReadError {
    Io(io::Error),
    Damaged(String),
}

impl ReadError {
    /// Adds the file's path.
    pub(crate) fn at(self, path: &Path) -> ArchiveError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => ArchiveError::Read { path, source },
            Self::Damaged(why) => ArchiveError::Damaged { path, why },
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Damaged("it is cut off".to_owned());
        }
        Self::Io(error)
    }
}

impl From<String> for ReadError {
    fn from(why: String) -> Self {
        Self::Damaged(why)
    }
}

impl From<&str> for ReadError {
    fn from(why: &str) -> Self {
        Self::Damaged(why.to_owned())
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) {
            return "a query takes too long: its tables have no index, or no end".into();
        }
        Self::Damaged(error.to_string())
    }
}
