//! `POST /layers`: a query in, a layer out.
//!
//! Off unless there is a token. The layer's name follows from the query and its style, so
//! posting the same again gives the same; it goes after a while unless it is posted again.

use crate::http::error::{Refused, json};
use crate::http::router::Server;
use crate::layers::entry::Data;
use crate::layers::live::{Live, Rows, Trouble};
use crate::routes::tilejson::base;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use heatsplat_import as import;
use heatsplat_points::Points;
use heatsplat_render::{Backend, Layer, Precision, Style};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use subtle::ConstantTimeEq as _;
use tokio::time::timeout;

/// The longest body that is read, and how long it may take to come.
const LONGEST: usize = 64 << 10;
const BODY_TIME: Duration = Duration::from_secs(10);

/// Who may post, and where queries go.
#[derive(Clone, Debug)]
pub struct Posting {
    /// What a client must know.
    pub token: Token,
    /// How long a layer stays after it was posted last.
    pub lifetime: Duration,
    /// How many there may be at a time.
    pub most: usize,
    /// What makes layers of queries.
    pub source: Arc<dyn Posts>,
    /// Who draws them.
    pub backend: Arc<dyn Backend>,
}

/// A secret; it is never printed.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token of at least 16 characters; spaces around it don't count.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= 16).then(|| Self(text.to_owned()))
    }

    /// Compares in a time that tells nothing of where they differ.
    fn is(&self, given: &str) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        digest(&self.0).ct_eq(&digest(given)).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Makes layers of queries: a database, say.
pub trait Posts: Send + Sync + fmt::Debug {
    /// Checks a query and makes a layer's source of it.
    fn open(
        &self,
        post: Post,
    ) -> Pin<Box<dyn Future<Output = Result<Opened, PostTrouble>> + Send + '_>>;
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The query.
    pub sql: String,
    /// The column of geometries, if it is named.
    pub geom: Option<String>,
    /// The column of weights, if it is named.
    pub weight: Option<String>,
    /// The reference system of geometries that don't say theirs.
    pub srid: Option<u32>,
    /// Whether all rows shall be read at once, instead of those of each picture.
    pub snapshot: bool,
}

/// A query that can be a layer.
#[derive(Debug)]
pub enum Opened {
    /// Read for every picture.
    Live(Arc<dyn Rows>),
    /// Read already.
    Here(Points),
}

/// Why a query can't be a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostTrouble {
    /// The source has a problem.
    Trouble(Trouble),
    /// The query has one. The message goes to the client that posted it.
    Wrong(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    sql: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    style: serde_json::Value,
    #[serde(default)]
    geom: Option<String>,
    #[serde(default)]
    weight: Option<String>,
    #[serde(default)]
    srid: Option<u32>,
    #[serde(default)]
    mode: Mode,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Live,
    Snapshot,
}

#[derive(Serialize)]
struct Made<'a> {
    id: &'a str,
    tilejson: String,
    tiles: String,
    legend: String,
    gdal: String,
    /// Seconds since 1970.
    expires: u64,
    /// What of another heat map's configuration could not be carried over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

