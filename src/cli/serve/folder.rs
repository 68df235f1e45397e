//! A folder as a source: each file of points in it becomes a layer.

use crate::cli::archive_layer::ArchiveLayer;
use crate::cli::logging::say;
use crate::cli::source_flags::SourceFlags;
use std::path::Path;

/// Lists the files of a folder that hold points or are archives of tiles, in the order of their
/// names. Other files are left out: hidden files and companions (the `.dbf` of a Shapefile, for
/// example) silently, the rest with a message.
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
