//! Failures of the readers of record formats: why a reader ends before the end of its records.

use crate::error::LoadError;
use crate::input::Origin;
use std::io;

/// The error text for a panic in a library that decodes a format. The panic is caught, so only the
/// load of this file fails.
pub(crate) const DECODER_PANICKED: &str = "what it holds can't be, and reading it broke off";

/// A signal that a reader shall stop, since the receiver of its records was dropped or the file is
/// refused.
pub(crate) struct Stopped;

/// The reason why a reader ended before the end of its records.
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
/// `place` names the part of the file in the message.
pub(crate) fn damaged(origin: &Origin, place: impl ToString, error: impl ToString) -> LoadError {
    LoadError::Damaged {
        file: origin.file(),
        place: place.to_string(),
        message: error.to_string(),
    }
}

/// The error for a read that failed. If the data end early or are invalid, the result is the error
/// for a damaged file, as [`damaged`] makes it; otherwise it is an error of the operating system.
/// `place` names the part of the file in the message.
pub(crate) fn unreadable(origin: &Origin, place: impl ToString, error: io::Error) -> LoadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => damaged(origin, place, error),
        _ => origin.read_error(error),
    }
}
