//! Conversion of a TOML file to a raw configuration.

use super::error::ConfigError;
use super::interpolate::interpolate;
use super::raw::{ConfigEntry, ConfigSection, LayerSection, NamedSection, RawConfig, StyleRef};
use heatsplat_loader::is_remote;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The keys whose values are paths of files. A relative path begins at the folder of the
/// configuration file.
const PATHS: [&str; 5] = [
    "file",
    "token_file",
    "points_token_file",
    "tls_cert",
    "tls_key",
];

/// The keys at the top level of a configuration file whose values are tables or lists of tables.
/// All other keys there are settings of the server.
pub(super) const SECTIONS: [&str; 7] = [
    "limits", "cache", "posting", "points", "sources", "styles", "layers",
];

impl RawConfig {
    /// Parses the text of a configuration file that lies in `folder`. `variable` returns the value
    /// of an environment variable, or `None` if it isn't set.
    pub(crate) fn from_toml(
        text: &str,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let reader = TomlReader {
            text,
            folder,
            variable,
        };
        let table = DeTable::parse(text).map_err(|e| {
            let line = e.span().map(|span| reader.line(span.start));
            ConfigError::new(line, e.message().trim().replace('\n', ", "))
        })?;
        let top = table.get_ref();
        reader.check_sections(top)?;
        let named = |key| reader.named_sections(top, key);
        let section = |key| reader.section(top, key);
        Ok(Self {
            server: reader.entries(top, &SECTIONS)?,
            limits: section("limits")?.unwrap_or_default(),
            cache: section("cache")?.unwrap_or_default(),
            posting: section("posting")?,
            points: section("points")?.unwrap_or_default(),
            sources: named("sources")?,
            styles: named("styles")?,
            layers: reader.layers(top)?,
        })
    }
}

