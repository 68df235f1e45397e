//! A layer of the server, with the state of its source at the last reading, by which the program
//! decides if the source must be read again.

use super::config::LayerConfig;
use super::expand::layer_name;
use crate::cli::error::BoxError;
use crate::cli::load::validator;
use heatsplat::render::Radius;
use heatsplat_loader::is_remote;
use heatsplat_server::LayerId;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The state of a file: its size in bytes, and the time when it was last modified. If either
/// differs from before, the file has changed. `None` if the source is no regular file, but a pipe,
/// a device or a remote address, for example.
pub(super) type FileState = Option<(u64, SystemTime)>;

pub(super) fn file_state(path: &Path) -> FileState {
    let metadata = path.metadata().ok().filter(|m| m.is_file())?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// The least time between two attempts to reopen the file at an address, after the file has
/// changed. A choice.
const REOPENING: Duration = Duration::from_secs(2);

/// A layer of the server, and the state of its source when the source was last read.
#[derive(Clone)]
pub(super) struct LoadedLayer {
    pub(super) id: LayerId,
    pub(super) config: LayerConfig,
    /// The state of the layer's file when it was last read.
    pub(super) read: FileState,
    /// The state of the layer's file at the last check for changes. A new state counts as a change
    /// only if the next check finds it again, since a file may be half written.
    pub(super) seen: FileState,
    /// The validator of a remote source when the source was last read: a text that identifies the
    /// state of the source, like an ETag. `None` for other sources, and for a remote source that
    /// has no validator.
    pub(super) validator: Option<String>,
    /// A flag that becomes true when a read finds another file at the layer's address than the one
    /// that was opened; then nothing more can be read until the file is opened again. `None` for
    /// sources that are not read range by range from an address.
    pub(super) changed: Option<Arc<AtomicBool>>,
    /// The time when the layer's source was last read or was found unchanged.
    pub(super) at: Instant,
    pub(super) first_reading: FirstReading,
}

/// Properties that follow from the points when a layer is first read. They stay the same when the
/// layer is read again, so that pictures keep their meaning. The fields are `None` for live layers
/// and archives, whose points are not in memory.
#[derive(Clone, Default)]
pub(super) struct FirstReading {
    /// `true` if the layer's scale has colours for values below zero too. `None` before the points
    /// are read, and for layers whose points are not in memory.
    pub(super) signed: Option<bool>,
    /// The radius of the layer's style, which is not fitted to the points again. `None` before the
    /// points are read, and for layers whose points are not in memory.
    pub(super) radius: Option<Radius>,
}

impl LoadedLayer {
    /// Makes a layer that has not been read yet. It has the present state of its file; its
    /// `validator`, its `changed` and the fields of its `first_reading` are `None`.
    pub(super) fn new(id: LayerId, config: LayerConfig) -> Self {
        let mut layer = Self {
            id,
            config,
            read: None,
            seen: None,
            validator: None,
            changed: None,
            at: Instant::now(),
            first_reading: FirstReading::default(),
        };
        layer.read = layer.file_state();
        layer.seen = layer.read;
        layer
    }

    pub(super) fn file_state(&self) -> FileState {
        if self.config.is_without_file() {
            return None;
        }
        file_state(Path::new(&self.config.source))
    }

    /// Tests whether the source has changed. For a remote source this sends a request to its
    /// server. Databases and commands always count as changed, since nothing shows whether their
    /// rows have changed.
    pub(super) fn is_stale(&self) -> Result<bool, BoxError> {
        if self.is_replaced() {
            return Ok(true);
        }
        if !is_remote(&self.config.source) {
            return Ok(self.config.is_without_file() || self.has_changed());
        }
        let now = validator(&self.config.source, self.validator.as_deref())?;
        Ok(now.is_none() || now != self.validator)
    }

    /// Tests whether a read has found another file at the layer's address than the one that was
    /// opened.
    fn is_replaced(&self) -> bool {
        let changed = self.changed.as_ref();
        changed.is_some_and(|changed| changed.load(Ordering::Relaxed))
    }

    /// Tests whether the layer must be opened again, since another file is at its address now.
    /// After an attempt to do so it is false for the time [`REOPENING`].
    pub(super) fn is_to_be_reopened(&self) -> bool {
        self.is_replaced() && self.at.elapsed() >= REOPENING
    }

    fn has_changed(&self) -> bool {
        let now = self.file_state();
        now.is_some() && now != self.read
    }

    /// Tests whether a reload concerns the layer: then its source is looked at, and read if it has
    /// changed or may have changed ([`is_stale`](Self::is_stale)).
    pub(super) fn is_in(&self, reload: &Reload) -> bool {
        // Layers of a database, a command or a remote source have no file that shows a change.
        let is_away = self.config.is_without_file() || is_remote(&self.config.source);
        match reload {
            Reload::Files | Reload::Config => self.has_changed(),
            Reload::Replaced => self.is_to_be_reopened(),
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

/// A reason to read layers again although their configuration is unchanged. Each variant names the
/// layers that may be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reload {
    /// Of all layers, those whose files have changed.
    Files,
    /// After the configuration has been read anew, the layers whose files have changed. The lists
    /// of tables that databases publish are looked up again too.
    Config,
    /// All layers, except those of files that haven't changed. The lists of tables that databases
    /// publish are looked up again too.
    All,
    /// The layer with this name or this id, unless its source is unchanged.
    Layer(String),
    /// The layers whose file at an address was replaced, as a read has found.
    Replaced,
    /// The layers whose reload period is over. A layer whose source is unchanged is not read. The
    /// lists of tables that databases publish are looked up again too.
    Due,
}
