//! The reader of PMTiles. Each number in the file is checked before it is used.

use super::RESERVED;
use super::directory::{self, Entry};
use super::header::{self, ByteRange, PmTilesHeader};
use crate::contents::{Contents, PathlessError, TileFormat};
use crate::hilbert;
use crate::validate::{self, LARGEST};
use heatsplat_heat::{ByteSource, ReadCosts, read_vec};
use heatsplat_points::TileId;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The greatest number of directories on the way from the root directory to a tile, the root
/// directory included: a choice. A leaf directory may list further leaf directories.
const MAX_DEPTH: usize = 4;

/// The largest number of entries of leaf directories in the cache: a choice. They take 96 MiB.
const CACHED_ENTRIES: usize = 4 << 20;

#[derive(Debug)]
pub(crate) struct PmTiles {
    source: Box<dyn ByteSource>,
    header: PmTilesHeader,
    root: Vec<Entry>,
    leaves: Mutex<HashMap<ByteRange, Arc<Vec<Entry>>>>,
}

impl PmTiles {
    pub(crate) fn open(source: Box<dyn ByteSource>) -> Result<(Self, Contents), PathlessError> {
        let size = source.size()?;
        let first = read_vec(&*source, 0, size.min(header::LENGTH as u64) as usize)?;
        let header = PmTilesHeader::from_bytes(&first)?;
        for (name, (offset, length)) in [
            ("root directory", header.root),
            ("metadata", header.metadata),
            ("directories", header.leaves),
            ("tiles", header.tiles),
        ] {
            if length > 0 && offset.checked_add(length).is_none_or(|end| end > size) {
                let why = format!("its {name} should end beyond its {size} bytes: it is cut off");
                return Err(why.into());
            }
        }
        let [_, compression, kind] = header.kinds;
        if compression > header::UNCOMPRESSED {
            return Err("its tiles are compressed".into());
        }
        let format = match kind {
            header::PNG => TileFormat::Png,
            header::JPEG => TileFormat::Jpeg,
            header::WEBP => TileFormat::WebP,
            header::AVIF => TileFormat::Avif,
            1 => return Err("it holds vector tiles".into()),
            other => return Err(format!("it holds tiles of kind {other}").into()),
        };
        if header.root.1 > RESERVED || header.metadata.1 > LARGEST {
            return Err("its root directory or metadata is too large".into());
        }
        let [first, last] = header.zooms;
        let zooms = validate::zooms(first, last)?;
        let mut new = Self {
            source,
            header,
            root: Vec::new(),
            leaves: Mutex::default(),
        };
        let metadata = new.metadata()?;
        new.root = new.directory(header.root)?;
        // At an address each directory is a request, so that they are read when they are needed.
        if new.source.costs() == ReadCosts::LOCAL {
            let mut left = header.leaves.1;
            new.check(&new.root, 1, &mut left)?;
        }
        let text = |name: &str| Some(metadata.get(name)?.as_str()?.to_owned());
        let first_tile = new.first_tile()?;
        let bounds = validate::bounds(header.bounds);
        let (zoom, lon, lat) = header.center;
        let pixels = validate::png_side(&first_tile).unwrap_or(256);
        let points: Vec<f64> = metadata
            .get("data_bounds")
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |numbers| {
                numbers.iter().filter_map(Value::as_f64).collect()
            });
        let contents = Contents {
            name: text("name"),
            attribution: text("attribution"),
            format,
            center: validate::center(&[lon, lat, f64::from(zoom)], bounds, &zooms),
            zooms,
            bounds,
            data_bounds: validate::data_bounds(&points),
            pixels,
            tile_size: validate::tile_size(
                metadata.get("tilesize").and_then(Value::as_u64),
                pixels,
            ),
            legends: metadata.get("legends").and_then(validate::legends),
        };
        Ok((new, contents))
    }

    pub(crate) fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, PathlessError> {
        let number = hilbert::number(tile);
        let mut entry = find(&self.root, number);
        for _ in 0..MAX_DEPTH {
            let Some(found) = entry else {
                return Ok(None);
            };
            if found.run > 0 {
                let here = number - found.tile < u64::from(found.run);
                return here.then(|| self.bytes(&found)).transpose();
            }
            entry = find(&self.leaf(&found)?[..], number);
        }
        Err("its directories are too deep".into())
    }

    fn metadata(&self) -> Result<Value, PathlessError> {
        if self.header.metadata.1 == 0 {
            return Ok(Value::Null);
        }
        let text = self.decompressed(self.header.metadata)?;
        let metadata = serde_json::from_slice(&text);
        metadata.map_err(|e| format!("its metadata are no JSON: {e}").into())
    }

    fn first_tile(&self) -> Result<Vec<u8>, PathlessError> {
        let mut entry = self.root.first().copied();
        for _ in 0..MAX_DEPTH {
            match entry {
                Some(leaf) if leaf.run == 0 => entry = self.leaf(&leaf)?.first().copied(),
                Some(tile) => return self.bytes(&tile),
                None => break,
            }
        }
        Ok(Vec::new())
    }

    /// Checks a directory and all leaf directories below it. `depth` is 1 for the root directory.
    /// `left` is the number of bytes of leaf directories that have not been visited yet, and is
    /// reduced with each visit. So directories that contain each other are found: visits to them
    /// would need more bytes than there are.
    fn check(&self, entries: &[Entry], depth: usize, left: &mut u64) -> Result<(), PathlessError> {
        let (_, tiles) = self.header.tiles;
        let mut next = 0;
        for entry in entries {
            if entry.tile < next {
                return Err("tiles of a directory overlap".into());
            }
            let length = u64::from(entry.length);
            let end = entry.offset.checked_add(length);
            if entry.run > 0 {
                next = entry.tile.saturating_add(u64::from(entry.run));
                if end.is_none_or(|end| end > tiles) || length > LARGEST {
                    return Err("a tile lies beyond the end of all tiles".into());
                }
                continue;
            }
            let rest = left.checked_sub(length).filter(|_| depth < MAX_DEPTH);
            *left = rest.ok_or("its directories point at each other")?;
            let leaf = self.directory(self.place(entry)?)?;
            if leaf.first().is_some_and(|first| first.tile < entry.tile) {
                return Err("a directory is in the wrong place".into());
            }
            self.check(&leaf, depth + 1, left)?;
        }
        Ok(())
    }

    /// The place of a leaf directory in the file: its offset and length in bytes. It is an error if
    /// the place lies outside the part of the file for leaf directories.
    fn place(&self, entry: &Entry) -> Result<ByteRange, PathlessError> {
        let (start, length) = self.header.leaves;
        let (offset, own) = (entry.offset, u64::from(entry.length));
        let inside = offset.checked_add(own).is_some_and(|end| end <= length);
        if !inside {
            return Err("a directory lies beyond the end of them".into());
        }
        Ok((start + offset, own))
    }

    fn leaf(&self, entry: &Entry) -> Result<Arc<Vec<Entry>>, PathlessError> {
        let place = self.place(entry)?;
        let leaves = || self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = leaves().get(&place) {
            return Ok(Arc::clone(leaf));
        }
        let leaf = Arc::new(self.directory(place)?);
        let mut leaves = leaves();
        let kept: usize = leaves.values().map(|leaf| leaf.len()).sum();
        if kept + leaf.len() > CACHED_ENTRIES {
            leaves.clear();
        }
        leaves.insert(place, Arc::clone(&leaf));
        Ok(leaf)
    }

    fn directory(&self, place: ByteRange) -> Result<Vec<Entry>, PathlessError> {
        let bytes = self.decompressed(place)?;
        let entries = directory::from_bytes(&bytes);
        Ok(entries.map_err(|why| format!("a directory can't be read: {why}"))?)
    }

    fn decompressed(&self, place: ByteRange) -> Result<Vec<u8>, PathlessError> {
        let [compression, ..] = self.header.kinds;
        let bytes = self.read(place)?;
        let plain = directory::decompress(&bytes, compression);
        Ok(plain
            .map_err(|why| format!("a directory or the metadata can't be decompressed: {why}"))?)
    }

    fn bytes(&self, entry: &Entry) -> Result<Vec<u8>, PathlessError> {
        let (start, length) = self.header.tiles;
        if entry.offset.saturating_add(u64::from(entry.length)) > length {
            return Err("a directory names a tile beyond all tiles"
                .to_owned()
                .into());
        }
        self.read((start.saturating_add(entry.offset), u64::from(entry.length)))
    }

    /// Reads a range of the file's bytes. If a read fails for a reason that may pass, it is tried
    /// again, as [`heatsplat_heat::read_vec`] does.
    fn read(&self, (offset, length): ByteRange) -> Result<Vec<u8>, PathlessError> {
        if length > LARGEST {
            return Err(format!("a part of it has {length} bytes").into());
        }
        Ok(read_vec(&*self.source, offset, length as usize)?)
    }
}

/// Returns the last of the entries whose first tile has at most the tile id `number`; `None` if
/// there is no such entry. The entries must be sorted by tile id.
fn find(entries: &[Entry], number: u64) -> Option<Entry> {
    let after = entries.partition_point(|entry| entry.tile <= number);
    entries.get(after.checked_sub(1)?).copied()
}
