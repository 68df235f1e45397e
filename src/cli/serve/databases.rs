//! Databases that are served: what is said of them, and what is done with them.

use super::config::from_toml::Named;
use super::config::raw::{Mistake, Words};
use super::config::said;
use super::config::secrets::has_plain_password;
use super::config::source;
use super::flags::{DatabaseWords, PoolFlags, PostFlags, PostWords};
use crate::cli::Failure;
use crate::cli::postgis::live::{self, LiveRows};
use crate::cli::postgis::queries::Queries;
use crate::cli::source_flags::SourceFlags;
use heatsplat::{Backend, Style};
use heatsplat_loader::postgis::{self, Address, Change, Database, Limits};
use heatsplat_render::say;
use heatsplat_server::{Live, Posting, Token};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

pub(super) use heatsplat_loader::postgis::is_address;

/// Layers that may be posted at a time.
const MOST_POSTED: usize = 1000;

/// Connections that live layers share.
pub(super) type Pool = Database;

/// A database that is to be served.
pub(super) struct DatabaseSetup {
    name: String,
    url: String,
    address: Address,
    pool: PoolFlags,
    allow_superuser: bool,
    /// How tables look that publish themselves.
    style: Style,
    /// All that its layers depend on, in words.
    key: String,
}

impl DatabaseSetup {
    pub(super) fn of(named: &Named, style: Style, looks: &Words) -> Result<Self, Mistake> {
        let Named { name, words } = named;
        let DatabaseWords {
            url, pool, role, ..
        } = words.typed(&[])?;
        let (Some(url), Some(word)) = (url, words.get("url")) else {
            let line = words.0.first().and_then(|word| word.line);
            let message = format!("sources.{name}: needs url = \"${{DATABASE_URL}}\" or its like");
            return Err(Mistake::new(line, message));
        };
        let raw = word.raw.as_deref().unwrap_or(&url);
        if word.line.is_some() && has_plain_password(raw) {
            let message = "url: a password has no place in this file; put it into the environment \
                           and write postgres://user:${PGPASSWORD}@host/database";
            return Err(Mistake::new(word.line, message));
        }
        if !is_address(&url) {
            let message = "url: expected postgres://user@host:5432/database";
            return Err(Mistake::new(word.line, message));
        }
        // Its message doesn't repeat the address.
        let address =
            Address::parse(&url).map_err(|e| Mistake::new(word.line, format!("url: {e}")))?;
        Ok(Self {
            name: name.clone(),
            address,
            pool,
            allow_superuser: role.allow_superuser,
            style,
            key: said(&[words, looks]),
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

    pub(super) fn style(&self) -> &Style {
        &self.style
    }

    pub(super) fn publishes(&self) -> bool {
        self.pool.auto_publish
    }

    /// Why a layer can't be read so, if it can't.
    pub(super) fn refuses(&self, read: &SourceFlags) -> Option<&'static str> {
        match read.asks().len() {
            1 => read.only_for_files(),
            0 => Some("a layer of a database needs table = … or sql = …"),
            _ => Some("a layer of a database has one table"),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            connections: usize::from(self.pool.pool_size),
            deadline: self.pool.deadline,
            ..Limits::default()
        }
    }

    fn allows_superuser(&self, read: &SourceFlags) -> bool {
        self.allow_superuser || read.database.role.allow_superuser
    }

    /// Connections for its live layers; none is opened before it is needed.
    pub(super) fn pool(&self) -> Result<Arc<Pool>, Failure> {
        Ok(Arc::new(Database::new(
            self.address.clone(),
            self.limits(),
        )?))
    }

    /// How a layer is read as a whole.
    pub(super) fn reading(&self, read: &SourceFlags) -> SourceFlags {
        let allow_superuser = self.allows_superuser(read);
        let mut read = read.clone();
        read.database.role.allow_superuser = allow_superuser;
        read
    }

    /// The tables that become layers by themselves, with their names; `None` while it is away.
    pub(super) fn published(&self) -> Result<Option<Vec<(String, SourceFlags)>>, Failure> {
        match postgis::published(&self.address) {
            Ok(tables) => {
                let layer =
                    |table: postgis::Published| (table.name, SourceFlags::of_ask(table.ask));
                Ok(Some(tables.into_iter().map(layer).collect()))
            }
            Err(error) if error.is_away() => {
                say!("heatsplat: nothing is published for now: {error}");
                Ok(None)
            }
            Err(error) => Err(Box::new(error)),
        }
    }

    /// Whether the database is there; an error if it can't give a layer.
    pub(super) fn ask(&self, name: &str, read: &SourceFlags) -> Result<bool, Failure> {
        let allow = self.allows_superuser(read);
        let asked = |ask| live::look_up(&self.address, self.limits(), ask, allow);
        match read.asks().first().map(asked) {
            None | Some(Ok(_)) => Ok(true),
            Some(Err(error)) if error.is_passing() => {
                say!("heatsplat: {name} was not looked at: {error}");
                Ok(false)
            }
            Some(Err(error)) => Err(Box::new(error)),
        }
    }

    /// A live layer, looked up unless the database is away for now.
    pub(super) fn live(
        &self,
        name: &str,
        read: &SourceFlags,
        pool: &Arc<Pool>,
        (style, backend): (&Style, &Arc<dyn Backend>),
        known: bool,
    ) -> Result<Live, Failure> {
        let allow = self.allows_superuser(read);
        if let Some(message) = read.only_for_snapshots() {
            return Err(message.into());
        }
        let Some(ask) = read.asks().into_iter().next() else {
            return Err("a layer of a database needs a table or a query".into());
        };
        let mut bounds = None;
        // What the database has published itself can be read.
        if !known {
            match live::look_up(&self.address, self.limits(), &ask, allow) {
                Ok(live) => {
                    say!("{name}: live, {}", live.why());
                    bounds = live.bounds();
                }
                Err(error) if error.is_away() => {
                    say!("{name}: for now {error}");
                    pool.seen_away();
                }
                Err(error) => return Err(Box::new(error)),
            }
        }
        let rows = LiveRows::new(name, Arc::clone(pool), ask, allow).within(bounds);
        Ok(Live::new(
            name,
            style.clone(),
            Arc::new(rows),
            Arc::clone(backend),
        ))
    }

    /// Listens until `wanted` is false, and passes on what it says has changed.
    pub(super) fn listen(
        &self,
        wanted: Arc<AtomicBool>,
        say: impl Fn(Option<String>) -> bool + Send + 'static,
    ) {
        let address = self.address.clone();
        thread::spawn(move || {
            let heard = postgis::listen(&address, |change| {
                wanted.load(Ordering::Relaxed)
                    && say(match change {
                        Change::Everything => None,
                        Change::Layer(name) => Some(name),
                    })
            });
            if let Err(error) = heard {
                say!("heatsplat: can't listen to {address}: {error}");
            }
        });
    }
}

/// Whether what is said of posting can be, but for the token.
pub(super) fn check_posting(
    words: &Words,
    databases: &[Arc<DatabaseSetup>],
) -> Result<(), Mistake> {
    posts(words, databases).map(drop)
}

/// Whether there is a token to post with.
pub(super) fn check_token(words: &Words) -> Result<(), Mistake> {
    let PostWords { post, .. } = words.typed(&[])?;
    the_token(words, &post).map(drop)
}

fn wrong_posting(words: &Words, message: impl fmt::Display) -> Mistake {
    let line = words.0.first().and_then(|word| word.line);
    Mistake::new(line, format!("posting: {message}"))
}

fn the_token(words: &Words, post: &PostFlags) -> Result<Token, Mistake> {
    let wrong = |message: String| match words.get("token_file") {
        Some(word) => word.mistake(message),
        None => wrong_posting(words, message),
    };
    let token = token(post.token_file.as_deref()).map_err(wrong)?;
    token.ok_or_else(|| {
        wrong_posting(
            words,
            "needs a token: set HEATSPLAT_TOKEN, or token_file = …",
        )
    })
}

/// The database whose layers are posted, and how.
fn posts<'a>(
    words: &Words,
    databases: &'a [Arc<DatabaseSetup>],
) -> Result<(&'a Arc<DatabaseSetup>, PostFlags), Mistake> {
    let PostWords { source, post } = words.typed(&[])?;
    let database = match &source {
        Some(name) => databases.iter().find(|database| database.name == *name),
        None if databases.len() == 1 => databases.first(),
        None => None,
    };
    let needs = "needs the source whose layers are posted";
    let database = database.ok_or_else(|| wrong_posting(words, needs))?;
    Ok((database, post))
}

/// Whether the database of posted layers has what they need, and its role may only read.
pub(super) fn ask_for_posting(
    words: &Words,
    databases: &[Arc<DatabaseSetup>],
) -> Result<(), Failure> {
    let (database, _) = posts(words, databases)?;
    let a_point = "SELECT ST_SetSRID(ST_MakePoint(0, 0), 4326) AS geom";
    let ask = postgis::Ask {
        from: postgis::Relation::Sql(a_point.to_owned()),
        geom: None,
        weight: None,
        srid: None,
        keep: None,
    };
    let asked = database.ask("posting", &SourceFlags::of_ask(ask));
    asked.map_err(|error| wrong_posting(words, error))?;
    Ok(())
}

/// Who may post layers.
pub(super) fn posting(
    words: &Words,
    databases: &[Arc<DatabaseSetup>],
    backend: &Arc<dyn Backend>,
) -> Result<Posting, Mistake> {
    let (database, post) = posts(words, databases)?;
    let token = the_token(words, &post)?;
    let pool = database.pool().map_err(|e| wrong_posting(words, e))?;
    Ok(Posting {
        token,
        lifetime: post.posted_for,
        most: MOST_POSTED,
        backend: Arc::clone(backend),
        source: Arc::new(Queries {
            database: pool,
            address: database.address.clone(),
            allow_superuser: database.allow_superuser,
        }),
    })
}

/// The token that is configured; never an argument, which others on the machine can see.
pub(super) fn token(file: Option<&Path>) -> Result<Option<Token>, String> {
    let text = match file {
        Some(file) => source::open(file)
            .and_then(std::io::read_to_string)
            .map_err(|e| format!("token_file: {} can't be read: {e}", file.display()))?,
        None => match std::env::var("HEATSPLAT_TOKEN") {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let short = "the token must have 16 characters at least";
    Ok(Some(Token::new(&text).ok_or(short)?))
}
