//! `POST /layers`: makes a layer from a database query that the client sends, or from points
//! ([`post_points`]). `DELETE /layers/{id}` removes such a layer.
//!
//! Queries are taken only if the configuration has a token for them. The id of a layer of a query
//! is a digest of the query and its style, so posting the same query and style again leads to the
//! same layer. Such a layer expires when it was not posted again for the time that the
//! configuration states.

use super::post_points;
use crate::cost::check_own_style;
use crate::http::connection_info::ConnectionInfo;
use crate::http::error::ApiError;
use crate::http::layer_keys;
use crate::http::response::json;
use crate::layers::entry::{LayerSource, ServedLayer};
use crate::layers::live::LiveLayer;
use crate::layers::posted_points::FoundPoints;
use crate::layers::posting::{BearerToken, OpenedQuery, PostError, PostedQuery, Posting};
use crate::routes::unix_seconds;
use crate::state::Server;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use heatsplat_import as import;
use heatsplat_render::{Layer, Precision, Style};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The largest size in bytes of the body of a request that posts a layer. A choice.
const MAX_BODY: usize = 64 << 10;
/// The longest time that a client may take to send the body of a request that posts a layer. A
/// choice.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

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
    mode: PostMode,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum PostMode {
    #[default]
    Live,
    Snapshot,
}

#[derive(Serialize)]
struct PostedLayer<'a> {
    id: &'a str,
    tilejson: String,
    tiles: String,
    legend: String,
    gdal: String,
    /// The time when the layer expires, in seconds since 1970.
    expires: u64,
    /// Warnings about the parts of the posted style that could not be converted from the style of
    /// another program. Left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// The rights of the sender of a request: what the request may post.
#[derive(Clone, Debug)]
pub(super) struct PostRights {
    /// The settings for queries if the request has the token for queries; otherwise `None`.
    queries: Option<Posting>,
    /// True if the request may post points.
    points: bool,
    /// True if the request has the operator's token for points.
    pub(super) is_operator: bool,
}

impl PostRights {
    /// Finds the rights of a request by its token. If there is a port for administration, queries
    /// are taken only there, and not at the main port.
    ///
    /// # Errors
    /// The answer to a request that may post nothing: 401, or 404 if the server takes nothing.
    fn new(server: &Server, request: &Request) -> Result<Self, Box<Response>> {
        let config = &server.config;
        let queries = config
            .posting
            .as_ref()
            .filter(|_| takes_queries(server, request));
        if queries.is_none() && config.points.is_none() {
            let message = "layers can't be posted here: the server has no token";
            return Err(Box::new(ApiError::not_found(message).into_response()));
        }
        let sent = layer_keys::bearer(request.headers());
        let is = |token: &BearerToken| sent.is_some_and(|sent| token.matches(sent));
        let queries = queries.filter(|posting| is(&posting.token)).cloned();
        let points = config.points.as_ref();
        let is_operator = points.and_then(|p| p.token.as_ref()).is_some_and(is);
        // A wrong token is an error, also where none is needed.
        let is_public = sent.is_none() && points.is_some_and(|points| points.public.is_some());
        let rights = Self {
            queries,
            points: is_operator || is_public,
            is_operator,
        };
        match rights.points || rights.queries.is_some() {
            true => Ok(rights),
            false => Err(Box::new(unauthorized())),
        }
    }
}

/// Returns true if queries are taken at the port to which the request came: at the port for
/// administration or, if there is none, at the main port.
fn takes_queries(server: &Server, request: &Request) -> bool {
    let info = request.extensions().get::<Arc<ConnectionInfo>>();
    server.config.admin_listen.is_none() || info.is_none_or(|info| info.is_admin)
}

