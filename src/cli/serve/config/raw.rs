//! The raw configuration: keys and values as they are on the command line or in the file, before
//! any check.
//!
//! The keys of a configuration file are the names of flags, and clap parses both. So each new flag
//! is a key of the file at once, with the same values and the same error messages.

use super::error::{ConfigError, clap_message};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use std::fmt::{self, Write as _};

/// The least number of consecutive characters of a secret that a message must not contain. Three or
/// fewer are in many messages by chance.
const SECRET_PIECE: usize = 4;

/// Keys in the configuration files of other programs, each with the key of this program that means
/// the same. The error about such a key suggests the other one.
const OF_OTHERS: [(&str, &str); 12] = [
    ("path", "file"),
    ("filename", "file"),
    ("input", "file"),
    ("url", "file"),
    ("title", "name"),
    ("colors", "ramp"),
    ("colormap", "ramp"),
    ("gradient", "ramp"),
    ("port", "listen"),
    ("host", "listen"),
    ("bind", "listen"),
    ("address", "listen"),
];

/// The raw configuration of `serve`, section by section: its keys and values before any check.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RawConfig {
    /// The keys at the top level of the file, which are about the server as a whole.
    pub(crate) server: ConfigSection,
    pub(crate) limits: ConfigSection,
    pub(crate) cache: ConfigSection,
    pub(crate) posting: Option<ConfigSection>,
    /// The settings of points that clients post.
    pub(crate) points: ConfigSection,
    /// The databases: the sections `[sources.NAME]`.
    pub(crate) sources: Vec<NamedSection>,
    pub(crate) styles: Vec<NamedSection>,
    pub(crate) layers: Vec<LayerSection>,
}

/// A section with a name: `[styles.NAME]` or `[sources.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NamedSection {
    pub(crate) name: String,
    pub(crate) section: ConfigSection,
}

/// One section `[[layers]]`: a layer, or all layers of a folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerSection {
    pub(crate) section: ConfigSection,
    pub(crate) style: StyleRef,
    pub(crate) line: Option<usize>,
}

/// Compares two layer sections by their contents, not by their lines in the file.
impl PartialEq for LayerSection {
    fn eq(&self, other: &Self) -> bool {
        (&self.section, &self.style) == (&other.section, &other.style)
    }
}

/// The style of a layer, as the configuration states it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum StyleRef {
    /// The program's default style, since the configuration names none.
    #[default]
    Default,
    /// The style of a section `[styles.NAME]`. The name is the value of the entry.
    Named(ConfigEntry),
    /// The parameters of a style that only this layer has.
    Inline(ConfigSection),
}

/// A key of a section, with its values.
#[derive(Clone, Debug)]
pub(crate) struct ConfigEntry {
    pub(crate) key: String,
    /// The values of the key: one for a single value, all of them for a list, none for a table.
    pub(crate) values: Vec<String>,
    pub(crate) line: Option<usize>,
    /// The text of the value as the file has it if it contains environment variables; `None`
    /// otherwise. Messages show this text in place of the values, which may be secret.
    pub(crate) raw: Option<String>,
}

/// Compares two entries by their keys and values, not by their lines in the file.
impl PartialEq for ConfigEntry {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, &self.values) == (&other.key, &other.values)
    }
}

impl ConfigEntry {
    pub(super) fn new(key: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            values: vec![value.to_owned()],
            line: None,
            raw: None,
        }
    }

    /// Makes an error about the entry. The message contains the key, but no value of a variable.
    pub(crate) fn error(&self, message: impl fmt::Display) -> ConfigError {
        let mut message = self.redact(message.to_string());
        if !message.starts_with(&self.key) {
            message = format!("{}: {message}", self.key);
        }
        ConfigError::new(self.line, message)
    }

    /// The values as messages may show them: `${NAME}` in place of the value of an environment
    /// variable.
    pub(super) fn shown(&self) -> String {
        self.raw.clone().unwrap_or_else(|| self.values.join(", "))
    }

    /// Replaces the values of environment variables in a message by the text that names the
    /// variables, like `${NAME}`. If the message still contains four consecutive characters of a
    /// value, all of the message is replaced.
    fn redact(&self, mut message: String) -> String {
        let Some(raw) = &self.raw else {
            return message;
        };
        let is_long = |value: &&String| value.chars().count() >= SECRET_PIECE;
        for value in self.values.iter().filter(is_long) {
            message = message.replace(value, raw);
        }
        let leaks = |value: &String| {
            let letters: Vec<char> = value.chars().collect();
            letters.windows(SECRET_PIECE).any(|piece| {
                let piece: String = piece.iter().collect();
                message.contains(&piece) && !raw.contains(&piece)
            })
        };
        if self.values.iter().any(leaks) {
            return format!("what `{raw}` stands for can't be said here");
        }
        message
    }

    /// Converts the entry to command-line arguments that mean the same, for clap to parse.
    fn arguments(&self, arg: &Arg) -> Result<Vec<String>, ConfigError> {
        let flag = arg.get_long().unwrap_or_default();
        if self.values.is_empty() {
            return Err(self.error("expected a value here, not a table or an empty list"));
        }
        match arg.get_action() {
            ArgAction::SetTrue => match self.values.as_slice() {
                [value] if value == "true" => Ok(vec![format!("--{flag}")]),
                [value] if value == "false" => Ok(Vec::new()),
                _ => Err(self.error("expected true or false")),
            },
            ArgAction::Append => {
                let values = self.values.iter();
                Ok(values.map(|value| format!("--{flag}={value}")).collect())
            }
            _ => Ok(vec![format!("--{flag}={}", self.values.join(","))]),
        }
    }
}

