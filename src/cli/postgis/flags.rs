//! A database as a source: the flags that say what to read of it.

use crate::cli::Failure;
use clap::Args;
use heatsplat_loader::postgis::{Address, Ask, Relation, Snapshot};
use heatsplat_loader::{LoadError, Source};

/// Flags that say what to read of a postgres:// address.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "What to read of a database")]
pub(in crate::cli) struct DatabaseFlags {
    /// A query whose rows are points: a geometry or x and y, and a weight if there is one.
    /// Live layers may use !bbox!, !pixel_width!, !zoom! and their like
    #[arg(long, value_name = "QUERY", conflicts_with = "table")]
    pub(in crate::cli) sql: Option<String>,
    /// The reference system of geometries that don't say theirs
    #[arg(long)]
    pub(in crate::cli) srid: Option<u32>,
    #[command(flatten)]
    pub(in crate::cli) role: RoleFlags,
}

/// Who may read a database.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "What to read of a database")]
pub(in crate::cli) struct RoleFlags {
    /// Take a role that may do more than read. Do this only with a database of your own
    #[arg(long)]
    pub(in crate::cli) allow_superuser: bool,
}

impl DatabaseFlags {
    /// Whether any of them is given.
    pub(in crate::cli) fn any(&self) -> bool {
        self.sql.is_some() || self.srid.is_some()
    }

    /// What is asked for: one for each --table, or the query.
    pub(in crate::cli) fn asks(
        &self,
        tables: &[String],
        geom: Option<&str>,
        weight: Option<&str>,
        keep: Option<&str>,
    ) -> Vec<Ask> {
        let tables = tables.iter().cloned().map(Relation::Table);
        let all = tables.chain(self.sql.clone().map(Relation::Sql));
        all.map(|from| Ask {
            from,
            geom: geom.map(str::to_owned),
            weight: weight.map(str::to_owned),
            srid: self.srid,
            keep: keep.map(str::to_owned),
        })
        .collect()
    }
}

/// What a layer of a table or query is called.
pub(in crate::cli) fn layer_name(from: &Relation) -> String {
    match from {
        Relation::Table(name) => {
            let last = name.rsplit('.').next().unwrap_or(name);
            last.trim_matches('"').to_owned()
        }
        Relation::Sql(_) => "query".to_owned(),
    }
}

/// Reads a table or query as a whole.
pub(in crate::cli) fn open(
    url: &str,
    ask: &Ask,
    allow_superuser: bool,
    strict: bool,
) -> Result<Box<dyn Source>, Failure> {
    let address = address(url)?;
    Ok(Box::new(Snapshot::open(
        &address,
        ask,
        allow_superuser,
        strict,
    )?))
}

/// A database's address; errors don't repeat it, since it may hold a password.
pub(in crate::cli) fn address(url: &str) -> Result<Address, LoadError> {
    Address::parse(url).map_err(|source| LoadError::Database {
        name: "postgres://…".to_owned(),
        source,
    })
}

/// A source as messages may show it: an address without user and password.
pub(in crate::cli) fn shown(source: &str) -> String {
    if !heatsplat_loader::postgis::is_address(source) {
        return source.to_owned();
    }
    Address::parse(source).map_or("postgres://…".to_owned(), |address| address.to_string())
}
