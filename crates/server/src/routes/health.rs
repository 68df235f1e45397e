//! `/health` and `/ready`: probes by which a supervisor learns that the server runs, and that it
//! has loaded its layers.

use crate::http::response::json;
use crate::layers::layer_id::LayerId;
use crate::state::Server;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// The body of `/ready`. Empty lists are left out.
#[derive(Serialize)]
struct Readiness<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    /// The ids of layers whose data are still loading.
    loading: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    /// The ids of layers whose database didn't answer its last query.
    away: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    /// The ids of layers whose source can't be read.
    failed: Vec<&'a str>,
}

/// Answers 200 with a fixed body. The fact that there is an answer shows that the server runs.
pub(crate) async fn health() -> Response {
    no_store(json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned()))
}

/// Answers 200 if the data of every layer are loaded, and 503 while layers load and while the
/// server is being stopped. The body has the ids of three kinds of layers: those that are loading,
/// those whose database doesn't answer, and those whose source can't be read. Layers of the last
/// two kinds don't make the server unready: only requests for them fail, with 503, until the source
/// is back.
pub(crate) async fn ready(State(server): State<Arc<Server>>) -> Response {
    let (loaded, loading) = server.layers.all();
    let away = loaded
        .iter()
        .filter(|(_, served)| served.is_away() == Some(true));
    // Only layers that are open without a key are named, since a name may be as secret as the
    // layer.
    let is_named = |id: &&LayerId| server.layers.is_open(id, &[]);
    let away = away.map(|(id, _)| id).filter(is_named);
    let away: Vec<_> = away.map(LayerId::as_str).collect();
    let failed = server.layers.failed();
    let failed = failed.iter().filter(is_named);
    let failed: Vec<_> = failed.map(LayerId::as_str).collect();
    let (code, status) = match (server.stop.is_stopping(), loading.is_empty()) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "loading"),
        (false, true) => (StatusCode::OK, "ready"),
    };
    let named = loading.iter().filter(is_named);
    let loading: Vec<_> = named.map(LayerId::as_str).collect();
    let readiness = Readiness {
        status,
        loading,
        away,
        failed,
    };
    let body = serde_json::to_string(&readiness).unwrap_or_default();
    let mut response = no_store(json(code, body));
    if code != StatusCode::OK {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
