//! What ends an export early.

use heatsplat_render::encode::EncodeError;
use std::io;
use std::path::{Path, PathBuf};

/// Why an export was not finished. What was there under its name before still is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A file can't be written: the disk is full, say.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite can't write its file.
    #[error("{}: cannot be written: {source}", path.display())]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// What would have to be replaced, or finished, stands in the way.
    #[error("{}: {why}", path.display())]
    Stands {
        /// What it is.
        path: PathBuf,
        /// Why it was left as it is, and what to do.
        why: String,
    },
    /// The wish can't be fulfilled in this format.
    #[error("{0}")]
    Impossible(String),
    /// A tile could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A tile could not be packed.
    #[error("a tile could not be packed: {0}")]
    Pack(#[from] io::Error),
}

impl ExportError {
    pub(crate) fn stands(path: &Path, why: impl Into<String>) -> Self {
        Self::Stands {
            path: path.to_owned(),
            why: why.into(),
        }
    }
}

/// Errors of writing, with the path they are about.
pub(crate) trait At<T> {
    fn at(self, path: &Path) -> Result<T, ExportError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, ExportError> {
        self.map_err(|source| ExportError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

impl<T> At<T> for rusqlite::Result<T> {
    fn at(self, path: &Path) -> Result<T, ExportError> {
        self.map_err(|source| ExportError::Sqlite {
            path: path.to_owned(),
            source,
        })
    }
}
