//! What is to be served, in words: the same whether a command line or a file has said it.

use super::interpolate::fill;
use super::raw::{Mistake, Word, Words, unknown};
use heatsplat_loader::is_remote;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys that name files; those of a file are beside it, unless they say where they are.
const PATHS: [&str; 2] = ["file", "token_file"];

/// Tables at the top.
pub(in crate::cli::serve) const SECTIONS: [&str; 6] =
    ["limits", "cache", "posting", "sources", "styles", "layers"];

/// A set-up in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::cli::serve) struct Document {
    /// What stands at the top.
    pub(in crate::cli::serve) server: Words,
    pub(in crate::cli::serve) limits: Words,
    pub(in crate::cli::serve) cache: Words,
    pub(in crate::cli::serve) posting: Option<Words>,
    /// Databases, by their names.
    pub(in crate::cli::serve) sources: Vec<Named>,
    pub(in crate::cli::serve) styles: Vec<Named>,
    pub(in crate::cli::serve) layers: Vec<LayerWords>,
}

/// A section with a name of its own.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli::serve) struct Named {
    pub(in crate::cli::serve) name: String,
    pub(in crate::cli::serve) words: Words,
}

/// A layer, or those of a folder.
#[derive(Clone, Debug, Default)]
pub(in crate::cli::serve) struct LayerWords {
    pub(in crate::cli::serve) words: Words,
    pub(in crate::cli::serve) style: StyleWords,
    pub(in crate::cli::serve) line: Option<usize>,
}

/// Two are the same if they say the same, wherever they stand.
impl PartialEq for LayerWords {
    fn eq(&self, other: &Self) -> bool {
        (&self.words, &self.style) == (&other.words, &other.style)
    }
}

/// How a layer looks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::cli::serve) enum StyleWords {
    /// As everything does of which nothing is said.
    #[default]
    Plain,
    /// As a style that has a name.
    Named(Word),
    /// As it says itself.
    Here(Words),
}

