//! Errors of a configuration, each with the number of the wrong line.

use std::fmt;

/// An error in a configuration, with the number of the wrong line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// The number of the wrong line in the configuration file, from 1 on. `None` if there is no
    /// file, or if the error concerns no single line.
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
}

impl ConfigError {
    pub(crate) fn new(line: Option<usize>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { line, message }
    }

    /// Appends a hint to the error's message.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.message.push_str(hint);
        self
    }

    /// An error about an unknown name. `what` is the kind of the name, a key or a style for
    /// example. The message suggests the name in `known` that is most similar; if none is similar,
    /// the message lists all known names.
    pub(super) fn unknown(
        line: Option<usize>,
        what: &str,
        name: &str,
        known: &[impl AsRef<str>],
    ) -> Self {
        let distance = |known: &str| strsim::damerau_levenshtein(known, name);
        let all = known.iter().map(AsRef::as_ref);
        let nearest = all.min_by_key(|known| distance(known));
        let close = name.chars().count().div_ceil(3);
        let hint = match nearest.filter(|known| distance(known) <= close) {
            Some(known) => format!("did you mean `{known}`?"),
            None if known.is_empty() => "there is none".to_owned(),
            None => {
                let all: Vec<_> = known.iter().map(AsRef::as_ref).collect();
                format!("there are {}", all.join(", "))
            }
        };
        Self::new(line, format!("unknown {what} `{name}`; {hint}"))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// The message of a clap error, changed to fit a configuration file: without usage hints, and with
/// keys in place of flags.
pub(super) fn clap_message(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue};
    use std::error::Error as _;
    if let Some(source) = error.source() {
        return source.to_string();
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    match (text(ContextKind::InvalidArg), text(ContextKind::PriorArg)) {
        (Some(one), Some(other)) => {
            let key = |flag: &str| {
                let name = flag.trim_start_matches('-');
                name.split([' ', '='])
                    .next()
                    .unwrap_or(name)
                    .replace('-', "_")
            };
            format!("{} and {} can't go together", key(&one), key(&other))
        }
        _ => error.kind().to_string(),
    }
}
