//! The error of a text that is no value of its style parameter.

use std::borrow::Cow;

/// An error for a text that is no value of its style parameter.
///
/// Its message lists the legal texts, such as `expected one of linear, log, …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct ParseStyleError {
    expected: Cow<'static, str>,
}

impl ParseStyleError {
    /// An error with a description of the legal texts.
    pub const fn new(expected: &'static str) -> Self {
        Self {
            expected: Cow::Borrowed(expected),
        }
    }

    /// An error that lists the legal names.
    pub(crate) fn one_of<T>(choices: &[(&'static str, T)]) -> Self {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Self {
            expected: format!("expected one of {}", names.join(", ")).into(),
        }
    }

    /// A description of the legal texts.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}
