//! The flags of databases, and the queries that follow from them.

use crate::cli::source_flags::SourceFlags;
use crate::cli::units::{count, period};
use clap::Args;
use heatsplat_loader::postgis::{LayerQuery, Relation};
use std::path::PathBuf;
use std::time::Duration;

/// Flags that choose the rows to read from the database at a postgres:// address.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "What to read of a database")]
pub(crate) struct DatabaseFlags {
    /// A query whose rows are points: a geometry or x and y, and a weight if there is one.
    /// Live layers may use !bbox!, !pixel_width!, !zoom! and their like
    #[arg(long, value_name = "QUERY", conflicts_with = "table")]
    pub(super) sql: Option<String>,
    #[command(flatten)]
    pub(crate) role: RoleFlags,
}

/// Flags about the role (the database's user) that reads a database.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "What to read of a database")]
pub(crate) struct RoleFlags {
    /// Accept a database role that may do more than read. Do this only with a database of your own
    #[arg(long)]
    pub(crate) allow_superuser: bool,
}

/// Flags of `serve` for a database, on the command line.
#[derive(Args)]
#[command(next_help_heading = "How to serve a database")]
pub(crate) struct ServeDatabaseFlags {
    /// Read the rows of each picture when it is asked for, instead of all rows beforehand
    #[arg(long)]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) pool: PoolFlags,
    #[command(flatten)]
    pub(crate) post: PostFlags,
}

/// Flags about the connections to a database, and about the tables that it publishes.
#[derive(Args, Clone)]
#[command(next_help_heading = "How to serve a database")]
pub(crate) struct PoolFlags {
    /// Serve every table and view of points that the role may read, live, as schema.table
    #[arg(long)]
    pub(crate) auto_publish: bool,
    /// Time that the database may take for one picture of a live layer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = period)]
    pub(crate) deadline: Duration,
    /// Connections to the database at a time, for its live layers
    #[arg(long, value_name = "NUMBER", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) pool_size: u16,
}

/// Flags about layers that clients post.
#[derive(Args, Clone)]
#[command(next_help_heading = "How to serve a database")]
pub(crate) struct PostFlags {
    /// A file that holds the token for POST /layers, instead of the environment's
    /// HEATSPLAT_TOKEN. Without a token layers can't be posted
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Time that posted layers stay after they were last posted
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = period)]
    pub(crate) posted_for: Duration,
    /// Time that the database may take to give all rows of a posted snapshot
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = period)]
    pub(crate) posted_deadline: Duration,
    /// Rows that a posted snapshot may have, of 100 bytes each on average
    #[arg(long, value_name = "NUMBER", default_value = "10M", value_parser = count)]
    pub(crate) posted_rows: usize,
}

impl DatabaseFlags {
    /// Returns an error if a flag is given that only works with databases. It is called if the
    /// source is no database.
    pub(crate) fn check_unused(&self) -> Result<(), &'static str> {
        match &self.sql {
            None => Ok(()),
            Some(_) => Err("--sql is for postgres:// addresses"),
        }
    }
}

impl SourceFlags {
    /// The queries that the flags stand for: one for each `--table`, or the single query of
    /// `--sql`.
    pub(crate) fn layer_queries(&self) -> Vec<LayerQuery> {
        let tables = self.table.iter().cloned().map(Relation::Table);
        let all = tables.chain(self.database.sql.clone().map(Relation::Sql));
        all.map(|from| LayerQuery {
            from,
            geom: self.geom.clone(),
            weight: self.weight.clone(),
            srid: self.srid,
            keep: self.radius_column.clone(),
            shapes: self.shapes(),
        })
        .collect()
    }

    /// Makes the flags that stand for a query, the inverse of [`SourceFlags::layer_queries`]. Only
    /// the query's column of radii (`keep`) is left out.
    pub(crate) fn from_query(query: LayerQuery) -> Self {
        let (table, sql) = match query.from {
            Relation::Table(name) => (vec![name], None),
            Relation::Sql(sql) => (Vec::new(), Some(sql)),
        };
        Self {
            table,
            weight: query.weight,
            geom: query.geom,
            database: DatabaseFlags {
                sql,
                ..DatabaseFlags::default()
            },
            srid: query.srid,
            areas: Some(query.shapes.areas),
            lines: Some(query.shapes.lines),
            ..Self::default()
        }
    }

    /// The name of the layer that the flags describe: for `--table` the table's name without its
    /// schema, for `--sql` the word `query`.
    pub(crate) fn table_name(&self) -> String {
        match self.layer_queries().first().map(|query| &query.from) {
            None => String::new(),
            Some(Relation::Sql(_)) => "query".to_owned(),
            Some(Relation::Table(name)) => {
                let last = name.rsplit('.').next().unwrap_or(name);
                last.trim_matches('"').to_owned()
            }
        }
    }

    /// A message that names a flag which live layers don't support, if one is given; `None` if none
    /// is.
    pub(crate) fn only_for_snapshots(&self) -> Option<&'static str> {
        let radius = self.radius_column.is_some();
        radius
            .then_some("radius-column is not for live layers: leave out live to read all rows once")
    }

    /// A message that names a flag which databases don't support, if one is given; `None` if none
    /// is.
    pub(crate) fn only_for_files(&self) -> Option<&'static str> {
        if self.filter.is_some() || self.within.is_some() {
            return Some("filter and within are for files; say it in sql");
        }
        if !self.time_format.is_empty() {
            return Some("time_format is for files; a database knows its dates");
        }
        if self.member.is_some() {
            return Some("member is for archives");
        }
        if self.pair.is_some() {
            return Some("pair is for files; name the columns in sql");
        }
        let names_axes = self.lon.is_some() || self.lat.is_some();
        if names_axes && !self.has_suggested_axes {
            return Some(
                "lon and lat are for files; name the columns in sql: select lon as x, lat as y, …",
            );
        }
        if self.extent.is_some() {
            return Some("extent is for rasters in files");
        }
        let text = self.delimiter.is_some() || self.quote.is_some() || self.decimal.is_some();
        if text || self.order.is_some() || self.rows.is_some() || self.encoding.is_some() {
            return Some("delimiter, quote, decimal, order, rows and encoding are for files");
        }
        if self.datum_error.is_some() {
            return Some("datum_error is for files; a database has shifts of its own");
        }
        if self.time_flag().is_some() {
            return Some(
                "time, time_step and time_zone are for files; a database is filtered by its sql",
            );
        }
        (!self.keep.is_empty() || self.by.is_some())
            .then_some("keep and by are for files; a database is filtered by its sql, and has no colours by value")
    }
}
