//! `/health` and `/ready`: for who watches over the server.

use crate::http::error::json;
use crate::http::router::Server;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// What `/ready` says.
#[derive(Serialize)]
struct Readiness<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    loading: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    away: Vec<&'a str>,
}

/// The server lives.
pub(crate) async fn health() -> Response {
    fresh(json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned()))
}

/// Every layer has been read. A database that is away makes nothing unready: its layers answer
/// 503 for themselves and heal, all others draw. They are named, and nothing else of it is said.
pub(crate) async fn ready(State(server): State<Arc<Server>>) -> Response {
    let (there, loading) = server.layers.all();
    let away = there
        .iter()
        .filter(|(_, served)| served.is_away() == Some(true));
    let away: Vec<_> = away.map(|(id, _)| id.as_str()).collect();
    let loading: Vec<_> = loading.iter().map(|id| id.as_str()).collect();
    let said = Readiness {
        status: if loading.is_empty() {
            "ready"
        } else {
            "loading"
        },
        loading,
        away,
    };
    let body = serde_json::to_string(&said).unwrap_or_default();
    if said.loading.is_empty() {
        return fresh(json(StatusCode::OK, body));
    }
    let mut response = fresh(json(StatusCode::SERVICE_UNAVAILABLE, body));
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn fresh(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
