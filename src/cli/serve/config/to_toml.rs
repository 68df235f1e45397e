//! A set-up as the text of a file.

use super::from_toml::{Document, LayerWords, StyleWords};
use super::interpolate::literal;
use super::raw::{Word, Words};
use super::secrets::without_password;
use heatsplat_loader::{is_remote, shown_source};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A document as a file that says the same where it is put, but for passwords.
pub(in crate::cli::serve) fn text(document: &Document, folder: &Path) -> String {
    let mut text = String::from("# What `heatsplat serve --config` serves; see docs/config.md.\n");
    let to = Writer { folder };
    to.words(&mut text, &document.server);
    for (key, words) in [("limits", &document.limits), ("cache", &document.cache)] {
        if !words.0.is_empty() {
            to.section(&mut text, &format!("[{key}]"), words);
        }
    }
    if let Some(posting) = &document.posting {
        to.section(&mut text, "[posting]", posting);
    }
    for (key, all) in [("sources", &document.sources), ("styles", &document.styles)] {
        for named in all {
            let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let name = match named.name.as_str() {
                name if !name.is_empty() && name.chars().all(bare) => name.to_owned(),
                name => quoted(name),
            };
            to.section(&mut text, &format!("[{key}.{name}]"), &named.words);
        }
    }
    for LayerWords { words, style, .. } in &document.layers {
        to.section(&mut text, "[[layers]]", words);
        match style {
            StyleWords::Plain => {}
            StyleWords::Named(word) => {
                let name = word.values.concat();
                let _ = writeln!(text, "style = {}", quoted(&name));
            }
            StyleWords::Here(words) => to.section(&mut text, "[layers.style]", words),
        }
    }
    text
}

/// The address of a layer whose user, password or query may be a secret, as it can be shown.
pub(in crate::cli::serve) fn secret_address(document: &Document) -> Option<String> {
    let words = document
        .layers
        .iter()
        .filter_map(|layer| layer.words.get("file"));
    let mut values = words.flat_map(|word| &word.values);
    let secret = |value: &&String| !shown_source(value).eq_ignore_ascii_case(value);
    values.find(secret).map(|value| shown_source(value))
}

struct Writer<'a> {
    folder: &'a Path,
}

impl Writer<'_> {
    fn section(&self, text: &mut String, header: &str, words: &Words) {
        let _ = writeln!(text, "\n{header}");
        self.words(text, words);
    }

    fn words(&self, text: &mut String, words: &Words) {
        words.0.iter().for_each(|word| self.word(text, word));
    }

    fn word(&self, text: &mut String, word: &Word) {
        let values: Vec<_> = word
            .values
            .iter()
            .map(|value| self.value(&word.key, value))
            .collect();
        let _ = match values.as_slice() {
            [value] => writeln!(text, "{} = {value}", word.key),
            _ => writeln!(text, "{} = [{}]", word.key, values.join(", ")),
        };
    }

    fn value(&self, key: &str, value: &str) -> String {
        let number = value.parse().is_ok_and(|n: i64| n.to_string() == value);
        if number || matches!(value, "true" | "false") {
            return value.to_owned();
        }
        match key {
            "style" if Path::new(value).is_file() => quoted(&literal(&self.path(value))),
            "file" if is_remote(value) => quoted(&literal(value)),
            "file" | "token_file" if value != "-" => quoted(&literal(&self.path(value))),
            // Passwords don't go into files; what is left holds the variable in their place.
            "url" => quoted(&without_password(value)),
            _ => quoted(&literal(value)),
        }
    }

    /// A path as it is found from the file's folder.
    fn path(&self, value: &str) -> String {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or(path.to_owned());
        let (path, folder) = (absolute(Path::new(value)), absolute(self.folder));
        let path: PathBuf = path
            .strip_prefix(&folder)
            .map_or(path.clone(), Path::to_owned);
        path.to_string_lossy().into_owned()
    }
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            '\n' => write!(quoted, "\\n"),
            '\t' => write!(quoted, "\\t"),
            c if c.is_control() => write!(quoted, "\\u{:04X}", u32::from(c)),
            c => write!(quoted, "{c}"),
        };
    }
    quoted.push('"');
    quoted
}
