//! The header of a PMTiles archive: the first 127 bytes of the file.

pub(crate) const LENGTH: usize = 127;
const MAGIC: &[u8; 7] = b"PMTiles";
const VERSION: u8 = 3;

/// PMTiles' number for uncompressed data. With this number and [`GZIP`] a header names the
/// compression of directories, metadata and tiles.
pub(crate) const UNCOMPRESSED: u8 = 1;
pub(crate) const GZIP: u8 = 2;

/// PMTiles' number for PNG tiles. With this number and the next three a header names the format of
/// tiles.
pub(crate) const PNG: u8 = 2;
pub(crate) const JPEG: u8 = 3;
pub(crate) const WEBP: u8 = 4;
pub(crate) const AVIF: u8 = 5;

/// The offset and the length of a part of the file, in bytes.
pub(crate) type ByteRange = (u64, u64);

/// The fields of the header of a PMTiles archive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PmTilesHeader {
    pub(crate) root: ByteRange,
    pub(crate) metadata: ByteRange,
    pub(crate) leaves: ByteRange,
    pub(crate) tiles: ByteRange,
    /// Three counts: all tiles, the directory entries that stand for tiles, and the tiles with
    /// different bytes (equal tiles count once).
    pub(crate) counts: [u64; 3],
    pub(crate) clustered: bool,
    /// The compression of directories and metadata, the compression of tiles, and the format of
    /// tiles. They are numbers like [`GZIP`] and [`PNG`].
    pub(crate) kinds: [u8; 3],
    pub(crate) zooms: [u8; 2],
    /// The bounds of the tiles: west, south, east and north in degrees.
    pub(crate) bounds: [f64; 4],
    /// The zoom, and the longitude and latitude in degrees, that a map shows first.
    pub(crate) center: (u8, f64, f64),
}

/// The number of units in a degree: the file stores longitudes and latitudes as whole numbers of
/// 10⁻⁷ degrees.
const DEGREE: f64 = 1e7;

impl PmTilesHeader {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        for (offset, length) in [self.root, self.metadata, self.leaves, self.tiles] {
            bytes.extend(offset.to_le_bytes());
            bytes.extend(length.to_le_bytes());
        }
        for count in self.counts {
            bytes.extend(count.to_le_bytes());
        }
        bytes.push(u8::from(self.clustered));
        bytes.extend(self.kinds);
        bytes.extend(self.zooms);
        let mut degrees =
            |degrees: f64| bytes.extend(((degrees * DEGREE).round() as i32).to_le_bytes());
        self.bounds.into_iter().for_each(&mut degrees);
        let (zoom, lon, lat) = self.center;
        bytes.push(zoom);
        bytes.extend(((lon * DEGREE).round() as i32).to_le_bytes());
        bytes.extend(((lat * DEGREE).round() as i32).to_le_bytes());
        bytes
    }

    /// Decodes a header that [`to_bytes`](Self::to_bytes), or another program, has encoded. The
    /// error describes the damage.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let mut left = bytes;
        let magic: [u8; 7] = take(&mut left)?;
        if &magic != MAGIC {
            return Err("it is no PMTiles archive: it doesn't begin like one".to_owned());
        }
        let [version] = take(&mut left)?;
        if version != VERSION {
            return Err(format!(
                "it is PMTiles version {version}; version 3 can be read"
            ));
        }
        let mut number = || take(&mut left).map(u64::from_le_bytes);
        let mut range = || Ok::<_, String>((number()?, number()?));
        let (root, metadata, leaves, tiles) = (range()?, range()?, range()?, range()?);
        let counts = [number()?, number()?, number()?];
        let [clustered] = take(&mut left)?;
        let (kinds, zooms) = (take(&mut left)?, take(&mut left)?);
        let mut degrees = || take(&mut left).map(|raw| f64::from(i32::from_le_bytes(raw)) / DEGREE);
        let bounds = [degrees()?, degrees()?, degrees()?, degrees()?];
        let [zoom] = take(&mut left)?;
        let mut degrees = || take(&mut left).map(|raw| f64::from(i32::from_le_bytes(raw)) / DEGREE);
        Ok(Self {
            root,
            metadata,
            leaves,
            tiles,
            counts,
            clustered: clustered == 1,
            kinds,
            zooms,
            bounds,
            center: (zoom, degrees()?, degrees()?),
        })
    }
}

fn take<const N: usize>(left: &mut &[u8]) -> Result<[u8; N], String> {
    let cut = "its header is cut off".to_owned();
    let (first, rest) = left.split_first_chunk().ok_or(cut)?;
    *left = rest;
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back() {
        let header = PmTilesHeader {
            root: (127, 25),
            metadata: (152, 247),
            leaves: (0, 0),
            tiles: (16_384, u64::MAX / 3),
            counts: [84, 80, 70],
            clustered: true,
            kinds: [GZIP, UNCOMPRESSED, PNG],
            zooms: [0, 14],
            bounds: [-180.0, -85.051_128_7, 11.289_022_5, 43.5],
            center: (3, 11.25, -0.000_000_1),
        };
        let bytes = header.to_bytes();
        assert_eq!(bytes.len(), LENGTH);
        assert_eq!(PmTilesHeader::from_bytes(&bytes), Ok(header));
        for cut in 0..LENGTH {
            assert!(PmTilesHeader::from_bytes(&bytes[..cut]).is_err());
        }
        let mut other = bytes;
        other[7] = 2;
        assert!(
            PmTilesHeader::from_bytes(&other)
                .unwrap_err()
                .contains("version 2")
        );
    }
}
