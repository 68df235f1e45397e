//! An archive that is there already: what it holds, and its tiles.

use crate::mbtiles::MbTiles;
use crate::pmtiles::PmTiles;
use heatsplat_points::TileId;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The largest tile that is read; others are taken for damage.
pub(crate) const LARGEST: u64 = 1 << 26;

/// A PMTiles or MBTiles archive, whoever wrote it, opened to be read by many threads.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    contents: Contents,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Pm(PmTiles),
    Mb(MbTiles),
}

/// What an archive says that it holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Contents {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Who the data come from.
    pub attribution: Option<String>,
    /// What its tiles are.
    pub picture: StoredPicture,
    /// The zooms it has tiles of.
    pub zooms: RangeInclusive<u8>,
    /// West, south, east, north in degrees.
    pub bounds: [f64; 4],
    /// Pixels of a tile's side.
    pub pixels: u32,
}

/// What an archive's tiles are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoredPicture {
    /// PNG of any kind.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// AVIF.
    Avif,
}

impl StoredPicture {
    /// The ending of addresses, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Avif => "avif",
        }
    }

    /// The media type for `Content-Type`.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
            Self::Avif => "image/avif",
        }
    }
}

/// Why an archive, or a tile of it, can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file can't be opened or read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{}: is damaged or no archive of pictures: {why}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// An [`ArchiveError`] that does not know of which file yet.
#[derive(Debug)]
pub(crate) enum Bad {
    Read(io::Error),
    Damaged(String),
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Damaged("it is cut off".to_owned());
        }
        Self::Read(error)
    }
}

impl From<String> for Bad {
    fn from(why: String) -> Self {
        Self::Damaged(why)
    }
}

impl From<rusqlite::Error> for Bad {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) {
            let why = "a query takes too long: its tables have no index, or no end";
            return Self::Damaged(why.to_owned());
        }
        Self::Damaged(error.to_string())
    }
}

impl Archive {
    /// Whether a file's name is that of an archive.
    pub fn is_named(path: &Path) -> bool {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        extension == "pmtiles" || extension == "mbtiles"
    }

    /// Opens an archive, and looks through its directories so that damage is found now.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let opened = if extension == "mbtiles" {
            MbTiles::open(path).map(|(tiles, contents)| (Kind::Mb(tiles), contents))
        } else {
            PmTiles::open(path).map(|(tiles, contents)| (Kind::Pm(tiles), contents))
        };
        let (kind, contents) = opened.map_err(|bad| at(path, bad))?;
        Ok(Self {
            path: path.to_owned(),
            contents,
            kind,
        })
    }

    /// What it holds.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// A tile's bytes, as they are stored; `None` where there is none.
    ///
    /// # Errors
    /// A file that can't be read any more, or is damaged.
    pub fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, ArchiveError> {
        let bytes = match &self.kind {
            Kind::Pm(tiles) => tiles.tile(tile),
            Kind::Mb(tiles) => tiles.tile(tile),
        };
        bytes.map_err(|bad| at(&self.path, bad))
    }
}

fn at(path: &Path, bad: Bad) -> ArchiveError {
    let path = path.to_owned();
    match bad {
        Bad::Read(source) => ArchiveError::Read { path, source },
        Bad::Damaged(why) => ArchiveError::Damaged { path, why },
    }
}

/// Zooms that an archive says it has; those deeper than any tile are left out.
pub(crate) fn zooms(first: u8, last: u8) -> Result<RangeInclusive<u8>, String> {
    if first > last || first > heatsplat_points::MAX_ZOOM {
        return Err(format!("it can't have zooms {first} to {last}"));
    }
    Ok(first..=last.min(heatsplat_points::MAX_ZOOM))
}

/// Bounds that an archive says it has; the whole map where they can't be.
pub(crate) fn bounds(said: [f64; 4]) -> [f64; 4] {
    let [west, south, east, north] = said;
    let degrees = west.abs() <= 180.0 && east.abs() <= 180.0 && south.abs() <= 90.0;
    let lat = heatsplat_points::mercator::MAX_LATITUDE;
    if degrees && north.abs() <= 90.0 && west < east && south < north {
        said
    } else {
        [-180.0, -lat, 180.0, lat]
    }
}

/// The side of a picture that is told by its first bytes, if it is a PNG.
pub(crate) fn png_side(bytes: &[u8]) -> Option<u32> {
    let head = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let side = u32::from_be_bytes(*head.first_chunk()?);
    (1..=4096).contains(&side).then_some(side)
}
