//! Failures of the readers of record formats.

use crate::error::LoadError;
use crate::input::Origin;
use std::io;

/// The error text for a panic in a third-party decoder. The panic is caught, so only this file
/// fails.
pub(crate) const DECODER_PANICKED: &str = "what it holds can't be, and reading it broke off";

/// The receiver of the records was dropped, so reading can stop.
pub(crate) struct Stopped;

/// The reason why a reader ended early.
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

/// The error for data that a library can't decode, because they end early or are inconsistent.
/// `place` is the part of the file that messages name.
pub(crate) fn damaged(origin: &Origin, place: impl ToString, error: impl ToString) -> LoadError {
    LoadError::Damaged {
        file: origin.file(),
        place: place.to_string(),
        message: error.to_string(),
    }
}

/// The error for a failed read. Data that end early or are invalid count as damaged; other errors
/// are the system's.
pub(crate) fn unreadable(origin: &Origin, place: impl ToString, error: io::Error) -> LoadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => damaged(origin, place, error),
        _ => origin.read_error(error),
    }
}
