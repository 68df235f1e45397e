//! The checked configuration of `serve`: its layers, the sources from which they are read, and the
//! options of the server.
//!
//! ```text
//! flags ─ from_args ─┐
//!                    ├─▶ RawConfig (keys and values) ─▶ ServeConfig (checked)
//! file ── from_toml ─┘        └─▶ to_toml (--save-config)
//! ```

mod error;
pub(super) mod from_args;
mod from_toml;
mod interpolate;
mod points;
pub(super) mod raw;
mod secrets;
mod source;
mod to_toml;

pub(super) use error::ConfigError;
pub(super) use secrets::{KEY_VARIABLE, VARIABLE as PASSWORD_VARIABLE};
pub(super) use source::ConfigSource;
pub(super) use to_toml::{secret_address, to_toml};

use super::databases::{DatabaseConfig, PostingConfig};
use super::flags::{CacheFlags, LayerFlags, LimitFlags, ReadMode, ServerFlags, TopLevelFlags};
use crate::cli::backend::{self, BackendFlags};
use crate::cli::error::{BoxError, with_causes};
use crate::cli::layer_style::LayerStyle;
use crate::cli::packed;
use crate::cli::source_flags::SourceFlags;
use crate::cli::style_flags::StyleFlags;
use from_toml::SECTIONS;
use heatsplat::Backend;
use heatsplat::import::ColumnNames;
use heatsplat_loader::is_remote;
use heatsplat_server::{BearerToken, PageCounts, ServerConfig};
use points::PointsConfig;
use raw::{ConfigEntry, ConfigSection, LayerSection, NamedSection, RawConfig, StyleRef};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The configuration of `serve`, after all its keys and values were checked.
pub(super) struct ServeConfig {
    pub(super) server: ServerFlags,
    pub(super) backend: BackendFlags,
    limits: LimitFlags,
    cache: CacheFlags,
    pub(super) posting: Option<PostingConfig>,
    pub(super) points: PointsConfig,
    pub(super) databases: Vec<Arc<DatabaseConfig>>,
    pub(super) layers: Vec<LayerConfig>,
    /// The style of derived layers: `[styles.default]` if the configuration has this section,
    /// otherwise the program's default style.
    pub(super) default_style: LayerStyle,
    /// The sections that are used only when the server starts. If they change while it runs, the
    /// change has no effect until the next start.
    pub(super) fixed: Vec<ConfigSection>,
}

/// A layer of the configuration. If its source is a folder, it stands for several layers: one for
/// each file in the folder.
#[derive(Clone)]
pub(super) struct LayerConfig {
    pub(super) name: Option<String>,
    /// The path of a file or folder, a remote address, the URL of a database, or `-` for standard
    /// input. If the rows come from a command, it is the name that messages have for the command.
    pub(super) source: String,
    pub(super) database: Option<Arc<DatabaseConfig>>,
    pub(super) read: SourceFlags,
    pub(super) live: bool,
    /// `true` if the layer has no section in the configuration: it is a table that its database
    /// publishes automatically.
    pub(super) is_published: bool,
    /// The reload period: the time after which the layer is read again. `None` if it has no reload
    /// period.
    pub(super) reload: Option<Duration>,
    pub(super) style: LayerStyle,
    /// The secret keys of the layer: a request must send one of them. If there are none, any
    /// request may have the layer.
    pub(super) keys: Vec<BearerToken>,
    /// A text that differs if anything differs in the configuration from which the layer's points
    /// and style follow. If it changes, the layer must be read again.
    pub(super) key: String,
    /// The number of the layer's line in the configuration file, from 1 on; `None` for a layer
    /// without a line there.
    pub(super) line: Option<usize>,
}

/// A section `[styles.NAME]`, parsed once even if many layers use the style.
#[derive(Clone, Default)]
struct StyleConfig {
    name: String,
    style: LayerStyle,
    /// The names of columns that the style states, if it was converted from the configuration of
    /// another heat map.
    columns: ColumnNames,
    key: String,
}

