//! A finished part becomes a folder of files, `{z}/{x}/{y}.png`, beside it.

use crate::error::{At as _, ExportError};
use crate::export::About;
use crate::fsync::{beside, sync_files, sync_folder};
use crate::hilbert;
use crate::journal::{Entry, Part};
use crate::mbtiles;
use std::collections::HashMap;
use std::fs;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// What the folder says about itself, in the words of MBTiles.
const METADATA: &str = "metadata.json";

/// Files that are remembered to link equal ones to.
const REMEMBERED: usize = 1 << 20;

/// Makes the folder, gives it its name and removes the part.
pub(crate) fn finish(part: Part, target: &Path, about: &About) -> Result<(), ExportError> {
    let (building, former) = (beside(target, ".building"), beside(target, ".former"));
    // what a broken-off export left of them
    remove(&building)?;
    if former.exists() && !target.exists() {
        fs::rename(&former, target).at(target)?;
    }
    remove(&former)?;
    if target.exists() && !is_ours(target) {
        let why = "holds more than tiles and is not replaced; name another folder, or empty it";
        return Err(ExportError::stands(target, why));
    }
    let built = build(&part, &building, about).and_then(|()| sync_files(&building));
    if let Err(error) = built {
        // the part is enough to begin again; a full disk needs the room
        let _ = fs::remove_dir_all(&building);
        return Err(error);
    }
    if target.exists() {
        fs::rename(target, &former).at(target)?;
    }
    if let Err(error) = fs::rename(&building, target) {
        let _ = fs::rename(&former, target);
        return Err(error).at(target);
    }
    sync_folder(target);
    remove(&former)?;
    part.remove()
}

fn remove(folder: &Path) -> Result<(), ExportError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at(folder),
        _ => Ok(()),
    }
}

/// Whether a folder holds nothing but what this module writes.
fn is_ours(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().all(|entry| {
        let name = entry.file_name();
        let zoom = name.to_str().and_then(|name| name.parse::<u8>().ok());
        name == METADATA || zoom.is_some_and(|z| z <= heatsplat_points::MAX_ZOOM)
    })
}

fn build(part: &Part, folder: &Path, about: &About) -> Result<(), ExportError> {
    fs::create_dir(folder).at(folder)?;
    let all: serde_json::Map<_, _> = mbtiles::metadata(about)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let metadata = folder.join(METADATA);
    let text = serde_json::Value::Object(all).to_string();
    fs::write(&metadata, text + "\n").at(&metadata)?;

    let ending = about.paint.format().extension();
    let mut data = BufReader::with_capacity(1 << 20, part.data());
    let (mut next, _) = part.span();
    data.seek(SeekFrom::Start(next)).at(part.path())?;
    let mut bytes = Vec::new();
    let mut files: HashMap<u64, PathBuf> = HashMap::new();
    let mut column = PathBuf::new();
    let mut zoom = *about.zooms.start();
    for entry in part.entries()? {
        let Entry {
            number,
            offset,
            length,
        } = entry.at(part.path())?;
        while number >= hilbert::before(zoom + 1) {
            zoom += 1;
        }
        let tile = hilbert::at(zoom, number - hilbert::before(zoom));
        let own = folder.join(format!("{zoom}/{}", tile.x()));
        if own != column {
            fs::create_dir_all(&own).at(&own)?;
            column = own;
        }
        let file = column.join(format!("{}.{ending}", tile.y()));
        let new = offset == next;
        if !new
            && let Some(twin) = files.get(&offset)
            && fs::hard_link(twin, &file).is_ok()
        {
            continue;
        }
        bytes.resize(length as usize, 0);
        if new {
            data.read_exact(&mut bytes).at(part.path())?;
            next += u64::from(length);
        } else {
            data.seek(SeekFrom::Start(offset)).at(part.path())?;
            data.read_exact(&mut bytes).at(part.path())?;
            data.seek(SeekFrom::Start(next)).at(part.path())?;
        }
        fs::write(&file, &bytes).at(&file)?;
        if files.len() >= REMEMBERED {
            files.clear();
        }
        files.insert(offset, file);
    }
    Ok(())
}
