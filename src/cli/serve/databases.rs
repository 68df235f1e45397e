//! The databases of the configuration, and the layers that are read from them. In a program that is
//! built without PostGIS, the module `databases_disabled.rs` takes the place of this one.

use super::config::ConfigError;
use super::config::raw::{ConfigSection, NamedSection};
use super::regular_file;
use crate::cli::error::{BoxError, with_flags};
use crate::cli::layer_style::LayerStyle;
use crate::cli::logging::say;
use crate::cli::postgis::live::{self, LiveRows};
use crate::cli::postgis::queries::DatabaseQueries;
use crate::cli::postgis::{PoolFlags, PostFlags, RoleFlags, ServeDatabaseFlags};
use crate::cli::source_flags::SourceFlags;
use clap::Args;
use heatsplat::{Backend, Style};
use heatsplat_loader::ShapeRules;
use heatsplat_loader::postgis::{
    self, Address, Change, Database, DatabaseLimits, LayerQuery, Relation, SnapshotLimits,
};
use heatsplat_server::{BearerToken, LiveLayer, Posting};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The largest number of posted layers that one server may have: a choice.
const MAX_POSTED: usize = 1000;

/// The connections to one database. All live layers of the database share them.
pub(super) type Pool = Database;

/// The keys of a section `[sources.NAME]`. The key `style` is parsed here but not used:
/// `ServeConfig::new` looks up the style that it names.
#[derive(Args)]
struct SourceKeys {
    #[arg(long)]
    url: Option<String>,
    #[arg(long)]
    style: Option<String>,
    #[command(flatten)]
    pool: PoolFlags,
    #[command(flatten)]
    role: RoleFlags,
}

/// The keys of the section `[posting]`.
#[derive(Args)]
struct PostingKeys {
    #[arg(long)]
    source: Option<String>,
    #[command(flatten)]
    post: PostFlags,
}

/// A database that the configuration names: a section of `[sources]`.
pub(super) struct DatabaseConfig {
    name: String,
    url: String,
    address: Address,
    pool: PoolFlags,
    allow_superuser: bool,
    /// The style of layers that the configuration doesn't name: of tables that the database
    /// publishes automatically.
    style: LayerStyle,
    /// A text that differs if the section or its style differs: if it changes, the database's
    /// layers are read again.
    key: String,
}