impl ServeConfig {
    /// Checks a raw configuration and parses its values.
    pub(super) fn new(raw: &RawConfig) -> Result<Self, ConfigError> {
        let TopLevelFlags { server, backend } = raw.server.parse(&SECTIONS)?;
        if server.tls_cert.is_some() != server.tls_key.is_some() {
            let entry = raw.server.get("tls_cert").or(raw.server.get("tls_key"));
            let message = "tls_cert and tls_key need each other";
            return Err(ConfigError::new(
                entry.and_then(|entry| entry.line),
                message,
            ));
        }
        let (limits, cache) = (raw.limits.parse(&[])?, raw.cache.parse(&[])?);
        let styles = raw.styles.iter().map(StyleConfig::named);
        let styles: Vec<_> = styles.collect::<Result<_, _>>()?;
        let database = |source: &NamedSection| {
            secrets::check_url(&source.section)?;
            let style = match source.section.get("style") {
                Some(name) => StyleConfig::find(&styles, name)?.clone(),
                None => StyleConfig::default(),
            };
            DatabaseConfig::new(source, (style.style, &style.key)).map(Arc::new)
        };
        let databases: Vec<_> = raw.sources.iter().map(database).collect::<Result<_, _>>()?;
        let layer = |layer| LayerConfig::new(layer, &styles, &databases, server.reload);
        let layers: Vec<_> = raw.layers.iter().map(layer).collect::<Result<_, _>>()?;
        let published =
            |layer: &&LayerConfig| layer.database.as_ref().is_some_and(|d| d.publishes());
        let mut guarded = layers.iter().filter(|layer| !layer.keys.is_empty());
        if let Some(layer) = guarded.find(published) {
            let message = "key: auto_publish serves the tables of this database without a key; leave \
                           it out, or give the layer a source of its own";
            return Err(ConfigError::new(layer.line, message));
        }
        let posting = raw.posting.as_ref();
        let posting = posting.map(|section| PostingConfig::new(section, &databases));
        let posting = posting.transpose()?;
        let points = PointsConfig::new(&raw.points)?;
        let posts = posting.is_some() || points.is_on();
        if layers.is_empty() && !posts && !databases.iter().any(|d| d.publishes()) {
            let message = "there is nothing to serve; say which with [[layers]] and file = …";
            return Err(ConfigError::new(None, message));
        }
        if let Some(second) = layers.iter().filter(|layer| layer.source == "-").nth(1) {
            let name = second.name.as_deref().unwrap_or("-");
            let message = format!("{name}: standard input can be one source only");
            return Err(ConfigError::new(None, message));
        }
        let default = styles.into_iter().find(|style| style.name == "default");
        Ok(Self {
            backend,
            limits,
            cache,
            posting,
            points,
            databases,
            layers,
            default_style: default.unwrap_or_default().style,
            fixed: vec![
                raw.server.without(&["watch", "reload"]),
                raw.limits.clone(),
                raw.cache.clone(),
                raw.posting.clone().unwrap_or_default(),
                raw.points.clone(),
            ],
            server,
        })
    }

    /// The limit of the cache of pages of packed files, in bytes; `None` for the default.
    pub(super) fn page_cache(&self) -> Option<u64> {
        self.cache.page_cache
    }

    /// The largest number of points that a filter of a packed file may select; `None` for the
    /// default.
    pub(super) fn filter_limit(&self) -> Option<usize> {
        self.cache.filter_limit
    }

    /// Makes the configuration of the HTTP server, except its settings for posted layers.
    pub(super) fn options(&self, backend: &dyn Backend) -> ServerConfig {
        let defaults = ServerConfig::default();
        let LimitFlags {
            renders,
            waiting,
            draw_deadline,
            connections,
            drain_wait,
            grace,
            write_timeout,
            answer_bytes,
        } = self.limits;
        let cache = self.cache.clone();
        let default_renders = backend::default_renders(backend).unwrap_or(defaults.renders);
        ServerConfig {
            listen: self.server.listen.clone(),
            public_url: self.server.public_url.clone(),
            admin_listen: self.server.admin_listen.clone(),
            tls: self.server.tls_files(),
            allowed_hosts: self.server.allow_host.clone(),
            cors_origins: self.server.cors_origin.clone(),
            trusted_proxies: self.server.trusted_proxy.clone(),
            access_log: self.server.access_log,
            attribution: self.server.attribution.clone(),
            basemap: self.server.basemap(),
            cache: cache.cache_size.unwrap_or(defaults.cache),
            cache_control: cache.cache_control.unwrap_or(defaults.cache_control),
            live_cache_control: cache
                .live_cache_control
                .unwrap_or(defaults.live_cache_control),
            renders: renders.map_or(default_renders, usize::from),
            waiting: waiting.map_or(defaults.waiting, |number| number as usize),
            deadline: draw_deadline.unwrap_or(defaults.deadline),
            connections: connections.map_or(defaults.connections, |number| number as usize),
            drain_wait: drain_wait.or(defaults.drain_wait),
            grace: grace.unwrap_or(defaults.grace),
            write_timeout: write_timeout.unwrap_or(defaults.write_timeout),
            answer_bytes: answer_bytes.unwrap_or(defaults.answer_bytes),
            page_counts: Some(page_counts),
            ..defaults
        }
    }
}

/// The counters of the cache of pages of packed files, for `/metrics`.
fn page_counts() -> PageCounts {
    let counters = packed::page_counters();
    PageCounts {
        pages_read: counters.pages_read,
        page_bytes: counters.page_bytes,
        page_reads: counters.page_reads,
        page_read_failures: counters.page_read_failures,
        page_hits: counters.page_hits,
        crc_failures: counters.crc_failures,
        cached_bytes: counters.cached_bytes,
    }
}