pub(crate) async fn post(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, Response> {
    let rights = PostRights::new(&server, &request).map_err(|refused| *refused)?;
    let base = server.base_url(&request).url;
    let made = match rights.queries.clone() {
        Some(posting) if !rights.points => {
            if !is_json(request.headers()) {
                let refused = ApiError::with_status(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "expected Content-Type: application/json",
                );
                return Err(refused.into_response());
            }
            make(&server, &posting, request, &base).await
        }
        _ => {
            let client = server.client_key(&request);
            post_points::create(&server, &rights, client, request).await
        }
    };
    made.map_err(IntoResponse::into_response)
}

/// Removes a posted layer at once, before it expires. Requests that are drawing the layer are still
/// answered.
pub(crate) async fn delete(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Response> {
    if server.layers.find_points(&id, None).is_some() {
        find_own(&server, &id, request.headers()).map_err(|refused| *refused)?;
    } else {
        authorize(&server, &request).map_err(|refused| *refused)?;
    }
    if server.layers.remove_posted(&id) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let message = "there is no posted layer with this id; only posted layers can be deleted";
    Err(ApiError::not_found(message).into_response())
}

/// Finds a layer of posted points, if the request has the layer's token or the operator's.
///
/// # Errors
/// The answer to any other request: 401 without a token, 403 with a wrong one, and 404 if there is
/// no such layer.
pub(super) fn find_own(
    server: &Server,
    id: &str,
    headers: &HeaderMap,
) -> Result<FoundPoints, Box<Response>> {
    let sent = layer_keys::bearer(headers);
    let Some(found) = server.layers.find_points(id, sent) else {
        let message = "there are no posted points with this id: they may have expired";
        return Err(Box::new(ApiError::not_found(message).into_response()));
    };
    let operator = server.config.points.as_ref().and_then(|p| p.token.as_ref());
    match sent {
        None => Err(Box::new(unauthorized())),
        Some(sent) if found.is_owner || operator.is_some_and(|token| token.matches(sent)) => {
            Ok(found)
        }
        Some(_) => {
            let message = "this is not the token of the layer's owner";
            let refused = ApiError::with_status(StatusCode::FORBIDDEN, message);
            Err(Box::new(refused.into_response()))
        }
    }
}

/// Returns an error unless the request has the token for queries: 401, or 404 if the port to which
/// the request came takes no queries.
fn authorize(server: &Server, request: &Request) -> Result<(), Box<Response>> {
    let posting = server.config.posting.as_ref();
    let Some(posting) = posting.filter(|_| takes_queries(server, request)) else {
        let message = "there is no posted layer with this id";
        return Err(Box::new(ApiError::not_found(message).into_response()));
    };
    match is_authorized(&posting.token, request.headers()) {
        true => Ok(()),
        false => Err(Box::new(unauthorized())),
    }
}

async fn make(
    server: &Server,
    posting: &Posting,
    request: Request,
    base: &str,
) -> Result<Response, ApiError> {
    let body = timeout(BODY_TIMEOUT, to_bytes(request.into_body(), MAX_BODY)).await;
    let body = body
        .map_err(|_| ApiError::bad_request("the body took too long to come"))?
        .map_err(|_| {
            ApiError::bad_request(format!("the body is over {} KiB long", MAX_BODY >> 10))
        })?;
    let body: Body = serde_json::from_slice(&body)
        .map_err(|e| ApiError::bad_request(format!("the body can't be read: {e}")))?;
    let (style, warnings) = parse_style(&body.style)?;
    refuse_exact(&style)?;
    let post = PostedQuery {
        sql: body
            .sql
            .trim()
            .trim_end_matches(|c: char| c == ';' || c.is_whitespace())
            .to_owned(),
        geom: body.geom,
        weight: body.weight,
        srid: body.srid,
        snapshot: body.mode == PostMode::Snapshot,
    };
    let id = post.layer_id(&style);
    let until = SystemTime::now() + posting.lifetime;
    let status = if server.layers.extend_posted(&id, until) {
        StatusCode::OK
    } else {
        let name = body.name.unwrap_or_else(|| id.clone());
        let backend = Arc::clone(&posting.backend);
        let source = match posting.source.open(post).await? {
            OpenedQuery::Live(rows) => {
                LayerSource::Live(LiveLayer::new(&name, style, rows, backend))
            }
            OpenedQuery::InMemory(points) => {
                let layer = Layer::new(&name, points, style, backend);
                check_own_style(&layer, server.config.deadline).map_err(|e| {
                    let message = format!("style: {e}");
                    ApiError::with_status(StatusCode::UNPROCESSABLE_ENTITY, message)
                })?;
                LayerSource::in_memory(layer.within(server.layers.budget()))
            }
        };
        // Hashing the points of a large layer takes long, so it is done on a blocking thread.
        let budget = Arc::clone(server.layers.budget());
        let served = spawn_blocking(move || ServedLayer::new(source, None, &budget)).await;
        let served = served.map_err(|_| ApiError::internal())?;
        let layers = &server.layers;
        if !layers.insert_posted(&id, until, posting.most, served) {
            return Err(ApiError::unavailable(
                "there are as many posted layers as there may be; some will expire",
            ));
        }
        StatusCode::CREATED
    };
    let made = PostedLayer {
        id: &id,
        tilejson: format!("{base}/{id}"),
        tiles: format!("{base}/{id}/{{z}}/{{x}}/{{y}}.png"),
        legend: format!("{base}/{id}/legend.json"),
        gdal: format!("{base}/{id}/gdal.xml"),
        expires: unix_seconds(until),
        warnings,
    };
    let body = serde_json::to_string(&made).map_err(|_| ApiError::internal())?;
    let mut response = json(status, body);
    if let Ok(location) = HeaderValue::try_from(format!("/{id}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

impl From<PostError> for ApiError {
    fn from(error: PostError) -> Self {
        let message = error.to_string();
        match error {
            PostError::Source(error) => error.into(),
            PostError::Deadline(_) => Self::with_status(StatusCode::GATEWAY_TIMEOUT, message),
            PostError::TooMuch(_) => Self::with_status(StatusCode::UNPROCESSABLE_ENTITY, message),
            PostError::Query(_) => Self::bad_request(message),
        }
    }
}

/// Parses the posted style. It is one of two things:
///
/// * a JSON object of style parameters
/// * the configuration of another heat map: as JSON, or as a JSON string that contains its text
///
/// Also returns a list of warnings, one for each part of a configuration that could not be
/// converted.
pub(super) fn parse_style(given: &serde_json::Value) -> Result<(Style, Vec<String>), ApiError> {
    let import = |text: &str| {
        let imported = import::style(text);
        let imported = imported.map_err(|e| ApiError::bad_request(format!("style: {e}")))?;
        Ok((imported.style, imported.warnings))
    };
    let parameters = match given {
        serde_json::Value::Null => return Ok((Style::default(), Vec::new())),
        serde_json::Value::String(text) => return import(text),
        serde_json::Value::Object(parameters) => parameters,
        other => return import(&other.to_string()),
    };
    let is_ours = |name: &String| Style::PARAMETERS.contains(&name.as_str());
    if !parameters.is_empty() && !parameters.keys().any(is_ours) {
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
    set.map_err(|e| ApiError::bad_request(format!("style: {e}")))?;
    Ok((style, Vec::new()))
}

/// Returns an error if the style has `precision=exact`. The time of such a picture grows with the
/// number of points, so only the operator of the server may choose it.
pub(super) fn refuse_exact(style: &Style) -> Result<(), ApiError> {
    match style.precision() {
        Precision::Exact => Err(ApiError::bad_request(
            "style: precision=exact is for layers that the server is started with: leave it out",
        )),
        _ => Ok(()),
    }
}

fn is_authorized(token: &BearerToken, headers: &HeaderMap) -> bool {
    layer_keys::bearer(headers).is_some_and(|given| token.matches(given))
}

fn unauthorized() -> Response {
    let message = "posting layers needs the header Authorization: Bearer TOKEN";
    let mut response = ApiError::with_status(StatusCode::UNAUTHORIZED, message).into_response();
    let scheme = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}

/// Returns true if the request's `Content-Type` is JSON. Forms and plain text are refused: a
/// browser lets any web page send these to any server without a CORS preflight.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_post_is_drawn_exactly() {
        for (given, refused) in [
            (serde_json::json!({"precision": "exact"}), true),
            (serde_json::json!({"precision": "fast", "radius": 9}), false),
            (serde_json::json!("radius=9px&precision=exact"), true),
        ] {
            let (style, _) = parse_style(&given).unwrap();
            assert_eq!(refuse_exact(&style).is_err(), refused, "{given}");
        }
    }
}
