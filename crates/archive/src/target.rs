//! The target of an export.

use crate::error::ExportError;
use crate::if_exists::IfExists;
use crate::journal;
use std::path::{Path, PathBuf};

/// The file or folder that an export writes, and the format that its name implies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(crate) path: PathBuf,
    pub(crate) format: TargetFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetFormat {
    PmTiles,
    MbTiles,
    Cog,
    XyzFolder,
}

impl Target {
    /// Makes a target from its name. The name must end in `.pmtiles`, `.mbtiles`, `.tif` or
    /// `.tiff`, or be `FOLDER/{z}/{x}/{y}.png` or `FOLDER/{z}/{x}/{y}.webp` for a folder of files.
    ///
    /// # Errors
    /// [`ExportError::UnknownFormat`] for any other name, or [`ExportError::Remote`] for an address
    /// like `s3://bucket/a.pmtiles`.
    pub fn from_path(path: &Path) -> Result<Self, ExportError> {
        Self::refuse_address(path)?;
        let text = path.to_string_lossy();
        for ending in ["png", "webp"] {
            let template = format!("/{{z}}/{{x}}/{{y}}.{ending}");
            if let Some(folder) = text.strip_suffix(&template)
                && !folder.is_empty()
            {
                return Ok(Self {
                    path: folder.into(),
                    format: TargetFormat::XyzFolder,
                });
            }
        }
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let path = path.to_owned();
        let format = match extension.to_str() {
            Some("pmtiles") => TargetFormat::PmTiles,
            Some("mbtiles") => TargetFormat::MbTiles,
            Some("tif" | "tiff") => TargetFormat::Cog,
            _ => return Err(ExportError::UnknownFormat { path }),
        };
        Ok(Self { path, format })
    }

    /// Refuses an address on another machine, like `s3://bucket/a.pmtiles`.
    ///
    /// # Errors
    /// [`ExportError::Remote`] for an address.
    pub fn refuse_address(path: &Path) -> Result<(), ExportError> {
        match path.to_string_lossy().split_once("://") {
            None => Ok(()),
            Some((scheme, _)) => Err(ExportError::Remote {
                scheme: scheme.to_owned(),
            }),
        }
    }

    /// Checks that an export to this target can begin. Reading the points may take long, so this is
    /// called before. No file is changed, except that a log which a finished export left is
    /// removed. Returns `false` if there is nothing to do: `if_exists` is [`IfExists::Resume`], and
    /// the target is already complete.
    ///
    /// # Errors
    /// An [`ExportError`] if a file is in the way or can't be written.
    /// [`Export::write`](crate::Export::write) would fail with the same error.
    pub fn check(&self, if_exists: IfExists) -> Result<bool, ExportError> {
        journal::check(&self.path, if_exists)
    }

    /// The path of the file or folder that the export writes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns `true` if the target is one raster (a GeoTIFF), `false` if it consists of separate
    /// tiles.
    pub fn is_raster(&self) -> bool {
        self.format == TargetFormat::Cog
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_imply_formats() {
        let format = |name: &str| {
            let target = Target::from_path(name.as_ref()).ok();
            target.map(|target| (target.format, target.path))
        };
        for (name, expected, path) in [
            ("a.pmtiles", TargetFormat::PmTiles, "a.pmtiles"),
            ("b/A.MBTILES", TargetFormat::MbTiles, "b/A.MBTILES"),
            ("a.tiff", TargetFormat::Cog, "a.tiff"),
            ("tiles/{z}/{x}/{y}.png", TargetFormat::XyzFolder, "tiles"),
        ] {
            assert_eq!(format(name), Some((expected, path.into())));
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
            assert_eq!(format(name), None, "{name}");
        }
    }
}
