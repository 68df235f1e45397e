//! The writer of a folder of tiles, `{z}/{x}/{y}.png`, made from a finished journal.

use crate::error::{ExportError, WithPath as _};
use crate::fsync::{sibling, sync_files, sync_folder};
use crate::journal::Journal;
use crate::metadata::ExportMetadata;
use std::collections::HashMap;
use std::fs;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The name of the file with the description of the folder. It has the same names and values as the
/// metadata of MBTiles.
const METADATA: &str = "metadata.json";

/// The largest number of written tile files that are remembered: a choice. A tile that is equal to
/// a remembered file becomes a hard link to it.
const REMEMBERED: usize = 1 << 20;

/// Makes the folder of tiles from a finished journal, renames it to the target, and removes the
/// journal.
pub(crate) fn finish(
    journal: Journal,
    target: &Path,
    metadata: &ExportMetadata,
) -> Result<(), ExportError> {
    let (building, former) = (sibling(target, ".building"), sibling(target, ".former"));
    // An interrupted export may have left either of these folders.
    remove(&building)?;
    if former.exists() && !target.exists() {
        fs::rename(&former, target).at(target)?;
    }
    remove(&former)?;
    if target.exists() && !holds_only_tiles(target) {
        let path = target.to_owned();
        return Err(ExportError::ForeignFiles { path });
    }
    let built = build(&journal, &building, metadata).and_then(|()| sync_files(&building));
    if let Err(error) = built {
        // A full disk needs the space. The journal remains, and suffices to make the folder again.
        let _ = fs::remove_dir_all(&building);
        return Err(error);
    }
    if target.exists() {
        fs::rename(target, &former).at(target)?;
    }
    // The tiles are removed before the folder gets its name: if the export is killed in between,
    // the complete target has no file of tiles beside it, which would look like an interrupted
    // export.
    journal.remove_tiles()?;
    if let Err(error) = fs::rename(&building, target) {
        let _ = fs::rename(&former, target);
        return Err(error).at(target);
    }
    sync_folder(target);
    remove(&former)?;
    journal.remove_log()
}

fn remove(folder: &Path) -> Result<(), ExportError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at(folder),
        _ => Ok(()),
    }
}

/// Tests whether a folder contains nothing but what this module writes: the metadata file, and
/// entries whose names are zooms.
fn holds_only_tiles(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().all(|entry| {
        let name = entry.file_name();
        let zoom = name.to_str().and_then(|name| name.parse::<u8>().ok());
        name == METADATA || zoom.is_some_and(|z| z <= heatsplat_points::MAX_ZOOM)
    })
}

fn build(journal: &Journal, folder: &Path, metadata: &ExportMetadata) -> Result<(), ExportError> {
    fs::create_dir(folder).at(folder)?;
    let all: serde_json::Map<_, _> = metadata
        .to_pairs()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let file = folder.join(METADATA);
    let text = serde_json::Value::Object(all).to_string();
    fs::write(&file, text + "\n").at(&file)?;

    let ending = metadata.content.format().extension();
    let mut data = BufReader::with_capacity(1 << 20, journal.data());
    let (mut next, _) = journal.span();
    data.seek(SeekFrom::Start(next)).at(journal.path())?;
    let mut bytes = Vec::new();
    let mut files: HashMap<u64, PathBuf> = HashMap::new();
    let mut column = PathBuf::new();
    for stored in journal.stored_tiles()? {
        let stored = stored.at(journal.path())?;
        let tile = stored.tile;
        let own = folder.join(format!("{}/{}", tile.z(), tile.x()));
        if own != column {
            fs::create_dir_all(&own).at(&own)?;
            column = own;
        }
        let file = column.join(format!("{}.{ending}", tile.y()));
        let new = stored.offset == next;
        if !new
            && let Some(twin) = files.get(&stored.offset)
            && fs::hard_link(twin, &file).is_ok()
        {
            continue;
        }
        bytes.resize(stored.length as usize, 0);
        if new {
            data.read_exact(&mut bytes).at(journal.path())?;
            next += u64::from(stored.length);
        } else {
            let place = SeekFrom::Start(stored.offset);
            data.seek(place).at(journal.path())?;
            data.read_exact(&mut bytes).at(journal.path())?;
            data.seek(SeekFrom::Start(next)).at(journal.path())?;
        }
        fs::write(&file, &bytes).at(&file)?;
        if files.len() >= REMEMBERED {
            files.clear();
        }
        files.insert(stored.offset, file);
    }
    Ok(())
}
