//! States of sources, by which a pack recognises a source that has not changed.

use crate::cli::error::BoxError;
use crate::cli::{load, postgis};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// A text that stays equal as long as the content of a source does, and changes with the content.
/// `None` for a source without such a text: a stream, a database, or an address whose server sends
/// no validators.
pub(super) fn stamp(source: &str) -> Result<Option<String>, BoxError> {
    if source == "-" || postgis::redact(source).is_some() {
        return Ok(None);
    }
    if heatsplat_loader::is_remote(source) {
        return load::validator(source, None);
    }
    Ok(of_file(Path::new(source)))
}

/// The state of a file and its companions as a text: of each, the size in bytes and the time when
/// it was last modified. The companions are the files beside it whose names differ only in the
/// extension, like the `.dbf` of a Shapefile. `None` if the file isn't regular, or if its state
/// can't be read.
fn of_file(path: &Path) -> Option<String> {
    let is_regular = fs::metadata(path).ok()?.is_file();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let beside = folder.filter_map(|entry| Some(entry.ok()?.file_name()));
    let is_companion = |name: &OsString| {
        let name = Path::new(name);
        heatsplat_loader::is_companion(name) && name.file_stem() == path.file_stem()
    };
    let mut names: Vec<_> = beside.filter(is_companion).collect();
    names.sort();
    let companions = names.iter().map(|name| path.with_file_name(name));
    let mut text = String::new();
    for file in std::iter::once(path.to_owned()).chain(companions) {
        let data = fs::metadata(file).ok()?;
        let modified = data.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        text += &format!(
            "{}:{}.{:09} ",
            data.len(),
            modified.as_secs(),
            modified.subsec_nanos()
        );
    }
    is_regular.then(|| text.trim_end().to_owned())
}
