//! The contents of an archive, and the errors of reading it.

use heatsplat_points::LonLatBox;
use serde_json::Value;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The contents of an archive, as the archive describes them itself. Impossible values in this
/// description are replaced, for example bounds beyond ±180° by those of the whole map.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Contents {
    /// The name of the archive; `None` if it has none.
    pub name: Option<String>,
    /// The credit for the data, which maps show in a corner; `None` if the archive has none.
    pub attribution: Option<String>,
    /// The format of the tiles.
    pub format: TileFormat,
    /// The zooms, from the first to the last zoom that has tiles.
    pub zooms: RangeInclusive<u8>,
    /// The box around everything that the tiles show, in degrees; the whole map if the archive
    /// states an impossible box.
    pub bounds: LonLatBox,
    /// The box around the points, in degrees. `None` if the archive states none or an impossible
    /// one; archives written by heatsplat state one. Its east is over 180 if the points lie on both
    /// sides of ±180°.
    pub data_bounds: Option<LonLatBox>,
    /// The longitude and the latitude in degrees, and the zoom, that a map shows first.
    pub center: [f64; 3],
    /// The width and height of a tile in pixels.
    pub pixels: u32,
    /// The width and height of a tile in CSS pixels. For tiles for high-density screens this is
    /// half of [`pixels`](Self::pixels).
    pub tile_size: u32,
    /// The legends of the tiles' colours: a JSON object with a legend for each zoom, as the
    /// server's `legend.json` has it. `None` if the archive doesn't contain them; archives of
    /// colours written by heatsplat contain them.
    pub legends: Option<Value>,
}

/// The format of an archive's tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TileFormat {
    /// PNG, with a palette or without.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// AVIF.
    Avif,
}

impl TileFormat {
    /// The file extension of the format, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Avif => "avif",
        }
    }

    /// The media type of the format, for the header `Content-Type`.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Avif => "image/avif",
        }
    }
}

/// The reason why an archive or one of its tiles can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file can't be opened or read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The path of the archive.
        path: PathBuf,
        /// The reason that the operating system gives.
        source: io::Error,
    },
    /// The file is not an archive of pictures, or is damaged.
    #[error("{}: is damaged or no archive of pictures: {why}", path.display())]
    Damaged {
        /// The path of the archive.
        path: PathBuf,
        /// A description of the damage.
        why: String,
    },
}

/// An [`ArchiveError`] that lacks the path of the file. The readers of the formats return it, and
/// [`at`](Self::at) adds the path.
#[derive(Debug)]
pub(crate) enum PathlessError {
    Io(io::Error),
    Damaged(String),
}

impl PathlessError {
    /// Converts this error to an `ArchiveError` by adding the path of the file.
    pub(crate) fn at(self, path: &Path) -> ArchiveError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => ArchiveError::Read { path, source },
            Self::Damaged(why) => ArchiveError::Damaged { path, why },
        }
    }
}

impl From<io::Error> for PathlessError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Damaged("it is cut off".to_owned());
        }
        Self::Io(error)
    }
}

impl From<String> for PathlessError {
    fn from(why: String) -> Self {
        Self::Damaged(why)
    }
}

impl From<&str> for PathlessError {
    fn from(why: &str) -> Self {
        Self::Damaged(why.to_owned())
    }
}

impl From<rusqlite::Error> for PathlessError {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) {
            return "a query takes too long: its tables have no index, or no end".into();
        }
        Self::Damaged(error.to_string())
    }
}
