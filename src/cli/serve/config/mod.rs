//! What is to be served, checked.

pub(in crate::cli::serve) mod from_args;
pub(in crate::cli::serve) mod from_toml;
mod interpolate;
pub(in crate::cli::serve) mod raw;
pub(in crate::cli::serve) mod secrets;
pub(in crate::cli::serve) mod source;
pub(in crate::cli::serve) mod to_toml;

use crate::cli::backend::{self, BackendFlags};
use crate::cli::serve::databases::{self, DatabaseSetup};
use crate::cli::serve::flags::{CacheFlags, LayerFlags, LimitFlags, Mode, ServerFlags, TopFlags};
use crate::cli::source_flags::SourceFlags;
use crate::cli::style_flags::StyleFlags;
use crate::cli::{Failure, with_causes};
use from_toml::{Document, LayerWords, Named, SECTIONS, StyleWords, named};
use heatsplat::import::Columns;
use heatsplat::{Backend, Style};
use heatsplat_loader::is_remote;
use heatsplat_server::Options;
use raw::{Mistake, Words};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A set-up that can be.
pub(in crate::cli::serve) struct Setup {
    pub(in crate::cli::serve) server: ServerFlags,
    pub(in crate::cli::serve) backend: BackendFlags,
    limits: LimitFlags,
    cache: CacheFlags,
    pub(in crate::cli::serve) posting: Option<Words>,
    pub(in crate::cli::serve) databases: Vec<Arc<DatabaseSetup>>,
    pub(in crate::cli::serve) layers: Vec<LayerSetup>,
    /// How layers look that are made of others: as the style `default` does, if there is one.
    pub(in crate::cli::serve) look: Style,
    /// What is fixed when the server starts, in words.
    pub(in crate::cli::serve) fixed: Vec<Words>,
}

/// A layer that is to be, or all those of a folder.
#[derive(Clone)]
pub(in crate::cli::serve) struct LayerSetup {
    pub(in crate::cli::serve) name: Option<String>,
    /// A file, a folder, `-` or a database's address.
    pub(in crate::cli::serve) source: String,
    pub(in crate::cli::serve) database: Option<Arc<DatabaseSetup>>,
    pub(in crate::cli::serve) read: SourceFlags,
    pub(in crate::cli::serve) live: bool,
    /// Whether it is a layer because its table is there.
    pub(in crate::cli::serve) is_published: bool,
    /// After how long it is read again.
    pub(in crate::cli::serve) reload: Option<Duration>,
    pub(in crate::cli::serve) style: Style,
    /// All that the layer depends on, in words: as long as they are the same, it is.
    pub(in crate::cli::serve) key: String,
    /// Where it stands in a file.
    pub(in crate::cli::serve) line: Option<usize>,
}

impl Setup {
    /// Checks a document.
    pub(in crate::cli::serve) fn of(document: &Document) -> Result<Self, Mistake> {
        let TopFlags { server, backend } = document.server.typed(&SECTIONS)?;
        let (limits, cache) = (document.limits.typed(&[])?, document.cache.typed(&[])?);
        let databases: Vec<_> = document
            .sources
            .iter()
            .map(|source| {
                let looks = match source.words.get("style") {
                    Some(word) => named("style", &document.styles, word)?.words.clone(),
                    None => Words::default(),
                };
                let (style, _) = look(&looks)?;
                Ok(Arc::new(DatabaseSetup::of(source, style, &looks)?))
            })
            .collect::<Result<_, Mistake>>()?;
        let mut own = Style::default();
        for style in &document.styles {
            let (look, _) = look(&style.words)?;
            if style.name == "default" {
                own = look;
            }
        }
        let mut layers = Vec::new();
        for layer in &document.layers {
            layers.push(LayerSetup::of(layer, document, &databases, server.reload)?);
        }
        if let Some(posting) = &document.posting {
            databases::check_posting(posting, &databases)?;
        }
        if layers.is_empty() && document.posting.is_none() && !publishes(&databases) {
            let message = "there is nothing to serve; say which with [[layers]] and file = …";
            return Err(Mistake::new(None, message));
        }
        if let Some(second) = layers.iter().filter(|layer| layer.source == "-").nth(1) {
            let name = second.name.as_deref().unwrap_or("-");
            let message = format!("{name}: standard input can be one source only");
            return Err(Mistake::new(None, message));
        }
        Ok(Self {
            backend,
            limits,
            cache,
            posting: document.posting.clone(),
            databases,
            layers,
            look: own,
            fixed: vec![
                document.server.without(&["watch", "reload"]),
                document.limits.clone(),
                document.cache.clone(),
                document.posting.clone().unwrap_or_default(),
            ],
            server,
        })
    }

