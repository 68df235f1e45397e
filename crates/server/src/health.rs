//! `/health` and `/ready`: for who watches over the server.

use crate::error::json;
use crate::router::Server;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use std::sync::Arc;

/// The server lives.
pub(crate) async fn health() -> Response {
    fresh(json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned()))
}

/// Every layer can draw.
pub(crate) async fn ready(State(server): State<Arc<Server>>) -> Response {
    let (_, loading) = server.layers.all();
    if loading.is_empty() {
        return fresh(json(StatusCode::OK, r#"{"status":"ready"}"#.to_owned()));
    }
    let loading: Vec<_> = loading.iter().map(|id| id.as_str()).collect();
    let body = serde_json::json!({ "status": "loading", "loading": loading }).to_string();
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
