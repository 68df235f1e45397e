//! Failures of readers.

use crate::error::LoadError;
use crate::input::Origin;
use std::io;

/// What is said of data that a library breaks off at: it ends by a panic, which costs the file
/// and nothing else.
pub(crate) const DECODER_PANICKED: &str = "what it holds can't be, and reading it broke off";

/// Nobody wants the rest.
pub(crate) struct Stopped;

/// Why a reader ended early.
pub(crate) enum ReadFailure {
    Stopped,
    Failed(LoadError),
}

impl From<Stopped> for ReadFailure {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<LoadError> for ReadFailure {
    fn from(error: LoadError) -> Self {
        Self::Failed(error)
    }
}

/// What a library's error means: data that end early or make no sense.
pub(crate) fn damaged(origin: &Origin, place: impl ToString, error: impl ToString) -> LoadError {
    LoadError::Damaged {
        file: origin.file(),
        place: place.to_string(),
        message: error.to_string(),
    }
}

/// A failed read of the system, or data that end early.
pub(crate) fn unreadable(origin: &Origin, place: impl ToString, error: io::Error) -> LoadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => damaged(origin, place, error),
        _ => origin.read_error(error),
    }
}
