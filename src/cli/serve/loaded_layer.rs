//! A layer of the server with the state of its source, and the tests for whether it must be read
//! again.

use super::config::LayerConfig;
use super::expand::layer_name;
use crate::cli::error::BoxError;
use crate::cli::load::validator;
use heatsplat_loader::is_remote;
use heatsplat_server::LayerId;
use std::path::Path;
use std::time::{Instant, SystemTime};

/// Size and time of change of a file; `None` for a pipe or a device. They differ after a change of
/// the file.
pub(super) type FileState = Option<(u64, SystemTime)>;

pub(super) fn file_state(path: &Path) -> FileState {
    let metadata = path.metadata().ok().filter(|m| m.is_file())?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// A layer of the server, and the state of its source when it was last read.
pub(super) struct LoadedLayer {
    pub(super) id: LayerId,
    pub(super) config: LayerConfig,
    /// State of the file when it was last read, and, below, when it was last looked at.
    pub(super) read: FileState,
    pub(super) seen: FileState,
    /// Validator of a remote source when it was last read: a text that identifies its state, like
    /// an ETag. `None` for other sources.
    pub(super) validator: Option<String>,
    /// Time when the source was last read or found unchanged.
    pub(super) at: Instant,
    /// `true` if the layer's colours lie on both sides of zero, `false` if on one side. It doesn't
    /// change when the layer is read again. `None` for layers that are not in memory.
    pub(super) signed: Option<bool>,
}

impl LoadedLayer {
    pub(super) fn file_state(&self) -> FileState {
        if self.config.is_in_database() {
            return None;
        }
        file_state(Path::new(&self.config.source))
    }

    /// Tests whether the source has changed. It asks the server of a remote source. A database
    /// counts as changed, since nothing shows whether its rows are the old ones.
    pub(super) fn is_stale(&self) -> Result<bool, BoxError> {
        if !is_remote(&self.config.source) {
            return Ok(self.config.is_in_database() || self.has_changed());
        }
        let now = validator(&self.config.source, self.validator.as_deref())?;
        Ok(now.is_none() || now != self.validator)
    }

    fn has_changed(&self) -> bool {
        let now = self.file_state();
        now.is_some() && now != self.read
    }

    /// Tests whether a reload concerns the layer, so that its source must be compared or read.
    pub(super) fn is_in(&self, reload: &Reload) -> bool {
        // No file shows whether a database or a remote source has changed.
        let is_away = self.config.is_in_database() || is_remote(&self.config.source);
        match reload {
            Reload::Files | Reload::Config => self.has_changed(),
            Reload::All => is_away || self.has_changed(),
            Reload::Layer(wanted) => {
                self.id.as_str() == wanted || layer_name(&self.config) == *wanted
            }
            Reload::Due => {
                let after = self.config.reload;
                after.is_some_and(|after| self.at.elapsed() >= after)
            }
        }
    }
}

/// A reason to read layers again although their configuration is unchanged. It determines which
/// layers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reload {
    /// Layers whose files have changed.
    Files,
    /// Layers whose files have changed. The tables that databases publish are looked up too, since
    /// the configuration is new.
    Config,
    /// Layers that have changed, or that may have. The tables that databases publish are looked up
    /// too.
    All,
    /// One layer, by its name or its identifier.
    Layer(String),
    /// Layers whose time to be read again has come, unless their sources are found unchanged.
    Due,
}
