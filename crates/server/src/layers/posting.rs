//! Layers that clients create by posting a query: the settings of `POST /layers`, and the trait of
//! the database that opens the queries.

use super::live::{RowSource, SourceError};
use heatsplat_points::Points;
use heatsplat_render::{Backend, Style};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// The settings of `POST /layers`.
#[derive(Clone, Debug)]
pub struct Posting {
    /// The secret that a client must send to post a layer or to delete one.
    pub token: BearerToken,
    /// The time after which a posted layer is removed, counted from its last posting.
    pub lifetime: Duration,
    /// The largest number of posted layers that the server may have.
    pub most: usize,
    /// The database that the posted queries are for.
    pub source: Arc<dyn QuerySource>,
    /// The backend that draws the posted layers.
    pub backend: Arc<dyn Backend>,
}

/// A secret that clients send in the header `Authorization`. Its `Debug` output doesn't show it.
#[derive(Clone)]
pub struct BearerToken(String);

impl BearerToken {
    /// Makes a token from a text, without the white space at its ends. `None` if it then has fewer
    /// than 16 bytes, which would be easy to guess.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= 16).then(|| Self(text.to_owned()))
    }

    /// Returns true if the token equals `given`. The comparison takes equally long wherever the two
    /// texts differ, so that an attacker learns nothing about the token from its duration.
    pub(crate) fn matches(&self, given: &str) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        digest(&self.0).ct_eq(&digest(given)).into()
    }
}

/// Returns true if `sent` contains one of the keys, or if there are no keys. The duration of the
/// comparison reveals nothing about the keys but their number.
pub(crate) fn is_open(keys: &[BearerToken], sent: &[String]) -> bool {
    let pairs = keys
        .iter()
        .flat_map(|key| sent.iter().map(move |sent| (key, sent)));
    let any = pairs.fold(false, |any, (key, sent)| any | key.matches(sent));
    any || keys.is_empty()
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// A database, or another source, that opens posted queries as layers.
pub trait QuerySource: Send + Sync + fmt::Debug {
    /// Checks a posted query and opens it as the data of a layer.
    fn open(
        &self,
        query: PostedQuery,
    ) -> Pin<Box<dyn Future<Output = Result<OpenedQuery, PostError>> + Send + '_>>;
}

/// A query that a client has posted, with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedQuery {
    /// The text of the SQL query.
    pub sql: String,
    /// The name of the column of geometries. `None` if the client doesn't name it: then the source
    /// chooses the column.
    pub geom: Option<String>,
    /// The name of the column of weights; `None` if the client doesn't name one.
    pub weight: Option<String>,
    /// The SRID (the number of the coordinate reference system) of geometries that state no SRID;
    /// `None` if the client doesn't give it.
    pub srid: Option<u32>,
    /// True if all rows are to be read into memory once. False if the rows are to be read for each
    /// picture.
    pub snapshot: bool,
}

impl PostedQuery {
    /// The id of the posted layer: a digest of the query and the style, as text. So posting the
    /// same query and style again leads to the same layer. The digest has 128 bits, so two
    /// different queries don't get one id in practice.
    pub(crate) fn layer_id(&self, style: &Style) -> String {
        let canonical = serde_json::json!([
            self.sql,
            self.geom,
            self.weight,
            self.srid,
            self.snapshot,
            style.to_string()
        ]);
        let digest = Sha256::digest(canonical.to_string().as_bytes());
        let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
        std::iter::once("q".to_owned()).chain(hex).collect()
    }
}

/// The data of a posted query that has been opened.
#[derive(Debug)]
pub enum OpenedQuery {
    /// Rows that are read from the source for every picture.
    Live(Arc<dyn RowSource>),
    /// All points of the query, in memory.
    InMemory(Points),
}

/// The reason why a posted query can't become a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The database could not return the rows.
    #[error(transparent)]
    Source(SourceError),
    /// Reading all rows of a snapshot took longer than the duration in the field, the longest time
    /// that it may take.
    #[error("the database took longer than {0:?}, the limit of a snapshot")]
    Deadline(Duration),
    /// The query has too many rows or bytes. The message is sent to the client that posted it.
    #[error("{0}")]
    TooMuch(String),
    /// The query is wrong. The message is sent to the client that posted it.
    #[error("{0}")]
    Query(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_from_query_and_style() {
        let query = |sql: &str| PostedQuery {
            sql: sql.to_owned(),
            geom: None,
            weight: None,
            srid: None,
            snapshot: false,
        };
        let mut wide = Style::default();
        wide.set("radius", "40px").unwrap();
        let style = Style::default();
        let name = query("select 1").layer_id(&style);
        assert_eq!(name.len(), 33);
        assert_eq!(name, query("select 1").layer_id(&style));
        assert_ne!(name, query("select 2").layer_id(&style));
        assert_ne!(name, query("select 1").layer_id(&wide));
    }

    #[test]
    fn tokens_are_long_and_secret() {
        assert!(BearerToken::new("short").is_none());
        let token = BearerToken::new(" 0123456789abcdef\n").unwrap();
        assert!(token.matches("0123456789abcdef") && !token.matches("0123456789abcdeF"));
        assert!(!token.matches(""));
        assert!(!format!("{token:?}").contains("0123"));
    }
}
