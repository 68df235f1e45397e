//! The error for a style parameter whose text is not a legal value.

use std::borrow::Cow;

/// The error for a style parameter whose text is not a legal value.
///
/// Its message describes the legal texts: `expected one of linear, log, …`, for example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct ParseStyleError {
    expected: Cow<'static, str>,
}

impl ParseStyleError {
    /// Makes an error whose message is a description of the legal texts.
    pub const fn new(expected: &'static str) -> Self {
        Self {
            expected: Cow::Borrowed(expected),
        }
    }

    /// Makes an error whose message lists the names of `choices`.
    pub(crate) fn one_of<T>(choices: &[(&'static str, T)]) -> Self {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Self {
            expected: format!("expected one of {}", names.join(", ")).into(),
        }
    }

    /// The description of the legal texts, which is the message.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}
