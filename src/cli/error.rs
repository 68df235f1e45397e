//! Errors of commands: their causes, and the errors that are the command line's fault.

use heatsplat_loader::Parameter;
use std::error::Error;
use std::fmt;

/// An error that ends a command early.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// An error about flags that are valid one by one but make no sense together. The program reports
/// it as clap reports a flag that can't be parsed: by a message, the usage, and exit code 2.
#[derive(Debug)]
pub(super) struct UsageError {
    /// The command whose usage is shown.
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

/// An error in a configuration file. Its message names keys of the file, which must not be
/// rewritten as flags.
#[derive(Debug)]
pub(super) struct FileError(pub(super) String);

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for FileError {}

/// A message with its parameters written as flags. The loader names a parameter in backticks, like
/// `` `keep` ``, which becomes `--keep`.
pub(super) fn with_flags(message: &str) -> String {
    let mut text = message.to_owned();
    for parameter in Parameter::ALL {
        let name = parameter.name();
        let flag = format!("--{}", name.replace('_', "-"));
        // Values of data are in double quotes, so a backtick at their beginning follows a quote,
        // and neither of these characters.
        for before in [' ', '('] {
            text = text.replace(&format!("{before}`{name}`"), &format!("{before}{flag}"));
        }
    }
    text
}

/// Messages of an error's causes, from the outer to the inner. A message that the message before
/// contains is left out.
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

/// An error's message and those of its causes, in one line.
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = causes(error);
    let all = std::iter::once(error.to_string()).chain(causes);
    all.collect::<Vec<_>>().join(": ")
}
