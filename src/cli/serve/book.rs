//! Where a set-up is written: on the command line, or in a file that may change.

use super::document::Document;
use super::setup::Setup;
use super::words::Mistake;
use crate::cli::Failure;
use std::path::{Path, PathBuf};

/// What the program was told to serve.
pub(super) enum Book {
    /// By flags.
    Said(Document),
    /// In a file; what flags say of the server counts more.
    Written { file: PathBuf, said: Document },
}

impl Book {
    /// The file, if there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Said(_) => None,
            Self::Written { file, .. } => Some(file),
        }
    }

    /// What stands there now, checked.
    pub(super) fn read(&self) -> Result<Setup, Failure> {
        match self {
            Self::Said(document) => Setup::of(document).map_err(|e| e.to_string().into()),
            Self::Written { file, said } => {
                let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
                let text = std::fs::read_to_string(file).map_err(|e| failed(&e))?;
                let setup = read(&text, file, said).map_err(|e| failed(&e))?;
                Ok(setup)
            }
        }
    }
}

fn read(text: &str, file: &Path, said: &Document) -> Result<Setup, Mistake> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut document = Document::parse(text, folder, &|name| std::env::var(name).ok())?;
    document.server = document.server.overridden(&said.server);
    document.limits = document.limits.overridden(&said.limits);
    document.cache = document.cache.overridden(&said.cache);
    Setup::of(&document)
}