pub(crate) async fn post(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, Response> {
    let Some(posting) = server.options.posting.clone() else {
        let message = "layers can't be posted here: the server has no token";
        return Err(Refused::not_found(message).into_response());
    };
    if !is_authorised(&posting.token, request.headers()) {
        return Err(unauthorised());
    }
    if !is_json(request.headers()) {
        let refused = Refused::with(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "expected Content-Type: application/json",
        );
        return Err(refused.into_response());
    }
    let base = base(&server, request.headers());
    let made = make(&server, &posting, request, &base).await;
    made.map_err(IntoResponse::into_response)
}

async fn make(
    server: &Server,
    posting: &Posting,
    request: Request,
    base: &str,
) -> Result<Response, Refused> {
    let body = timeout(BODY_TIME, to_bytes(request.into_body(), LONGEST)).await;
    let body = body
        .map_err(|_| Refused::bad("the body took too long to come"))?
        .map_err(|_| Refused::bad(format!("the body is over {} KiB long", LONGEST >> 10)))?;
    let body: Body = serde_json::from_slice(&body)
        .map_err(|e| Refused::bad(format!("the body can't be read: {e}")))?;
    let (style, warnings) = style(&body.style)?;
    refuse_exact(&style)?;
    let post = Post {
        sql: body
            .sql
            .trim()
            .trim_end_matches(|c: char| c == ';' || c.is_whitespace())
            .to_owned(),
        geom: body.geom,
        weight: body.weight,
        srid: body.srid,
        snapshot: body.mode == Mode::Snapshot,
    };
    let id = name_of(&post, &style);
    let until = SystemTime::now() + posting.lifetime;
    let keep = |data| server.layers.keep(&id, until, posting.most, data);
    let status = if keep(None).is_some() {
        StatusCode::OK
    } else {
        let name = body.name.unwrap_or_else(|| id.clone());
        let backend = Arc::clone(&posting.backend);
        let data = match posting.source.open(post).await.map_err(refused)? {
            Opened::Live(rows) => Data::Live(Live::new(&name, style, rows, backend)),
            Opened::Here(points) => Data::here(Layer::new(&name, points, style, backend)),
        };
        let full =
            || Refused::later("there are as many posted layers as there may be; some will expire");
        keep(Some(data)).ok_or_else(full)?;
        StatusCode::CREATED
    };
    let made = Made {
        id: &id,
        tilejson: format!("{base}/{id}"),
        tiles: format!("{base}/{id}/{{z}}/{{x}}/{{y}}.png"),
        legend: format!("{base}/{id}/legend.json"),
        gdal: format!("{base}/{id}/gdal.xml"),
        expires: seconds(until),
        warnings,
    };
    let body = serde_json::to_string(&made).map_err(|_| Refused::internal())?;
    let mut response = json(status, body);
    if let Ok(location) = HeaderValue::try_from(format!("/{id}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn refused(trouble: PostTrouble) -> Refused {
    match trouble {
        PostTrouble::Trouble(trouble) => trouble.into(),
        PostTrouble::Wrong(message) => Refused::bad(message),
    }
}

/// Our own parameters by name, or any configuration that heatsplat knows, as a text or as it is.
fn style(given: &serde_json::Value) -> Result<(Style, Vec<String>), Refused> {
    let import = |text: &str| {
        let imported = import::style(text);
        let imported = imported.map_err(|e| Refused::bad(format!("style: {e}")))?;
        Ok((imported.style, imported.warnings))
    };
    let parameters = match given {
        serde_json::Value::Null => return Ok((Style::default(), Vec::new())),
        serde_json::Value::String(text) => return import(text),
        serde_json::Value::Object(parameters) => parameters,
        other => return import(&other.to_string()),
    };
    let ours = |name: &String| Style::PARAMETERS.contains(&name.as_str());
    if !parameters.is_empty() && !parameters.keys().any(ours) {
        return import(&given.to_string());
    }
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let texts: Vec<(&str, String)> = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    let mut style = Style::default();
    let set = style.set_all(texts.iter().map(|(name, text)| (*name, text.as_str())));
    set.map_err(|e| Refused::bad(format!("style: {e}")))?;
    Ok((style, Vec::new()))
}

/// Refuses what takes as long as there are points: it is for those who run the server to choose.
fn refuse_exact(style: &Style) -> Result<(), Refused> {
    match style.precision() {
        Precision::Exact => Err(Refused::bad(
            "style: precision=exact is for layers that the server is started with: leave it out",
        )),
        _ => Ok(()),
    }
}

/// What a layer is called: whoever posts the same gets the same. 128 bits of a digest, so that
/// no two queries share one.
fn name_of(post: &Post, style: &Style) -> String {
    let canonical = serde_json::json!([
        post.sql,
        post.geom,
        post.weight,
        post.srid,
        post.snapshot,
        style.to_string()
    ]);
    let digest = Sha256::digest(canonical.to_string().as_bytes());
    let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    std::iter::once("q".to_owned()).chain(hex).collect()
}

fn is_authorised(token: &Token, headers: &HeaderMap) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    let given = given.and_then(|v| v.split_once(' '));
    given.is_some_and(|(scheme, given)| {
        scheme.eq_ignore_ascii_case("bearer") && token.is(given.trim())
    })
}

fn unauthorised() -> Response {
    let message = "posting layers needs the header Authorization: Bearer TOKEN";
    let mut response = Refused::with(StatusCode::UNAUTHORIZED, message).into_response();
    let scheme = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}

/// A form or plain text, which any page may send anywhere, is not.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(sql: &str) -> Post {
        Post {
            sql: sql.to_owned(),
            geom: None,
            weight: None,
            srid: None,
            snapshot: false,
        }
    }

    #[test]
    fn a_name_follows_from_query_and_style() {
        let mut wide = Style::default();
        wide.set("radius", "40px").unwrap();
        let style = Style::default();
        let name = name_of(&post("select 1"), &style);
        assert_eq!(name.len(), 33);
        assert_eq!(name, name_of(&post("select 1"), &style));
        assert_ne!(name, name_of(&post("select 2"), &style));
        assert_ne!(name, name_of(&post("select 1"), &wide));
    }

    #[test]
    fn no_post_is_drawn_exactly() {
        for (given, refused) in [
            (serde_json::json!({"precision": "exact"}), true),
            (serde_json::json!({"precision": "fast", "radius": 9}), false),
            (serde_json::json!("radius=9px&precision=exact"), true),
        ] {
            let (style, _) = style(&given).unwrap();
            assert_eq!(refuse_exact(&style).is_err(), refused, "{given}");
        }
    }

    #[test]
    fn tokens_are_long_and_secret() {
        assert!(Token::new("short").is_none());
        let token = Token::new(" 0123456789abcdef\n").unwrap();
        assert!(token.is("0123456789abcdef") && !token.is("0123456789abcdeF") && !token.is(""));
        assert!(!format!("{token:?}").contains("0123"));
    }
}
