//! Words: what a command line or a file says, key by key, before it is checked.
//!
//! The keys of a configuration file are the flags of the command line, and clap checks both. So
//! a flag is a key from the day it is written, with the same values and messages.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use std::fmt;

/// Characters that tell something of a secret; shorter pieces are in any message.
const PIECE: usize = 4;

/// What is wrong with a set-up, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::serve) struct Mistake {
    /// The line, where it was read from a file.
    pub(in crate::cli::serve) line: Option<usize>,
    pub(in crate::cli::serve) message: String,
}

impl Mistake {
    pub(in crate::cli::serve) fn new(line: Option<usize>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { line, message }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

/// A key and what is said of it.
#[derive(Clone, Debug)]
pub(in crate::cli::serve) struct Word {
    pub(in crate::cli::serve) key: String,
    /// One, or those of a list; none for a table.
    pub(in crate::cli::serve) values: Vec<String>,
    pub(in crate::cli::serve) line: Option<usize>,
    /// What stands in the file where variables have been put in: messages show that.
    pub(in crate::cli::serve) raw: Option<String>,
}

/// Two words are the same if they say the same, wherever they stand.
impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, &self.values) == (&other.key, &other.values)
    }
}

impl Word {
    pub(in crate::cli::serve) fn new(key: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            values: vec![value.to_owned()],
            line: None,
            raw: None,
        }
    }

    pub(in crate::cli::serve) fn mistake(&self, message: impl fmt::Display) -> Mistake {
        let mut message = self.hidden(message.to_string());
        if !message.starts_with(&self.key) {
            message = format!("{}: {message}", self.key);
        }
        Mistake::new(self.line, message)
    }

    /// What it says as messages may show it: with its variables, as it stands in the file.
    pub(in crate::cli::serve) fn shown(&self) -> String {
        self.raw.clone().unwrap_or_else(|| self.values.join(", "))
    }

    /// A message in which no variable's value is seen, nor a piece of one.
    fn hidden(&self, mut message: String) -> String {
        let Some(raw) = &self.raw else {
            return message;
        };
        let worth = |value: &&String| value.chars().count() >= PIECE;
        for value in self.values.iter().filter(worth) {
            message = message.replace(value, raw);
        }
        let shows = |value: &String| {
            let letters: Vec<char> = value.chars().collect();
            letters.windows(PIECE).any(|piece| {
                let piece: String = piece.iter().collect();
                message.contains(&piece) && !raw.contains(&piece)
            })
        };
        if self.values.iter().any(shows) {
            return format!("what `{raw}` stands for can't be said here");
        }
        message
    }

    /// The word as arguments of a command line.
    fn arguments(&self, arg: &Arg) -> Result<Vec<String>, Mistake> {
        let flag = arg.get_long().unwrap_or_default();
        if self.values.is_empty() {
            return Err(self.mistake("expected a value here, not a table or an empty list"));
        }
        match arg.get_action() {
            ArgAction::SetTrue => match self.values.as_slice() {
                [value] if value == "true" => Ok(vec![format!("--{flag}")]),
                [value] if value == "false" => Ok(Vec::new()),
                _ => Err(self.mistake("expected true or false")),
            },
            ArgAction::Append => {
                let values = self.values.iter();
                Ok(values.map(|value| format!("--{flag}={value}")).collect())
            }
            _ => Ok(vec![format!("--{flag}={}", self.values.join(","))]),
        }
    }
}

/// The words of one section.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::cli::serve) struct Words(pub(in crate::cli::serve) Vec<Word>);

impl Words {
    /// What of some flags was given on a command line.
    pub(in crate::cli::serve) fn given<T: Args>(matches: &ArgMatches) -> Self {
        let command = T::augment_args(Command::new("heatsplat"));
        let mut words = Self::default();
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
            words.0.push(Word {
                key: key(arg),
                values,
                line: None,
                raw: None,
            });
        }
        words
    }

    pub(in crate::cli::serve) fn get(&self, key: &str) -> Option<&Word> {
        self.0.iter().find(|word| word.key == key)
    }

    /// These and others, whose word counts where both have one.
    pub(in crate::cli::serve) fn overridden(mut self, others: &Self) -> Self {
        self.0.retain(|word| others.get(&word.key).is_none());
        self.0.extend(others.0.iter().cloned());
        self
    }

    /// Without some keys.
    pub(in crate::cli::serve) fn without(&self, keys: &[&str]) -> Self {
        let kept = self.0.iter().filter(|word| !keys.contains(&&*word.key));
        Self(kept.cloned().collect())
    }

    /// The words as the flags they are, checked. `sections` are keys that mean something here and
    /// are looked at elsewhere: a mistyped key may be meant for one of them.
    pub(in crate::cli::serve) fn typed<T: Args>(&self, sections: &[&str]) -> Result<T, Mistake> {
        let command = T::augment_args(Command::new("heatsplat"))
            .no_binary_name(true)
            .disable_help_flag(true);
        let mut all = Vec::new();
        for word in &self.0 {
            let arg = command.get_arguments().find(|arg| key(arg) == word.key);
            let Some(arg) = arg else {
                let known = command.get_arguments().map(key);
                let known: Vec<_> = known
                    .chain(sections.iter().map(|&s| s.to_owned()))
                    .collect();
                return Err(unknown("key", word, &known));
            };
            let arguments = word.arguments(arg)?;
            // One by one, so that a mistake has its line.
            let alone = command.clone().try_get_matches_from(&arguments);
            alone.map_err(|e| word.mistake(why(&e)))?;
            all.extend(arguments);
        }
        let line = self.0.first().and_then(|word| word.line);
        let failed = |e: clap::Error| Mistake::new(line, why(&e));
        let matches = command.try_get_matches_from(all).map_err(failed)?;
        T::from_arg_matches(&matches).map_err(failed)
    }
}

/// A flag's name as a key: `gpu_memory`.
fn key(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().replace('-', "_")
}

/// A name that nobody knows, with the nearest that somebody does.
pub(in crate::cli::serve) fn unknown(
    what: &str,
    word: &Word,
    known: &[impl AsRef<str>],
) -> Mistake {
    let distance = |name: &str| strsim::damerau_levenshtein(name, &word.key);
    let names = known.iter().map(AsRef::as_ref);
    let nearest = names.min_by_key(|name| distance(name));
    let close = word.key.chars().count().div_ceil(3);
    let hint = match nearest.filter(|name| distance(name) <= close) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => {
            let all: Vec<_> = known.iter().map(AsRef::as_ref).collect();
            format!("there are {}", all.join(", "))
        }
    };
    let message = format!("unknown {what} `{}`; {hint}", word.key);
    Mistake::new(word.line, message)
}

/// What clap says, without what only a command line has.
fn why(error: &clap::Error) -> String {
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
