//! Companions of a `.shp`: the files beside it with the table, the index, the coordinate system and
//! the code page. Their extensions may be in small letters, in capitals or mixed.

use super::super::damaged;
use crate::error::LoadError;
use crate::input::Origin;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most bytes that a `.prj` or `.cpg` may have: a choice. Each of them holds one line of text.
const LINE: u64 = 64 << 10;

/// Returns whether a file can't be read by itself, since it only accompanies another file. Tables,
/// indexes and projections of Shapefiles are such files, for example.
pub fn is_companion(path: &Path) -> bool {
    const COMPANIONS: [&str; 9] = [
        "dbf", "shx", "prj", "cpg", "qix", "qpj", "sbn", "sbx", "qmd",
    ];
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    COMPANIONS.iter().any(|known| extension == *known)
}

/// The file beside a `.shp` that differs only in its extension. The extension may be written in
/// small letters, in capitals or mixed (`.Dbf`). `None` if there is no such file.
pub(super) fn companion(shp: &Path, extension: &str) -> Option<PathBuf> {
    let mixture = |capitals: u32| -> String {
        let letters = extension.chars().zip(0..);
        letters
            .map(|(letter, at)| match capitals >> at & 1 {
                0 => letter,
                _ => letter.to_ascii_uppercase(),
            })
            .collect()
    };
    // Small letters are tried first, then capitals, then all mixtures.
    let all = 1u32 << extension.len();
    [0, all - 1]
        .into_iter()
        .chain(1..all - 1)
        .map(|capitals| shp.with_extension(mixture(capitals)))
        .find(|path| path.is_file())
}

/// The content of a text file beside a `.shp`; `None` if there is no such file. Longer files than
/// [`LINE`] are an error.
pub(super) fn text(
    shp: &Path,
    extension: &str,
    origin: &Origin,
) -> Result<Option<String>, LoadError> {
    let Some(path) = companion(shp, extension) else {
        return Ok(None);
    };
    let place = || format!("the .{extension} beside it");
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LINE + 1).read_to_end(&mut bytes));
    read.map_err(|error| damaged(origin, place(), error))?;
    if bytes.len() as u64 > LINE {
        let message = format!("it is over {LINE} bytes long, and should be a line of text");
        return Err(damaged(origin, place(), message));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