struct TomlReader<'a> {
    text: &'a str,
    folder: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl TomlReader<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        1 + before.filter(|&&byte| byte == b'\n').count()
    }

    /// Returns an error if a section at the top level of the file
    ///
    /// * has a known name with capital letters,
    /// * is a list of tables although it needs a name, like `[[styles]]` instead of
    ///   `[styles.NAME]`,
    /// * is `[server]`, whose keys belong to the top of the file.
    fn check_sections(&self, top: &DeTable<'_>) -> Result<(), ConfigError> {
        const FORMS: [(&str, &str); 7] = [
            ("limits", "[limits]"),
            ("cache", "[cache]"),
            ("posting", "[posting]"),
            ("points", "[points]"),
            ("sources", "[sources.NAME]"),
            ("styles", "[styles.NAME]"),
            ("layers", "[[layers]]"),
        ];
        for (key, value) in top {
            let name = key.get_ref().as_ref();
            let is_list = |value: &DeValue<'_>| match value {
                DeValue::Array(all) => all.iter().any(|value| value.get_ref().is_table()),
                _ => false,
            };
            let value = value.get_ref();
            let lower = name.to_ascii_lowercase();
            let form = FORMS.iter().find(|(known, _)| *known == lower);
            let message = match form {
                Some((known, form)) if name != *known && (value.is_table() || is_list(value)) => {
                    format!("unknown section `{name}`; did you mean {form}?")
                }
                Some((known @ ("sources" | "styles"), form)) if is_list(value) => {
                    format!("{known}: expected {form}, a section with a name, not [[{known}]]")
                }
                None if lower == "server" && value.is_table() => {
                    "there is no section [server]; its keys stand at the top of the file, before \
                     all sections"
                        .to_owned()
                }
                _ => continue,
            };
            return Err(ConfigError::new(Some(self.line(key.span().start)), message));
        }
        Ok(())
    }

    /// Reads the keys and values of a TOML table, in the order of the file. The keys in `but` are
    /// left out, since other functions read them.
    fn entries(&self, table: &DeTable<'_>, but: &[&str]) -> Result<ConfigSection, ConfigError> {
        let mut entries = Vec::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !but.contains(&name) {
                let at = key.span().start;
                entries.push((at, self.entry(name, at, value)?));
            }
        }
        entries.sort_by_key(|&(at, _)| at);
        Ok(ConfigSection(
            entries.into_iter().map(|(_, entry)| entry).collect(),
        ))
    }

    fn entry(
        &self,
        key: &str,
        at: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<ConfigEntry, ConfigError> {
        let mut entry = ConfigEntry {
            key: key.replace('-', "_"),
            values: Vec::new(),
            line: Some(self.line(at)),
            raw: None,
        };
        match value.get_ref() {
            DeValue::Table(_) => {}
            DeValue::Array(values) if values.iter().any(|value| value.get_ref().is_table()) => {
                let sections = ["[[layers]]", "[sources.NAME]", "[styles.NAME]"];
                let message = format!("expected one of {}", sections.join(", "));
                let likely = sections.iter().find(|section| {
                    let start = section.trim_start_matches('[');
                    start.starts_with(key.trim_end_matches('s'))
                });
                return Err(entry.error(likely.map_or(message, |section| {
                    format!("there is no such section; did you mean {section}?")
                })));
            }
            DeValue::Array(values) => {
                for value in values {
                    self.value(&mut entry, value)?;
                }
            }
            _ => self.value(&mut entry, value)?,
        }
        Ok(entry)
    }

    fn value(
        &self,
        entry: &mut ConfigEntry,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), ConfigError> {
        let text = match value.get_ref() {
            DeValue::String(raw) => {
                let filled = interpolate(raw, self.variable).map_err(|e| entry.error(e))?;
                if filled.has_variables {
                    entry.raw = Some(raw.clone().into_owned());
                }
                filled.text
            }
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            other => {
                let expected = "expected a text, a number, true or false, or a list of such, not";
                return Err(entry.error(format!("{expected} this {}", other.type_str())));
            }
        };
        let is_path = match entry.key.as_str() {
            // The value of `style` is either the path of a file or the text of a style.
            "style" => self.folder.join(&text).is_file(),
            "file" if is_remote(&text) => false,
            key => PATHS.contains(&key) && text != "-",
        };
        entry.values.push(if is_path {
            self.folder.join(text).to_string_lossy().into_owned()
        } else {
            text
        });
        Ok(())
    }

    /// Reads the table `key` at the top level of the file. Returns `None` if the file has none.
    fn section(&self, top: &DeTable<'_>, key: &str) -> Result<Option<ConfigSection>, ConfigError> {
        let Some(value) = top.get(key) else {
            return Ok(None);
        };
        let table = self.table(key, value)?;
        Ok(Some(self.entries(table, &[])?))
    }

    fn table<'t, 'i>(
        &self,
        key: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Result<&'t DeTable<'i>, ConfigError> {
        let wrong = || {
            let line = Some(self.line(value.span().start));
            ConfigError::new(line, format!("{key}: expected a table"))
        };
        value.get_ref().as_table().ok_or_else(wrong)
    }

    /// Reads the tables `[key.NAME]`, each with its NAME, in the order of the file.
    fn named_sections(
        &self,
        top: &DeTable<'_>,
        key: &str,
    ) -> Result<Vec<NamedSection>, ConfigError> {
        let Some(value) = top.get(key) else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for (name, value) in self.table(key, value)? {
            let at = name.span().start;
            let name = name.get_ref().clone().into_owned();
            let table = self.table(&format!("{key}.{name}"), value)?;
            // In a section of `[styles]`, the key `style` may be the path of a file. In a section
            // of `[sources]`, it is the name of a style.
            let but: &[&str] = if key == "sources" { &["style"] } else { &[] };
            let mut section = self.entries(table, but)?;
            if let Some((key, value)) = table.get_key_value("style").filter(|_| !but.is_empty()) {
                section.0.push(self.style_name(key.span().start, value)?);
            }
            all.push((at, NamedSection { name, section }));
        }
        all.sort_by_key(|&(at, _)| at);
        Ok(all.into_iter().map(|(_, named)| named).collect())
    }

    /// Reads the key `style` of a layer or a source. Its value is the name of a style, even if a
    /// file has the same name.
    fn style_name(
        &self,
        at: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<ConfigEntry, ConfigError> {
        let name = self.entry("", at, value)?;
        let key = "style".to_owned();
        Ok(ConfigEntry { key, ..name })
    }

    fn layers(&self, top: &DeTable<'_>) -> Result<Vec<LayerSection>, ConfigError> {
        let Some(value) = top.get("layers") else {
            return Ok(Vec::new());
        };
        let wrong = || {
            let line = Some(self.line(value.span().start));
            ConfigError::new(line, "layers: expected [[layers]], a list of tables")
        };
        let mut layers = Vec::new();
        for value in value.get_ref().as_array().ok_or_else(wrong)? {
            let table = self.table("layers", value)?;
            let style = match table.get_key_value("style") {
                None => StyleRef::Default,
                Some((key, value)) => match value.get_ref() {
                    DeValue::Table(style) => StyleRef::Inline(self.entries(style, &[])?),
                    _ => StyleRef::Named(self.style_name(key.span().start, value)?),
                },
            };
            layers.push(LayerSection {
                section: self.entries(table, &["style"])?,
                style,
                line: Some(self.line(value.span().start)),
            });
        }
        Ok(layers)
    }
}
