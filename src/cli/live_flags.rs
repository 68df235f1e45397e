//! How a database is served: the flags of live layers, and who may post more of them.

use super::Failure;
use super::posts::Queries;
use clap::Args;
use heatsplat_loader::postgis::{Address, Database, Limits};
use heatsplat_server::{Posting, Token};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Layers that may be posted at a time.
const MOST_POSTED: usize = 1000;

/// How a database is served.
#[derive(Args, Clone)]
#[command(next_help_heading = "How to serve a database")]
pub(super) struct LiveFlags {
    /// Read the rows of each picture when it is asked for, instead of all rows beforehand
    #[arg(long)]
    pub(super) live: bool,
    /// Serve every table and view of points that the role may read, live, as schema.table
    #[arg(long)]
    pub(super) auto_publish: bool,
    /// Read layers again after so long: 90s, 10m, 2h. SIGHUP and NOTIFY heatsplat do it at once
    #[arg(long, value_name = "TIME", value_parser = super::reload::period)]
    pub(super) reload: Option<Duration>,
    /// A file that holds the token for POST /layers, instead of the environment's
    /// HEATSPLAT_TOKEN. Without a token nobody can post
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// How long posted layers stay after they were posted last
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = super::reload::period)]
    pub(super) posted_for: Duration,
    /// How long the database may take for one picture of a live layer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = super::reload::period)]
    pub(super) deadline: Duration,
    /// Connections to the database at a time, for live layers
    #[arg(long, value_name = "NUMBER", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) pool_size: u16,
}

impl LiveFlags {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            connections: usize::from(self.pool_size),
            deadline: self.deadline,
            ..Limits::default()
        }
    }

    /// The token that is configured; never an argument, which others on the machine can see.
    pub(super) fn token(&self) -> Option<String> {
        match &self.token_file {
            Some(file) => std::fs::read_to_string(file).ok(),
            None => std::env::var("HEATSPLAT_TOKEN").ok(),
        }
    }

    /// Who may post layers, if anybody.
    pub(super) fn posting(
        &self,
        address: Option<&Address>,
        allow_superuser: bool,
    ) -> Result<Option<Posting>, Failure> {
        let token = match (self.token(), &self.token_file) {
            (Some(token), _) => {
                Token::new(&token).ok_or("the token must have 16 characters at least")?
            }
            (None, Some(file)) => {
                return Err(format!("--token-file: {} can't be read", file.display()).into());
            }
            (None, None) => return Ok(None),
        };
        let Some(address) = address else {
            return Ok(None);
        };
        Ok(Some(Posting {
            token,
            lifetime: self.posted_for,
            most: MOST_POSTED,
            source: Arc::new(Queries {
                database: Arc::new(Database::new(address.clone(), self.limits())?),
                address: address.clone(),
                allow_superuser,
            }),
        }))
    }
}
