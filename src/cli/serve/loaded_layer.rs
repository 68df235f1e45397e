//! A layer of the server with the state of its source, and when it is to be read again.

use super::config::LayerConfig;
use super::expand::layer_name;
use crate::cli::error::BoxError;
use crate::cli::load::validator;
use heatsplat_loader::is_remote;
use heatsplat_server::LayerId;
use std::path::Path;
use std::time::{Instant, SystemTime};

/// Size and time of a file, which change when it does; `None` for a pipe or a device.
pub(super) type FileState = Option<(u64, SystemTime)>;

pub(super) fn file_state(path: &Path) -> FileState {
    let metadata = path.metadata().ok().filter(|m| m.is_file())?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// A layer of the server, and the state of its source.
pub(super) struct LoadedLayer {
    pub(super) id: LayerId,
    pub(super) config: LayerConfig,
    /// State of the file when it was last read, and when it was last looked at.
    pub(super) read: FileState,
    pub(super) seen: FileState,
    /// Validator of a remote source when it was last read.
    pub(super) validator: Option<String>,
    /// Time of the last reading.
    pub(super) at: Instant,
    /// `true` if its colours lie to both sides of zero, `false` if to one. A reload does not
    /// change it.
    pub(super) signed: Option<bool>,
}

impl LoadedLayer {
    pub(super) fn file_state(&self) -> FileState {
        if self.config.is_in_database() {
            return None;
        }
        file_state(Path::new(&self.config.source))
    }

    /// Tests whether the source has changed: asks the server of a remote source, and takes a
    /// database for changed.
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

    /// Tests whether a reload concerns the layer.
    pub(super) fn is_in(&self, reload: &Reload) -> bool {
        // No file shows whether these have changed.
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

/// The layers that are read again although their configuration is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reload {
    /// Files that have changed.
    Files,
    /// Files that have changed; and published tables are looked up, since the configuration is new.
    Config,
    /// Everything that has changed or can't tell; and published tables are looked up.
    All,
    /// One layer, by its name or its identifier.
    Layer(String),
    /// Layers whose time to be read again has come, unless they are known to be unchanged.
    Due,
}
