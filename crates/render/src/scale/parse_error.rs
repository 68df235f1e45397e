//! The error of texts that stand for no value of a style parameter.

use std::borrow::Cow;

/// A text that does not stand for a value of a style parameter.
///
/// Its message says what does, such as `expected one of linear, log, …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct ParseStyleError {
    expected: Cow<'static, str>,
}

impl ParseStyleError {
    /// An error that says which texts are legal.
    pub const fn new(expected: &'static str) -> Self {
        Self {
            expected: Cow::Borrowed(expected),
        }
    }

    /// An error that lists the names that are legal.
    pub(crate) fn one_of<T>(choices: &[(&'static str, T)]) -> Self {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Self {
            expected: format!("expected one of {}", names.join(", ")).into(),
        }
    }

    /// The texts that are legal, in words.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}
