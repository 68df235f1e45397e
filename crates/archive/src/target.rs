//! Where an export goes.

use crate::error::ExportError;
use crate::export::Begin;
use crate::journal;
use std::path::{Path, PathBuf};

/// A file or folder to be written, its format told by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    PmTiles,
    MbTiles,
    Cog,
    Folder,
}

impl Target {
    /// A name that ends in `.pmtiles`, `.mbtiles`, `.tif` or `.tiff`, or
    /// `FOLDER/{z}/{x}/{y}.png` for a folder of files.
    ///
    /// # Errors
    /// A name that says no format.
    pub fn of(path: &Path) -> Result<Self, ExportError> {
        Self::refuse_address(path)?;
        let text = path.to_string_lossy();
        for ending in ["png", "webp"] {
            let template = format!("/{{z}}/{{x}}/{{y}}.{ending}");
            if let Some(folder) = text.strip_suffix(&template)
                && !folder.is_empty()
            {
                return Ok(Self {
                    path: folder.into(),
                    kind: Kind::Folder,
                });
            }
        }
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let kind = match extension.to_str() {
            Some("pmtiles") => Kind::PmTiles,
            Some("mbtiles") => Kind::MbTiles,
            Some("tif" | "tiff") => Kind::Cog,
            _ => {
                return Err(ExportError::Impossible(format!(
                    "{text}: the name must end in .pmtiles, .mbtiles or .tif, or be \
                     FOLDER/{{z}}/{{x}}/{{y}}.png"
                )));
            }
        };
        Ok(Self {
            path: path.to_owned(),
            kind,
        })
    }

    /// Refuses an address of another machine, such as `s3://bucket/a.pmtiles`.
    ///
    /// # Errors
    /// That it is one.
    pub fn refuse_address(path: &Path) -> Result<(), ExportError> {
        match path.to_string_lossy().split_once("://") {
            None => Ok(()),
            Some((scheme, _)) => Err(ExportError::Impossible(format!(
                "{scheme}:// is no place to write to: write here, and copy it there"
            ))),
        }
    }

    /// Whether an export has anything to do there: false where it is to be resumed and is whole.
    /// What [`Export::write`](crate::Export::write) would find out after all points are read is
    /// found out before; nothing is changed.
    ///
    /// # Errors
    /// What stands in the way, and what can't be written.
    pub fn check(&self, begin: Begin) -> Result<bool, ExportError> {
        journal::may_begin(&self.path, begin)
    }

    /// The file or folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is one raster, with densities or colours, rather than tiles of pictures.
    pub fn is_raster(&self) -> bool {
        self.kind == Kind::Cog
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_names() {
        let kind = |name: &str| Target::of(name.as_ref()).ok().map(|t| (t.kind, t.path));
        for (name, expected, path) in [
            ("a.pmtiles", Kind::PmTiles, "a.pmtiles"),
            ("b/A.MBTILES", Kind::MbTiles, "b/A.MBTILES"),
            ("a.tiff", Kind::Cog, "a.tiff"),
            ("tiles/{z}/{x}/{y}.png", Kind::Folder, "tiles"),
        ] {
            assert_eq!(kind(name), Some((expected, path.into())));
        }
        for name in [
            "a",
            "a.zip",
            "/{z}/{x}/{y}.png",
            "t/{x}/{y}.png",
            "",
            "s3://b/a.pmtiles",
            "https://a/{z}/{x}/{y}.png",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
    }
}
