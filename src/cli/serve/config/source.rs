//! Where a set-up is written: on the command line, or in a file that may change.

use super::Setup;
use super::from_toml::Document;
use super::raw::Mistake;
use crate::cli::{Failure, with_causes};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes: ten thousand layers and more.
const LONGEST: u64 = 4 << 20;

/// What the program was told to serve.
pub(in crate::cli::serve) enum Book {
    /// By flags.
    Said(Document),
    /// In a file; what flags say of the server counts more.
    Written { file: PathBuf, said: Document },
}

impl Book {
    /// The file, if there is one.
    pub(in crate::cli::serve) fn file(&self) -> Option<&Path> {
        match self {
            Self::Said(_) => None,
            Self::Written { file, .. } => Some(file),
        }
    }

    /// What stands there now, checked.
    pub(in crate::cli::serve) fn read(&self) -> Result<Setup, Failure> {
        match self {
            Self::Said(document) => Setup::of(document).map_err(|e| self.failed(e.into())),
            Self::Written { file, said } => {
                let text = text(file).map_err(|e| self.failed(e.into()))?;
                read(&text, file, said).map_err(|e| self.failed(e.into()))
            }
        }
    }

    /// What is wrong with it, after its name.
    pub(in crate::cli::serve) fn failed(&self, error: Failure) -> Failure {
        match self.file() {
            Some(file) => format!("{}: {}", file.display(), with_causes(&*error)).into(),
            None => error,
        }
    }
}

/// Opens a regular file, without waiting for anybody where it is a pipe.
pub(in crate::cli::serve) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let message = "this is a directory, a pipe or a device, and no regular file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// A file as text.
fn text(path: &Path) -> Result<String, Mistake> {
    let wrong = |line, message: String| Mistake::new(line, message);
    let mut bytes = Vec::new();
    let file = open(path).map_err(|e| wrong(None, e.to_string()))?;
    let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|e| wrong(None, e.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        let message = format!("this is no set-up: it is longer than {LONGEST} bytes");
        return Err(wrong(None, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let legal = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to());
        let line = 1 + legal.filter(|&&byte| byte == b'\n').count();
        wrong(Some(line), "expected text in UTF-8".to_owned())
    })
}

fn read(text: &str, file: &Path, said: &Document) -> Result<Setup, Mistake> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut document = Document::parse(text, folder, &|name| std::env::var(name).ok())?;
    document.server = document.server.overridden(&said.server);
    document.limits = document.limits.overridden(&said.limits);
    document.cache = document.cache.overridden(&said.cache);
    Setup::of(&document)
}