impl DatabaseConfig {
    /// Checks `named`, a section of `[sources]`. Tables that the database publishes get the style
    /// `style`. `style_key` is a text that changes with this style.
    pub(super) fn new(
        named: &NamedSection,
        (style, style_key): (LayerStyle, &str),
    ) -> Result<Self, ConfigError> {
        let NamedSection { name, section } = named;
        let SourceKeys {
            url, pool, role, ..
        } = section.parse(&[])?;
        let (Some(url), Some(entry)) = (url, section.get("url")) else {
            let message = format!("sources.{name}: needs url = \"${{DATABASE_URL}}\" or its like");
            return Err(ConfigError::new(section.line(), message));
        };
        let wrong = |message: String| Err(ConfigError::new(entry.line, message));
        if !postgis::is_address(&url) {
            return wrong("url: expected postgres://user@host:5432/database".to_owned());
        }
        // The message of this error doesn't repeat the address, which may contain a password.
        let address = match Address::parse(&url) {
            Ok(address) => address,
            Err(error) => return wrong(format!("url: {error}")),
        };
        Ok(Self {
            name: name.clone(),
            address,
            pool,
            allow_superuser: role.allow_superuser,
            style,
            key: section.key(&[]) + style_key,
            url,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn style(&self) -> &LayerStyle {
        &self.style
    }

    pub(super) fn publishes(&self) -> bool {
        self.pool.auto_publish
    }

    /// Returns a message if `read` has a flag that layers from a database don't support; otherwise
    /// `None`.
    pub(super) fn refuses(&self, read: &SourceFlags) -> Option<&'static str> {
        match read.layer_queries().len() {
            1 => read.only_for_files(),
            0 => Some("a layer of a database needs table = … or sql = …"),
            _ => Some("a layer of a database has one table"),
        }
    }

    fn limits(&self) -> DatabaseLimits {
        DatabaseLimits {
            connections: usize::from(self.pool.pool_size),
            deadline: self.pool.deadline,
            ..DatabaseLimits::default()
        }
    }

    fn allows_superuser(&self, read: &SourceFlags) -> bool {
        self.allow_superuser || read.database.role.allow_superuser
    }

    /// Makes the pool of connections for the database's live layers. A connection is opened only
    /// when it is needed.
    pub(super) fn pool(&self) -> Result<Arc<Pool>, BoxError> {
        Ok(Arc::new(Database::new(
            self.address.clone(),
            self.limits(),
        )?))
    }

    /// The name of a layer that has no name in the configuration: the name of its table.
    pub(super) fn layer_name(&self, read: &SourceFlags) -> String {
        read.table_name()
    }

    /// Returns the flags for a layer whose rows are all read at once: `read`, and permission for a
    /// superuser's role if the section of the database or `read` gives it.
    pub(super) fn snapshot_flags(&self, read: &SourceFlags) -> SourceFlags {
        let allow_superuser = self.allows_superuser(read);
        let mut read = read.clone();
        read.database.role.allow_superuser = allow_superuser;
        read
    }

    /// Looks up the tables of points in the database, which it publishes as layers. Returns each
    /// layer's name and the flags to read it. `None` if the database doesn't answer at present.
    pub(super) fn published(&self) -> Result<Option<Vec<(String, SourceFlags)>>, BoxError> {
        match postgis::point_tables(&self.address) {
            Ok(tables) => {
                let layer =
                    |table: postgis::PointTable| (table.name, SourceFlags::from_query(table.query));
                Ok(Some(tables.into_iter().map(layer).collect()))
            }
            Err(error) if error.is_away() => {
                say!("heatsplat: nothing is published for now: {error}");
                Ok(None)
            }
            Err(error) => Err(Box::new(error)),
        }
    }

    /// Looks up the table or query of a layer to check it. Returns `false` if the database doesn't
    /// answer at present.
    ///
    /// # Errors
    /// An error if the database answers but can't give the layer.
    pub(super) fn check_layer(&self, name: &str, read: &SourceFlags) -> Result<bool, BoxError> {
        let allow = self.allows_superuser(read);
        let look_up = |query| live::look_up(&self.address, self.limits(), query, allow);
        match read.layer_queries().first().map(look_up) {
            None | Some(Ok(_)) => Ok(true),
            Some(Err(error)) if error.is_passing() => {
                say!("heatsplat: {name} was not looked at: {error}");
                Ok(false)
            }
            Some(Err(error)) => Err(Box::new(error)),
        }
    }

    /// Makes a live layer. Unless `known` is true, its table or query is first looked up in the
    /// database to check it; if the database doesn't answer, the layer is made without that check.
    pub(super) fn live(
        &self,
        name: &str,
        read: &SourceFlags,
        pool: &Arc<Pool>,
        (style, backend): (&Style, &Arc<dyn Backend>),
        known: bool,
    ) -> Result<LiveLayer, BoxError> {
        let allow = self.allows_superuser(read);
        if let Some(message) = read.only_for_snapshots() {
            return Err(message.into());
        }
        let Some(query) = read.layer_queries().into_iter().next() else {
            return Err("a layer of a database needs a table or a query".into());
        };
        let mut bounds = None;
        // A published table needs no check: its database has just listed it as readable.
        if !known {
            match live::look_up(&self.address, self.limits(), &query, allow) {
                Ok(live) => {
                    say!("{name}: live, {}", with_flags(live.why()));
                    bounds = live.bounds();
                }
                Err(error) if error.is_away() => {
                    say!("{name}: for now {error}");
                    pool.mark_away();
                }
                Err(error) => return Err(Box::new(error)),
            }
        }
        let rows = LiveRows::new(name, Arc::clone(pool), query, allow).within(bounds);
        Ok(LiveLayer::new(
            name,
            style.clone(),
            Arc::new(rows),
            Arc::clone(backend),
        ))
    }

    /// Listens to the notifications `NOTIFY heatsplat` of the database, on a separate thread. At
    /// each notification, `notify` is called with the name of the changed layer, or with `None` if
    /// all layers may have changed. The thread ends at the first notification that finds `wanted`
    /// false, or for which `notify` returns false.
    pub(super) fn listen(
        &self,
        wanted: Arc<AtomicBool>,
        notify: impl Fn(Option<String>) -> bool + Send + 'static,
    ) {
        let address = self.address.clone();
        thread::spawn(move || {
            let listened = postgis::listen(&address, |change| {
                wanted.load(Ordering::Relaxed)
                    && notify(match change {
                        Change::Everything => None,
                        Change::Layer(name) => Some(name),
                    })
            });
            if let Err(error) = listened {
                say!("heatsplat: can't listen to {address}: {error}");
            }
        });
    }
}

/// The checked section `[posting]` of the configuration. It names the database from which clients
/// may post layers, and the time after which a posted layer expires.
pub(super) struct PostingConfig {
    database: Arc<DatabaseConfig>,
    keys: PostFlags,
    section: ConfigSection,
}

impl PostingConfig {
    /// Checks the section `[posting]` of the configuration, but not its token.
    pub(super) fn new(
        section: &ConfigSection,
        databases: &[Arc<DatabaseConfig>],
    ) -> Result<Self, ConfigError> {
        let PostingKeys { source, post } = section.parse(&[])?;
        let database = match &source {
            Some(name) => databases.iter().find(|database| database.name == *name),
            None if databases.len() == 1 => databases.first(),
            None => None,
        };
        let needs = "needs the source whose layers are posted";
        let database = database.ok_or_else(|| posting_error(section, needs))?;
        Ok(Self {
            database: Arc::clone(database),
            keys: post,
            section: section.clone(),
        })
    }

    /// Tests whether posted queries go to the database whose [`DatabaseConfig::key`] is `key`.
    pub(super) fn uses(&self, key: &str) -> bool {
        self.database.key() == key
    }

    /// Checks that the token for posting layers can be read, from its file or the environment, and
    /// is valid.
    pub(super) fn check_token(&self) -> Result<(), ConfigError> {
        self.token().map(drop)
    }

    /// Checks that the database has everything that posted layers need, and that the role of the
    /// connection may only read.
    pub(super) fn check_database(&self) -> Result<(), ConfigError> {
        let point = "SELECT ST_SetSRID(ST_MakePoint(0, 0), 4326) AS geom";
        let read = SourceFlags::from_query(LayerQuery {
            from: Relation::Sql(point.to_owned()),
            geom: None,
            weight: None,
            srid: None,
            keep: None,
            shapes: ShapeRules::default(),
        });
        let checked = self.database.check_layer("posting", &read);
        checked.map_err(|error| posting_error(&self.section, error))?;
        Ok(())
    }

    /// Returns the server's settings for posting, among them the token and the database that opens
    /// posted queries.
    pub(super) fn posting(&self, backend: &Arc<dyn Backend>) -> Result<Posting, ConfigError> {
        let database = &self.database;
        let token = self.token()?;
        let pool = database
            .pool()
            .map_err(|e| posting_error(&self.section, e))?;
        let limits = SnapshotLimits {
            deadline: self.keys.posted_deadline,
            rows: self.keys.posted_rows as u64,
        };
        Ok(Posting {
            token,
            lifetime: self.keys.posted_for,
            most: MAX_POSTED,
            backend: Arc::clone(backend),
            source: Arc::new(DatabaseQueries::new(
                (pool, database.limits().connections),
                database.allow_superuser,
                limits,
            )),
        })
    }

    fn token(&self) -> Result<BearerToken, ConfigError> {
        let wrong = |message: &str| match self.section.get("token_file") {
            Some(entry) => entry.error(message),
            None => posting_error(&self.section, message),
        };
        let token = token(self.keys.token_file.as_deref()).map_err(|message| wrong(&message))?;
        let missing = "needs a token: set HEATSPLAT_TOKEN, or token_file = …";
        token.ok_or_else(|| posting_error(&self.section, missing))
    }
}

fn posting_error(section: &ConfigSection, message: impl fmt::Display) -> ConfigError {
    ConfigError::new(section.line(), format!("posting: {message}"))
}

/// Returns true if a token is configured with which clients may post layers. A token that can't be
/// read or is too short counts too, so that its error is reported later.
pub(super) fn has_token(flags: &ServeDatabaseFlags) -> bool {
    !matches!(token(flags.post.token_file.as_deref()), Ok(None))
}

/// Reads the token for posting layers from `file` if it is given, otherwise from the environment
/// variable `HEATSPLAT_TOKEN`. Returns `None` if there is neither. The token is never an argument
/// of the command line, which other users of the machine can see.
fn token(file: Option<&Path>) -> Result<Option<BearerToken>, String> {
    let text = match file {
        Some(file) => regular_file::open(file)
            .and_then(std::io::read_to_string)
            .map_err(|e| format!("token_file: {} can't be read: {e}", file.display()))?,
        None => match std::env::var("HEATSPLAT_TOKEN") {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let short = "the token must have 16 characters at least";
    Ok(Some(BearerToken::new(&text).ok_or(short)?))
}
