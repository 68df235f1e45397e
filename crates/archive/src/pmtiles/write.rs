//! A finished part becomes a PMTiles archive where it lies: directories go behind its tiles, and
//! the header comes last, so that nothing before looks like an archive.

use super::RESERVED;
use super::directory::{self, Entry};
use super::header::{GZIP, Header, LENGTH, PLAIN, PNG, WEBP};
use crate::error::{At as _, ExportError};
use crate::export::About;
use crate::journal::{self, Part};
use crate::render::Paint;
use serde_json::json;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Entries of a leaf directory, to begin with; more where the root would have too many.
const LEAF: usize = 4096;

/// Completes the part and gives it its name.
pub(crate) fn finish(part: Part, target: &Path, about: &About) -> Result<(), ExportError> {
    let path = part.path().to_owned();
    let (tiles_start, tiles_end) = part.span();
    let mut file = part.data();
    let metadata = directory::gzip(metadata(about).as_bytes()).at(&path)?;
    file.seek(SeekFrom::Start(tiles_end)).at(&path)?;
    file.write_all(&metadata).at(&path)?;
    let leaves_start = tiles_end + metadata.len() as u64;

    let mut leaf = LEAF;
    let (root, counts, leaves_length) = loop {
        file.set_len(leaves_start).at(&path)?;
        let (root, counts, length) = directories(&part, leaf, &path)?;
        let packed = directory::pack(&root).at(&path)?;
        if packed.len() as u64 + LENGTH as u64 <= RESERVED {
            break (packed, counts, length);
        }
        leaf *= 2;
    };
    // the rest lasts before the header says that it does
    file.sync_data().at(&path)?;
    let (lon, lat, zoom) = about.center;
    let header = Header {
        root: (LENGTH as u64, root.len() as u64),
        metadata: (tiles_end, metadata.len() as u64),
        leaves: (leaves_start, leaves_length),
        tiles: (tiles_start, tiles_end - tiles_start),
        counts: [part.tiles, counts, part.distinct],
        clustered: true,
        kinds: [
            GZIP,
            PLAIN,
            if about.paint == Paint::WebP {
                WEBP
            } else {
                PNG
            },
        ],
        zooms: [*about.zooms.start(), *about.zooms.end()],
        bounds: about.bounds,
        center: (zoom, lon, lat),
    };
    file.seek(SeekFrom::Start(0)).at(&path)?;
    file.write_all(&[header.to_bytes(), root].concat())
        .at(&path)?;
    part.publish(target)
}

/// Writes leaf directories behind what there is; gives the root directory, the count of all
/// entries and the leaves' bytes. Few enough entries need no leaves.
fn directories(
    part: &Part,
    leaf: usize,
    path: &Path,
) -> Result<(Vec<Entry>, u64, u64), ExportError> {
    let mut file = part.data();
    file.seek(SeekFrom::End(0)).at(path)?;
    let mut out = BufWriter::new(file);
    let (mut root, mut count, mut length) = (Vec::new(), 0, 0u64);
    let mut open: Vec<Entry> = Vec::with_capacity(leaf);
    let mut close = |open: &mut Vec<Entry>, out: &mut BufWriter<_>| -> io::Result<()> {
        let Some(first) = open.first() else {
            return Ok(());
        };
        let packed = directory::pack(open)?;
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
    let (tiles_start, _) = part.span();
    for stored in part.entries()? {
        let journal::Entry {
            number,
            offset,
            length,
        } = stored.at(path)?;
        let offset = offset - tiles_start;
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
            length,
            offset,
        });
    }
    if count <= leaf as u64 && directory::pack(&open).at(path)?.len() < RESERVED as usize - LENGTH {
        return Ok((open, count, 0));
    }
    close(&mut open, &mut out).at(path)?;
    out.flush().at(path)?;
    Ok((root, count, length))
}

fn metadata(about: &About) -> String {
    let style: serde_json::Map<_, _> = about
        .style
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let mut all = json!({
        "name": about.name,
        "type": "overlay",
        "version": "1",
        "generator": concat!("heatsplat ", env!("CARGO_PKG_VERSION")),
        "tilesize": about.size.pixels() / about.size.ratio(),
        "ratio": about.size.ratio(),
        "style": style,
    });
    let more = [
        (
            "attribution",
            about.attribution.as_ref().map(|text| json!(text)),
        ),
        ("data_bounds", about.data_bounds.map(|bounds| json!(bounds))),
    ];
    for (name, value) in more {
        if let (Some(value), Some(all)) = (value, all.as_object_mut()) {
            all.insert(name.to_owned(), value);
        }
    }
    all.to_string()
}
