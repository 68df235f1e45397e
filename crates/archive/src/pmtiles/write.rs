//! The writer of PMTiles: turns the file of a finished journal into an archive. The directories are
//! appended after the tiles. The header is written last, so that an incomplete file is never
//! mistaken for an archive.

use super::RESERVED;
use super::directory::{self, Entry};
use super::header::{GZIP, LENGTH, PNG, PmTilesHeader, UNCOMPRESSED, WEBP};
use crate::error::{ExportError, WithPath as _};
use crate::hilbert;
use crate::journal::Journal;
use crate::metadata::{ExportMetadata, GENERATOR};
use crate::tile::TileContent;
use serde_json::json;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// The largest number of entries of a leaf directory in the first attempt: a choice. It is doubled
/// until the root directory, which lists the leaf directories, is small enough.
const LEAF: usize = 4096;

/// Turns the journal's file into an archive and renames it to the target.
pub(crate) fn finish(
    journal: Journal,
    target: &Path,
    metadata: &ExportMetadata,
) -> Result<(), ExportError> {
    let path = journal.path().to_owned();
    let (tiles_start, tiles_end) = journal.span();
    let mut file = journal.data();
    let json = directory::gzip(metadata_json(metadata).as_bytes()).at(&path)?;
    file.seek(SeekFrom::Start(tiles_end)).at(&path)?;
    file.write_all(&json).at(&path)?;
    let leaves_start = tiles_end + json.len() as u64;

    let mut leaf = LEAF;
    let (root, counts, leaves_length) = loop {
        file.set_len(leaves_start).at(&path)?;
        let (root, counts, length) = write_leaves(&journal, leaf, &path)?;
        let packed = directory::to_bytes(&root).at(&path)?;
        if packed.len() as u64 + LENGTH as u64 <= RESERVED {
            break (packed, counts, length);
        }
        leaf *= 2;
    };
    // The header must not reach the disk before all the rest has.
    file.sync_data().at(&path)?;
    let (lon, lat, zoom) = metadata.center;
    let header = PmTilesHeader {
        root: (LENGTH as u64, root.len() as u64),
        metadata: (tiles_end, json.len() as u64),
        leaves: (leaves_start, leaves_length),
        tiles: (tiles_start, tiles_end - tiles_start),
        counts: [journal.tiles, counts, journal.distinct],
        clustered: true,
        kinds: [
            GZIP,
            UNCOMPRESSED,
            if metadata.content == TileContent::WebP {
                WEBP
            } else {
                PNG
            },
        ],
        zooms: [*metadata.zooms.start(), *metadata.zooms.end()],
        bounds: metadata.bounds.edges(),
        center: (zoom, lon, lat),
    };
    file.seek(SeekFrom::Start(0)).at(&path)?;
    file.write_all(&[header.to_bytes(), root].concat())
        .at(&path)?;
    journal.publish(target)
}

/// Appends leaf directories, with at most `leaf` entries each, to the file. If one directory can
/// list all tiles, it becomes the root, and no leaf directory is written. Returns the root
/// directory, the number of entries that stand for tiles, and the number of bytes of all leaf
/// directories.
fn write_leaves(
    journal: &Journal,
    leaf: usize,
    path: &Path,
) -> Result<(Vec<Entry>, u64, u64), ExportError> {
    let mut file = journal.data();
    file.seek(SeekFrom::End(0)).at(path)?;
    let mut out = BufWriter::new(file);
    let (mut root, mut count, mut length) = (Vec::new(), 0, 0u64);
    let mut open: Vec<Entry> = Vec::with_capacity(leaf);
    let mut close = |open: &mut Vec<Entry>, out: &mut BufWriter<_>| -> io::Result<()> {
        let Some(first) = open.first() else {
            return Ok(());
        };
        let packed = directory::to_bytes(open)?;
        root.push(Entry {
            tile: first.tile,
            run: 0,
            length: packed.len() as u32,
            offset: length,
        });
        length += packed.len() as u64;
        open.clear();
        out.write_all(&packed)
    };
    let (tiles_start, _) = journal.span();
    for stored in journal.stored_tiles()? {
        let stored = stored.at(path)?;
        let number = hilbert::number(stored.tile);
        let offset = stored.offset - tiles_start;
        match open.last_mut() {
            Some(last) if last.offset == offset && last.tile + u64::from(last.run) == number => {
                last.run += 1;
                continue;
            }
            _ => {}
        }
        if open.len() == leaf {
            close(&mut open, &mut out).at(path)?;
        }
        count += 1;
        open.push(Entry {
            tile: number,
            run: 1,
            length: stored.length,
            offset,
        });
    }
    if count <= leaf as u64
        && directory::to_bytes(&open).at(path)?.len() < RESERVED as usize - LENGTH
    {
        return Ok((open, count, 0));
    }
    close(&mut open, &mut out).at(path)?;
    out.flush().at(path)?;
    Ok((root, count, length))
}

fn metadata_json(metadata: &ExportMetadata) -> String {
    let mut all = json!({
        "name": metadata.name,
        "type": "overlay",
        "version": "1",
        "generator": GENERATOR,
        "tilesize": metadata.css_side(),
        "ratio": metadata.size.ratio(),
        "style": metadata.style_json(),
    });
    let attribution = metadata.attribution.as_ref().map(|text| json!(text));
    let data_bounds = metadata.data_bounds.map(|bounds| json!(bounds.edges()));
    let legends = (!metadata.legends.is_empty()).then(|| json!(metadata.legends));
    for (name, value) in [
        ("attribution", attribution),
        ("data_bounds", data_bounds),
        ("legends", legends),
    ] {
        if let (Some(value), Some(all)) = (value, all.as_object_mut()) {
            all.insert(name.to_owned(), value);
        }
    }
    all.to_string()
}
