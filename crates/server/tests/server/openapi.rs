//! Tests of the description of all routes.

use crate::app::{Answer, app, app_with, cities, get, send};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use heatsplat_server::{BearerToken, Registry, Server, ServerConfig, router};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The parameters of an operation, with their references followed.
fn parameters<'a>(document: &'a Value, operation: &'a Value) -> Vec<&'a Value> {
    let listed = operation["parameters"].as_array().unwrap().iter();
    let follow = |parameter: &'a Value| {
        let path = parameter["$ref"].as_str().unwrap();
        document.pointer(path.trim_start_matches('#')).unwrap()
    };
    listed.map(follow).collect()
}

/// A legal value of a parameter, by its description.
fn example(parameter: &Value) -> String {
    let known = match &parameter["example"] {
        Value::Null => &parameter["schema"]["enum"][0],
        known => known,
    };
    match known {
        Value::String(text) => text.replace(' ', "%20"),
        other => other.to_string(),
    }
}

/// The path of an operation with legal values in place of its parameters.
fn filled(document: &Value, path: &str, operation: &Value) -> String {
    let all = parameters(document, operation);
    let fill = |path: String, parameter: &&Value| {
        let mark = format!("{{{}}}", parameter["name"].as_str().unwrap());
        path.replace(&mark, &example(parameter))
    };
    all.iter().fold(path.to_owned(), fill)
}

async fn document(app: &axum::Router) -> Value {
    let answer = get(app, "/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn described_paths_answer_as_described() {
    let app = app();
    let document = document(&app).await;
    let mut answered = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let operation = &operations["get"];
        let all = parameters(&document, operation);
        let query = all.iter().filter(|parameter| parameter["in"] == "query");
        let needed = query.filter(|parameter| parameter["required"] == true);
        let needed: Vec<String> = needed
            .map(|parameter| {
                format!(
                    "{}={}",
                    parameter["name"].as_str().unwrap(),
                    example(parameter)
                )
            })
            .collect();
        let uri = format!(
            "{}?{}",
            filled(&document, path, operation),
            needed.join("&")
        );
        let Answer {
            status,
            headers,
            body,
        } = get(&app, &uri).await;
        // The layer of this test has no times, and another one is still loading.
        let wanted = match path.as_str() {
            "/{layer}/time.json" => StatusCode::NOT_FOUND,
            "/ready" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        };
        assert_eq!(status, wanted, "{uri}: {}", String::from_utf8_lossy(&body));
        let described = &operation["responses"][status.as_str()];
        let described = match described["$ref"].as_str() {
            Some(path) => document.pointer(path.trim_start_matches('#')).unwrap(),
            None => described,
        };
        let kinds = described["content"].as_object().unwrap();
        let kind = headers["content-type"].to_str().unwrap();
        assert!(
            kinds.contains_key(kind) || kinds.contains_key("*/*"),
            "{uri}: {kind}"
        );
        answered += 1;
    }
    assert!(answered >= 42, "{answered}");
}

/// A refusal of an unknown parameter lists those that a route takes.
#[tokio::test]
async fn described_parameters_are_those_that_routes_take() {
    let app = app();
    let document = document(&app).await;
    let mut compared = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let operation = &operations["get"];
        let uri = filled(&document, path, operation);
        let refused = get(&app, &format!("{uri}?nosuch=1")).await;
        let text = String::from_utf8_lossy(&refused.body).into_owned();
        let Some((_, taken)) = text.split_once("unknown parameter `nosuch`; there are ") else {
            continue;
        };
        // The refusal of a tile of OGC API is that of the XYZ route, which takes some more.
        if path.contains("/map/tiles/{set}/{matrix}") {
            continue;
        }
        let taken = taken.split('"').next().unwrap();
        let taken: BTreeSet<&str> = taken.split(", ").collect();
        let all = parameters(&document, operation);
        let described = all.iter().filter(|parameter| parameter["in"] == "query");
        let described: BTreeSet<&str> = described
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(described, taken, "{path}");
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
}

#[tokio::test]
async fn the_description_follows_keys_prefixes_and_sockets() {
    const KEY: &str = "correct-horse-battery";
    let layers = Registry::default();
    layers.put(&layers.announce("open"), cities());
    let id = layers.announce("secret");
    layers.protect(&id, vec![BearerToken::new(KEY).unwrap()]);
    layers.put(&id, cities());
    let config = ServerConfig {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        ..ServerConfig::default()
    };
    let app = router(Arc::new(Server::new(layers, config)));
    let names = |answer: &Answer| {
        let document = answer.json();
        document["components"]["parameters"]["layer"]["schema"]["enum"].clone()
    };
    let closed = get(&app, "/openapi.json").await;
    assert_eq!(names(&closed), serde_json::json!(["open"]));
    assert!(closed.header("vary").contains("authorization"));
    let opened = get(&app, &format!("/openapi.json?key={KEY}")).await;
    assert_eq!(names(&opened), serde_json::json!(["open", "secret"]));
    assert!(opened.header("cache-control").contains("private") && !opened.text().contains(KEY));

    let public = app_with(ServerConfig {
        public_url: Some("https://maps.example.org/heat/".to_owned()),
        admin_listen: Some("127.0.0.1:0".to_owned()),
        ..ServerConfig::default()
    });
    let known = get(&public, "/openapi.json").await;
    let document = known.json();
    assert_eq!(
        document["servers"][0]["url"],
        "https://maps.example.org/heat"
    );
    // Another socket answers the probes, and no layer can be posted.
    assert!(document["paths"]["/health"].is_null() && document["paths"]["/layers"].is_null());
    assert!(document["paths"]["/catalog"]["get"].is_object());
    let again = Request::get("/openapi.json").header("if-none-match", known.header("etag"));
    let again = send(&public, again.body(Body::empty()).unwrap()).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert_eq!(
        get(&public, "/openapi.json?x=1").await.status,
        StatusCode::BAD_REQUEST
    );
}
