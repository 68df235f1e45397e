//! Layers of posted queries: their settings, and the trait of the database that opens them.

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
    /// The secret that clients must send.
    pub token: BearerToken,
    /// The time that a layer stays after it was posted last.
    pub lifetime: Duration,
    /// The largest number of posted layers at a time.
    pub most: usize,
    /// The source that opens queries as layers.
    pub source: Arc<dyn QuerySource>,
    /// The backend that draws the posted layers.
    pub backend: Arc<dyn Backend>,
}

/// A secret that clients send. It is never printed.
#[derive(Clone)]
pub struct BearerToken(String);

impl BearerToken {
    /// Makes a token of at least 16 bytes, without the spaces around it; `None` if it is shorter.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= 16).then(|| Self(text.to_owned()))
    }

    /// Returns whether the token equals `given`. The comparison takes equally long wherever they
    /// differ.
    pub(crate) fn matches(&self, given: &str) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        digest(&self.0).ct_eq(&digest(given)).into()
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// A source, like a database, that opens posted queries as layers.
pub trait QuerySource: Send + Sync + fmt::Debug {
    /// Checks a query and opens it.
    fn open(
        &self,
        query: PostedQuery,
    ) -> Pin<Box<dyn Future<Output = Result<OpenedQuery, PostError>> + Send + '_>>;
}

/// A query, with the settings that a client posts with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedQuery {
    /// The SQL text.
    pub sql: String,
    /// The name of the column of geometries; `None` if the client doesn't name it.
    pub geom: Option<String>,
    /// The name of the column of weights; `None` if the client doesn't name it.
    pub weight: Option<String>,
    /// The SRID, the number of the reference system, of geometries that don't have one.
    pub srid: Option<u32>,
    /// True to read all rows at once, into memory, instead of the rows of each picture.
    pub snapshot: bool,
}

impl PostedQuery {
    /// The id of the layer: a digest of the query and the style, so that posting the same again
    /// gives the same layer. Its 128 bits make collisions impossible in practice.
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

/// A query that was opened, in the form in which it can be drawn.
#[derive(Debug)]
pub enum OpenedQuery {
    /// Rows that are read for every picture.
    Live(Arc<dyn RowSource>),
    /// Points in memory.
    InMemory(Points),
}

/// The reason why a query can't be a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The database failed.
    #[error(transparent)]
    Source(SourceError),
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