    /// The server's options, but for who may post.
    pub(in crate::cli::serve) fn options(&self, backend: &dyn Backend) -> Options {
        let defaults = Options::default();
        let LimitFlags {
            renders,
            waiting,
            connections,
        } = self.limits;
        let cache = self.cache.clone();
        let own = backend::renders(backend).unwrap_or(defaults.renders);
        Options {
            listen: self.server.listen.clone(),
            public_url: self.server.public_url.clone(),
            attribution: self.server.attribution.clone(),
            cache: cache.cache_size.unwrap_or(defaults.cache),
            cache_control: cache.cache_control.unwrap_or(defaults.cache_control),
            live_cache_control: cache
                .live_cache_control
                .unwrap_or(defaults.live_cache_control),
            renders: renders.map_or(own, usize::from),
            waiting: waiting.map_or(defaults.waiting, |number| number as usize),
            connections: connections.map_or(defaults.connections, |number| number as usize),
            ..defaults
        }
    }
}

fn publishes(databases: &[Arc<DatabaseSetup>]) -> bool {
    databases.iter().any(|database| database.publishes())
}

/// A style of its words, and the columns that it speaks of.
fn look(words: &Words) -> Result<(Style, Columns), Mistake> {
    let flags: StyleFlags = words.typed(&[])?;
    flags.style_and_columns().map_err(|error| {
        // what can't be alone was said before: it is the file, or what changes it
        match words.get("style").or(words.0.first()) {
            Some(word) => word.mistake(error),
            None => Mistake::new(None, error.to_string()),
        }
    })
}

impl LayerSetup {
    fn of(
        layer: &LayerWords,
        document: &Document,
        databases: &[Arc<DatabaseSetup>],
        reload: Option<Duration>,
    ) -> Result<Self, Mistake> {
        let flags: LayerFlags = layer.words.typed(&["style"])?;
        let wrong = |message: &str| Err(Mistake::new(layer.line, message));
        let looks = match &layer.style {
            StyleWords::Plain => Words::default(),
            StyleWords::Here(words) => words.clone(),
            StyleWords::Named(word) => named("style", &document.styles, word)?.words.clone(),
        };
        let mut key = said(&[&layer.words.without(&["reload"]), &looks]);
        let live = flags.mode == Some(Mode::Live);
        let (source, database) = match (flags.file, layer.words.get("source")) {
            (Some(file), None) => (file, None),
            (None, Some(word)) if word.values.iter().any(|value| is_remote(value)) => {
                (word.values.concat(), None)
            }
            (None, Some(word)) => {
                let wanted: &Named = named("source", &document.sources, word)?;
                let found = databases.iter().find(|d| d.name() == wanted.name);
                let Some(database) = found else {
                    return wrong("the layer's source is gone");
                };
                if let Some(message) = database.refuses(&flags.read) {
                    return wrong(message);
                }
                key.push_str(database.key());
                (database.url().to_owned(), Some(Arc::clone(database)))
            }
            (Some(_), Some(_)) => return wrong("file and source can't go together"),
            (None, None) => return wrong("a layer needs file = … or source = …"),
        };
        if live && database.is_none() {
            return wrong("mode: only layers of a database can be live");
        }
        if flags.name.is_some() && Path::new(&source).is_dir() {
            return wrong("name: the layers of a folder are called like its files");
        }
        let (style, columns) = look(&looks)?;
        let mut read = flags.read;
        read.suggest(&columns);
        let file = layer.words.get("file").or(layer.words.get("source"));
        Ok(Self {
            name: flags.name,
            line: file.and_then(|word| word.line).or(layer.line),
            source,
            database,
            read,
            live,
            is_published: false,
            reload: flags.reload.or(reload),
            style,
            key,
        })
    }

    /// What is wrong with it, and where in the file it stands.
    pub(in crate::cli::serve) fn failed(&self, error: impl Into<Failure>) -> Failure {
        let error = error.into();
        match self.line {
            Some(_) => Mistake::new(self.line, with_causes(&*error)).into(),
            None => error,
        }
    }

    /// Whether its rows are in a database, where nobody sees whether they have changed.
    pub(in crate::cli::serve) fn is_of_database(&self) -> bool {
        self.database.is_some()
    }
}

/// Words as a text that is the same if they are.
pub(in crate::cli::serve) fn said(all: &[&Words]) -> String {
    let mut text = String::new();
    for words in all {
        let mut words: Vec<_> = words.0.iter().collect();
        words.sort_by(|a, b| a.key.cmp(&b.key));
        for word in words {
            let _ = writeln!(text, "{} = {:?}", word.key, word.values);
        }
        text.push_str("--\n");
    }
    text
}
