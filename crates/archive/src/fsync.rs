//! Durable writes: the bytes of a file reach the disk before the file gets its final name.

use crate::error::{ExportError, WithPath as _};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A path in the same folder as the target: the target's name with `ending` appended. Renaming the
/// file to the target is atomic because both are in one folder.
pub(crate) fn sibling(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    target.with_file_name(name)
}

/// Flushes all files of a folder to the disk. On Linux this flushes the whole file system that
/// contains the folder.
#[cfg(target_os = "linux")]
pub(crate) fn sync_files(folder: &Path) -> Result<(), ExportError> {
    let file = File::open(folder).at(folder)?;
    let synced = rustix::fs::syncfs(&file);
    synced.map_err(std::io::Error::from).at(folder)
}

/// Flushes all files of a folder to the disk, one after the other.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sync_files(folder: &Path) -> Result<(), ExportError> {
    for entry in std::fs::read_dir(folder).at(folder)? {
        let entry = entry.at(folder)?;
        let path = entry.path();
        if entry.file_type().at(&path)?.is_dir() {
            sync_files(&path)?;
        } else {
            let file = File::options().write(true).open(&path).at(&path)?;
            file.sync_all().at(&path)?;
        }
    }
    Ok(())
}

/// Makes the renaming of a file to the target durable, if the system supports this.
pub(crate) fn sync_folder(target: &Path) {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        // Errors are ignored: some file systems can't flush a folder, and they offer no other way.
        let _ = folder.sync_all();
    }
}