/// The keys and values of one section of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ConfigSection(pub(super) Vec<ConfigEntry>);

impl ConfigSection {
    /// Collects the flags of `T` that were given on the command line. Defaults are left out.
    pub(super) fn from_matches<T: Args>(matches: &ArgMatches) -> Self {
        let command = T::augment_args(Command::new("heatsplat"));
        let mut section = Self::default();
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            if matches.value_source(id) != Some(ValueSource::CommandLine) {
                continue;
            }
            let values = match arg.get_action() {
                ArgAction::SetTrue => vec!["true".to_owned()],
                _ => {
                    let raw = matches.get_raw(id).into_iter().flatten();
                    raw.map(|value| value.to_string_lossy().into_owned())
                        .collect()
                }
            };
            section.0.push(ConfigEntry {
                key: key(arg),
                values,
                line: None,
                raw: None,
            });
        }
        section
    }

    pub(crate) fn get(&self, key: &str) -> Option<&ConfigEntry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// The number of the line of the section's first entry; `None` if there are no entries or no
    /// file.
    pub(crate) fn line(&self) -> Option<usize> {
        self.0.first().and_then(|entry| entry.line)
    }

    /// Adds the entries of `other`. They replace the entries of `self` that have the same keys.
    pub(super) fn override_with(&mut self, other: &Self) {
        self.0.retain(|entry| other.get(&entry.key).is_none());
        self.0.extend(other.0.iter().cloned());
    }

    /// A copy of the section without the entries for `keys`.
    pub(super) fn without(&self, keys: &[&str]) -> Self {
        let kept = self.0.iter().filter(|entry| !keys.contains(&&*entry.key));
        Self(kept.cloned().collect())
    }

    /// A text that differs if the section differs: sections have equal texts if they have equal
    /// entries, in any order. Entries whose keys are in `but` are ignored.
    pub(crate) fn key(&self, but: &[&str]) -> String {
        let entries = self.0.iter();
        let mut entries: Vec<_> = entries.filter(|e| !but.contains(&&*e.key)).collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let mut text = String::new();
        for entry in entries {
            let _ = writeln!(text, "{} = {:?}", entry.key, entry.values);
        }
        text + "--\n"
    }

    /// Parses the entries as values of the flags of `T`. `others` are further legal keys of this
    /// section, which other functions parse; an error about a mistyped key may suggest one of them.
    pub(crate) fn parse<T: Args>(&self, others: &[&str]) -> Result<T, ConfigError> {
        let command = T::augment_args(Command::new("heatsplat"))
            .no_binary_name(true)
            .disable_help_flag(true);
        let arguments =
            |entry: &ConfigEntry| match command.get_arguments().find(|a| key(a) == entry.key) {
                Some(arg) => entry.arguments(arg),
                None => {
                    let known = command.get_arguments().map(key);
                    let known: Vec<_> = known.chain(others.iter().map(|&s| s.to_owned())).collect();
                    let of_others = OF_OTHERS.iter().find(|(other, _)| *other == entry.key);
                    if let Some((_, ours)) = of_others
                        && known.iter().any(|known| known == ours)
                    {
                        let hint = format!("unknown key `{}`; did you mean `{ours}`?", entry.key);
                        return Err(entry.error(hint));
                    }
                    Err(ConfigError::unknown(entry.line, "key", &entry.key, &known))
                }
            };
        let all: Result<Vec<_>, ConfigError> = self.0.iter().map(arguments).collect();
        let matched = all.map(|all| {
            let matches = command
                .clone()
                .try_get_matches_from(all.into_iter().flatten());
            matches.and_then(|matches| T::from_arg_matches(&matches))
        });
        if let Ok(Ok(parsed)) = matched {
            return Ok(parsed);
        }
        // Each entry is parsed alone first, since an error about a single entry can have a line.
        for entry in &self.0 {
            let alone = command.clone().try_get_matches_from(arguments(entry)?);
            alone.map_err(|e| entry.error(clap_message(&e)))?;
        }
        matched?.map_err(|e| ConfigError::new(self.line(), clap_message(&e)))
    }
}

/// The key of a configuration file that belongs to a flag: `gpu_memory` for `--gpu-memory`.
fn key(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().replace('-', "_")
}