impl StyleConfig {
    fn new(section: &ConfigSection) -> Result<Self, ConfigError> {
        let flags: StyleFlags = section.parse(&[])?;
        let (style, columns) = flags.style_and_columns().map_err(|error| {
            // Each value has already been checked by itself. So the error is about the file that
            // the key `style` names, or about values that can't be combined.
            match section.get("style").or(section.0.first()) {
                Some(entry) => entry.error(error),
                None => ConfigError::new(None, error.to_string()),
            }
        })?;
        Ok(Self {
            name: String::new(),
            style,
            columns,
            key: section.key(&[]),
        })
    }

    fn named(named: &NamedSection) -> Result<Self, ConfigError> {
        let name = named.name.clone();
        Ok(Self {
            name,
            ..Self::new(&named.section)?
        })
    }

    fn find<'a>(styles: &'a [Self], entry: &ConfigEntry) -> Result<&'a Self, ConfigError> {
        find("style", styles, |style| &style.name, entry)
    }
}

/// Finds the item whose name is the value of `entry`. `what` is the word for such items in the
/// error about an unknown name.
fn find<'a, T>(
    what: &str,
    all: &'a [T],
    name: impl Fn(&T) -> &str,
    entry: &ConfigEntry,
) -> Result<&'a T, ConfigError> {
    let [wanted] = entry.values.as_slice() else {
        return Err(entry.error("expected one name"));
    };
    all.iter().find(|item| name(item) == wanted).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(&name).collect();
        let error = ConfigError::unknown(entry.line, what, &entry.shown(), &names);
        match what {
            "source" => error.with_hint("; the path of a file belongs to the key `file`"),
            _ => error,
        }
    })
}

impl LayerConfig {
    fn new(
        layer: &LayerSection,
        styles: &[StyleConfig],
        databases: &[Arc<DatabaseConfig>],
        reload: Option<Duration>,
    ) -> Result<Self, ConfigError> {
        let section = &layer.section;
        let flags: LayerFlags = section.parse(&["style"])?;
        let wrong = |message: &str| Err(ConfigError::new(layer.line, message));
        let style = match &layer.style {
            StyleRef::Default => StyleConfig::default(),
            StyleRef::Inline(section) => StyleConfig::new(section)?,
            StyleRef::Named(entry) => StyleConfig::find(styles, entry)?.clone(),
        };
        let mut key = section.key(&["reload", "key"]) + &style.key;
        let live = flags.mode == Some(ReadMode::Live);
        let mut read = flags.read;
        if flags.command.is_some() && (flags.file.is_some() || section.get("source").is_some()) {
            return wrong("command can't go together with file or source");
        }
        let (source, database) = match (flags.file, section.get("source")) {
            (None, None) if flags.command.is_some() => {
                read.command = flags.command;
                ("a command".to_owned(), None)
            }
            (Some(file), None) => (file, None),
            (None, Some(entry)) if entry.values.iter().any(|value| is_remote(value)) => {
                (entry.values.concat(), None)
            }
            (None, Some(entry)) => {
                let database = find("source", databases, |database| database.name(), entry)?;
                if let Some(message) = database.refuses(&read) {
                    return wrong(message);
                }
                key.push_str(database.key());
                (database.url().to_owned(), Some(Arc::clone(database)))
            }
            (Some(_), Some(_)) => return wrong("file and source can't go together"),
            (None, None) => return wrong("a layer needs file = …, source = … or command = …"),
        };
        if live && database.is_none() {
            return wrong("mode: only layers of a database can be live");
        }
        if flags.name.is_some() && read.command.is_none() && Path::new(&source).is_dir() {
            return wrong("name: the layers of a folder are called like its files");
        }
        let keys = flags.access.key.iter().map(|key| BearerToken::new(key));
        let keys: Option<Vec<_>> = keys.collect();
        let Some(keys) = keys else {
            let line = section.get("key").and_then(|entry| entry.line);
            // The message doesn't repeat the key.
            let message = "key: a key must have 16 characters at least";
            return Err(ConfigError::new(line.or(layer.line), message));
        };
        read.suggest(&style.columns);
        let file = section.get("file").or(section.get("source"));
        Ok(Self {
            name: flags.name,
            line: file.and_then(|entry| entry.line).or(layer.line),
            source,
            database,
            read,
            live,
            is_published: false,
            reload: flags.reload.or(reload),
            style: style.style,
            keys,
            key,
        })
    }

    /// Adds the layer's line in the configuration file, if it has one, to an error about the layer.
    pub(super) fn name_line(&self, error: impl Into<BoxError>) -> BoxError {
        let error = error.into();
        match self.line {
            Some(_) => ConfigError::new(self.line, with_causes(&*error)).into(),
            None => error,
        }
    }

    /// Tests whether the layer's rows come from a database or a command. The source of such a layer
    /// is no file.
    pub(super) fn is_without_file(&self) -> bool {
        self.database.is_some() || self.read.command.is_some()
    }
}
