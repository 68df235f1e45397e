//! Converts a configuration to the text of a TOML file, for `--save-config`.

use super::interpolate::escape;
use super::raw::{ConfigEntry, ConfigSection, LayerSection, RawConfig, StyleRef};
use super::secrets::{KEY_VARIABLE, without_password};
use heatsplat_loader::{is_remote, shown_source};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Converts a configuration to the text of a TOML file that lies in `folder`. Reading the file
/// gives the same configuration, except that passwords are replaced by environment variables.
pub(crate) fn to_toml(config: &RawConfig, folder: &Path) -> String {
    let mut text = String::from("# What `heatsplat serve --config` serves; see docs/config.md.\n");
    let to = TomlWriter { folder };
    to.entries(&mut text, &config.server);
    let sections = [
        ("limits", &config.limits),
        ("cache", &config.cache),
        ("points", &config.points),
    ];
    for (key, section) in sections {
        if !section.0.is_empty() {
            to.section(&mut text, &format!("[{key}]"), section);
        }
    }
    if let Some(posting) = &config.posting {
        to.section(&mut text, "[posting]", posting);
    }
    for (key, all) in [("sources", &config.sources), ("styles", &config.styles)] {
        for named in all {
            let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let name = match named.name.as_str() {
                name if !name.is_empty() && name.chars().all(bare) => name.to_owned(),
                name => quoted(name),
            };
            to.section(&mut text, &format!("[{key}.{name}]"), &named.section);
        }
    }
    for LayerSection { section, style, .. } in &config.layers {
        to.section(&mut text, "[[layers]]", section);
        match style {
            StyleRef::Default => {}
            StyleRef::Named(entry) => {
                let name = entry.values.concat();
                let _ = writeln!(text, "style = {}", quoted(&name));
            }
            StyleRef::Inline(section) => to.section(&mut text, "[layers.style]", section),
        }
    }
    text
}

/// Finds the first address of a layer that may contain a secret: a user, a password or a query.
/// Returns it without these parts; `None` if no layer's address has any.
pub(crate) fn secret_address(config: &RawConfig) -> Option<String> {
    let files = config
        .layers
        .iter()
        .filter_map(|layer| layer.section.get("file"));
    let mut values = files.flat_map(|entry| &entry.values);
    let secret = |value: &&String| !shown_source(value).eq_ignore_ascii_case(value);
    values.find(secret).map(|value| shown_source(value))
}

struct TomlWriter<'a> {
    folder: &'a Path,
}

impl TomlWriter<'_> {
    fn section(&self, text: &mut String, header: &str, section: &ConfigSection) {
        let _ = writeln!(text, "\n{header}");
        self.entries(text, section);
    }

    fn entries(&self, text: &mut String, section: &ConfigSection) {
        section.0.iter().for_each(|entry| self.entry(text, entry));
    }

    fn entry(&self, text: &mut String, entry: &ConfigEntry) {
        let values = entry.values.iter().zip(1..);
        let values: Vec<_> = values
            .map(|(value, number)| match (entry.key.as_str(), number) {
                // Keys must not be written into files, so variables take their places.
                ("key", 1) => quoted(KEY_VARIABLE),
                ("key", number) => quoted(&KEY_VARIABLE.replace('}', &format!("_{number}}}"))),
                (key, _) => self.value(key, value),
            })
            .collect();
        let _ = match values.as_slice() {
            [value] => writeln!(text, "{} = {value}", entry.key),
            _ => writeln!(text, "{} = [{}]", entry.key, values.join(", ")),
        };
    }

    fn value(&self, key: &str, value: &str) -> String {
        let number = value.parse().is_ok_and(|n: i64| n.to_string() == value);
        if number || matches!(value, "true" | "false") {
            return value.to_owned();
        }
        match key {
            "style" if Path::new(value).is_file() => quoted(&escape(&self.path(value))),
            "file" if is_remote(value) => quoted(&escape(value)),
            "file" | "token_file" | "points_token_file" | "tls_cert" | "tls_key"
                if value != "-" =>
            {
                quoted(&escape(&self.path(value)))
            }
            // Passwords must not be written into files, so a variable takes the place of a
            // password.
            "url" => quoted(&without_password(value)),
            _ => quoted(&escape(value)),
        }
    }

    /// The path of a file as it is written into the configuration file: relative if the file lies
    /// in `self.folder`, otherwise absolute.
    fn path(&self, value: &str) -> String {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or(path.to_owned());
        let (path, folder) = (absolute(Path::new(value)), absolute(self.folder));
        let path: PathBuf = path
            .strip_prefix(&folder)
            .map_or(path.clone(), Path::to_owned);
        path.to_string_lossy().into_owned()
    }
}

/// Writes a text as a TOML string, in quotes and with its special characters escaped.
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
