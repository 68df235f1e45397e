//! An archive that is there already: what it holds, and its tiles.

use crate::mbtiles::MbTiles;
use crate::pmtiles::PmTiles;
use heatsplat_points::{TileId, bounds};
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
    /// West, south, east, north in degrees of all that its tiles show.
    pub bounds: [f64; 4],
    /// West, south, east, north of the points that they show, where it says so: an export of ours
    /// does. The east is beyond 180 where they lie across ±180°.
    pub data_bounds: Option<[f64; 4]>,
    /// Longitude, latitude and zoom of a map to begin with.
    pub center: [f64; 3],
    /// Pixels of a tile's side.
    pub pixels: u32,
    /// CSS pixels of it: half of them in tiles for fine screens, where it says so.
    pub tile_size: u32,
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
    if degrees && north.abs() <= 90.0 && west < east && south < north {
        said
    } else {
        bounds::WORLD
    }
}

/// The points' bounds that an archive says it has, if they can be: a point has some too.
pub(crate) fn data_bounds(said: &[f64]) -> Option<[f64; 4]> {
    let &[west, south, east, north] = said else {
        return None;
    };
    let lon = (-180.0..=180.0).contains(&west) && (west..=west + 360.0).contains(&east);
    let lat = (-90.0..=90.0).contains(&south) && (south..=90.0).contains(&north);
    (lon && lat).then_some([west, south, east, north])
}

/// The centre that an archive says it has; the middle of its bounds, and a zoom that shows them,
/// where it can't be.
pub(crate) fn center(said: &[f64], within: [f64; 4], zooms: &RangeInclusive<u8>) -> [f64; 3] {
    let (first, last) = (f64::from(*zooms.start()), f64::from(*zooms.end()));
    let [west, south, east, north] = within;
    if let &[lon, lat, zoom] = said
        && (west..=east).contains(&lon)
        && (south..=north).contains(&lat)
        && (first..=last).contains(&zoom)
    {
        return [lon, lat, zoom];
    }
    let zoom = (360.0 / (east - west).max(1e-6)).log2().floor() + 1.0;
    bounds::middle(within, zoom.clamp(first, last))
}

/// The CSS pixels of a tile's side that an archive says it has; else its pixels are such.
pub(crate) fn tile_size(said: Option<u64>, pixels: u32) -> u32 {
    let legal = |size: &u32| (1..=4096).contains(size);
    let said = said.and_then(|size| u32::try_from(size).ok());
    said.filter(legal).unwrap_or(pixels)
}

/// The side of a picture that is told by its first bytes, if it is a PNG.
pub(crate) fn png_side(bytes: &[u8]) -> Option<u32> {
    let head = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let side = u32::from_be_bytes(*head.first_chunk()?);
    (1..=4096).contains(&side).then_some(side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_not_believed() {
        let world = super::bounds([f64::NAN, 0.0, 1.0, 1.0]);
        assert_eq!(world, bounds::WORLD);
        assert_eq!(
            data_bounds(&[177.0, -18.0, 182.0, -16.0]),
            Some([177.0, -18.0, 182.0, -16.0])
        );
        assert_eq!(
            data_bounds(&[5.0, 6.0, 5.0, 6.0]),
            Some([5.0, 6.0, 5.0, 6.0])
        );
        for bad in [
            &[190.0, 0.0, 200.0, 1.0][..],
            &[5.0, 0.0, 4.0, 1.0],
            &[1.0],
            &[f64::NAN; 4],
        ] {
            assert_eq!(data_bounds(bad), None, "{bad:?}");
        }
        let within = [0.0, 0.0, 90.0, 60.0];
        assert_eq!(
            center(&[10.0, 50.0, 4.0], within, &(0..=5)),
            [10.0, 50.0, 4.0]
        );
        for bad in [
            &[-1.0, 50.0, 4.0][..],
            &[10.0, 50.0, 9.0],
            &[],
            &[f64::NAN, 1.0, 1.0],
        ] {
            assert_eq!(center(bad, within, &(0..=5)), [45.0, 30.0, 3.0], "{bad:?}");
        }
        assert_eq!(
            (tile_size(Some(256), 512), tile_size(None, 512)),
            (256, 512)
        );
        assert_eq!(
            (tile_size(Some(0), 512), tile_size(Some(1 << 40), 256)),
            (512, 256)
        );
    }
}
