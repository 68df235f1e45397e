//! The source of a configuration: the command line, or a file, which may change while the server
//! runs.

use super::ServeConfig;
use super::error::ConfigError;
use super::raw::RawConfig;
use crate::cli::error::{BoxError, FileError, with_causes};
use crate::cli::serve::regular_file;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The size in bytes of the largest configuration file that is read: 4 MiB, a choice. It suffices
/// for more than ten thousand layers.
const MAX_BYTES: u64 = 4 << 20;

/// The source of the server's configuration: the command line or a file.
pub(crate) enum ConfigSource {
    /// The flags of the command line.
    Args(RawConfig),
    /// The path of a configuration file. `overrides` has those flags of the command line that are
    /// about the server as a whole; they override the file's keys.
    File { path: PathBuf, overrides: RawConfig },
}

impl ConfigSource {
    /// The path of the configuration file; `None` for a command line.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Args(_) => None,
            Self::File { path, .. } => Some(path),
        }
    }

    /// Reads and checks the configuration. A file is read as it is now.
    pub(crate) fn read(&self) -> Result<ServeConfig, BoxError> {
        let config = match self {
            Self::Args(raw) => ServeConfig::new(raw),
            Self::File { path, overrides } => {
                read_text(path).and_then(|text| parse(&text, path, overrides))
            }
        };
        config.map_err(|error| self.name_file(error.into()))
    }

    /// Adds the name of the configuration file, if there is one, to an error about the
    /// configuration.
    pub(crate) fn name_file(&self, error: BoxError) -> BoxError {
        match self.path() {
            Some(path) => {
                let message = format!("{}: {}", path.display(), with_causes(&*error));
                FileError(message).into()
            }
            None => error,
        }
    }
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    let failed = |e: std::io::Error| ConfigError::new(None, e.to_string());
    let mut bytes = Vec::new();
    let file = regular_file::open(path).map_err(failed)?;
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("this is no set-up: it is longer than {MAX_BYTES} bytes");
        return Err(ConfigError::new(None, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(valid);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        ConfigError::new(Some(line), "expected text in UTF-8")
    })
}

fn parse(text: &str, path: &Path, overrides: &RawConfig) -> Result<ServeConfig, ConfigError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut raw = RawConfig::from_toml(text, folder, &|name| std::env::var(name).ok())?;
    raw.server.override_with(&overrides.server);
    raw.limits.override_with(&overrides.limits);
    raw.cache.override_with(&overrides.cache);
    raw.points.override_with(&overrides.points);
    ServeConfig::new(&raw)
}
