//! Reading PMTiles. Every number of the file is checked before it is used for anything.

use super::RESERVED;
use super::directory::{self, Entry};
use super::header::{self, Header, Stretch};
use crate::archive::{self, Bad, Contents, LARGEST, StoredPicture};
use crate::hilbert;
use heatsplat_points::TileId;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Directories may point at directories so often.
const DEPTH: usize = 4;

/// Leaf directories that are kept unpacked.
const KEPT: usize = 64;

#[derive(Debug)]
pub(crate) struct PmTiles {
    file: File,
    header: Header,
    root: Vec<Entry>,
    leaves: Mutex<HashMap<Stretch, Arc<Vec<Entry>>>>,
}

impl PmTiles {
    pub(crate) fn open(path: &Path) -> Result<(Self, Contents), Bad> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut first = Vec::new();
        (&mut file)
            .take(header::LENGTH as u64)
            .read_to_end(&mut first)?;
        let header = Header::read(&first)?;
        for (name, (offset, length)) in [
            ("root directory", header.root),
            ("metadata", header.metadata),
            ("directories", header.leaves),
            ("tiles", header.tiles),
        ] {
            if length > 0 && offset.checked_add(length).is_none_or(|end| end > size) {
                let why = format!("its {name} should end beyond its {size} bytes: it is cut off");
                return Err(Bad::Damaged(why));
            }
        }
        let [_, packing, kind] = header.kinds;
        if packing > header::PLAIN {
            return Err(Bad::Damaged("its tiles are packed".to_owned()));
        }
        let picture = match kind {
            header::PNG => StoredPicture::Png,
            header::JPEG => StoredPicture::Jpeg,
            header::WEBP => StoredPicture::WebP,
            header::AVIF => StoredPicture::Avif,
            1 => return Err(Bad::Damaged("it holds vector tiles".to_owned())),
            other => return Err(Bad::Damaged(format!("it holds tiles of kind {other}"))),
        };
        if header.root.1 > RESERVED || header.metadata.1 > LARGEST {
            return Err(Bad::Damaged(
                "its root directory or metadata is too large".to_owned(),
            ));
        }
        let [first, last] = header.zooms;
        let zooms = archive::zooms(first, last)?;
        let mut new = Self {
            file,
            header,
            root: Vec::new(),
            leaves: Mutex::default(),
        };
        let about = new.metadata()?;
        new.root = new.directory(header.root)?;
        let mut left = header.leaves.1;
        new.check(&new.root, 1, &mut left)?;
        let text = |name: &str| Some(about.get(name)?.as_str()?.to_owned());
        let first_tile = new.first_tile()?;
        let bounds = archive::bounds(header.bounds);
        let (zoom, lon, lat) = header.center;
        let pixels = archive::png_side(&first_tile).unwrap_or(256);
        let points: Vec<f64> = about
            .get("data_bounds")
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |said| {
                said.iter().filter_map(Value::as_f64).collect()
            });
        let contents = Contents {
            name: text("name"),
            attribution: text("attribution"),
            picture,
            center: archive::center(&[lon, lat, f64::from(zoom)], bounds, &zooms),
            zooms,
            bounds,
            data_bounds: archive::data_bounds(&points),
            pixels,
            tile_size: archive::tile_size(about.get("tilesize").and_then(Value::as_u64), pixels),
        };
        Ok((new, contents))
    }

    pub(crate) fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, Bad> {
        let number = hilbert::number(tile);
        let mut entry = find(&self.root, number);
        for _ in 0..DEPTH {
            let Some(found) = entry else {
                return Ok(None);
            };
            if found.run > 0 {
                let here = number - found.tile < u64::from(found.run);
                return here.then(|| self.bytes(&found)).transpose();
            }
            entry = find(&self.leaf(&found)?[..], number);
        }
        Err(Bad::Damaged("its directories are too deep".to_owned()))
    }

    fn metadata(&self) -> Result<Value, Bad> {
        if self.header.metadata.1 == 0 {
            return Ok(Value::Null);
        }
        let text = self.unpacked(self.header.metadata)?;
        let about = serde_json::from_slice(&text);
        about.map_err(|e| Bad::Damaged(format!("its metadata are no JSON: {e}")))
    }

    fn first_tile(&self) -> Result<Vec<u8>, Bad> {
        let mut entry = self.root.first().copied();
        for _ in 0..DEPTH {
            match entry {
                Some(leaf) if leaf.run == 0 => entry = self.leaf(&leaf)?.first().copied(),
                Some(tile) => return self.bytes(&tile),
                None => break,
            }
        }
        Ok(Vec::new())
    }

    /// Looks through a directory and all below it. `left` are the leaves' bytes: directories
    /// that point at each other in circles have more.
    fn check(&self, entries: &[Entry], depth: usize, left: &mut u64) -> Result<(), Bad> {
        let (_, tiles) = self.header.tiles;
        let mut next = 0;
        for entry in entries {
            if entry.tile < next {
                return Err(Bad::Damaged("tiles of a directory overlap".to_owned()));
            }
            let length = u64::from(entry.length);
            let end = entry.offset.checked_add(length);
            if entry.run > 0 {
                next = entry.tile.saturating_add(u64::from(entry.run));
                if end.is_none_or(|end| end > tiles) || length > LARGEST {
                    return Err(Bad::Damaged(
                        "a tile lies beyond the end of all tiles".to_owned(),
                    ));
                }
                continue;
            }
            let rest = left.checked_sub(length).filter(|_| depth < DEPTH);
            *left = rest.ok_or_else(|| "its directories point at each other".to_owned())?;
            let leaf = self.directory(self.place(entry)?)?;
            if leaf.first().is_some_and(|first| first.tile < entry.tile) {
                return Err(Bad::Damaged("a directory is in the wrong place".to_owned()));
            }
            self.check(&leaf, depth + 1, left)?;
        }
        Ok(())
    }

    /// Where a leaf directory is in the file.
    fn place(&self, entry: &Entry) -> Result<Stretch, Bad> {
        let (start, length) = self.header.leaves;
        let (offset, own) = (entry.offset, u64::from(entry.length));
        let inside = offset.checked_add(own).is_some_and(|end| end <= length);
        if !inside {
            return Err(Bad::Damaged(
                "a directory lies beyond the end of them".to_owned(),
            ));
        }
        Ok((start + offset, own))
    }

    fn leaf(&self, entry: &Entry) -> Result<Arc<Vec<Entry>>, Bad> {
        let place = self.place(entry)?;
        let leaves = || self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = leaves().get(&place) {
            return Ok(Arc::clone(known));
        }
        let leaf = Arc::new(self.directory(place)?);
        let mut leaves = leaves();
        if leaves.len() >= KEPT {
            leaves.clear();
        }
        leaves.insert(place, Arc::clone(&leaf));
        Ok(leaf)
    }

    fn directory(&self, place: Stretch) -> Result<Vec<Entry>, Bad> {
        let bytes = self.unpacked(place)?;
        let entries = directory::read(&bytes);
        Ok(entries.map_err(|why| format!("a directory can't be read: {why}"))?)
    }

    fn unpacked(&self, place: Stretch) -> Result<Vec<u8>, Bad> {
        let [packing, ..] = self.header.kinds;
        let bytes = self.read(place)?;
        let plain = directory::unpacked(&bytes, packing);
        Ok(plain.map_err(|why| format!("a directory or the metadata can't be unpacked: {why}"))?)
    }

    fn bytes(&self, entry: &Entry) -> Result<Vec<u8>, Bad> {
        let start = self.header.tiles.0.saturating_add(entry.offset);
        self.read((start, u64::from(entry.length)))
    }

    /// Bytes of the file; their length was checked against the file's.
    fn read(&self, (offset, length): Stretch) -> Result<Vec<u8>, Bad> {
        if length > LARGEST {
            return Err(Bad::Damaged(format!("a part of it has {length} bytes")));
        }
        let mut bytes = vec![0; length as usize];
        read_at(&self.file, &mut bytes, offset)?;
        Ok(bytes)
    }
}

/// Fills the bytes from a place in the file, wherever others read it at the same time.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        let (true, Some(rest)) = (n > 0, bytes.get_mut(n..)) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        (bytes, offset) = (rest, offset + n as u64);
    }
    Ok(())
}

/// The last entry that begins with a tile or before it.
fn find(entries: &[Entry], number: u64) -> Option<Entry> {
    let after = entries.partition_point(|entry| entry.tile <= number);
    entries.get(after.checked_sub(1)?).copied()
}
