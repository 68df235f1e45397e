//! Errors of commands: their types, their messages, and the messages of their causes.

use heatsplat_loader::Parameter;
use std::error::Error;
use std::fmt;

/// An error of any type that ends a command early.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// An error about flags that are valid one by one but can't be combined. The program reports it
/// like a flag that clap can't parse: by a message and the usage of the command, with exit code 2.
#[derive(Debug)]
pub(super) struct UsageError {
    /// The name of the command whose usage is shown with the message.
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

/// The message of an error in a configuration file. It names keys of the file, and [`with_flags`]
/// must not rewrite them as flags.
#[derive(Debug)]
pub(super) struct FileError(pub(super) String);

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for FileError {}

/// Rewrites a message of the loader, which names a parameter in backticks, like `` `keep` ``, so
/// that it names the program's flag instead, like `--keep`.
pub(super) fn with_flags(message: &str) -> String {
    let mut text = message.to_owned();
    let names = Parameter::ALL.map(Parameter::name);
    for name in names.into_iter().chain(["by", "radius_column"]) {
        let flag = format!("--{}", name.replace('_', "-"));
        // A message also quotes values of the data, in double quotes. A backtick at the beginning
        // of such a value comes after a double quote, not after a blank or a bracket, so it isn't
        // replaced.
        for before in [' ', '('] {
            text = text.replace(&format!("{before}`{name}`"), &format!("{before}{flag}"));
        }
    }
    text
}

/// The message without the number that Rust adds to an error of the system, as in `No such file or
/// directory (os error 2)`.
pub(super) fn without_number(message: &str) -> String {
    let mut parts = message.split(" (os error ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => {
                text.push_str(rest);
            }
            _ => {
                text.push_str(" (os error ");
                text.push_str(part);
            }
        }
    }
    text
}

/// The messages of an error's causes, the nearest cause first. A message is left out if the message
/// before it already contains it.
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

/// The message of an error and the messages of its causes, in one line.
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = causes(error);
    let all = std::iter::once(error.to_string()).chain(causes);
    without_number(&all.collect::<Vec<_>>().join(": "))
}
