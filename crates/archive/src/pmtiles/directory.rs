//! The directories of a PMTiles archive: lists of tiles with their places in the file. A directory
//! is stored by columns and compressed: first the tile ids of all its entries, then the number of
//! tiles of each, then all lengths, then all offsets.

use std::io::{self, Read as _, Write as _};

use super::header::{GZIP, UNCOMPRESSED};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// The size in bytes of the largest directory after decompression: 64 MiB, a choice. A million
/// entries fit.
const LARGEST: u64 = 1 << 26;

/// An entry of a directory. It stands for a run: equal tiles with consecutive tile ids, whose bytes
/// are stored once. If the field `run` is 0, the entry stands for a leaf directory instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The tile id of the first tile of the run or of the leaf directory.
    pub(crate) tile: u64,
    /// The number of tiles in the run; 0 for a leaf directory.
    pub(crate) run: u32,
    pub(crate) length: u32,
    /// The offset in bytes of the run's tile or of the leaf directory. For a tile it is counted
    /// from the start of the part of the file with the tiles, for a leaf directory from the start
    /// of the part with the leaf directories.
    pub(crate) offset: u64,
}

/// Encodes a directory and compresses it.
pub(crate) fn to_bytes(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(entries.len() * 6);
    varint(&mut bytes, entries.len() as u64);
    let mut last = 0;
    for entry in entries {
        varint(&mut bytes, entry.tile - last);
        last = entry.tile;
    }
    entries
        .iter()
        .for_each(|e| varint(&mut bytes, e.run.into()));
    entries
        .iter()
        .for_each(|e| varint(&mut bytes, e.length.into()));
    let mut next = None;
    for entry in entries {
        let follows = next == Some(entry.offset);
        varint(&mut bytes, if follows { 0 } else { entry.offset + 1 });
        next = Some(entry.offset + u64::from(entry.length));
    }
    gzip(&bytes)
}

/// Compresses a directory or the metadata by gzip. Equal input gives the same bytes on every
/// machine.
pub(crate) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(6));
    gzip.write_all(bytes)?;
    gzip.finish()
}

/// Decompresses a directory or the metadata. The error describes the damage.
pub(crate) fn decompress(bytes: &[u8], compression: u8) -> Result<Vec<u8>, String> {
    match compression {
        UNCOMPRESSED => Ok(bytes.to_vec()),
        GZIP => {
            let mut plain = Vec::new();
            let mut reader = GzDecoder::new(bytes).take(LARGEST + 1);
            reader.read_to_end(&mut plain).map_err(|e| e.to_string())?;
            if plain.len() as u64 > LARGEST {
                return Err(format!("it decompresses to more than {LARGEST} bytes"));
            }
            Ok(plain)
        }
        other => Err(format!("its compression (number {other}) can't be read")),
    }
}

/// Decodes a directory that has been decompressed. The error describes the damage.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let mut left = bytes;
    let count = number(&mut left)?;
    // An entry has four numbers, and a number takes at least one byte.
    if count == 0 || count > left.len() as u64 / 4 {
        return Err(format!("it can't have {count} entries"));
    }
    let mut entries = Vec::with_capacity(count as usize);
    let mut tile = 0u64;
    for at in 0..count {
        let more = number(&mut left)?;
        if at > 0 && more == 0 {
            return Err("its tiles are in no order".to_owned());
        }
        tile = tile
            .checked_add(more)
            .ok_or("it has a tile beyond all zooms")?;
        entries.push(Entry {
            tile,
            run: 0,
            length: 0,
            offset: 0,
        });
    }
    let small = |n: u64| u32::try_from(n).map_err(|_| "it has a number that is too large");
    for entry in &mut entries {
        entry.run = small(number(&mut left)?)?;
    }
    for entry in &mut entries {
        entry.length = small(number(&mut left)?)?;
        if entry.length == 0 {
            return Err("it has a tile of no bytes".to_owned());
        }
    }
    let mut next = None;
    for entry in &mut entries {
        entry.offset = match (number(&mut left)?, next) {
            (0, Some(next)) => next,
            (0, None) => return Err("its first entry follows none".to_owned()),
            (offset, _) => offset - 1,
        };
        let end = entry.offset.checked_add(entry.length.into());
        next = Some(end.ok_or("it has a tile beyond the end")?);
    }
    if left.is_empty() {
        Ok(entries)
    } else {
        Err("something follows its last entry".to_owned())
    }
}

fn varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn number(left: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = left.split_first().ok_or("it is cut off")?;
        *left = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            break;
        }
        number |= part << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("it has a number that is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn directories_come_back(
            raw in prop::collection::vec((1u64..1 << 40, 0u32..5, 1u32..1 << 20, any::<bool>()), 1..300)
        ) {
            let (mut tile, mut offset) = (0, 0);
            let entries: Vec<Entry> = raw.into_iter().map(|(more, run, length, follows)| {
                tile += more;
                if !follows {
                    offset = more;
                }
                let entry = Entry { tile, run, length, offset };
                offset += u64::from(length);
                entry
            }).collect();
            let packed = to_bytes(&entries).unwrap();
            let bytes = decompress(&packed, GZIP).unwrap();
            prop_assert_eq!(from_bytes(&bytes), Ok(entries));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = from_bytes(&bytes);
            let _ = decompress(&bytes, GZIP);
        }
    }

    #[test]
    fn lies_are_refused() {
        assert!(
            from_bytes(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 1])
                .unwrap_err()
                .contains("entries")
        );
        assert!(from_bytes(&[0xff; 12]).unwrap_err().contains("too large"));
        assert!(
            from_bytes(&[1, 0, 1, 5, 1, 9])
                .unwrap_err()
                .contains("follows")
        );
        assert!(from_bytes(&[1, 0, 1, 5, 0]).unwrap_err().contains("none"));
        assert!(
            from_bytes(&[2, 7, 0, 1, 1, 5, 5, 1, 0])
                .unwrap_err()
                .contains("order")
        );
        let bomb = gzip(&vec![0; LARGEST as usize + 1]).unwrap();
        assert!(decompress(&bomb, GZIP).unwrap_err().contains("more than"));
    }
}
