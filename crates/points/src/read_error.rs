//! The error of reading points that are not in memory.

use std::sync::Arc;

/// A failure to read an index that is not in memory: a damaged page, or an error of the disk or the
/// network.
///
/// The message names the index and the place, for example "page 4711 of layer.heat is damaged". It
/// is shown to users of a server, so it must contain no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(Arc<str>);

impl ReadError {
    /// Makes an error with a message for users.
    pub fn new(message: impl Into<Arc<str>>) -> Self {
        Self(message.into())
    }
}
