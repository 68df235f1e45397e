//! A folder as a source. Each file of points in it is a layer.

use crate::cli::archive_layer::ArchiveLayer;
use crate::cli::logging::say;
use crate::cli::source_flags::SourceFlags;
use std::path::Path;

/// The files of a folder that hold points, in the order of their names. Other files are reported
/// and left out.
pub(super) fn files(folder: &Path, flags: &SourceFlags) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let hidden = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with('.')
    };
    let mut files = Vec::new();
    for path in paths {
        if !path.is_file() || hidden(&path) || heatsplat_loader::is_companion(&path) {
            continue;
        }
        if ArchiveLayer::is_archive(&text(&path)) {
            files.push(text(&path));
            continue;
        }
        match flags.can_open(&text(&path)) {
            Ok(()) => files.push(text(&path)),
            Err(error) => say!("heatsplat: left out: {error}"),
        }
    }
    files
}
