//! Errors of commands: their causes, and those that are the command line's fault.

use heatsplat_loader::Parameter;
use std::error::Error;
use std::fmt;

/// An error that ends a command early.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Flags that are valid one by one and make no sense together. The program reports them as clap
/// reports a flag that can't be parsed: message, usage, exit code 2.
#[derive(Debug)]
pub(super) struct UsageError {
    /// The subcommand whose usage is shown.
    pub(super) command: &'static str,
    message: String,
}

impl UsageError {
    pub(super) fn new(command: &'static str, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        Self { command, message }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for UsageError {}

/// An error in a configuration file: its message names keys, which are no flags.
#[derive(Debug)]
pub(super) struct FileError(pub(super) String);

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for FileError {}

/// A message with its parameters spelled as flags: the loader names a parameter as `` `keep` ``,
/// whose flag is `--keep`.
pub(super) fn with_flags(message: &str) -> String {
    let mut text = message.to_owned();
    for parameter in Parameter::ALL {
        let name = parameter.name();
        let flag = format!("--{}", name.replace('_', "-"));
        // Data are in double quotes: their backticks follow another character.
        for before in [' ', '('] {
            text = text.replace(&format!("{before}`{name}`"), &format!("{before}{flag}"));
        }
    }
    text
}

/// Messages of an error's causes, without those that the message before already contains.
pub(super) fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut all = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        let message = inner.to_string();
        if all.last().is_some_and(|last| !last.contains(&message)) {
            all.push(message);
        }
        cause = inner.source();
    }
    all.split_off(1)
}

/// An error and its causes in one line.
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = causes(error);
    let all = std::iter::once(error.to_string()).chain(causes);
    all.collect::<Vec<_>>().join(": ")
}