impl Document {
    /// Reads the text of a file that stands in a folder. `of` gives the environment's variables.
    pub(in crate::cli::serve) fn parse(
        text: &str,
        folder: &Path,
        of: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Mistake> {
        let reader = Reader { text, folder, of };
        let table = DeTable::parse(text).map_err(|e| {
            let line = e.span().map(|span| reader.line(span.start));
            Mistake::new(line, e.message().trim().replace('\n', ", "))
        })?;
        let top = table.get_ref();
        let named = |key| reader.named(top, key);
        let section = |key| reader.section(top, key);
        Ok(Self {
            server: reader.words(top, &SECTIONS)?,
            limits: section("limits")?.unwrap_or_default(),
            cache: section("cache")?.unwrap_or_default(),
            posting: section("posting")?,
            sources: named("sources")?,
            styles: named("styles")?,
            layers: reader.layers(top)?,
        })
    }
}

struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
    of: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        1 + before.filter(|&&byte| byte == b'\n').count()
    }

    /// The words of a table, but for keys that are read otherwise; as they stand in the file.
    fn words(&self, table: &DeTable<'_>, but: &[&str]) -> Result<Words, Mistake> {
        let mut words = Vec::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !but.contains(&name) {
                words.push((key.span().start, self.word(name, key.span().start, value)?));
            }
        }
        words.sort_by_key(|&(at, _)| at);
        Ok(Words(words.into_iter().map(|(_, word)| word).collect()))
    }

    fn word(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> Result<Word, Mistake> {
        let mut word = Word {
            key: key.replace('-', "_"),
            values: Vec::new(),
            line: Some(self.line(at)),
            raw: None,
        };
        match value.get_ref() {
            DeValue::Table(_) => {}
            DeValue::Array(values) => {
                for value in values {
                    self.value(&mut word, value)?;
                }
            }
            _ => self.value(&mut word, value)?,
        }
        Ok(word)
    }

    fn value(&self, word: &mut Word, value: &Spanned<DeValue<'_>>) -> Result<(), Mistake> {
        let text = match value.get_ref() {
            DeValue::String(raw) => {
                let filled = fill(raw, self.of).map_err(|e| word.mistake(e))?;
                if filled.any {
                    word.raw = Some(raw.clone().into_owned());
                }
                filled.text
            }
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            other => {
                let expected = "expected a text, a number, true or false, or a list of such, not";
                return Err(word.mistake(format!("{expected} this {}", other.type_str())));
            }
        };
        let beside = match word.key.as_str() {
            // A file or a text.
            "style" => self.folder.join(&text).is_file(),
            "file" if is_remote(&text) => false,
            key => PATHS.contains(&key) && text != "-",
        };
        word.values.push(if beside {
            self.folder.join(text).to_string_lossy().into_owned()
        } else {
            text
        });
        Ok(())
    }

    /// A table of words.
    fn section(&self, top: &DeTable<'_>, key: &str) -> Result<Option<Words>, Mistake> {
        let Some(value) = top.get(key) else {
            return Ok(None);
        };
        let table = self.table(key, value)?;
        Ok(Some(self.words(table, &[])?))
    }

    fn table<'t, 'i>(
        &self,
        key: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Result<&'t DeTable<'i>, Mistake> {
        let wrong = || {
            let line = Some(self.line(value.span().start));
            Mistake::new(line, format!("{key}: expected a table"))
        };
        value.get_ref().as_table().ok_or_else(wrong)
    }

    /// A table of tables that have names.
    fn named(&self, top: &DeTable<'_>, key: &str) -> Result<Vec<Named>, Mistake> {
        let Some(value) = top.get(key) else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for (name, value) in self.table(key, value)? {
            let at = name.span().start;
            let name = name.get_ref().clone().into_owned();
            let table = self.table(&format!("{key}.{name}"), value)?;
            // a style's style may be a file, a source's is a name
            let but: &[&str] = if key == "sources" { &["style"] } else { &[] };
            let mut words = self.words(table, but)?;
            if let Some((key, value)) = table.get_key_value("style").filter(|_| !but.is_empty()) {
                words.0.push(self.style_name(key.span().start, value)?);
            }
            all.push((at, Named { name, words }));
        }
        all.sort_by_key(|&(at, _)| at);
        Ok(all.into_iter().map(|(_, named)| named).collect())
    }

    /// The name of a style, never a file.
    fn style_name(&self, at: usize, value: &Spanned<DeValue<'_>>) -> Result<Word, Mistake> {
        let name = self.word("", at, value)?;
        let key = "style".to_owned();
        Ok(Word { key, ..name })
    }

    fn layers(&self, top: &DeTable<'_>) -> Result<Vec<LayerWords>, Mistake> {
        let Some(value) = top.get("layers") else {
            return Ok(Vec::new());
        };
        let wrong = || {
            let line = Some(self.line(value.span().start));
            Mistake::new(line, "layers: expected [[layers]], a list of tables")
        };
        let mut layers = Vec::new();
        for value in value.get_ref().as_array().ok_or_else(wrong)? {
            let table = self.table("layers", value)?;
            let style = match table.get_key_value("style") {
                None => StyleWords::Plain,
                Some((key, value)) => match value.get_ref() {
                    DeValue::Table(style) => StyleWords::Here(self.words(style, &[])?),
                    _ => StyleWords::Named(self.style_name(key.span().start, value)?),
                },
            };
            layers.push(LayerWords {
                words: self.words(table, &["style"])?,
                style,
                line: Some(self.line(value.span().start)),
            });
        }
        Ok(layers)
    }
}

/// The section of a name that a word says.
pub(in crate::cli::serve) fn named<'a>(
    what: &str,
    all: &'a [Named],
    word: &Word,
) -> Result<&'a Named, Mistake> {
    let [wanted] = word.values.as_slice() else {
        return Err(word.mistake("expected one name"));
    };
    all.iter()
        .find(|named| named.name == *wanted)
        .ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|named| named.name.as_str()).collect();
            let word = Word {
                key: word.shown(),
                ..word.clone()
            };
            unknown(what, &word, &names)
        })
}
