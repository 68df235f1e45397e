//! What lasts through a power cut: files on the disk before the name that tells of them.

use crate::error::{At as _, ExportError};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A name in the same folder, where renaming is one step.
pub(crate) fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    target.with_file_name(name)
}

/// Brings all of a folder's files to the disk.
#[cfg(target_os = "linux")]
pub(crate) fn sync_files(folder: &Path) -> Result<(), ExportError> {
    let file = File::open(folder).at(folder)?;
    let done = rustix::fs::syncfs(&file);
    done.map_err(std::io::Error::from).at(folder)
}

/// Brings all of a folder's files to the disk.
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

/// Makes a rename last through a power cut, where the system can do that.
pub(crate) fn sync_folder(target: &Path) {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        // nothing more can be done where it fails
        let _ = folder.sync_all();
    }
}
