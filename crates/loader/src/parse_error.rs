//! The error of options that are given as text.

/// The reason why a text is no value of an option: what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseOptionError {
    message: String,
}

impl ParseOptionError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}
